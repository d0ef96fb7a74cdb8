//! What the stand-in can be told to do wrong, for the next so many calls of an action.
//!
//! A fault is taken by the call that suffers it, when the call arrives. Calls for which none is set are never harmed.

use serde::{Deserialize, Serialize};

use super::aws_error::AwsError;

/// A fault for every action.
pub const ANY_ACTION: &str = "*";
/// As many times as it takes.
pub const ALWAYS: u32 = u32::MAX;

/// Something that goes wrong with a call.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Fault {
    /// The call is carried out this much later.
    Delay {
        /// How much, in milliseconds.
        milliseconds: u64,
    },
    /// The call is carried out only after [`StandIn::release`](super::StandIn::release).
    Hang,
    /// Not carried out: `Throttling`, status 400.
    Throttle,
    /// Not carried out: `InternalFailure` or `ServiceUnavailable`.
    ServerError {
        /// 500 or 503.
        status: u16,
    },
    /// Not carried out: any error of AWS.
    Error {
        /// The HTTP status.
        status: u16,
        /// Such as `AccessDenied`.
        code: String,
        /// The sentence for a person.
        message: String,
    },
    /// Not carried out: the connection is reset (RST) instead of an answer.
    ConnectionReset,
    /// Carried out, which spends a one-time code, and then the connection is reset instead of an answer.
    AnswerLost,
    /// Carried out, and answered with status 200 and something that is not XML.
    Garbage,
    /// Carried out, and the answer breaks off in its middle, with a length that agrees.
    Truncated,
    /// Carried out, and the answer's `SessionToken` is empty.
    EmptySessionToken,
    /// Carried out, and the credentials of the answer expired a minute ago.
    AlreadyExpired,
}

impl Fault {
    /// The AWS error it answers with instead of carrying out the call.
    pub(super) fn error(&self) -> Option<AwsError> {
        match self {
            Self::Throttle => Some(AwsError::throttling()),
            Self::ServerError { status } => Some(AwsError::server(*status)),
            Self::Error { status, code, message } => Some(AwsError::new(*status, code, message.as_str())),
            _ => None,
        }
    }
}

/// The faults that are still to happen.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<(String, u32, Fault)>);

impl Faults {
    /// Adds a fault behind those already set.
    pub(super) fn add(&mut self, action: &str, times: u32, fault: Fault) {
        self.0.push((action.to_owned(), times, fault));
    }

    /// The fault that a call of `action` suffers: the first set for it, one time less.
    pub(super) fn take(&mut self, action: &str) -> Option<Fault> {
        let due = |(wanted, times, _): &&mut (String, u32, Fault)| {
            *times > 0 && (wanted == action || wanted == ANY_ACTION)
        };
        let (_, times, fault) = self.0.iter_mut().find(due)?;
        if *times != ALWAYS {
            *times -= 1;
        }
        Some(fault.clone())
    }

    /// Forgets them all.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_taken_in_order_and_as_often_as_set() {
        let mut faults = Faults::default();
        faults.add("AssumeRole", 2, Fault::Throttle);
        faults.add(ANY_ACTION, 1, Fault::Garbage);
        assert_eq!(faults.take("AssumeRole"), Some(Fault::Throttle));
        assert_eq!(faults.take("GetSessionToken"), Some(Fault::Garbage));
        assert_eq!(faults.take("AssumeRole"), Some(Fault::Throttle));
        assert_eq!(faults.take("AssumeRole"), None);
        faults.add("AssumeRole", ALWAYS, Fault::Hang);
        assert!((0..100).all(|_| faults.take("AssumeRole") == Some(Fault::Hang)));
    }
}
