//! What has to happen for a profile to yield credentials, worked out before anything happens.
//!
//! [`resolve`] turns config text, the names of stored keys and a request into a [`Plan`]: one [`Source`] and
//! the STS calls after it. Pure: a plan names secrets and never holds one, and nothing here opens a file,
//! reads a clock or the agent's own environment. Executing a plan is another module's work and takes no
//! decisions. The rules are aws-vault's (reference: aws-vault-compat §2.3, §3.5 to §3.8, §4);
//! `docs/profiles.md` lists where they differ and why.

mod cache_key;
mod chain;
mod endpoint;
mod error;
pub mod explain;
mod near;
mod note;
mod resolve;
mod settings;
mod source;
mod tags;
#[cfg(test)]
mod tests;
mod times;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

pub use cache_key::CacheKey;
pub use endpoint::{Endpoint, StsMode};
pub use error::PlanError;
pub use near::near_names;
pub use note::{NoSessionReason, Note};
pub use resolve::resolve;
pub use settings::Origin;

use crate::environment::Environment;

/// What somebody asks for.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The profile named on the command line: the active profile.
    pub profile: &'a str,
    /// `--region`. Applies to every profile of the chain.
    pub region: Option<&'a str>,
    /// `--duration`; zero counts as not given. Applies to every profile of the chain.
    pub duration: Option<Duration>,
    /// `--no-session`: never call `GetSessionToken`.
    pub no_session: bool,
    /// What the credentials are for.
    pub purpose: Purpose,
    /// The environment of whoever asks.
    pub environment: &'a Environment,
}

/// What credentials are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To be handed to a program.
    Credentials,
    /// To open the console. Without a role that takes `GetFederationToken`, which AWS refuses to session
    /// credentials, so a chain without a role ends in its long-term credentials (reference §5.8, Q24).
    Login,
}

/// Everything it takes to get credentials for a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The profile asked for.
    pub profile: String,
    /// Where credentials come from first.
    pub source: Source,
    /// The STS calls after that, each signed with the result of the one before. May be empty.
    pub steps: Vec<Step>,
    /// The region to tell a child about.
    pub region: Option<String>,
    /// The endpoint to tell a child about, as `AWS_ENDPOINT_URL`. `AWS_ENDPOINT_URL_STS` is not in it.
    pub endpoint_url: Option<String>,
    /// Life that cached credentials must have left to be handed out: `AWS_MIN_TTL`, five minutes otherwise.
    pub minimum_ttl: Duration,
    /// How long the federated credentials of a console sign-in are to live: `--duration`,
    /// `AWS_FEDERATION_TOKEN_TTL`, one hour otherwise. Says nothing unless the purpose is [`Purpose::Login`].
    pub federation_duration: Duration,
    /// What the user may want to know about how this came about.
    pub notes: Vec<Note>,
}

impl Plan {
    /// Whether any step from index `from_step` on needs an MFA code, so that it must not run unasked, ahead
    /// of an expiry. A configured `mfa_process` counts as a human: it may wait for a touch.
    pub fn needs_human(&self, from_step: usize) -> bool {
        self.steps.iter().skip(from_step).any(|step| step.mfa().is_some())
    }
}

/// Where the first credentials of a plan come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Long-term credentials in the key store.
    LongTermKey(LongTermKey),
    /// `GetRoleCredentials` of IAM Identity Center, after a sign-in if need be.
    Sso(SsoAccess),
    /// `AssumeRoleWithWebIdentity`.
    WebIdentity(WebIdentity),
    /// A program that prints credentials.
    CredentialProcess(CredentialProcess),
}

/// Names an item of the key store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LongTermKey {
    /// Name of the item, which is the name of the profile it was added for.
    pub name: String,
}

/// Names what to ask IAM Identity Center for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SsoAccess {
    /// The profile that asks for it.
    pub profile: String,
    /// The `[sso-session]` section in use, if any.
    pub session: Option<String>,
    /// Start URL of the portal; the sign-in is shared by everything under the same URL.
    pub start_url: String,
    /// Scopes of the `[sso-session]`, as they stand there.
    pub scopes: Option<String>,
    /// The account.
    pub account_id: String,
    /// The permission set.
    pub role_name: String,
    /// For both the portal and its sign-in service; the region is `sso_region`.
    pub endpoint: Endpoint,
}

/// Names what to call `AssumeRoleWithWebIdentity` with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebIdentity {
    /// The profile that asks for it.
    pub profile: String,
    /// Where the token is.
    pub token: WebIdentityToken,
    /// The role.
    pub role_arn: String,
    /// The session name; `None` is one made up at the call.
    pub role_session_name: Option<String>,
    /// Life to ask for.
    pub duration: Duration,
    /// Where STS is.
    pub endpoint: Endpoint,
}

/// Where a web identity token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WebIdentityToken {
    /// The whole content of a file.
    File(String),
    /// What a program prints.
    Process(CommandLine),
}

/// Names a program that prints credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialProcess {
    /// The profile that asks for it.
    pub profile: String,
    /// What to run.
    pub command: CommandLine,
}

/// A command line of the config file. People write passwords into them, so it is not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct CommandLine(String);

impl CommandLine {
    /// Takes the text as it stands in the config.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text to hand to a shell.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for CommandLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CommandLine(..)")
    }
}

/// One STS call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Temporary credentials of the same user, with the MFA code baked in.
    GetSessionToken(GetSessionToken),
    /// Temporary credentials of a role.
    AssumeRole(AssumeRole),
}

impl Step {
    /// The profile the step belongs to.
    pub fn profile(&self) -> &str {
        match self {
            Self::GetSessionToken(call) => &call.profile,
            Self::AssumeRole(call) => &call.profile,
        }
    }

    /// Life to ask for.
    pub fn duration(&self) -> Duration {
        match self {
            Self::GetSessionToken(call) => call.duration,
            Self::AssumeRole(call) => call.duration,
        }
    }

    /// The MFA device whose code goes along, if one does.
    pub fn mfa(&self) -> Option<&Mfa> {
        match self {
            Self::GetSessionToken(call) => call.mfa.as_ref(),
            Self::AssumeRole(call) => call.mfa.as_ref(),
        }
    }

    /// Where STS is.
    pub fn endpoint(&self) -> &Endpoint {
        match self {
            Self::GetSessionToken(call) => &call.endpoint,
            Self::AssumeRole(call) => &call.endpoint,
        }
    }
}

/// A call of `GetSessionToken`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GetSessionToken {
    /// The profile the step belongs to.
    pub profile: String,
    /// Life to ask for.
    pub duration: Duration,
    /// Whether the profile is somebody's source, so that others share the result.
    pub chained: bool,
    /// Whether the caller gets this very session and named its duration, by `--duration`.
    pub duration_asked: bool,
    /// The MFA device whose code goes along, if one does.
    pub mfa: Option<Mfa>,
    /// Where STS is.
    pub endpoint: Endpoint,
}

/// A call of `AssumeRole`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssumeRole {
    /// The profile the step belongs to.
    pub profile: String,
    /// The role.
    pub role_arn: String,
    /// The session name; `None` is one made up at the call.
    pub role_session_name: Option<String>,
    /// What the owner of the role asks to be told.
    pub external_id: Option<String>,
    /// Session tags.
    pub tags: BTreeMap<String, String>,
    /// Keys of the tags that survive role chaining.
    pub transitive_tag_keys: BTreeSet<String>,
    /// The source identity.
    pub source_identity: Option<String>,
    /// Life to ask for.
    pub duration: Duration,
    /// The MFA device whose code goes along, if one does.
    pub mfa: Option<Mfa>,
    /// Where STS is.
    pub endpoint: Endpoint,
}

/// An MFA device and where its codes come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mfa {
    /// ARN or serial number.
    pub serial: String,
    /// `mfa_process`, a program that prints a code. `None` asks the user.
    pub process: Option<CommandLine>,
}
