//! The log: one line per credentials issued, and what went wrong. Never a secret, never a frame, never a
//! config value. A file of the user alone, or standard error in the foreground.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

/// A log that has grown beyond this many bytes becomes `agent.log.1` at the next start.
const ROTATE_AT: u64 = 1024 * 1024;

/// Lines wait this long before they are written, so that a reply never waits for a disk.
const WRITE_AFTER: Duration = Duration::from_millis(50);

/// Lines that wait may take this many bytes; more are written at once.
const MAX_WAITING: usize = 64 * 1024;

static LOG: Log = Log(Mutex::new(Waiting { file: None, lines: Vec::new() }));
static WRITTEN_TO: LazyLock<Notify> = LazyLock::new(Notify::new);

/// The log file, with what is still to be written to it.
struct Log(Mutex<Waiting>);

struct Waiting {
    file: Option<File>,
    lines: Vec<u8>,
}

/// Where the log goes unless told otherwise: `$XDG_STATE_HOME/aws-vault/agent.log`.
pub fn default_path(state_home: Option<&str>, home: Option<&str>) -> Option<PathBuf> {
    let set = |value: Option<&str>| value.filter(|text| !text.is_empty()).map(PathBuf::from);
    let state = set(state_home).or_else(|| set(home).map(|home| home.join(".local/state")))?;
    Some(state.join("aws-vault/agent.log"))
}

/// Opens the log file, private to the user.
pub fn open(path: &Path) -> io::Result<File> {
    if let Some(directory) = path.parent() {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    }
    if path.metadata().is_ok_and(|found| found.len() > ROTATE_AT) {
        std::fs::rename(path, path.with_extension("log.1"))?;
    }
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}

/// Starts logging. Only our own lines: libraries may log what they send.
pub fn start(file: Option<File>) {
    let ours = Targets::new().with_target("aws_vault_agent", Level::INFO);
    let registry = tracing_subscriber::registry();
    match file {
        Some(file) => {
            LOG.waiting().file = Some(file);
            registry.with(fmt::layer().with_ansi(false).with_writer(|| &LOG).with_filter(ours)).init();
        }
        None => registry.with(fmt::layer().with_ansi(false).with_writer(io::stderr).with_filter(ours)).init(),
    }
}

/// Writes lines a moment after they came. Runs as long as the agent serves.
pub async fn write_in_background() {
    loop {
        WRITTEN_TO.notified().await;
        tokio::time::sleep(WRITE_AFTER).await;
        flush();
    }
}

/// Writes what waits. A log that cannot be written does not stop the agent.
pub fn flush() {
    let _ = LOG.waiting().write();
}

impl Log {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn write(&mut self) -> io::Result<()> {
        let lines = std::mem::take(&mut self.lines);
        self.file.as_ref().map_or(Ok(()), |mut file| file.write_all(&lines))
    }
}

impl Write for &Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut waiting = self.waiting();
        waiting.lines.extend_from_slice(line);
        if waiting.lines.len() > MAX_WAITING {
            waiting.write()?;
        }
        WRITTEN_TO.notify_one();
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A panic says where, never what, and ends the process: no half-alive agent with secrets in it.
pub fn abort_on_panic() {
    std::panic::set_hook(Box::new(|panic| {
        if let Some(place) = panic.location() {
            tracing::error!("internal error at {}:{}", place.file(), place.line());
        }
        flush();
        std::process::abort();
    }));
}
