//! What exists in the stand-in's AWS: users, keys, devices, roles, issued sessions, and the state of the stand-in itself.
//!
//! Plain data behind one lock. It creates and finds; whether somebody may do something is decided by the services. It
//! never reads the machine's clock except to compute its own `now`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::calls::{Log, Tag};
use super::faults::Faults;
use super::totp::Device;
use super::{clock, random};

/// AWS's own default for `MaxSessionDuration` of a role, in seconds.
const DEFAULT_MAX_DURATION: i64 = 3600;

/// The long-term credentials of a user.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct UserKeys {
    /// `AKIA…`, 20 characters.
    pub access_key_id: String,
    /// 40 characters.
    pub secret_access_key: String,
}

/// What a role asks of those who assume it.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct RoleOptions {
    /// The trust policy asks for `aws:MultiFactorAuthPresent`: the call or the session making it must carry MFA.
    pub requires_mfa: bool,
    /// The trust policy asks for this external id.
    pub external_id: Option<String>,
    /// `MaxSessionDuration` in seconds: 3600 to 43200.
    pub max_duration: i64,
    /// ARNs of the users and roles that may assume it; empty for everyone.
    pub trusted: Vec<String>,
    /// The account it is in; `None` for the account of the users.
    pub account: Option<String>,
}

impl Default for RoleOptions {
    fn default() -> Self {
        let (requires_mfa, external_id, account) = (false, None, None);
        Self { requires_mfa, external_id, max_duration: DEFAULT_MAX_DURATION, trusted: Vec::new(), account }
    }
}

/// Credentials that exist, of a user or of a session. For tests that look for leaks.
#[derive(Clone, Debug, Serialize)]
pub struct Issued {
    /// `AKIA…` or `ASIA…`.
    pub access_key_id: String,
    /// 40 characters.
    pub secret_access_key: String,
    /// 400 to 900 characters; `None` for the key of a user.
    pub session_token: Option<String>,
    /// Unix seconds of the stand-in's clock; `None` for the key of a user.
    pub expiration: Option<i64>,
}

/// Who holds a key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Holder {
    /// A user, by name, with a long-term key or a session of its own.
    User(String),
    /// A session of the role with this ARN.
    Role(String),
    /// A federated user.
    Federated,
}

/// An identity as `GetCallerIdentity` tells it.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    pub(super) holder: Holder,
    pub(super) arn: String,
    pub(super) user_id: String,
    pub(super) account: String,
}

/// Credentials with everything the stand-in remembers about them.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) issued: Issued,
    pub(super) identity: Identity,
    /// Whether the session was opened with MFA.
    pub(super) mfa: bool,
    /// Tags that pass on to sessions opened from this one.
    pub(super) transitive_tags: Vec<Tag>,
    /// Passed on likewise, and never changed.
    pub(super) source_identity: Option<String>,
}

/// A role.
#[derive(Clone, Debug)]
pub(super) struct Role {
    pub(super) name: String,
    pub(super) arn: String,
    pub(super) id: String,
    pub(super) account: String,
    pub(super) options: RoleOptions,
}

/// Everything.
#[derive(Debug)]
pub(super) struct World {
    /// The regions a request may be signed for; the first is the home region.
    pub(super) regions: Vec<String>,
    pub(super) account: String,
    pub(super) devices: BTreeMap<String, Device>,
    pub(super) roles: BTreeMap<String, Role>,
    pub(super) keys: Vec<Key>,
    pub(super) log: Log,
    pub(super) faults: Faults,
    /// Seconds that the stand-in's clock is ahead of the machine's.
    pub(super) clock_skew: i64,
    /// The lifetime of every session, whatever was asked for.
    pub(super) lifetime: Option<i64>,
}

impl World {
    /// An empty account.
    pub(super) fn new(account: String, regions: Vec<String>) -> Self {
        Self {
            regions,
            account,
            devices: BTreeMap::new(),
            roles: BTreeMap::new(),
            keys: Vec::new(),
            log: Log::default(),
            faults: Faults::default(),
            clock_skew: 0,
            lifetime: None,
        }
    }

    /// The stand-in's time, in Unix seconds.
    pub(super) fn now(&self) -> i64 {
        clock::system_now() + self.clock_skew
    }

    /// A user with a long-term key; another key if the user exists, as AWS allows two.
    pub(super) fn add_user(&mut self, name: &str) -> UserKeys {
        let holder = Holder::User(name.to_owned());
        let known = self.keys.iter().find(|key| key.identity.holder == holder);
        let identity = known.map_or_else(
            || Identity {
                holder: holder.clone(),
                arn: format!("arn:aws:iam::{}:user/{name}", self.account),
                user_id: random::id("AIDA"),
                account: self.account.clone(),
            },
            |key| key.identity.clone(),
        );
        let keys =
            UserKeys { access_key_id: random::id("AKIA"), secret_access_key: random::secret_access_key() };
        let issued = Issued {
            access_key_id: keys.access_key_id.clone(),
            secret_access_key: keys.secret_access_key.clone(),
            session_token: None,
            expiration: None,
        };
        self.keys.push(Key {
            issued,
            identity,
            mfa: false,
            transitive_tags: Vec::new(),
            source_identity: None,
        });
        keys
    }

    /// A virtual MFA device of a user; the first is named like the user, as AWS's console proposes.
    pub(super) fn add_mfa_device(&mut self, user: &str) -> String {
        let base = format!("arn:aws:iam::{}:mfa/{user}", self.account);
        let numbered = (2..).map(|number| format!("{base}-{number}"));
        let serial = std::iter::once(base.clone())
            .chain(numbered)
            .find(|serial| !self.devices.contains_key(serial))
            .expect("there is always another number");
        self.devices.insert(serial.clone(), Device::new(user));
        serial
    }

    /// A role, or a role replaced.
    pub(super) fn add_role(&mut self, name: &str, options: RoleOptions) -> String {
        let account = options.account.clone().unwrap_or_else(|| self.account.clone());
        let arn = format!("arn:aws:iam::{account}:role/{name}");
        let role = Role { name: name.to_owned(), arn: arn.clone(), id: random::id("AROA"), account, options };
        self.roles.insert(arn.clone(), role);
        arn
    }

    /// Opens a session of `lifetime` seconds, unless a test has set another lifetime.
    pub(super) fn issue(&mut self, session: NewSession, now: i64) -> Key {
        let lifetime = self.lifetime.unwrap_or(session.lifetime);
        let issued = Issued {
            access_key_id: random::id("ASIA"),
            secret_access_key: random::secret_access_key(),
            session_token: Some(random::session_token()),
            expiration: Some(now + lifetime),
        };
        let NewSession { identity, mfa, transitive_tags, source_identity, .. } = session;
        let key = Key { issued, identity, mfa, transitive_tags, source_identity };
        self.keys.push(key.clone());
        key
    }

    /// The key of that id.
    pub(super) fn key(&self, access_key_id: &str) -> Option<&Key> {
        self.keys.iter().rev().find(|key| key.issued.access_key_id == access_key_id)
    }
}

/// A session to be opened.
pub(super) struct NewSession {
    pub(super) identity: Identity,
    /// Seconds.
    pub(super) lifetime: i64,
    pub(super) mfa: bool,
    pub(super) transitive_tags: Vec<Tag>,
    pub(super) source_identity: Option<String>,
}
