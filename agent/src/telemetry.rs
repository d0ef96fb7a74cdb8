//! The log: one line per credentials issued, and what went wrong. Never a secret, never a frame, never a
//! config value. A file of the user alone, or standard error in the foreground.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

/// A log that has grown beyond this many bytes becomes `agent.log.1` at the next start.
const ROTATE_AT: u64 = 1024 * 1024;

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
            let layer = fmt::layer().with_ansi(false).with_writer(Mutex::new(file)).with_filter(ours);
            registry.with(layer).init();
        }
        None => registry.with(fmt::layer().with_ansi(false).with_writer(io::stderr).with_filter(ours)).init(),
    }
}

/// A panic says where, never what, and ends the process: no half-alive agent with secrets in it.
pub fn abort_on_panic() {
    std::panic::set_hook(Box::new(|panic| {
        if let Some(place) = panic.location() {
            tracing::error!("internal error at {}:{}", place.file(), place.line());
        }
        std::process::abort();
    }));
}
