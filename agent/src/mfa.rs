//! One-time codes: where they come from, and which were spent. AWS accepts a code once; a second call in
//! the same half minute must wait for the next one.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

use aws_vault_protocol::failure::{Failure, FailureCode};
use aws_vault_protocol::message::PromptKind;
use aws_vault_protocol::secret::MfaCode;
use sha2::{Digest, Sha256};

use crate::audience::Audience;
use crate::failure;
use crate::peer::Question;
use crate::plan::Mfa;
use crate::prompt::{self, PROMPT_TIMEOUT};
use crate::sys::clock::Now;

/// How long a time-based code lives (RFC 6238; AWS's virtual devices use 30 seconds).
const STEP_SECONDS: i64 = 30;

/// How often a person may mistype before the work is given up. AWS locks nothing; this only ends a loop.
pub const MAX_ATTEMPTS: u32 = 3;

/// The codes that were used, per device. Holds hashes: a code is worthless, but nothing needs the text.
#[derive(Debug, Default)]
pub struct MfaCodes {
    spent: RefCell<HashMap<String, Spent>>,
}

#[derive(Debug, Clone, Copy)]
struct Spent {
    hash: [u8; 32],
    /// Which half minute since 1970 it was used in.
    step: i64,
}

impl MfaCodes {
    /// A code for a device that was not used yet: one a client brought along, else the profile's
    /// `mfa_process`, else a person's answer (compat §6.2).
    pub async fn obtain(
        &self,
        mfa: &Mfa,
        audience: &Audience,
        complaint: Option<String>,
    ) -> Result<(MfaCode, Origin), Failure> {
        let mut complaint = complaint;
        for _ in 0..MAX_ATTEMPTS {
            let (code, origin) = self.next_code(mfa, audience, complaint.take()).await?;
            if !has_six_digits(&code) {
                if origin == Origin::Person {
                    complaint = Some("an MFA code has six digits".to_owned());
                    continue;
                }
                let message = format!("the code for {:?} does not have six digits", mfa.serial);
                return Err(Failure::new(FailureCode::WrongMfaCode, message)
                    .with_hint("check --mfa-token, or what the profile's mfa_process prints"));
            }
            let Some(wait) = self.wait_if_spent(&mfa.serial, &code, Now::read()) else {
                return Ok((code, origin));
            };
            if origin == Origin::Brought {
                let message =
                    format!("the code given with --mfa-token was already used for {:?}", mfa.serial);
                return Err(Failure::new(FailureCode::WrongMfaCode, message)
                    .with_hint(format!("try again in {} seconds, with the next code", wait.as_secs())));
            }
            // Every waiting client may show the countdown; the asked one certainly does.
            for asker in audience.clients() {
                let seconds = u32::try_from(wait.as_secs()).unwrap_or(u32::MAX);
                asker
                    .tell_progress("that code was used a moment ago; the next one comes".to_owned(), seconds);
            }
            tokio::time::sleep(wait).await;
            complaint = Some("that code was used already; now the next one is there".to_owned());
        }
        Err(Failure::new(FailureCode::WrongMfaCode, format!("no usable code for {:?}", mfa.serial))
            .with_hint("wait half a minute and try again"))
    }

    /// Remembers that AWS has seen a code.
    pub fn spend(&self, serial: &str, code: &MfaCode) {
        let spent = Spent { hash: hash(serial, code), step: Now::read().wall.div_euclid(STEP_SECONDS) };
        self.spent.borrow_mut().insert(serial.to_owned(), spent);
    }

    /// Forgets everything.
    pub fn clear(&self) {
        self.spent.borrow_mut().clear();
    }

    /// How long to wait for a fresh code, if this one was spent.
    fn wait_if_spent(&self, serial: &str, code: &MfaCode, now: Now) -> Option<Duration> {
        let spent = self.spent.borrow().get(serial).copied()?;
        if spent.hash != hash(serial, code) {
            return None;
        }
        // The half minute the code belongs to is the one it was used in, or its neighbour when clocks
        // differ; from the next boundary on the device shows another.
        let past_boundary = now.wall.rem_euclid(STEP_SECONDS);
        Some(Duration::from_secs(u64::try_from(STEP_SECONDS - past_boundary).unwrap_or(1)))
    }

    /// Seconds until a device shows a code other than the one it showed when the last was spent.
    fn seconds_to_next(&self, serial: &str, now: Now) -> Option<i64> {
        let spent = self.spent.borrow().get(serial).copied()?;
        let same_step = spent.step == now.wall.div_euclid(STEP_SECONDS);
        same_step.then(|| STEP_SECONDS - now.wall.rem_euclid(STEP_SECONDS))
    }

    async fn next_code(
        &self,
        mfa: &Mfa,
        audience: &Audience,
        complaint: Option<String>,
    ) -> Result<(MfaCode, Origin), Failure> {
        let asking = async {
            match &mfa.process {
                Some(command) => Ok((from_process(command.as_str(), audience).await?, Origin::Process)),
                None => Ok((self.ask_person(mfa, audience, complaint).await?, Origin::Person)),
            }
        };
        tokio::select! {
            // First: a code that is there already spares asking anybody.
            biased;
            code = audience.brought_code() => Ok((code, Origin::Brought)),
            code = asking => code,
        }
    }

    async fn ask_person(
        &self,
        mfa: &Mfa,
        audience: &Audience,
        complaint: Option<String>,
    ) -> Result<MfaCode, Failure> {
        let complaint = complaint.or_else(|| {
            let seconds = self.seconds_to_next(&mfa.serial, Now::read())?;
            Some(format!("the code of this half minute was used; the next comes in {seconds} s"))
        });
        let question = Question {
            kind: PromptKind::MfaCode,
            text: format!("Enter MFA code for {}", mfa.serial),
            mfa_serial: Some(mfa.serial.clone()),
            complaint,
            timeout_seconds: u32::try_from(PROMPT_TIMEOUT.as_secs()).unwrap_or(u32::MAX),
        };
        let answer = prompt::ask(audience, &question).await;
        let answer = answer.map_err(|error| failure::from_ask(&error, audience))?;
        Ok(MfaCode::copy_from(answer.expose().trim()))
    }
}

/// Where a code came from, which decides whether there can be a better one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// `--mfa-token`: there is no other.
    Brought,
    /// The profile's `mfa_process`: running it again gives the same.
    Process,
    /// A person, who may have mistyped.
    Person,
}

async fn from_process(command: &str, audience: &Audience) -> Result<MfaCode, Failure> {
    let failed = |what: String| {
        Failure::new(FailureCode::WrongMfaCode, format!("mfa_process: {what}"))
            .with_hint("run the profile's mfa_process by hand to see what it says")
    };
    // On the terminal of whoever came last; if that client leaves, again on the next one's.
    while let Some(asker) = audience.clients().pop() {
        let running = tokio::time::timeout(PROMPT_TIMEOUT, prompt::run_shell(command, &asker));
        tokio::select! {
            printed = running => return match printed {
                Ok(Ok(code)) => Ok(MfaCode::from(code)),
                Ok(Err(error)) => Err(failed(error.to_string())),
                Err(_) => Err(failed(format!("no code within {} seconds", PROMPT_TIMEOUT.as_secs()))),
            },
            () = audience.left_by(&asker) => {}
        }
    }
    Err(failed("nobody waits for it any more".to_owned()))
}

/// What AWS takes (STS API reference, `TokenCode`); anything else it refuses without naming the code.
fn has_six_digits(code: &MfaCode) -> bool {
    code.expose().len() == 6 && code.expose().bytes().all(|byte| byte.is_ascii_digit())
}

fn hash(serial: &str, code: &MfaCode) -> [u8; 32] {
    let mut digest = Sha256::new();
    digest.update(serial.as_bytes());
    digest.update([0]);
    digest.update(code.expose().as_bytes());
    digest.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spent_code_waits_for_the_next_half_minute() {
        let codes = MfaCodes::default();
        let (code, other) = (MfaCode::copy_from("123456"), MfaCode::copy_from("654321"));
        let at = |wall| Now { wall, boot: Duration::ZERO };
        assert_eq!(codes.wait_if_spent("arn:jon", &code, at(0)), None);
        codes.spend("arn:jon", &code);
        assert_eq!(codes.wait_if_spent("arn:jon", &code, at(1_000_000_007)), Some(Duration::from_secs(13)));
        assert_eq!(codes.wait_if_spent("arn:jon", &code, at(1_000_000_020)), Some(Duration::from_secs(30)));
        assert_eq!(codes.wait_if_spent("arn:jon", &other, at(7)), None);
        assert_eq!(codes.wait_if_spent("arn:kim", &code, at(7)), None, "another device");
        codes.clear();
        assert_eq!(codes.wait_if_spent("arn:jon", &code, at(7)), None);
    }
}
