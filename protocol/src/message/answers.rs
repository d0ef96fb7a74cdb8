//! What the agent answers.

use serde::{Deserialize, Serialize};

use super::empty_message;
use crate::failure::wire_enum;
use crate::secret::{SecretAccessKey, SessionToken};
use crate::wire;

/// Who the agent is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HelloAck {
    /// The agent's version, for messages to people.
    pub version: String,
    /// Which run of the agent this is; random, for compare-and-swap.
    pub instance: String,
    /// Process id, for messages to people only.
    pub pid: u32,
    /// Longest request body the agent accepts, in bytes.
    pub max_request: u32,
}

/// Answers `Ping`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pong {
    /// What the ping carried.
    pub payload: Vec<u8>,
}

empty_message! {
    /// Success, with nothing more to say.
    Done,
}

/// Credentials, long-term or temporary.
#[derive(Debug, Serialize, Deserialize)]
pub struct Credentials {
    /// The profile they are for.
    pub profile: String,
    /// Access key ID.
    pub access_key_id: String,
    /// Secret access key.
    #[serde(with = "wire::secret")]
    pub secret_access_key: SecretAccessKey,
    /// Session token; absent for long-term credentials.
    #[serde(with = "wire::optional_secret")]
    pub session_token: Option<SessionToken>,
    /// When they expire, in seconds since 1970 UTC; absent for long-term credentials.
    pub expiration: Option<i64>,
    /// Effective region.
    pub region: Option<String>,
    /// Effective endpoint URL for the child's `AWS_ENDPOINT_URL`.
    pub endpoint_url: Option<String>,
    /// Whether AWS was not called for this answer.
    pub from_memory: bool,
}

/// One session in the agent's memory, without its secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRow {
    /// The profile it was first issued for.
    pub profile: String,
    /// What issued it, such as `sts.AssumeRole`.
    pub kind: String,
    /// The role, when one was assumed.
    pub role_arn: Option<String>,
    /// When it expires, in seconds since 1970 UTC.
    pub expiration: i64,
}

/// Answers `List`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// Profiles of the config, in its order.
    pub profiles: Vec<String>,
    /// Names under which long-term credentials are stored.
    pub credentials: Vec<String>,
    /// Sessions in memory.
    pub sessions: Vec<SessionRow>,
}

/// Answers `Clear`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cleared {
    /// How many sessions were forgotten.
    pub sessions: u32,
}

/// Answers `PrepareAdd`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddPrepared {
    /// The config has a section for the profile already.
    pub section_exists: bool,
    /// Credentials are stored under this name already and would be replaced.
    pub replaces: bool,
}

/// Answers `Add`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Added {
    /// How many sessions of the replaced credentials were forgotten.
    pub sessions: u32,
    /// The config file to which a section was appended.
    pub section_added_to: Option<String>,
    /// Something the person should know, such as a typed MFA serial that was not needed.
    pub remark: Option<String>,
}

/// Answers `Explain`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// Lines for a person.
    pub lines: Vec<String>,
}

wire_enum! {
    /// What a prompt asks for.
    pub enum PromptKind {
        /// A one-time code of an MFA device.
        MfaCode = 1,
        /// The passphrase of a store.
        Passphrase = 2,
        /// A new passphrase; the client asks twice and compares.
        NewPassphrase = 3,
    }
}

/// Asks the person at the client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prompt {
    /// Which prompt, for the reply.
    pub prompt_id: u32,
    /// What it asks for.
    pub kind: PromptKind,
    /// The question, without a trailing colon.
    pub text: String,
    /// Why the last answer was not good.
    pub complaint: Option<String>,
    /// The agent stops waiting after this many seconds.
    pub timeout_seconds: u32,
}

/// The prompt is no longer needed: somebody else answered, or the work ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromptWithdrawn {
    /// Which prompt.
    pub prompt_id: u32,
    /// Why, for the person.
    pub reason: String,
}

/// Something takes time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// What is being waited for.
    pub text: String,
    /// How long it will take, in seconds, for a countdown; 0 when unknown.
    pub seconds: u32,
}

/// A store the agent knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreStatus {
    /// Its name, such as `file`.
    pub backend: String,
    /// Where it is.
    pub location: String,
    /// Whether its passphrase is held.
    pub open: bool,
}

/// How secrets are kept from others in this process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryStatus {
    /// Where the key that seals the cache lives: `memfd_secret`, `locked memory` or `plain memory`.
    pub sealing_key: String,
    /// Not traceable by other processes of the user.
    pub untraceable: bool,
    /// Leaves no core file.
    pub no_core: bool,
    /// Not swapped.
    pub locked: bool,
}

/// How the agent is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusReport {
    /// Version of the agent.
    pub version: String,
    /// Which run of the agent this is.
    pub instance: String,
    /// Process id.
    pub pid: u32,
    /// Where it listens.
    pub socket: String,
    /// Seconds since it started, suspend included.
    pub uptime_seconds: u64,
    /// Whether it is locked.
    pub locked: bool,
    /// Seconds until it forgets everything for reasons of age or idleness.
    pub forgets_in_seconds: Option<u64>,
    /// Stores used so far.
    pub stores: Vec<StoreStatus>,
    /// Sessions in memory.
    pub sessions: Vec<SessionRow>,
    /// Open connections, this one included.
    pub connections: u32,
    /// Prompts somebody is being asked right now.
    pub prompts: u32,
    /// How secrets are kept.
    pub memory: MemoryStatus,
    /// The agent's executable was replaced since it started.
    pub executable_replaced: bool,
}
