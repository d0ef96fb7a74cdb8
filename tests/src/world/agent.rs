//! A running agent as a test holds it: how to reach it, to hurt it and to end it.

use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::Arc;

use aws_vault_protocol::message::{Request, Shutdown, ShutdownReason};
use rustix::process::Signal;

use super::{Record, lock};
use crate::herd::Waiting;
use crate::process;
use crate::raw_client::RawClient;
use crate::wait::until;

/// A running agent; ended when dropped.
#[derive(Debug)]
pub struct Agent {
    pub(super) pid: u32,
    pub(super) socket: PathBuf,
    pub(super) record: Arc<Record>,
    /// Of an agent in the foreground.
    pub(super) child: Option<Child>,
}

impl Agent {
    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Where it listens.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// A new client of it.
    ///
    /// # Panics
    /// If it does not say hello.
    pub fn connect(&self) -> RawClient {
        RawClient::connect(&self.socket).unwrap_or_else(|error| panic!("connecting: {error}"))
    }

    /// A new client that waits for the answer to a request.
    pub fn waiting(&self, request: impl Into<Request>) -> Waiting {
        Waiting::new(self.connect(), request)
    }

    /// Whether it runs.
    pub fn is_alive(&self) -> bool {
        process::is_alive(self.pid)
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        process::send(self.pid, signal);
    }

    /// Ends it at once, as the kernel would when memory is short, and waits until it has gone.
    pub fn kill(&self) {
        self.signal(Signal::KILL);
        until("the killed agent is gone", || !self.is_alive());
    }

    fn ask_to_end(&self) -> bool {
        let request = Shutdown { only_if_instance: None, reason: ShutdownReason::Asked };
        RawClient::connect(&self.socket)
            .is_ok_and(|mut client| client.agent.pid == self.pid && client.ask(request).is_ok())
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        if self.is_alive() {
            let papers =
                (format!("agent {}'s arguments and environment", self.pid), process::papers(self.pid));
            lock(&self.record.papers).push(papers);
            // After a failure it may be stopped or stuck; politeness is for those that passed.
            if std::thread::panicking() || !self.ask_to_end() {
                self.signal(Signal::KILL);
            }
        }
        if let Some(child) = &mut self.child {
            let _ = child.wait();
        } else if !std::thread::panicking() {
            until("the agent is gone", || !self.is_alive());
        }
    }
}
