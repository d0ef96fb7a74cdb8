//! The log of calls: what arrived, from whom, and what became of it.
//!
//! A call is logged when it has been read and settled when it is answered, so a test can wait for a call that hangs.
//! No secret is logged: not a signature, a token or a one-time code.

use serde::{Deserialize, Serialize};

use super::request::{Parameters, Request};
use super::sigv4::Authorization;

/// A session tag.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Tag {
    /// Its key.
    pub key: String,
    /// Its value, possibly empty.
    pub value: String,
}

/// What became of a call.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Outcome {
    /// Not answered yet.
    Pending,
    /// Answered as asked.
    Success,
    /// Answered with an AWS error, on the merits or as a fault.
    Refused {
        /// Such as `AccessDenied`.
        code: String,
        /// AWS's sentence.
        message: String,
    },
    /// Carried out, but the answer was spoiled or lost on purpose.
    Spoiled,
    /// The client went away, or the connection was reset on purpose, before the call was carried out.
    Abandoned,
}

/// One call that arrived. Everything but the action is as the client sent it, checked or not.
#[derive(Clone, Debug, Serialize)]
pub struct Call {
    /// Such as `AssumeRole`.
    pub action: String,
    /// The key that signed it.
    pub access_key_id: Option<String>,
    /// The region it was signed for.
    pub region: Option<String>,
    /// `RoleArn`.
    pub role_arn: Option<String>,
    /// `RoleSessionName`.
    pub session_name: Option<String>,
    /// `SerialNumber`. The one-time code is not kept.
    pub serial: Option<String>,
    /// `ExternalId`.
    pub external_id: Option<String>,
    /// `SourceIdentity`.
    pub source_identity: Option<String>,
    /// `DurationSeconds`.
    pub duration: Option<i64>,
    /// `Tags`, in the order sent.
    pub tags: Vec<Tag>,
    /// `TransitiveTagKeys`, in the order sent.
    pub transitive_tag_keys: Vec<String>,
    /// The `User-Agent` header.
    pub user_agent: Option<String>,
    /// When it had been read, in Unix seconds of the stand-in's clock.
    pub time: i64,
    /// What became of it.
    pub outcome: Outcome,
}

impl Call {
    /// What `request` says, before anything of it has been checked.
    pub(super) fn new(request: &Request, parameters: &Parameters, time: i64) -> Self {
        let text = |name| parameters.get(name).map(str::to_owned);
        let signer = request.header("authorization").and_then(|header| Authorization::parse(header).ok());
        let (access_key_id, region) = signer.map(|signer| (signer.access_key_id, signer.region)).unzip();
        Self {
            action: text("Action").unwrap_or_default(),
            access_key_id,
            region,
            role_arn: text("RoleArn"),
            session_name: text("RoleSessionName"),
            serial: text("SerialNumber"),
            external_id: text("ExternalId"),
            source_identity: text("SourceIdentity"),
            duration: parameters.get("DurationSeconds").and_then(|seconds| seconds.parse().ok()),
            tags: parameters.tags("Tags"),
            transitive_tag_keys: parameters.list("TransitiveTagKeys"),
            user_agent: request.header("user-agent").map(str::to_owned),
            time,
            outcome: Outcome::Pending,
        }
    }

    /// The code of the error it was answered with, if it was.
    pub fn error_code(&self) -> Option<&str> {
        match &self.outcome {
            Outcome::Refused { code, .. } => Some(code),
            _ => None,
        }
    }
}

/// Every call since the start or the last [`Log::clear`].
#[derive(Debug, Default)]
pub(super) struct Log {
    calls: Vec<Call>,
    /// How many were cleared, so that the number of a call stays its own.
    cleared: usize,
}

impl Log {
    /// Adds a call and returns its number.
    pub(super) fn arrived(&mut self, call: Call) -> usize {
        self.calls.push(call);
        self.cleared + self.calls.len() - 1
    }

    /// Says what became of a call; the first word stands.
    pub(super) fn settle(&mut self, number: usize, outcome: Outcome) {
        let call = number.checked_sub(self.cleared).and_then(|index| self.calls.get_mut(index));
        if let Some(call) = call.filter(|call| call.outcome == Outcome::Pending) {
            call.outcome = outcome;
        }
    }

    /// The calls in the order in which they arrived.
    pub(super) fn calls(&self) -> &[Call] {
        &self.calls
    }

    /// Forgets them all.
    pub(super) fn clear(&mut self) {
        self.cleared += self.calls.len();
        self.calls.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call() -> Call {
        let request = Request {
            method: "POST".into(),
            path: "/".into(),
            query: String::new(),
            headers: Vec::new(),
            body: "Action=GetCallerIdentity".into(),
        };
        Call::new(&request, &request.parameters(), 0)
    }

    #[test]
    fn a_call_cleared_while_in_flight_does_not_settle_another() {
        let mut log = Log::default();
        let old = log.arrived(call());
        log.clear();
        let new = log.arrived(call());
        log.settle(old, Outcome::Abandoned);
        assert_eq!(log.calls()[0].outcome, Outcome::Pending);
        log.settle(new, Outcome::Success);
        log.settle(new, Outcome::Abandoned);
        assert_eq!(log.calls()[0].outcome, Outcome::Success);
    }
}
