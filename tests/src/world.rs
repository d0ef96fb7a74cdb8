//! A home of its own for one test: directories, environment, an AWS stand-in, and the agents and clients that run in it.
//! Nothing of the machine's user is read or written. When a world ends well it is searched for secrets; when a test
//! fails it shows the agent's log.

mod agent;

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use aws_vault_protocol::message::{Add, Caller, GetCredentials, Interaction, StoreChoice};
use aws_vault_protocol::secret::{Passphrase, SecretAccessKey};
use rustix::process::Signal;
use tempfile::TempDir;

use crate::binaries;
use crate::capture::{self, Captured};
use crate::leaks;
use crate::process;
use crate::standin::{StandIn, UserKeys};
use crate::wait::until;

pub use agent::Agent;

/// Opens every world's store.
pub const PASSPHRASE: &str = "test passphrase";

/// Held shared by every world, alone by those that measure time: with two cores, sixty-four processes of a neighbour
/// would be measured instead of the agent.
static MACHINE: RwLock<()> = RwLock::new(());

/// One test's surroundings. A test has one at most.
#[derive(Debug)]
pub struct World {
    /// AWS.
    pub aws: StandIn,
    home: TempDir,
    record: Arc<Record>,
    _turn: Turn,
}

#[derive(Debug)]
enum Turn {
    Shared { _guard: RwLockReadGuard<'static, ()> },
    Alone { _guard: RwLockWriteGuard<'static, ()> },
}

/// What must be searched for secrets, and for which.
#[derive(Debug, Default)]
struct Record {
    papers: Mutex<Vec<(String, Vec<u8>)>>,
    canaries: Mutex<Vec<String>>,
}

impl World {
    /// A world that may run beside others.
    pub fn new() -> Self {
        Self::with(Turn::Shared { _guard: MACHINE.read().unwrap_or_else(PoisonError::into_inner) })
    }

    /// A world beside which no other runs, for tests that measure.
    pub fn alone() -> Self {
        Self::with(Turn::Alone { _guard: MACHINE.write().unwrap_or_else(PoisonError::into_inner) })
    }

    fn with(turn: Turn) -> Self {
        // Now, and not when the first test measures how long the agent takes to start.
        binaries::agent();
        // Not below TMPDIR: a socket's path must be short.
        let home = tempfile::Builder::new().prefix("avt-").tempdir_in("/tmp").expect("/tmp can be written");
        let mut private = fs::DirBuilder::new();
        for directory in ["run", "state", ".aws"] {
            private.mode(0o700).create(home.path().join(directory)).expect("a new directory is empty");
        }
        let record = Arc::new(Record::default());
        lock(&record.canaries).push(PASSPHRASE.to_owned());
        Self { aws: StandIn::start(), home, record, _turn: turn }
    }

    /// The home directory.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Where the agent listens unless told otherwise.
    pub fn socket(&self) -> PathBuf {
        self.home().join("run/aws-vault/agent.sock")
    }

    /// Where the agent logs.
    pub fn log(&self) -> String {
        let read = |file: &str| fs::read_to_string(self.home().join(file)).unwrap_or_default();
        read("state/aws-vault/agent.log") + &read("foreground.log")
    }

    /// Writes the AWS config.
    pub fn config(&self, text: &str) {
        fs::write(self.home().join(".aws/config"), text).expect("the config can be written");
    }

    /// Writes an executable shell script and gives its path.
    pub fn script(&self, name: &str, text: &str) -> PathBuf {
        let path = self.home().join(name);
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).expect("a script can be written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("our own file");
        path
    }

    /// The environment of everything that runs in this world.
    pub fn environment(&self) -> Vec<(String, String)> {
        let path = |name: &str| self.home().join(name).to_string_lossy().into_owned();
        let home = self.home().to_string_lossy().into_owned();
        [
            ("HOME", home),
            ("XDG_RUNTIME_DIR", path("run")),
            ("XDG_STATE_HOME", path("state")),
            ("PATH", "/usr/bin:/bin".to_owned()),
            ("LANG", "C.UTF-8".to_owned()),
            ("COLUMNS", "100".to_owned()),
            ("AWS_VAULT_BACKEND", "file".to_owned()),
            ("AWS_REGION", self.aws.region().to_owned()),
            ("AWS_ENDPOINT_URL_STS", self.aws.url().to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }

    /// A program in this world.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(self.environment()).current_dir(self.home());
        command
    }

    /// `aws-vault-agent` with these arguments.
    pub fn agent_command<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Command {
        let mut command = self.command(binaries::agent());
        command.args(arguments);
        command
    }

    /// Starts the agent as a login script does.
    pub fn agent(&self) -> Agent {
        self.agent_with(&[])
    }

    /// Starts the agent with options.
    ///
    /// # Panics
    /// If it does not start.
    pub fn agent_with(&self, options: &[&str]) -> Agent {
        let captured = capture::run(&mut self.agent_command(options));
        self.remember("agent's launcher", &captured);
        self.announced(captured.expect_success(), None)
    }

    /// Runs an agent in the foreground: `command` is it, or a program that becomes it.
    ///
    /// # Panics
    /// If it does not start.
    pub fn foreground(&self, mut command: Command) -> Agent {
        let log = fs::File::create(self.home().join("foreground.log")).expect("the log can be written");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let mut output = BufReader::new(child.stdout.take().expect("standard output is piped"));
        let mut text = String::new();
        // One line for the socket, one for the process id.
        for _ in 0..2 {
            output.read_line(&mut text).expect("the agent's output can be read");
        }
        self.announced(&text, Some(child))
    }

    fn announced(&self, announcement: &str, child: Option<Child>) -> Agent {
        let value = |name: &str| {
            let line = announcement.lines().find_map(|line| line.strip_prefix(&format!("export {name}=")));
            line.map(|value| value.trim_end_matches(';').trim_matches('\''))
        };
        let pid = value("AWS_VAULT_AGENT_PID").and_then(|pid| pid.parse().ok());
        let (Some(pid), Some(socket)) = (pid, value("AWS_VAULT_AGENT_SOCK")) else {
            panic!("no announcement: {announcement:?}");
        };
        Agent { pid, socket: socket.into(), record: Arc::clone(&self.record), child }
    }

    /// Runs `aws-vault` to its end, without a terminal.
    pub fn client<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Captured {
        let captured = self.client_for_secrets(arguments);
        self.remember("client", &captured);
        captured
    }

    /// Runs an `aws-vault` that is meant to print secrets, such as `export`.
    pub fn client_for_secrets<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Captured {
        let captured = capture::run(&mut self.client_command(arguments));
        lock(&self.record.papers).push(("client's remarks".to_owned(), captured.stderr.clone().into_bytes()));
        captured
    }

    /// `aws-vault` with these arguments, and the store's passphrase in its environment.
    pub fn client_command<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Command {
        let mut command = self.command(binaries::client());
        command.env("AWS_VAULT_FILE_PASSPHRASE", PASSPHRASE).args(arguments);
        command
    }

    /// What a client in this world says about itself: a terminal, and the store's passphrase in its environment.
    pub fn caller(&self) -> Caller {
        let travels =
            |(name, _): &(String, String)| aws_vault_protocol::message::environment_may_travel(name);
        Caller {
            environment: self.environment().into_iter().filter(travels).collect(),
            store: StoreChoice {
                backend: Some("file".to_owned()),
                file_dir: None,
                file_passphrase: Some(Passphrase::copy_from(PASSPHRASE)),
            },
            interaction: Interaction { terminal: true, ..Interaction::default() },
            home: Some(self.home().to_string_lossy().into_owned()),
        }
    }

    /// [`World::caller`] without the passphrase, so that it must be asked for.
    pub fn caller_without_passphrase(&self) -> Caller {
        let mut caller = self.caller();
        caller.store.file_passphrase = None;
        caller
    }

    /// A request for a profile's credentials.
    pub fn get(&self, profile: &str) -> GetCredentials {
        GetCredentials {
            caller: self.caller(),
            profile: profile.to_owned(),
            region: None,
            duration_seconds: 0,
            no_session: false,
            mfa_token: None,
        }
    }

    /// A request to store long-term credentials.
    pub fn add(&self, profile: &str, keys: &UserKeys) -> Add {
        Add {
            caller: self.caller(),
            profile: profile.to_owned(),
            access_key_id: keys.access_key_id.clone(),
            secret_access_key: SecretAccessKey::copy_from(&keys.secret_access_key),
            mfa_serial: None,
            add_config: false,
        }
    }

    /// Stores long-term credentials through a running agent.
    ///
    /// # Panics
    /// If the agent refuses.
    pub fn store_key(&self, agent: &Agent, profile: &str, keys: &UserKeys) {
        agent.connect().ask(self.add(profile, keys)).expect("credentials can be stored");
    }

    /// A fresh one-time code, which from now on must not be found anywhere.
    pub fn code(&self, serial: &str) -> String {
        let code = self.aws.code(serial);
        self.canary(&code);
        code
    }

    /// Something else that must not be found anywhere.
    pub fn canary(&self, text: &str) {
        lock(&self.record.canaries).push(text.to_owned());
    }

    /// Everything that was printed or can be seen of processes, by where it was.
    pub fn papers(&self) -> Vec<(String, Vec<u8>)> {
        lock(&self.record.papers).clone()
    }

    /// The agents of this world that run now, whoever started them.
    pub fn agents_alive(&self) -> Vec<u32> {
        process::mentioning("aws-vault-agent", &self.home().to_string_lossy())
    }

    fn remember(&self, who: &str, captured: &Captured) {
        let mut papers = lock(&self.record.papers);
        papers.push((format!("{who}'s output"), captured.stdout.clone().into_bytes()));
        papers.push((format!("{who}'s remarks"), captured.stderr.clone().into_bytes()));
    }
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let _ = writeln!(std::io::stderr(), "the agent's log:\n{}", self.log());
            // Whoever should have ended them did not get that far.
            self.agents_alive().into_iter().for_each(|pid| process::send(pid, Signal::KILL));
            return;
        }
        until("no agent is left behind", || self.agents_alive().is_empty());
        let canaries = [self.aws.secrets(), lock(&self.record.canaries).clone()].concat();
        leaks::assert_no_secrets(self, &canaries);
    }
}

/// Also after a thread panicked while it held it: nothing in it is ever left half changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
