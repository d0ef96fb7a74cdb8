//! Why there is no plan for a profile. Carries names, keys and places, never a value that could be a secret.

use std::path::PathBuf;

use super::Origin;
use crate::config::{Key, Place};

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Neither a section nor a stored key has this name. Nothing else stands in for it, least of all
    /// `[default]`.
    #[error("profile {profile:?} is neither in \"{}\" nor in the key store", path.display())]
    UnknownProfile {
        /// The name asked for.
        profile: String,
        /// The config file.
        path: PathBuf,
        /// Up to three names of the config like it; the caller may know more from the key store.
        near: Vec<String>,
    },
    /// There is a `[profile default]`, which no rule reads, and no `[default]`.
    #[error("profile \"default\" is not defined: its section is called [default], not [profile default]")]
    MisnamedDefault {
        /// The section.
        place: Place,
    },
    /// A `source_profile` that names nothing. In aws-vault, `[default]` would stand in for it.
    #[error("source profile {source_profile:?} of {profile:?} is neither in the config nor in the key store")]
    UnknownSourceProfile {
        /// The profile that names it.
        profile: String,
        /// The name.
        source_profile: String,
        /// Where it is named.
        origin: Origin,
        /// Up to three names of the config like it.
        near: Vec<String>,
    },
    /// Source profiles that lead back to themselves.
    #[error("source profiles go round in a circle: {}", arrows(cycle))]
    SourceCycle {
        /// The profiles in order; the first is the last.
        cycle: Vec<String>,
        /// The key that closes the circle.
        origin: Origin,
    },
    /// Included profiles that lead back to themselves.
    #[error("included profiles of {profile:?} go round in a circle: {}", arrows(cycle))]
    IncludeCycle {
        /// The profile whose settings were wanted.
        profile: String,
        /// The profiles in order; the first is the last.
        cycle: Vec<String>,
        /// The `include_profile` that closes the circle.
        place: Place,
    },
    /// More source profiles behind each other than anybody has.
    #[error("profile {profile:?} has more than {limit} source profiles behind each other")]
    TooManySources {
        /// The profile asked for.
        profile: String,
        /// How many are followed.
        limit: usize,
        /// The key that led one too far.
        origin: Origin,
    },
    /// More included profiles behind each other than anybody has.
    #[error("profile {profile:?} includes more than {limit} profiles behind each other")]
    TooManyIncludes {
        /// The profile whose settings were wanted.
        profile: String,
        /// How many are followed.
        limit: usize,
        /// The key that led one too far.
        place: Place,
    },
    /// Nothing gives this profile credentials.
    #[error("profile {profile:?}: credentials missing")]
    NoCredentials {
        /// The profile at the end of the chain.
        profile: String,
    },
    /// The only thing that could have given it credentials is an `[sso-session]` that does not exist.
    #[error("sso_session {session:?} of profile {profile:?} does not exist")]
    UnknownSsoSession {
        /// The profile that names it.
        profile: String,
        /// The name.
        session: String,
        /// Where it is named.
        origin: Origin,
    },
    /// A kind of access that lacks one of its keys.
    #[error("profile {profile:?} has no {}, which {needed_by} needs", key.name())]
    MissingSetting {
        /// The profile.
        profile: String,
        /// The key.
        key: Key,
        /// What needs it: `SSO` or `a web identity`.
        needed_by: &'static str,
        /// Where the kind of access is chosen.
        origin: Origin,
    },
    /// Session tags that are not `key=value,key=value`.
    #[error("session tags of profile {profile:?} are not of the form <key>=<value>,...")]
    InvalidSessionTags {
        /// The profile.
        profile: String,
        /// Where they are set.
        origin: Origin,
    },
}

impl PlanError {
    /// What the user can do about it: a command to run or a line to open.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::UnknownProfile { near, .. } => match did_you_mean(near) {
                Some(question) => format!("{question} all names: aws-vault list"),
                None => "all names: aws-vault list".to_owned(),
            },
            Self::MisnamedDefault { place } => format!("open {place} and rename the section to [default]"),
            Self::UnknownSourceProfile { source_profile, origin, near, .. } => match did_you_mean(near) {
                Some(question) => format!("{question} {}", origin.to_mend()),
                None => format!("{}, or run: aws-vault add {}", origin.to_mend(), shell_word(source_profile)),
            },
            Self::SourceCycle { origin, .. }
            | Self::TooManySources { origin, .. }
            | Self::InvalidSessionTags { origin, .. } => origin.to_mend(),
            Self::IncludeCycle { place, .. } | Self::TooManyIncludes { place, .. } => format!("open {place}"),
            Self::NoCredentials { profile } => format!("run: aws-vault add {}", shell_word(profile)),
            Self::UnknownSsoSession { session, origin, .. } => {
                format!("{}, or add a section [sso-session {}]", origin.to_mend(), session.escape_debug())
            }
            Self::MissingSetting { key, origin, .. } => {
                format!("{} and add {}", origin.to_mend(), key.name())
            }
        })
    }
}

fn did_you_mean(near: &[String]) -> Option<String> {
    let names: Vec<String> = near.iter().map(|name| format!("{name:?}")).collect();
    (!names.is_empty()).then(|| format!("did you mean {}?", names.join(" or ")))
}

/// `a -> b -> a`.
fn arrows(names: &[String]) -> String {
    names.iter().map(|name| name.escape_debug().to_string()).collect::<Vec<_>>().join(" -> ")
}

/// The name as one word of a shell, so that the hint can be pasted.
fn shell_word(name: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./@:+=".contains(c);
    if !name.is_empty() && name.chars().all(plain) {
        name.to_owned()
    } else {
        let visible: String = name.chars().filter(|c| !c.is_control()).collect();
        format!("'{}'", visible.replace('\'', r"'\''"))
    }
}
