//! What clients ask.

use serde::{Deserialize, Serialize};

use super::empty_message;
use crate::failure::wire_enum;
use crate::secret::{Answer, MfaCode, Passphrase, SecretAccessKey};
use crate::wire;

/// Names of the environment variables that a client passes on, because a profile's result or a prompt
/// depends on them. A name ending in `*` stands for every name that begins so. Never among them: anything
/// that holds a secret ([`ENVIRONMENT_REFUSED`] wins).
pub const ENVIRONMENT_ALLOWED: &[&str] = &[
    // What AWS tools read.
    "AWS_*",
    // Proxies, in both spellings in use.
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    // What an mfa_process or a dialog needs to run and to appear on the right screen.
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "TERM",
    "LANG",
    "LANGUAGE",
    "LC_*",
    "TMPDIR",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "XAUTHORITY",
    "XDG_*",
    "DBUS_SESSION_BUS_ADDRESS",
    "SSH_AUTH_SOCK",
    "GPG_TTY",
    "GNUPGHOME",
    "PASSWORD_STORE_*",
    "PASSAGE_DIR",
    "YKMAN_*",
    "SystemRoot",
    "USERPROFILE",
];

/// Names that never travel, whatever [`ENVIRONMENT_ALLOWED`] says: they hold secrets.
pub const ENVIRONMENT_REFUSED: &[&str] = &[
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_ACCESS_KEY",
    "AWS_SECRET_KEY",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_BEARER_TOKEN_BEDROCK",
    "AWS_VAULT_FILE_PASSPHRASE",
    "AWS_VAULT_OP_CONNECT_TOKEN",
    "AWS_VAULT_OP_SERVICE_ACCOUNT_TOKEN",
];

/// Whether a variable may be passed to the agent.
pub fn environment_may_travel(name: &str) -> bool {
    let matches = |pattern: &&str| match pattern.strip_suffix('*') {
        Some(prefix) => name.starts_with(prefix),
        None => name == *pattern,
    };
    ENVIRONMENT_ALLOWED.iter().any(matches) && !ENVIRONMENT_REFUSED.contains(&name)
}

/// Who asks and in which surroundings. Only the owner's own socket accepts one: on a restricted or
/// forwarded connection no message may name a path, a program or a variable.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Caller {
    /// Environment variables, see [`environment_may_travel`].
    pub environment: Vec<(String, String)>,
    /// Which store to use.
    pub store: StoreChoice,
    /// Whether and how a person may be asked.
    pub interaction: Interaction,
    /// Home directory, for `~` and the default places.
    pub home: Option<String>,
}

/// Which store to use, from flags and variables of the client; `None` means the default.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct StoreChoice {
    /// `--backend`.
    pub backend: Option<String>,
    /// `--file-dir`.
    pub file_dir: Option<String>,
    /// `AWS_VAULT_FILE_PASSPHRASE`, when it is set, be it empty.
    #[serde(with = "wire::optional_secret")]
    pub file_passphrase: Option<Passphrase>,
}

/// Whether and how a person may be asked.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interaction {
    /// The client can show a prompt on its own terminal.
    pub terminal: bool,
    /// Path of that terminal, for programs that talk to it themselves.
    pub terminal_path: Option<String>,
    /// `--prompt`; `None` chooses by itself.
    pub driver: Option<String>,
    /// `--no-prompt`: fail at once instead of asking.
    pub never: bool,
}

/// The first message of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The client's version, for messages to people.
    pub version: String,
    /// Longest reply body the client accepts, in bytes.
    pub max_reply: u32,
}

/// Is anybody there?
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ping {
    /// Comes back unchanged.
    pub payload: Vec<u8>,
}

/// Stop working on an earlier request. It is answered once, by its result or by `Cancelled`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cancel {
    /// The earlier request's id.
    pub request_id: u32,
}

/// Credentials for a profile.
#[derive(Debug, Serialize, Deserialize)]
pub struct GetCredentials {
    /// Who asks.
    pub caller: Caller,
    /// Profile name.
    pub profile: String,
    /// `--region`.
    pub region: Option<String>,
    /// `--duration` in seconds; 0 means not given.
    pub duration_seconds: u32,
    /// `--no-session`.
    pub no_session: bool,
    /// `--mfa-token`.
    #[serde(with = "wire::optional_secret")]
    pub mfa_token: Option<MfaCode>,
}

/// Names and expirations.
#[derive(Debug, Serialize, Deserialize)]
pub struct List {
    /// Whose config and store.
    pub caller: Caller,
}

/// Forget sessions.
#[derive(Debug, Serialize, Deserialize)]
pub struct Clear {
    /// Who asks.
    pub caller: Caller,
    /// Only this profile's; `None` means all.
    pub profile: Option<String>,
}

/// May long-term credentials be stored under this name? Asked before a person types them.
#[derive(Debug, Serialize, Deserialize)]
pub struct PrepareAdd {
    /// Whose config and store.
    pub caller: Caller,
    /// Profile name.
    pub profile: String,
}

/// Store long-term credentials.
#[derive(Debug, Serialize, Deserialize)]
pub struct Add {
    /// Whose config and store.
    pub caller: Caller,
    /// Profile name.
    pub profile: String,
    /// Access key ID.
    pub access_key_id: String,
    /// Secret access key.
    #[serde(with = "wire::secret")]
    pub secret_access_key: SecretAccessKey,
    /// MFA serial for a new config section.
    pub mfa_serial: Option<String>,
    /// Write a config section when there is none.
    pub add_config: bool,
}

/// Delete long-term credentials from the store.
#[derive(Debug, Serialize, Deserialize)]
pub struct Remove {
    /// Whose store.
    pub caller: Caller,
    /// Profile name.
    pub profile: String,
}

/// What would be done for a profile.
#[derive(Debug, Serialize, Deserialize)]
pub struct Explain {
    /// Whose config and store.
    pub caller: Caller,
    /// Profile name.
    pub profile: String,
    /// `--region`.
    pub region: Option<String>,
    /// `--duration` in seconds; 0 means not given.
    pub duration_seconds: u32,
    /// `--no-session`.
    pub no_session: bool,
}

/// Open the store again.
#[derive(Debug, Serialize, Deserialize)]
pub struct Unlock {
    /// Whose store, and who is asked.
    pub caller: Caller,
}

wire_enum! {
    /// How a prompt ended.
    pub enum PromptOutcome {
        /// The person answered.
        Answered = 1,
        /// The person refused: Ctrl-C, Ctrl-D or a cancel button.
        Cancelled = 2,
        /// This client cannot ask after all; somebody else may.
        Unavailable = 3,
    }
}

/// What a person answered to a prompt.
#[derive(Debug, Serialize, Deserialize)]
pub struct PromptReply {
    /// Which prompt.
    pub prompt_id: u32,
    /// How it ended.
    pub outcome: PromptOutcome,
    /// The answer; empty unless answered.
    #[serde(with = "wire::secret")]
    pub answer: Answer,
}

wire_enum! {
    /// Why an agent is to end.
    pub enum ShutdownReason {
        /// A person asked for it.
        Asked = 1,
        /// A newer version wants its place; refused unless it is newer.
        Upgrade = 2,
    }
}

/// End the agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shutdown {
    /// Only if the agent is this very one; otherwise it answers `OtherInstance`.
    pub only_if_instance: Option<String>,
    /// Why.
    pub reason: ShutdownReason,
}

empty_message! {
    /// Wipe everything and refuse until unlocked.
    Lock,
    /// How the agent is.
    Status,
}

#[cfg(test)]
mod tests {
    use super::environment_may_travel;

    #[test]
    fn secrets_stay_at_home() {
        for name in ["AWS_REGION", "LC_ALL", "PATH", "AWS_CONFIG_FILE", "https_proxy"] {
            assert!(environment_may_travel(name), "{name}");
        }
        for name in ["AWS_SECRET_ACCESS_KEY", "AWS_VAULT_FILE_PASSPHRASE", "GITHUB_TOKEN", "PATHEXT"] {
            assert!(!environment_may_travel(name), "{name}");
        }
    }
}
