//! Starting the agent when nobody answers: once, however many clients find out at the same time. The start
//! lock is held while one client starts it; the others wait and then find it running. Never removes a
//! socket: the agent knows from its own lock whether one is stale.

use std::env;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use aws_vault_protocol::address::start_lock;
use aws_vault_protocol::message::ENVIRONMENT_REFUSED;
use interprocess::os::unix::uds_local_socket::Stream;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::io::Errno;

use crate::address::user_id;
use crate::connection::{ConnectionError, dial};
use crate::output;

/// Name of the agent's program, beside the client's.
const AGENT_PROGRAM: &str = "aws-vault-agent";

/// How long another client may hold the start lock.
const LOCK_TIMEOUT: Duration = Duration::from_secs(10);
/// How often the start lock is tried.
const LOCK_PAUSE: Duration = Duration::from_millis(10);
/// After this long a person is told what is being waited for.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long an agent may take until it says how starting went.
const REPORT_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest report, in bytes.
const MAX_REPORT: usize = 4096;
/// A second agent may need a moment between taking over a name and listening.
const DIAL_TIMEOUT: Duration = Duration::from_secs(2);
/// Pause between attempts to reach an agent that says it is there.
const DIAL_PAUSE: Duration = Duration::from_millis(50);
/// How often starting is tried when the agent dies without a word.
const ATTEMPTS: u32 = 2;

/// Why no agent could be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The program is not where it should be.
    #[error("the agent's program {path:?} is missing")]
    NoProgram {
        /// Where it should be.
        path: PathBuf,
    },
    /// The socket's directory is not for this user alone.
    #[error("the directory {path:?} is {what}")]
    Directory {
        /// Which one.
        path: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
    /// Another client has been starting an agent for too long.
    #[error("another aws-vault has been starting the agent for {} seconds", LOCK_TIMEOUT.as_secs())]
    LockTaken,
    /// The agent said why it could not start.
    #[error("the agent could not start: {0}")]
    Failed(String),
    /// The agent died, or said nothing in time.
    #[error("the agent {0}")]
    Silent(&'static str),
    /// The agent says that it is there, and is not.
    #[error("the agent says it is running, but nobody answers at {socket:?}")]
    NotThere {
        /// Where.
        socket: PathBuf,
    },
    /// The operating system refused.
    #[error("{path:?}: {source}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// What the agent's launcher said.
#[derive(Debug, PartialEq, Eq)]
enum Report {
    /// An agent listens.
    Running,
    /// Starting failed, in the agent's words.
    Failed(String),
    /// It died.
    Nothing,
    /// It neither died nor spoke.
    TooLate,
}

impl StartError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoProgram { .. } => Some("install aws-vault-agent beside aws-vault".to_owned()),
            Self::Directory { path, .. } => Some(format!("ls -ld {0}; chmod 700 {0}", path.display())),
            Self::LockTaken => Some("see why it does not start: aws-vault-agent -D".to_owned()),
            Self::Silent(_) | Self::NotThere { .. } => Some("see why: aws-vault-agent -D".to_owned()),
            Self::Failed(_) | Self::Io { .. } => None,
        }
    }
}

/// The agent's program: beside this one, behind any symbolic link.
pub fn agent_program() -> Result<PathBuf, StartError> {
    let own = env::current_exe().and_then(fs::canonicalize);
    let own = own.map_err(|source| StartError::Io { path: PathBuf::from("/proc/self/exe"), source })?;
    let path = own.with_file_name(AGENT_PROGRAM);
    if path.is_file() { Ok(path) } else { Err(StartError::NoProgram { path }) }
}

/// Starts the agent, unless somebody else has by the time it is our turn, and connects to it.
pub fn start_and_dial(socket: &Path, program: &Path) -> Result<Stream, ConnectionError> {
    dial::check_vacant(socket)?;
    prepare_directory(socket.parent().unwrap_or(Path::new("/")))?;
    let _lock = take_lock(&start_lock(socket))?;
    if let Some(stream) = dial::dial(socket, Instant::now() + DIAL_TIMEOUT)? {
        return Ok(stream);
    }
    dial::check_vacant(socket)?;
    start(socket, program)?;
    dial_started(socket)
}

fn dial_started(socket: &Path) -> Result<Stream, ConnectionError> {
    let deadline = Instant::now() + DIAL_TIMEOUT;
    loop {
        if let Some(stream) = dial::dial(socket, deadline)? {
            return Ok(stream);
        }
        if Instant::now() >= deadline {
            return Err(StartError::NotThere { socket: socket.to_owned() }.into());
        }
        thread::sleep(DIAL_PAUSE);
    }
}

fn start(socket: &Path, program: &Path) -> Result<(), StartError> {
    for attempt in 1.. {
        match spawn(socket, program)? {
            Report::Running => return Ok(()),
            Report::Failed(text) => return Err(StartError::Failed(text)),
            Report::TooLate => return Err(StartError::Silent("did not say in time how starting went")),
            Report::Nothing if attempt < ATTEMPTS => {}
            Report::Nothing => break,
        }
    }
    Err(StartError::Silent("died while it started"))
}

fn spawn(socket: &Path, program: &Path) -> Result<Report, StartError> {
    let io = |source| StartError::Io { path: program.to_owned(), source };
    let mut launcher = Command::new(program);
    for name in ENVIRONMENT_REFUSED {
        // An environment cannot be wiped: what is a secret must not lie in the agent's for as long as it runs.
        launcher.env_remove(name);
    }
    let mut launcher = launcher
        .args(["--report", "-a"])
        .arg(socket)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(io)?;
    let report = match launcher.stdout.take() {
        Some(pipe) => read_report(pipe).map_err(io)?,
        None => Report::Nothing,
    };
    // A launcher that has reported ends by itself; one that has not is ours to end.
    if report == Report::TooLate {
        launcher.kill().map_err(io)?;
    }
    launcher.wait().map_err(io)?;
    Ok(report)
}

/// Reads until the end of the first line or of the pipe.
fn read_report(mut pipe: ChildStdout) -> io::Result<Report> {
    let deadline = Instant::now() + REPORT_TIMEOUT;
    let mut text = Vec::new();
    let mut space = [0; 512];
    while !text.contains(&b'\n') && text.len() < MAX_REPORT {
        let left = Timespec::try_from(deadline.saturating_duration_since(Instant::now()));
        let ready = match poll(&mut [PollFd::new(&pipe, PollFlags::IN)], left.ok().as_ref()) {
            Err(Errno::INTR) => continue,
            ready => ready?,
        };
        if ready == 0 {
            return Ok(Report::TooLate);
        }
        match pipe.read(&mut space)? {
            0 => break,
            count => text.extend_from_slice(&space[..count]),
        }
    }
    Ok(understand(&String::from_utf8_lossy(&text)))
}

fn understand(text: &str) -> Report {
    let line = text.lines().next().unwrap_or_default().trim();
    match line.split_once(' ').unwrap_or((line, "")) {
        ("ready" | "running", _) => Report::Running,
        ("failed", why) => Report::Failed(why.to_owned()),
        _ => Report::Nothing,
    }
}

/// Makes sure that nobody else can put something in the socket's place. The agent checks the same.
fn prepare_directory(path: &Path) -> Result<(), StartError> {
    let io = |source| StartError::Io { path: path.to_owned(), source };
    let wrong = |what| Err(StartError::Directory { path: path.to_owned(), what });
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(io)?;
    let found = fs::symlink_metadata(path).map_err(io)?;
    if !found.is_dir() {
        return wrong("not a directory");
    }
    if found.uid() != user_id() {
        return wrong("not yours");
    }
    if found.mode() & 0o077 != 0 {
        return wrong("open to other users");
    }
    Ok(())
}

/// Takes the start lock, for as long as the file is open.
fn take_lock(path: &Path) -> Result<File, StartError> {
    let io = |source| StartError::Io { path: path.to_owned(), source };
    let no_links = OFlags::NOFOLLOW.bits().cast_signed();
    let mut options = fs::OpenOptions::new();
    let file = options.write(true).create(true).mode(0o600).custom_flags(no_links).open(path).map_err(io)?;
    let begun = Instant::now();
    let mut told = !output::remarks_are_watched();
    loop {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(file),
            Err(Errno::WOULDBLOCK | Errno::INTR) => {}
            Err(error) => return Err(io(error.into())),
        }
        if begun.elapsed() > LOCK_TIMEOUT {
            return Err(StartError::LockTaken);
        }
        if !told && begun.elapsed() > PATIENCE {
            output::remark("waiting for another aws-vault to start the agent");
            told = true;
        }
        thread::sleep(LOCK_PAUSE);
    }
}

#[cfg(test)]
mod tests;
