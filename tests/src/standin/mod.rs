//! A stand-in for AWS: a real HTTP server on loopback that holds its callers to AWS's rules.
//!
//! It speaks STS so that the product's own SDK, botocore and anything else that signs requests can talk to it: it
//! verifies signatures and one-time codes, refuses a code used twice, expires what it issued, writes down every call,
//! and can be told to be slow, to fail or to lie. It is for tests and the demo; it must never be reachable from
//! another machine, never need one, and never accept what AWS would refuse just because that is easier.
//!
//! ```no_run
//! use aws_vault_tests::standin::{RoleOptions, StandIn};
//!
//! let aws = StandIn::start();
//! let alice = aws.add_user("alice");
//! let serial = aws.add_mfa_device("alice");
//! let admin = aws.add_role("admin", RoleOptions { requires_mfa: true, ..RoleOptions::default() });
//! // … run the product against `aws.url()` with `alice`'s keys, giving it `aws.code(&serial)` …
//! aws.wait_for(|calls| calls.iter().any(|call| call.role_arn.as_ref() == Some(&admin))).unwrap();
//! ```

mod api;
mod authentication;
mod aws_error;
mod calls;
mod clock;
mod constraints;
mod control;
mod faults;
mod random;
mod request;
mod server;
mod sigv4;
mod sts;
#[cfg(test)]
mod testing;
mod totp;
mod world;
mod xml;

use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;

use tokio::sync::{oneshot, watch};

pub use api::WaitTimeout;
pub use calls::{Call, Outcome, Tag};
pub use faults::{ALWAYS, ANY_ACTION, Fault};
pub use world::{Issued, RoleOptions, UserKeys};

use world::World;

/// The account of users and roles unless the builder says otherwise; AWS's documentation uses it too.
const ACCOUNT: &str = "111122223333";
/// The home region unless the builder says otherwise.
const REGION: &str = "us-east-1";

/// A running stand-in. It stops, and drops every connection, when this is dropped.
#[derive(Debug)]
pub struct StandIn {
    shared: Arc<Shared>,
    url: String,
    region: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What a stand-in is before it runs.
#[derive(Clone, Debug)]
pub struct Builder {
    account: String,
    regions: Vec<String>,
}

/// What the server's thread and the test's thread both see.
#[derive(Debug)]
struct Shared {
    world: Mutex<World>,
    /// Signalled whenever a call arrives or is settled.
    changed: Condvar,
    /// Counts the releases of hanging calls.
    released: watch::Sender<u64>,
}

impl StandIn {
    /// Starts one with an empty account in `us-east-1`.
    pub fn start() -> Self {
        Self::builder().start()
    }

    /// Starts one that differs from [`StandIn::start`].
    pub fn builder() -> Builder {
        Builder { account: ACCOUNT.to_owned(), regions: vec![REGION.to_owned()] }
    }

    /// `http://127.0.0.1:PORT`, the endpoint URL of every service.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The home region.
    pub fn region(&self) -> &str {
        &self.region
    }
}

impl Builder {
    /// The account id: twelve digits.
    #[must_use]
    pub fn account(mut self, account: &str) -> Self {
        account.clone_into(&mut self.account);
        self
    }

    /// The home region: what [`StandIn::region`] tells and what requests must be signed for.
    #[must_use]
    pub fn region(mut self, region: &str) -> Self {
        region.clone_into(&mut self.regions[0]);
        self
    }

    /// Another region that requests may be signed for.
    #[must_use]
    pub fn also_region(mut self, region: &str) -> Self {
        self.regions.push(region.to_owned());
        self
    }

    /// Starts it on a free port of 127.0.0.1. It answers when this returns.
    pub fn start(self) -> StandIn {
        let region = self.regions[0].clone();
        let shared = Arc::new(Shared {
            world: Mutex::new(World::new(self.account, self.regions)),
            changed: Condvar::new(),
            released: watch::Sender::new(0),
        });
        let (stop, stopped) = oneshot::channel();
        let (address, thread) = server::spawn(Arc::clone(&shared), stopped);
        let url = format!("http://{address}");
        StandIn { shared, url, region, stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    /// The world, also after a test panicked while it held it: nothing in it is ever left half changed.
    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Lets every call go that hangs now.
    fn release(&self) {
        self.released.send_modify(|count| *count += 1);
    }
}
