//! What a user may want to know about a plan: a rule that changed something they wrote, or ignored it.

use std::fmt;
use std::time::Duration;

use aws_vault_protocol::duration::to_go_string;

use super::Origin;
use crate::config::{Key, Place};

/// One remark. Never holds a value of the config but names of profiles and durations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// AWS limits a role assumed with the credentials of a session or of another role to one hour.
    DurationCapped {
        /// The profile of the role.
        profile: String,
        /// What was asked for.
        asked: Duration,
    },
    /// The same limit, where the plan asks for more as aws-vault does and AWS is likely to say no.
    DurationMayBeRefused {
        /// The profile of the role.
        profile: String,
        /// What will be asked for.
        asked: Duration,
    },
    /// The profile has stored keys, so its `source_profile` is not used.
    OwnKeysFirst {
        /// The profile.
        profile: String,
        /// The `source_profile` in question.
        source: String,
        /// Where that is set.
        origin: Origin,
    },
    /// A `role_arn` next to SSO or `credential_process` is not assumed.
    RoleIgnored {
        /// The profile.
        profile: String,
        /// What wins: `SSO` or `credential_process`.
        winner: &'static str,
        /// Where the role is set.
        origin: Origin,
    },
    /// `GetSessionToken` could have been called and is not.
    NoSession {
        /// The profile whose session it would have been.
        profile: String,
        /// Why not.
        reason: NoSessionReason,
    },
    /// A value that decides who you are comes from `[default]`.
    InheritedFromDefault {
        /// The profile that inherits it.
        profile: String,
        /// The key.
        key: Key,
        /// Where it is set.
        place: Place,
    },
    /// A `duration_seconds` that is no duration; the next rule applies.
    InvalidDuration {
        /// Where it is.
        place: Place,
    },
    /// A duration variable that is no duration; the next rule applies.
    InvalidVariable {
        /// Its name.
        variable: &'static str,
    },
    /// A profile names an `[sso-session]` that does not exist; its other keys still count.
    MissingSsoSession {
        /// The name.
        session: String,
        /// Where it is named.
        place: Place,
    },
    /// A profile includes one that does not exist; what it inherits from `[default]` still counts.
    MissingInclude {
        /// The name.
        include: String,
        /// Where it is named.
        place: Place,
    },
}

/// Why `GetSessionToken` is not called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoSessionReason {
    /// `--no-session`.
    Refused,
    /// The role is to live longer than the hour it could live on top of a session.
    FullDuration(Duration),
    /// The profile and the one that uses it do not name the same MFA device.
    SerialsDiffer,
    /// AWS gives no federation token to a session.
    Login,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DurationCapped { profile, asked } => write!(
                f,
                "duration of {profile:?} is 1h0m0s, not {}: AWS allows no more for a role assumed with temporary \
                 credentials",
                shown(*asked)
            ),
            Self::DurationMayBeRefused { profile, asked } => write!(
                f,
                "AWS may refuse {} for {profile:?}: a role assumed with temporary credentials lives 1h0m0s at most",
                shown(*asked)
            ),
            Self::OwnKeysFirst { profile, source, origin } => {
                write!(f, "stored keys of {profile:?} are used, not its source profile {source:?} ({origin})")
            }
            Self::RoleIgnored { profile, winner, origin } => write!(
                f,
                "role_arn of {profile:?} ({origin}) is ignored next to {winner}; to assume it, use a second profile \
                 with source_profile"
            ),
            Self::NoSession { profile, reason } => write!(f, "no session for {profile:?}: {reason}"),
            Self::InheritedFromDefault { profile, key, place } => {
                write!(f, "{} of {profile:?} comes from [default] ({place})", key.name())
            }
            Self::InvalidDuration { place } => {
                write!(f, "duration_seconds is not a number of seconds and is ignored ({place})")
            }
            Self::InvalidVariable { variable } => write!(f, "{variable} is not a duration and is ignored"),
            Self::MissingSsoSession { session, place } => {
                write!(f, "sso_session {session:?} does not exist and is ignored ({place})")
            }
            Self::MissingInclude { include, place } => {
                write!(f, "include_profile {include:?} does not exist and is ignored ({place})")
            }
        }
    }
}

impl fmt::Display for NoSessionReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused => write!(f, "--no-session was given"),
            Self::FullDuration(asked) => {
                write!(f, "on top of one, the role could not live for {}", shown(*asked))
            }
            Self::SerialsDiffer => write!(f, "it and the profile that uses it name different MFA devices"),
            Self::Login => write!(f, "signing in to the console without a role takes long-term credentials"),
        }
    }
}

/// A duration as Go prints it: what users of aws-vault see everywhere else.
pub(super) fn shown(duration: Duration) -> String {
    to_go_string(i64::try_from(duration.as_secs()).unwrap_or(i64::MAX))
}
