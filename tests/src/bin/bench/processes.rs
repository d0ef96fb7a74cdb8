//! Whole processes: what a person waits for.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use aws_vault_tests::binaries;
use aws_vault_tests::standin::RoleOptions;
use aws_vault_tests::world::{PASSPHRASE, World};

use crate::{Effort, Row, Samples, ratio, show};

/// A command that is run over and over.
struct Contender {
    name: String,
    make: Box<dyn Fn() -> Command>,
    samples: Samples,
}

pub(crate) fn rows(effort: Effort) -> Vec<Row> {
    let world = World::alone();
    let agent = world.agent();
    let keys = world.aws.add_user("work");
    world.store_key(&agent, "work", &keys);
    let role = world.aws.add_role("role", RoleOptions::default());
    world.config(&format!("[profile work]\n[profile role]\nsource_profile = work\nrole_arn = {role}\n"));

    let ssh = SshAgent::start(world.home());
    let mut contenders = vec![
        contender("/bin/true", || Command::new("/bin/true")),
        export(&world, "aws-vault export (warm)", binaries::client()),
    ];
    if let Some(ssh) = &ssh {
        let socket = ssh.socket.clone();
        contenders.push(contender("ssh-add -l", move || {
            let mut command = Command::new("ssh-add");
            command.arg("-l").env("SSH_AUTH_SOCK", &socket);
            command
        }));
    }
    for (name, arguments) in [("aws-vault", vec!["export", "role"]), ("mairu", vec!["list-sessions"])] {
        if let Some(path) = on_path(name) {
            let environment = world.environment();
            contenders.push(contender(&format!("{name} found on PATH"), move || {
                let mut command = Command::new(&path);
                command
                    .args(&arguments)
                    .envs(environment.clone())
                    .env("AWS_VAULT_FILE_PASSPHRASE", PASSPHRASE);
                command
            }));
        }
    }
    for round in 0..=effort.runs {
        for contender in &mut contenders {
            let taken = contender.run();
            // The first round warms caches.
            if round > 0 {
                contender.samples.push(taken);
            }
        }
    }
    let mut rows = compare(&contenders);
    drop(agent);
    rows.push(cold(&world, effort));
    rows.push(size());
    rows
}

fn compare(contenders: &[Contender]) -> Vec<Row> {
    let median = |name: &str| {
        let found = contenders.iter().find(|contender| contender.name.starts_with(name));
        found.map(|contender| contender.samples.median())
    };
    let nothing = median("/bin/true").unwrap_or_default();
    let mut rows = Vec::new();
    for contender in contenders {
        let own = contender.samples.median();
        let measured = format!(
            "{} (p90 {}), {:.2} × /bin/true",
            show(own),
            show(contender.samples.quantile(0.9)),
            ratio(own, nothing)
        );
        let what = format!("`{}`, whole process", contender.name);
        if contender.name.ends_with("(warm)") {
            rows.push(Row::judged(what, measured, "≤ 2.5 × /bin/true", ratio(own, nothing) <= 2.5));
            if let Some(ssh) = median("ssh-add") {
                let faster = format!("{:.2} × ssh-add -l", ratio(own, ssh));
                rows.push(Row::judged("the same against `ssh-add -l`", faster, "< 1 ×", own < ssh));
            }
        } else {
            rows.push(Row::plain(what, measured));
        }
    }
    rows
}

/// No agent: start one, open the store, call STS once, print.
fn cold(world: &World, effort: Effort) -> Row {
    let mut samples = Samples::default();
    for _ in 0..(effort.runs / 10).max(5) {
        let mut contender = export(world, "cold", binaries::client());
        samples.push(contender.run());
        let mut end = world.agent_command(&["-k"]);
        let _ = end.stdout(Stdio::null()).status();
        contender.samples = Samples::default();
    }
    let measured = format!("{} (p90 {})", show(samples.median()), show(samples.quantile(0.9)));
    Row::plain("`aws-vault export` with no agent running: start, open store, AssumeRole, print", measured)
}

fn size() -> Row {
    let bytes = binaries::client().metadata().map_or(0, |found| found.len());
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut tree = Command::new("cargo");
    tree.current_dir(root).args([
        "tree",
        "-p",
        "aws-vault",
        "-e",
        "normal,no-proc-macro",
        "--prefix",
        "none",
        "--locked",
    ]);
    let listed =
        tree.output().map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let names = listed.lines().filter_map(|line| line.split(' ').next()).filter(|name| !name.is_empty());
    let packages = names.collect::<std::collections::BTreeSet<_>>().len();
    let measured = format!("{}.{:02} MB, {packages} packages", bytes / 1_000_000, bytes / 10_000 % 100);
    Row::judged("client binary, stripped", measured, "≤ 1.5 MB, ≤ 40", bytes <= 1_500_000 && packages <= 40)
}

fn export(world: &World, name: &str, client: &Path) -> Contender {
    let (client, environment) = (client.to_owned(), world.environment());
    contender(name, move || {
        let mut command = Command::new(&client);
        command.args(["export", "role"]).env_clear().envs(environment.clone());
        command.env("AWS_VAULT_FILE_PASSPHRASE", PASSPHRASE);
        command
    })
}

fn contender(name: &str, make: impl Fn() -> Command + 'static) -> Contender {
    Contender { name: name.to_owned(), make: Box::new(make), samples: Samples::default() }
}

impl Contender {
    fn run(&mut self) -> std::time::Duration {
        let mut command = (self.make)();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let start = Instant::now();
        let ended = command.status();
        let taken = start.elapsed();
        assert!(ended.is_ok_and(|status| status.success()), "{} succeeds", self.name);
        taken
    }
}

fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|directory| directory.join(name)).find(|path| path.is_file())
}

/// A real ssh-agent with one key; ended when dropped.
struct SshAgent {
    socket: PathBuf,
    process: Child,
}

impl SshAgent {
    /// `None` where OpenSSH is not installed.
    fn start(home: &Path) -> Option<Self> {
        let (key, socket) = (home.join("id_ed25519"), home.join("ssh.sock"));
        let quiet = |command: &mut Command| command.stdout(Stdio::null()).stderr(Stdio::null()).status().ok();
        quiet(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key))?;
        let process =
            Command::new("ssh-agent").args(["-D", "-a"]).arg(&socket).stdout(Stdio::null()).spawn().ok()?;
        aws_vault_tests::wait::until("ssh-agent listens", || socket.exists());
        quiet(Command::new("ssh-add").arg("-q").arg(&key).env("SSH_AUTH_SOCK", &socket))?;
        Some(Self { socket, process })
    }
}

impl Drop for SshAgent {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
