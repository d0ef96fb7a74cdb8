//! Leaving the terminal. The only file that uses `daemonize`, so that it can be replaced without touching
//! another. Must run before any thread, runtime or secret exists: it forks.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;

use daemonize::{Daemonize, Outcome};

/// Longest report taken from the daemon, in bytes.
const MAX_REPORT: u64 = 4096;

/// The daemon's way to tell its launcher how starting went.
#[derive(Debug)]
pub struct Report(Option<File>);

/// Which of the two processes this is.
#[derive(Debug)]
pub enum Side {
    /// The launcher, with what the daemon reported; empty when it died without a word.
    Launcher(String),
    /// The daemon.
    Daemon(Report),
}

impl Report {
    /// For an agent that has no launcher.
    pub fn to_nobody() -> Self {
        Self(None)
    }

    /// Tells the launcher, once. A launcher that is gone does not matter.
    pub fn send(&mut self, line: &str) {
        if let Some(mut pipe) = self.0.take() {
            let _ = pipe.write_all(line.as_bytes());
        }
    }
}

/// Splits off a daemon: own session, working directory `/`, standard streams on `/dev/null`. Returns in both
/// processes; in the launcher only after the daemon has reported or died.
pub fn split() -> io::Result<Side> {
    let (reading, writing) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
    let outcome = Daemonize::new().working_directory("/").umask(0o077).execute();
    match outcome {
        Outcome::Child(Ok(_)) => {
            drop(reading);
            Ok(Side::Daemon(Report(Some(File::from(writing)))))
        }
        Outcome::Parent(Ok(_)) => {
            drop(writing);
            read_report(reading).map(Side::Launcher)
        }
        Outcome::Child(Err(error)) | Outcome::Parent(Err(error)) => Err(io::Error::other(error)),
    }
}

fn read_report(pipe: OwnedFd) -> io::Result<String> {
    let mut report = String::new();
    File::from(pipe).take(MAX_REPORT).read_to_string(&mut report)?;
    Ok(report)
}
