//! Where long-term credentials are kept. One trait, so that every store (file, Secret Service, keychain …)
//! fits without a change elsewhere; what a store holds is exactly what Go aws-vault holds there.
//!
//! A store is blocking and is called on the blocking pool only. It never asks a person itself: a store that
//! needs a passphrase says so through [`Store::passphrase`], and the broker asks whoever is waiting.

mod file;
mod item;
mod jwe;

use std::path::PathBuf;

use aws_vault_protocol::secret::Passphrase;

pub use file::FileStore;
pub use item::{Item, MalformedItem};
pub use jwe::JweError;

/// Why a store did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file system refused.
    #[error("{path:?}: {source}")]
    Io {
        /// Which path.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The store must be opened with a passphrase first.
    #[error("the store is closed")]
    Closed,
    /// The passphrase does not open this item.
    #[error("the passphrase does not open {item:?}")]
    WrongPassphrase {
        /// Which item was tried.
        item: String,
    },
    /// The item is there but is not what aws-vault writes.
    #[error("{path:?} is not an aws-vault item: {source}")]
    NotAnItem {
        /// Where it is.
        path: PathBuf,
        /// What is wrong with it.
        source: JweError,
    },
    /// The item opens but its content makes no sense.
    #[error("the item {item:?} cannot be understood: {source}")]
    MalformedItem {
        /// Which item.
        item: String,
        /// What is wrong with it.
        source: MalformedItem,
    },
    /// The store directory cannot hold a file of this name.
    #[error("{0:?} cannot be the name of an item in this store")]
    UnusableName(String),
    /// Random numbers, or memory for them, are not to be had.
    #[error("the operating system gives no random numbers: {0}")]
    NoRandomness(std::io::Error),
    /// Nothing of this name was stored.
    #[error("nothing is stored under {0:?}")]
    NotFound(String),
}

/// What a store needs before it can read or write secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PassphraseNeed {
    /// Nothing, or it has been given.
    Satisfied,
    /// The passphrase of the items that are there.
    Existing,
    /// A new passphrase: the store is empty. Ask twice.
    New,
}

/// A place where long-term credentials are kept.
pub trait Store: Send + Sync {
    /// The name of this kind of store, as `--backend` spells it.
    fn backend(&self) -> &'static str;

    /// Where it is, for people.
    fn location(&self) -> String;

    /// Keys of all items. Reads no secret and needs no passphrase.
    fn keys(&self) -> Result<Vec<String>, StoreError>;

    /// Something that changes whenever the item does, or `None` when there is no such item. Reads no
    /// secret; called for every request, so it must take microseconds.
    fn version(&self, key: &str) -> Option<Vec<u8>>;

    /// Reads an item.
    fn get(&self, key: &str) -> Result<Item, StoreError>;

    /// Writes an item as a whole, replacing one of the same key.
    fn set(&self, item: &Item) -> Result<(), StoreError>;

    /// Deletes an item.
    fn remove(&self, key: &str) -> Result<(), StoreError>;

    /// Whether secrets can be read and written right now, as far as is known without looking.
    fn is_open(&self) -> bool;

    /// What is needed before [`Store::get`] and [`Store::set`] can work.
    fn passphrase(&self) -> Result<PassphraseNeed, StoreError>;

    /// Changes with every [`Store::close`].
    fn generation(&self) -> u64;

    /// Takes the passphrase, after checking it against an existing item. If the store was closed since
    /// `generation`, it stays closed: opening takes a while, and a person may lock meanwhile.
    fn open(&self, passphrase: &Passphrase, generation: u64) -> Result<(), StoreError>;

    /// Forgets the passphrase.
    fn close(&self);
}

/// Whether an enumerated key is the name of long-term credentials, and not one of aws-vault's session or
/// sign-in items (compat §8.2).
pub fn is_credential_name(key: &str) -> bool {
    !(key.starts_with("oidc:") || is_session_key(key) || is_legacy_session_key(key))
}

/// `<type>,<base64url profile>,<base64url third>,<expiry>`.
fn is_session_key(key: &str) -> bool {
    let parts: Vec<&str> = key.split(',').collect();
    let [kind, profile, third, expiry] = parts[..] else { return false };
    let is_base64url = |text: &str| {
        text.len() % 4 != 1 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    !kind.is_empty()
        && !profile.is_empty()
        && is_base64url(profile)
        && is_base64url(third)
        && is_decimal(expiry)
        && expiry.parse::<i64>().is_ok()
}

/// The three forms of aws-vault 4 and 5.
fn is_legacy_session_key(key: &str) -> bool {
    let comma_form = || {
        let parts: Vec<&str> = key.split(',').collect();
        matches!(parts[..], ["session", profile, _, expiry] if !profile.is_empty() && expiry.len() >= 2 && is_decimal(expiry))
    };
    let colon_form = || {
        let parts: Vec<&str> = key.splitn(3, ':').collect();
        let ["session", profile, rest] = parts[..] else { return false };
        let Some((middle, last)) = rest.rsplit_once(':') else { return false };
        !profile.is_empty() && !profile.contains(' ') && !middle.contains(' ') && !last.is_empty()
    };
    let spelled_form = || {
        let Some(rest) = key.strip_suffix(')') else { return false };
        rest.rsplit_once(" session (").is_some_and(|(name, number)| !name.is_empty() && is_decimal(number))
    };
    comma_form() || colon_form() || spelled_form()
}

fn is_decimal(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::is_credential_name;

    #[test]
    fn tells_credentials_from_sessions() {
        for key in ["work", "my/prof ile", "50%", "a,b", "session", "session one"] {
            assert!(is_credential_name(key), "{key}");
        }
        for key in [
            "oidc:https://x.awsapps.com/start",
            "sts.GetSessionToken,bXkvcHJvZiBpbGU,,1700000000",
            "sts.AssumeRole,d29yaw,YXJuOmF3czppYW06OjEyMzQ1Njc4OTAxMjptZmEvam9u,1700000000",
            "session,d29yaw,,1700000000",
            "session:work:arn:1700000000",
            "work session (1700000000)",
        ] {
            assert!(!is_credential_name(key), "{key}");
        }
    }
}
