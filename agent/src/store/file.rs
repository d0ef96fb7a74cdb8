//! The encrypted-file store: one JWE file per item in one directory, exactly as Go aws-vault keeps it
//! (compat §8.10). Never leaves a file of another kind in that directory: Go would list it as a credential.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_vault_protocol::secret::Passphrase;
use zeroize::Zeroizing;

use super::jwe::{self, JweError};
use super::{Item, PassphraseNeed, Store, StoreError};
use crate::seal::{Sealed, Sealer};
use crate::sys::clock::Now;
use crate::sys::{files, scrub_stack};

/// Binds the sealed passphrase to its use.
const SEAL_PURPOSE: &[u8] = b"file store passphrase";

/// Largest file read as an item, in bytes: aws-vault's are below 4 KiB, its session items below 16 KiB.
const MAX_ITEM_LEN: u64 = 256 * 1024;

/// A directory of encrypted items, and its passphrase once it is known.
pub struct FileStore {
    directory: PathBuf,
    sealer: Arc<Sealer>,
    passphrase: Mutex<Option<Sealed>>,
}

impl FileStore {
    /// A store in a directory, which is created when something is written.
    pub fn new(directory: PathBuf, sealer: Arc<Sealer>) -> Self {
        Self { directory, sealer, passphrase: Mutex::new(None) }
    }

    fn path_of(&self, key: &str) -> PathBuf {
        self.directory.join(file_name(key))
    }

    fn held(&self) -> MutexGuard<'_, Option<Sealed>> {
        self.passphrase.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known_passphrase(&self) -> Result<Zeroizing<String>, StoreError> {
        let sealed = self.held().clone().ok_or(StoreError::Closed)?;
        let mut bytes = self.sealer.open(&sealed, SEAL_PURPOSE).map_err(|_| StoreError::Closed)?;
        String::from_utf8(std::mem::take(&mut *bytes)).map(Zeroizing::new).map_err(|_| StoreError::Closed)
    }

    fn read(&self, key: &str) -> Result<String, StoreError> {
        let path = self.path_of(key);
        let found = fs::metadata(&path).and_then(|found| {
            if !found.is_file() || found.len() > MAX_ITEM_LEN {
                return Err(std::io::Error::new(ErrorKind::InvalidData, "not a small regular file"));
            }
            fs::read_to_string(&path)
        });
        found.map_err(|source| match source.kind() {
            ErrorKind::NotFound => StoreError::NotFound(key.to_owned()),
            _ => StoreError::Io { path, source },
        })
    }

    fn decrypt(&self, key: &str, passphrase: &str) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        let text = self.read(key)?;
        let plain = jwe::decrypt(&text, passphrase);
        scrub_stack();
        plain.map_err(|source| match source {
            JweError::WrongPassphrase => StoreError::WrongPassphrase { item: key.to_owned() },
            source => StoreError::NotAnItem { path: self.path_of(key), source },
        })
    }

    /// An item to check a passphrase against, credentials first. Files that are no items cannot serve.
    fn witness(&self) -> Result<Option<String>, StoreError> {
        let mut keys = self.keys()?;
        keys.sort_by_key(|key| !super::is_credential_name(key));
        Ok(keys.into_iter().find(|key| self.read(key).is_ok_and(|text| text.split('.').count() == 5)))
    }

    fn io<T>(path: &Path, result: std::io::Result<T>) -> Result<T, StoreError> {
        result.map_err(|source| StoreError::Io { path: path.to_owned(), source })
    }

    /// Where drafts are written before they are renamed into the directory: beside it, so that it is on
    /// the same file system and Go never sees a draft.
    fn workshop(&self) -> &Path {
        self.directory.parent().unwrap_or(&self.directory)
    }
}

impl Store for FileStore {
    fn backend(&self) -> &'static str {
        "file"
    }

    fn location(&self) -> String {
        self.directory.to_string_lossy().into_owned()
    }

    fn keys(&self) -> Result<Vec<String>, StoreError> {
        let entries = match fs::read_dir(&self.directory) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            result => Self::io(&self.directory, result)?,
        };
        let mut keys = Vec::new();
        for entry in entries {
            let entry = Self::io(&self.directory, entry)?;
            if entry.file_type().is_ok_and(|kind| kind.is_file()) {
                keys.extend(entry.file_name().to_str().and_then(key_of));
            }
        }
        keys.sort();
        Ok(keys)
    }

    fn version(&self, key: &str) -> Option<Vec<u8>> {
        let found = fs::metadata(self.path_of(key)).ok().filter(fs::Metadata::is_file)?;
        let stamps =
            [found.mtime(), found.mtime_nsec(), found.size().cast_signed(), found.ino().cast_signed()];
        Some(stamps.iter().flat_map(|stamp| stamp.to_le_bytes()).collect())
    }

    fn get(&self, key: &str) -> Result<Item, StoreError> {
        let plain = self.decrypt(key, &self.known_passphrase()?)?;
        Item::from_wrapped_json(&plain)
            .map_err(|source| StoreError::MalformedItem { item: key.to_owned(), source })
    }

    fn set(&self, item: &Item) -> Result<(), StoreError> {
        let name = file_name(&item.key);
        // 255 bytes is the longest name of every file system in use.
        if item.key.is_empty() || name == "." || name == ".." || name.contains('\0') || name.len() > 255 {
            return Err(StoreError::UnusableName(item.key.clone()));
        }
        let passphrase = self.known_passphrase()?;
        let text = jwe::encrypt(&item.to_wrapped_json(), &passphrase, Now::read().wall);
        scrub_stack();
        let text = text.map_err(|_| StoreError::NoRandomness(std::io::Error::last_os_error()))?;
        let mut builder = fs::DirBuilder::new();
        Self::io(&self.directory, builder.recursive(true).mode(0o700).create(&self.directory))?;
        let path = self.path_of(&item.key);
        Self::io(&path, files::replace_file(&path, self.workshop(), text.as_bytes(), 0o600))
    }

    fn remove(&self, key: &str) -> Result<(), StoreError> {
        let path = self.path_of(key);
        match fs::remove_file(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Err(StoreError::NotFound(key.to_owned())),
            result => Self::io(&path, result),
        }
    }

    fn is_open(&self) -> bool {
        self.held().is_some()
    }

    fn passphrase(&self) -> Result<PassphraseNeed, StoreError> {
        if self.is_open() {
            return Ok(PassphraseNeed::Satisfied);
        }
        Ok(if self.witness()?.is_some() { PassphraseNeed::Existing } else { PassphraseNeed::New })
    }

    fn open(&self, passphrase: &Passphrase) -> Result<(), StoreError> {
        if let Some(witness) = self.witness()? {
            self.decrypt(&witness, passphrase.expose())?;
        }
        let sealed = self.sealer.seal(passphrase.expose().as_bytes(), SEAL_PURPOSE);
        *self.held() = Some(sealed.map_err(StoreError::NoRandomness)?);
        Ok(())
    }

    fn close(&self) {
        *self.held() = None;
    }
}

/// `%` and `/` are escaped, everything else stays as it is.
fn file_name(key: &str) -> String {
    key.replace('%', "%25").replace('/', "%2F")
}

/// Undoes any `%HH`; `None` when the bytes are no text.
fn key_of(file_name: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(file_name.len());
    let mut rest = file_name.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let escaped = match tail {
            [high, low, ..] if byte == b'%' => hex(*high).zip(hex(*low)),
            _ => None,
        };
        bytes.push(escaped.map_or(byte, |(high, low)| high << 4 | low));
        rest = if escaped.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8(bytes).ok()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests;
