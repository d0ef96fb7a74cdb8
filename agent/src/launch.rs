//! Starting, finding and ending: from the command line to a serving agent.

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::rc::Rc;
use std::time::{Duration, Instant};

use aws_vault_protocol::address::{self, AddressError, Surroundings};
use aws_vault_protocol::message::{ENVIRONMENT_REFUSED, Request, Shutdown, ShutdownReason};

use crate::args::{Args, Shell};
use crate::broker::{Broker, Identity};
use crate::daemon::{self, Report, Side};
use crate::endpoint::{self, EndpointError, Tenure};
use crate::failpoint::failpoint;
use crate::lock::Lifetimes;
use crate::server::Interrupt;
use crate::sys::clock::Now;
use crate::sys::harden::{self, CoreLimit, Hardening};
use crate::visitor::{VisitError, Visitor};
use crate::{server, shell, sys, telemetry};

/// An agent that somebody else is starting must answer by then.
const START_PATIENCE: Duration = Duration::from_secs(5);

/// Work on a store that hangs (a network file system) must not keep an ending agent alive longer than this.
const RUNTIME_PATIENCE: Duration = Duration::from_millis(500);

/// How often to look whether it does.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Why the agent could not be started, found or ended.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// No address.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// No place to listen.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The agent that is there cannot be talked to.
    #[error("{socket:?}: {source}")]
    Visit {
        /// Where.
        socket: PathBuf,
        /// Why not.
        source: VisitError,
    },
    /// The command to run cannot be started.
    #[error("{program:?}: {source}")]
    Command {
        /// Which command.
        program: OsString,
        /// What the system said.
        source: std::io::Error,
    },
    /// The daemon ended before it served.
    #[error("the agent ended while starting{}", if .0.is_empty() { String::new() } else { format!(": {}", .0) })]
    Died(String),
    /// The operating system refused.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl LaunchError {
    /// What to do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Address(error) => Some(error.hint()),
            Self::Endpoint(error) => Some(error.hint()),
            Self::Visit { source: VisitError::Nobody, .. } => Some("start one: eval \"$(aws-vault-agent)\""),
            Self::Visit { source: VisitError::Silent, .. } => {
                Some("end it by hand if it is stuck, then try again")
            }
            Self::Visit { .. } => Some("choose another place with -a"),
            Self::Died(_) => Some("see its log, or run it in the foreground: aws-vault-agent -D"),
            Self::Command { .. } | Self::Io(_) => None,
        }
    }

    /// As shells have it: 127 not found, 126 not executable, 1 otherwise.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Command { source, .. } if source.kind() == std::io::ErrorKind::NotFound => 127,
            Self::Command { .. } => 126,
            _ => 1,
        }
    }
}

/// Does what the command line says.
pub fn run(args: &Args) -> Result<ExitCode, LaunchError> {
    let socket = socket(args)?;
    let shell = shell_of(args);
    if args.kill {
        end(&socket)?;
        print(&shell::retract(shell))?;
        return Ok(ExitCode::SUCCESS);
    }
    if !args.command.is_empty() {
        return around_command(args);
    }
    if !args.report
        && let Some(pid) = running(&socket)?
    {
        print(&shell::announce(shell, &socket, pid))?;
        return Ok(ExitCode::SUCCESS);
    }
    leave_secrets_of_the_environment()?;
    harden::close_inherited_files();
    let log = open_log(args);
    let mut hardening = harden::refuse_inspection(CoreLimit::ForGood);
    endpoint::prepare_directory(&socket)?;
    if args.foreground {
        let announce = || print(&shell::announce(shell, &socket, std::process::id()));
        return become_agent(args, &socket, &mut hardening, Report::to_nobody(), None, Some(&announce));
    }
    match daemon::split()? {
        Side::Daemon(report) => become_agent(args, &socket, &mut hardening, report, log, None),
        Side::Launcher(report) => after_start(args, &socket, shell, report.trim()),
    }
}

/// A process keeps the environment it was started with for life, out of reach of any wiping. If a variable
/// that holds a secret is in it, the program starts itself again without it.
fn leave_secrets_of_the_environment() -> std::io::Result<()> {
    use std::os::unix::process::CommandExt;
    if ENVIRONMENT_REFUSED.iter().all(|name| std::env::var_os(name).is_none()) {
        return Ok(());
    }
    let mut again = std::process::Command::new(std::env::current_exe()?);
    again.args(std::env::args_os().skip(1));
    for name in ENVIRONMENT_REFUSED {
        again.env_remove(name);
    }
    Err(again.exec())
}

/// What the launcher does once the daemon serves or has failed.
fn after_start(args: &Args, socket: &Path, shell: Shell, report: &str) -> Result<ExitCode, LaunchError> {
    if args.report {
        if report.is_empty() {
            return Err(LaunchError::Died(String::new()));
        }
        print(&format!("{report}\n"))?;
        return Ok(ExitCode::SUCCESS);
    }
    match report.split(' ').next() {
        Some("ready" | "running") => {}
        Some("failed") => return Err(LaunchError::Died(report.trim_start_matches("failed ").to_owned())),
        _ => return Err(LaunchError::Died(String::new())),
    }
    let patience = Instant::now() + START_PATIENCE;
    loop {
        if let Some(pid) = running(socket)? {
            print(&shell::announce(shell, socket, pid))?;
            return Ok(ExitCode::SUCCESS);
        }
        if Instant::now() > patience {
            return Err(LaunchError::Visit { socket: socket.to_owned(), source: VisitError::Silent });
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// The process id of the agent at a socket, if one answers.
fn running(socket: &Path) -> Result<Option<u32>, LaunchError> {
    match Visitor::visit(socket) {
        Ok(visitor) => Ok(Some(visitor.agent.pid)),
        Err(VisitError::Nobody) => Ok(None),
        Err(source) => Err(LaunchError::Visit { socket: socket.to_owned(), source }),
    }
}

/// Ends the agent at a socket: asked over the socket, and only the very one that answered.
fn end(socket: &Path) -> Result<(), LaunchError> {
    let visit = |source| LaunchError::Visit { socket: socket.to_owned(), source };
    let mut visitor = Visitor::visit(socket).map_err(visit)?;
    let instance = visitor.agent.instance.clone();
    let only_if_instance = Some(instance.clone());
    let request = Shutdown { only_if_instance, reason: ShutdownReason::Asked };
    visitor.ask(&Request::from(request)).map_err(visit)?;
    visitor.wait_until_left();
    // The socket goes last; a new agent may start from then on.
    let patience = Instant::now() + START_PATIENCE;
    while socket.exists() {
        let has_successor = Visitor::visit(socket).is_ok_and(|next| next.agent.instance != instance);
        if has_successor {
            break;
        }
        if Instant::now() > patience {
            return Err(visit(VisitError::Silent));
        }
        std::thread::sleep(LOOK_EVERY);
    }
    Ok(())
}

/// Becomes the agent. Returns when it has ended.
fn become_agent(
    args: &Args,
    socket: &Path,
    hardening: &mut Hardening,
    mut report: Report,
    log: Option<std::fs::File>,
    announce: Option<&dyn Fn() -> std::io::Result<()>>,
) -> Result<ExitCode, LaunchError> {
    telemetry::start(log);
    telemetry::abort_on_panic();
    let result = serve(args, socket, hardening, &mut report, announce);
    if let Err(error) = &result {
        tracing::error!("{error}");
        report.send(&format!("failed {error}"));
    }
    telemetry::flush();
    result
}

fn serve(
    args: &Args,
    socket: &Path,
    hardening: &mut Hardening,
    report: &mut Report,
    announce: Option<&dyn Fn() -> std::io::Result<()>>,
) -> Result<ExitCode, LaunchError> {
    failpoint("start");
    let Some(tenure) = take_office(socket)? else {
        if announce.is_some() {
            let pid = running(socket)?.map_or_else(String::new, |pid| format!(" (process {pid})"));
            return Err(LaunchError::Died(format!("an agent is running already{pid}")));
        }
        report.send("running");
        return Ok(ExitCode::SUCCESS);
    };
    failpoint("locked");
    // After the last fork: it would undo the locking.
    harden::lock_memory(hardening);
    let identity = Identity {
        instance: random_instance()?,
        socket: socket.to_owned(),
        hardening: *hardening,
        started: Now::read(),
    };
    let lifetimes = Lifetimes { total: args.lifetime, idle: args.idle };
    let broker = Broker::new(identity, lifetimes)?;
    let runtime = runtime()?;
    let served = runtime.block_on(tokio::task::LocalSet::new().run_until(async {
        let listener = tenure.listen()?;
        failpoint("bound");
        tenure.publish()?;
        failpoint("published");
        report.send(&format!("ready {} {}", std::process::id(), broker.identity().instance));
        if let Some(announce) = announce {
            announce()?;
        }
        failpoint("ready");
        tracing::info!(version = env!("CARGO_PKG_VERSION"), ?socket, "serving");
        server::run(Rc::clone(&broker), listener, Interrupt::Ends, || tenure.keep_published()).await?;
        tracing::info!("ended");
        Ok::<(), LaunchError>(())
    }));
    runtime.shutdown_timeout(RUNTIME_PATIENCE);
    tenure.leave();
    served.map(|()| ExitCode::SUCCESS)
}

/// Takes the right to be the agent; `None` when another one is. An agent that is ending answers nobody and
/// keeps the right until it has left: that is waited for.
fn take_office(socket: &Path) -> Result<Option<Tenure>, LaunchError> {
    let patience = Instant::now() + START_PATIENCE;
    loop {
        if let Some(tenure) = endpoint::take_office(socket)? {
            return Ok(Some(tenure));
        }
        // Somebody may have removed the public name of the agent that is there.
        if !endpoint::is_published(socket) {
            let _ = endpoint::publish(socket);
        }
        match running(socket) {
            Ok(None) if Instant::now() < patience => std::thread::sleep(LOOK_EVERY),
            // One answers, or whoever asks for it will hear why none does.
            _ => return Ok(None),
        }
    }
}

/// Runs a command with an agent of its own, which ends with it.
fn around_command(args: &Args) -> Result<ExitCode, LaunchError> {
    // Under the usual directory, whatever AWS_VAULT_AGENT_SOCK says: the agent of this very command.
    let usual = usual_socket(None)?;
    let directory = usual.with_file_name(format!("command-{}", std::process::id()));
    let socket = directory.join("agent.sock");
    let mut hardening = harden::refuse_inspection(CoreLimit::OfThisProcess);
    endpoint::prepare_directory(&socket)?;
    telemetry::start(open_log(args));
    telemetry::abort_on_panic();
    let Some(tenure) = endpoint::take_office(&socket)? else {
        return Err(LaunchError::Died("its socket is taken".to_owned()));
    };
    harden::lock_memory(&mut hardening);
    let identity =
        Identity { instance: random_instance()?, socket: socket.clone(), hardening, started: Now::read() };
    let broker = Broker::new(identity, Lifetimes { total: args.lifetime, idle: args.idle })?;
    let runtime = runtime()?;
    let status = runtime.block_on(tokio::task::LocalSet::new().run_until(async {
        let listener = tenure.listen()?;
        tenure.publish()?;
        let command = |source| LaunchError::Command { program: args.command[0].clone(), source };
        let mut child = tokio::process::Command::new(&args.command[0])
            .args(&args.command[1..])
            .env(address::SOCKET_VARIABLE, &socket)
            .env(address::PID_VARIABLE, std::process::id().to_string())
            .spawn()
            .map_err(command)?;
        let serving =
            server::run(Rc::clone(&broker), listener, Interrupt::IsForTheCommand, || tenure.keep_published());
        tokio::pin!(serving);
        let status = tokio::select! {
            status = child.wait() => status?,
            ended = &mut serving => { ended?; child.wait().await? }
        };
        broker.end();
        Ok::<_, LaunchError>(status)
    }));
    runtime.shutdown_timeout(RUNTIME_PATIENCE);
    tenure.leave();
    telemetry::flush();
    let _ = std::fs::remove_dir_all(&directory);
    status.map(exit_code)
}

/// The child's own code, or 128 plus the signal that ended it, as shells have it.
fn exit_code(status: std::process::ExitStatus) -> ExitCode {
    use std::os::unix::process::ExitStatusExt;
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1);
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        // Stores and files only; more threads would wait for the same disk.
        .max_blocking_threads(4)
        // A thread's stack may hold what library code left there; let it go soon.
        .thread_keep_alive(Duration::from_secs(1))
        .build()
}

fn socket(args: &Args) -> Result<PathBuf, LaunchError> {
    Ok(usual_socket(args.address.as_deref())?)
}

fn usual_socket(explicit: Option<&str>) -> Result<PathBuf, AddressError> {
    let variable = |name| std::env::var(name).ok();
    let run_user = format!("/run/user/{}", sys::user_id());
    address::unix_socket(Surroundings {
        explicit,
        xdg_runtime_dir: variable("XDG_RUNTIME_DIR").as_deref(),
        run_user_dir: sys::files::is_own_directory(Path::new(&run_user)).then_some(&run_user),
        home: variable("HOME").as_deref(),
        host: &sys::host_name(),
    })
}

fn shell_of(args: &Args) -> Shell {
    let asked = match (args.sh, args.csh) {
        (true, _) => Some(Shell::Sh),
        (_, true) => Some(Shell::Csh),
        _ => args.shell,
    };
    shell::choose(asked, std::env::var("SHELL").ok().as_deref())
}

/// The log file; an agent without one still serves.
fn open_log(args: &Args) -> Option<std::fs::File> {
    let variable = |name| std::env::var(name).ok();
    let usual =
        || telemetry::default_path(variable("XDG_STATE_HOME").as_deref(), variable("HOME").as_deref());
    let path = args.log.clone().or_else(usual)?;
    telemetry::open(&path).ok()
}

fn random_instance() -> std::io::Result<String> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(std::io::Error::from)?;
    Ok(u128::from_le_bytes(bytes)).map(|number| format!("{number:032x}"))
}

/// Standard output is this program's product: commands for a shell.
fn print(text: &str) -> std::io::Result<()> {
    let mut output = std::io::stdout().lock();
    output.write_all(text.as_bytes())?;
    output.flush()
}
