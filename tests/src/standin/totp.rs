//! Virtual MFA devices: RFC 6238 with SHA-1, six digits and 30-second steps, as AWS uses it.
//!
//! A device accepts the code of the current step and of its neighbours, and each step once. It never accepts a code
//! a second time, because a program that sends the same code twice is the mistake this is here to catch.

use std::collections::BTreeSet;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;

use super::random;

/// Seconds per code (RFC 6238 §4, and AWS's virtual devices).
pub(super) const STEP_SECONDS: i64 = 30;
/// Bytes of a device's seed: the length of a SHA-1 key (RFC 4226 §4, R6), and a multiple of five for base32.
const SEED_BYTES: usize = 20;

/// One registered device and what it has already accepted.
#[derive(Debug)]
pub(super) struct Device {
    /// The user it belongs to.
    pub(super) user: String,
    seed: Vec<u8>,
    used: BTreeSet<i64>,
    last_handed_out: Option<i64>,
    /// Steps that the device runs ahead of the clock, see [`Device::fresh_code`].
    drift: i64,
}

impl Device {
    /// A device with a random seed.
    pub(super) fn new(user: &str) -> Self {
        Self {
            user: user.to_owned(),
            seed: random::bytes(SEED_BYTES),
            used: BTreeSet::new(),
            last_handed_out: None,
            drift: 0,
        }
    }

    /// Whether `code` is acceptable now. A correct code is spent by this, whatever becomes of the call.
    pub(super) fn accept(&mut self, code: &str, now: i64) -> bool {
        let current = self.current_step(now);
        let step = (current - 1..=current + 1).find(|step| totp(&self.seed, *step) == code);
        step.is_some_and(|step| self.used.insert(step))
    }

    /// The code the device shows now, spent or not.
    pub(super) fn current_code(&self, now: i64) -> String {
        totp(&self.seed, self.current_step(now))
    }

    /// A code nobody used or was handed before, valid now and for at least another 30 seconds.
    ///
    /// It is the current or the next one. If both are gone, the device's clock moves on by a step (real ones drift
    /// too, and AWS follows them): a test that needs five codes in a row need not wait two minutes.
    pub(super) fn fresh_code(&mut self, now: i64) -> String {
        let last = self.used.last().copied().max(self.last_handed_out);
        let step = self.current_step(now).max(last.map_or(i64::MIN, |last| last + 1));
        self.drift += (step - 1 - self.current_step(now)).max(0);
        self.last_handed_out = Some(step);
        totp(&self.seed, step)
    }

    /// The seed in base32, as one types it into an authenticator.
    pub(super) fn seed_base32(&self) -> String {
        random::base32(&self.seed)
    }

    fn current_step(&self, now: i64) -> i64 {
        now.div_euclid(STEP_SECONDS) + self.drift
    }
}

/// The six digits of one step (RFC 4226 §5.3 over the step number).
fn totp(seed: &[u8], step: i64) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(seed).expect("HMAC takes keys of any length");
    mac.update(&step.to_be_bytes());
    let digest = mac.finalize().into_bytes();
    let offset = usize::from(digest[19] & 0xf);
    let word = [digest[offset], digest[offset + 1], digest[offset + 2], digest[offset + 3]];
    format!("{:06}", (u32::from_be_bytes(word) & 0x7fff_ffff) % 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_rfc_6238_appendix_b() {
        // The RFC prints eight digits; AWS uses the last six of them.
        for (time, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000_i64, "353130"),
        ] {
            assert_eq!(totp(b"12345678901234567890", time / STEP_SECONDS), code, "at {time}");
        }
    }

    #[test]
    fn neighbouring_steps_are_accepted_and_others_are_not() {
        let now = 1_700_000_010;
        for (offset, accepted) in [(-2, false), (-1, true), (0, true), (1, true), (2, false)] {
            let mut device = Device::new("alice");
            let code = totp(&device.seed, now / STEP_SECONDS + offset);
            assert_eq!(device.accept(&code, now), accepted, "{offset} steps away");
        }
    }

    #[test]
    fn a_code_is_accepted_once() {
        let mut device = Device::new("alice");
        let code = device.current_code(1_700_000_010);
        assert!(device.accept(&code, 1_700_000_010));
        assert!(!device.accept(&code, 1_700_000_010));
        assert!(
            !device.accept(&code, 1_700_000_040),
            "nor in the next step, where it would still be in the window"
        );
    }

    #[test]
    fn fresh_codes_never_run_out_and_never_repeat() {
        let mut device = Device::new("alice");
        for _ in 0..20 {
            let code = device.fresh_code(1_700_000_010);
            assert!(device.accept(&code, 1_700_000_039), "still good at the end of its step");
        }
        assert_eq!(device.used.len(), 20);
    }

    #[test]
    fn two_codes_handed_out_together_are_both_good() {
        let mut device = Device::new("alice");
        let (first, second) = (device.fresh_code(1_700_000_010), device.fresh_code(1_700_000_010));
        assert!(device.accept(&second, 1_700_000_039));
        assert!(device.accept(&first, 1_700_000_069));
    }
}
