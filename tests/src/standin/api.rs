//! What a test can do with a running stand-in: create, ask for codes, read the log, set faults, wait.
//!
//! Every function here is one short visit to the world under its lock. None of them talks HTTP or sleeps.

use std::time::{Duration, Instant};

use super::calls::{Call, Outcome};
use super::faults::Fault;
use super::sts;
use super::totp::{Device, STEP_SECONDS};
use super::world::{Issued, RoleOptions, UserKeys, World};
use super::{Shared, StandIn};

/// Far longer than anything a test waits for; reached only if the test fails.
const WAIT_TIMEOUT: Duration = Duration::from_secs(20);

/// What was waited for did not happen; these are the calls that did.
#[derive(Debug, thiserror::Error)]
#[error("the awaited calls did not arrive within {waited:?}; what arrived: {}", summary(.calls))]
pub struct WaitTimeout {
    /// How long it was waited.
    pub waited: Duration,
    /// The log at the end.
    pub calls: Vec<Call>,
}

/// What exists.
impl StandIn {
    /// Creates a user with a long-term key, or another key for a user that exists.
    pub fn add_user(&self, name: &str) -> UserKeys {
        self.shared.world().add_user(name)
    }

    /// Gives a user a virtual MFA device and returns its serial number, an ARN.
    pub fn add_mfa_device(&self, user: &str) -> String {
        self.shared.world().add_mfa_device(user)
    }

    /// Creates a role, or replaces it, and returns its ARN.
    pub fn add_role(&self, name: &str, options: RoleOptions) -> String {
        self.shared.world().add_role(name, options)
    }

    /// An unsigned JWT for `AssumeRoleWithWebIdentity`, good for an hour.
    pub fn web_identity_token(&self, subject: &str) -> String {
        sts::unsigned_token(subject, self.shared.world().now() + 3600)
    }

    /// Every key that exists, long-term and temporary.
    pub fn issued(&self) -> Vec<Issued> {
        self.shared.world().issued()
    }

    /// Every secret access key and session token, to look for where none may be.
    pub fn secrets(&self) -> Vec<String> {
        let issued = self.issued().into_iter();
        issued.flat_map(|key| [Some(key.secret_access_key), key.session_token]).flatten().collect()
    }
}

/// One-time codes. All of these panic if there is no device of that serial number.
impl StandIn {
    /// A code that is good now and for at least 30 seconds more, and that nobody used or was given before.
    pub fn code(&self, serial: &str) -> String {
        self.shared.world().code(serial).expect("the device was added before")
    }

    /// The code the device shows now, used or not.
    pub fn current_code(&self, serial: &str) -> String {
        self.shared.world().current_code(serial).expect("the device was added before")
    }

    /// The device's seed in base32, for programs that make the codes themselves. They agree with the stand-in as long
    /// as [`StandIn::code`] is not asked for more than two codes in a step.
    pub fn mfa_seed(&self, serial: &str) -> String {
        self.shared.world().devices.get(serial).map(Device::seed_base32).expect("the device was added before")
    }

    /// Seconds until devices show the next code: 1 to 30.
    pub fn seconds_to_next_step(&self) -> u64 {
        self.shared.world().seconds_to_next_step()
    }
}

/// The log.
impl StandIn {
    /// Every call since the start or the last [`StandIn::clear_calls`], in order of arrival.
    pub fn calls(&self) -> Vec<Call> {
        self.shared.world().log.calls().to_vec()
    }

    /// How many calls of `action` arrived, whatever became of them.
    pub fn count(&self, action: &str) -> usize {
        self.shared.world().log.calls().iter().filter(|call| call.action == action).count()
    }

    /// Forgets the log. What was issued and which codes were used is not forgotten.
    pub fn clear_calls(&self) {
        self.shared.world().log.clear();
    }

    /// Blocks until `done` says so of the log, and returns the log; gives up after 20 seconds.
    ///
    /// `done` is asked at once and again whenever a call arrives or is settled. It must not use the stand-in.
    pub fn wait_for(&self, done: impl FnMut(&[Call]) -> bool) -> Result<Vec<Call>, WaitTimeout> {
        self.wait_for_within(WAIT_TIMEOUT, done)
    }

    /// [`StandIn::wait_for`] with another limit.
    pub fn wait_for_within(
        &self,
        limit: Duration,
        mut done: impl FnMut(&[Call]) -> bool,
    ) -> Result<Vec<Call>, WaitTimeout> {
        let started = Instant::now();
        let mut world = self.shared.world();
        loop {
            if done(world.log.calls()) {
                return Ok(world.log.calls().to_vec());
            }
            let left = limit.saturating_sub(started.elapsed());
            if left.is_zero() {
                return Err(WaitTimeout { waited: limit, calls: world.log.calls().to_vec() });
            }
            let woken = self.shared.changed.wait_timeout(world, left);
            (world, _) = woken.unwrap_or_else(std::sync::PoisonError::into_inner);
        }
    }
}

/// What goes wrong.
impl StandIn {
    /// The next `times` calls of `action` suffer `fault`. [`ANY_ACTION`](super::ANY_ACTION) and
    /// [`ALWAYS`](super::ALWAYS) are what they say. Faults of one action happen in the order in which they were set.
    pub fn fault(&self, action: &str, times: u32, fault: Fault) {
        self.shared.world().faults.add(action, times, fault);
    }

    /// Forgets the faults that have not happened, and releases the calls that hang.
    pub fn clear_faults(&self) {
        self.shared.clear_faults();
    }

    /// Lets every call go that hangs now.
    pub fn release(&self) {
        self.shared.release();
    }

    /// Sets the stand-in's clock to `seconds` ahead of the machine's: its `Date` header, what it thinks of
    /// signatures, expirations and one-time codes. Skipping an hour is also how a test lets sessions expire.
    pub fn set_clock_skew(&self, seconds: i64) {
        self.shared.world().clock_skew = seconds;
    }

    /// Every session lasts `seconds` from now on, whatever is asked for; `None` for what is asked for.
    pub fn issue_lifetime(&self, seconds: Option<u32>) {
        self.shared.world().lifetime = seconds.map(i64::from);
    }
}

impl World {
    pub(super) fn issued(&self) -> Vec<Issued> {
        self.keys.iter().map(|key| key.issued.clone()).collect()
    }

    pub(super) fn code(&mut self, serial: &str) -> Option<String> {
        let now = self.now();
        self.devices.get_mut(serial).map(|device| device.fresh_code(now))
    }

    pub(super) fn current_code(&self, serial: &str) -> Option<String> {
        self.devices.get(serial).map(|device| device.current_code(self.now()))
    }

    pub(super) fn seconds_to_next_step(&self) -> u64 {
        (STEP_SECONDS - self.now().rem_euclid(STEP_SECONDS)).unsigned_abs()
    }
}

impl Shared {
    pub(super) fn clear_faults(&self) {
        self.world().faults.clear();
        self.release();
    }
}

fn summary(calls: &[Call]) -> String {
    let line = |call: &Call| match &call.outcome {
        Outcome::Refused { code, .. } => format!("{} ({code})", call.action),
        outcome => format!("{} ({outcome:?})", call.action),
    };
    calls.iter().map(line).collect::<Vec<_>>().join(", ")
}
