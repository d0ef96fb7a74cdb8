//! The closed set of errors an agent may answer with. A client can act on every one of them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Declares an enum that travels as its number and keeps numbers it does not know.
macro_rules! wire_enum {
    (
        $(#[$doc:meta])*
        pub enum $name:ident { $( $(#[$variant_doc:meta])* $variant:ident = $number:literal, )* }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name {
            $( $(#[$variant_doc])* $variant, )*
            /// A number of a later version.
            Unknown(u16),
        }

        impl From<u16> for $name {
            fn from(number: u16) -> Self {
                match number {
                    $( $number => Self::$variant, )*
                    other => Self::Unknown(other),
                }
            }
        }

        impl From<$name> for u16 {
            fn from(value: $name) -> u16 {
                match value {
                    $( $name::$variant => $number, )*
                    $name::Unknown(other) => other,
                }
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_u16(u16::from(*self))
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                <u16 as serde::Deserialize>::deserialize(deserializer).map(Self::from)
            }
        }
    };
}
pub(crate) use wire_enum;

wire_enum! {
    /// What went wrong, as a number that never changes its meaning.
    pub enum FailureCode {
        /// The agent is locked; `aws-vault unlock` opens it.
        Locked = 1,
        /// A person must answer something, and there is no way to ask.
        InputNeeded = 2,
        /// A person refused or cancelled, now or a moment ago.
        Cancelled = 3,
        /// Nobody answered in time.
        TimedOut = 4,
        /// Neither the config nor the store knows the profile.
        UnknownProfile = 5,
        /// The AWS config cannot be read or makes no sense for this profile.
        Config = 6,
        /// The profile has no way to get credentials.
        NoCredentials = 7,
        /// The store cannot be opened, read or written.
        Store = 8,
        /// The passphrase does not open the store.
        WrongPassphrase = 9,
        /// The MFA code was refused.
        WrongMfaCode = 10,
        /// AWS answered with an error; `aws` says which.
        Aws = 11,
        /// AWS could not be reached.
        Network = 12,
        /// This agent cannot do what was asked.
        Unsupported = 13,
        /// This connection may not do what was asked.
        Forbidden = 14,
        /// A limit was reached; try again later.
        Busy = 15,
        /// The request itself makes no sense.
        InvalidRequest = 16,
        /// The agent is another one than the request was meant for.
        OtherInstance = 17,
        /// A defect in the agent.
        Internal = 18,
        /// The machine's clock is too far off for AWS to accept a signature.
        ClockSkew = 19,
    }
}

/// What AWS said, in its own words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AwsFailure {
    /// The service, such as `sts`.
    pub service: String,
    /// The operation, such as `AssumeRole`.
    pub operation: String,
    /// AWS's error code, such as `AccessDenied`.
    pub code: String,
    /// AWS's request id, for a support case.
    pub request_id: Option<String>,
}

/// An error as it travels: what happened, what to do, and what a program can act on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What kind of error this is.
    pub code: FailureCode,
    /// What happened, one cause per line, lower case, without secrets.
    pub message: String,
    /// A command to run or a line to open.
    pub hint: Option<String>,
    /// AWS's own error, when there is one.
    pub aws: Option<Box<AwsFailure>>,
    /// When trying again can help, in milliseconds from now; 0 when it cannot.
    pub retry_after_ms: u32,
}

impl Failure {
    /// An error without a remedy yet.
    pub fn new(code: FailureCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: None, aws: None, retry_after_ms: 0 }
    }

    /// Adds the remedy.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec;

    #[test]
    fn a_number_of_a_later_version_survives() {
        let bytes = codec::encode(&FailureCode::Unknown(999));
        assert_eq!(codec::decode::<FailureCode>(&bytes), Ok(FailureCode::Unknown(999)));
        assert_eq!(FailureCode::from(1), FailureCode::Locked);
        assert_eq!(u16::from(FailureCode::ClockSkew), 19);
    }
}
