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

/// Most items a passphrase is tried on, at about 5 ms each.
const MAX_WITNESSES: usize = 8;

/// A directory of encrypted items, and its passphrase once it is known.
pub struct FileStore {
    directory: PathBuf,
    sealer: Arc<Sealer>,
    held: Mutex<Held>,
}

/// The passphrase, once it is known.
#[derive(Default)]
struct Held {
    passphrase: Option<Sealed>,
    /// Counts how often it was forgotten.
    generation: u64,
}

impl FileStore {
    /// A store in a directory, which is created when something is written.
    pub fn new(directory: PathBuf, sealer: Arc<Sealer>) -> Self {
        Self { directory, sealer, held: Mutex::default() }
    }

    fn path_of(&self, key: &str) -> PathBuf {
        self.directory.join(file_name(key))
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known_passphrase(&self) -> Result<Zeroizing<String>, StoreError> {
        let sealed = self.held().passphrase.clone().ok_or(StoreError::Closed)?;
        let mut bytes = self.sealer.open(&sealed, SEAL_PURPOSE).map_err(|_| StoreError::Closed)?;
        String::from_utf8(std::mem::take(&mut *bytes)).map(Zeroizing::new).map_err(|_| StoreError::Closed)
    }

    fn read(&self, key: &str) -> Result<String, StoreError> {
        let path = self.path_of(key);
        let read = files::read_limited(&path, MAX_ITEM_LEN);
        let read = read.and_then(|bytes| {
            String::from_utf8(bytes).map_err(|_| std::io::Error::new(ErrorKind::InvalidData, "not a text"))
        });
        read.map_err(|source| match source.kind() {
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

    /// Items to check a passphrase against, credentials first. Files that are no items cannot serve.
    fn witnesses(&self) -> Result<impl Iterator<Item = String>, StoreError> {
        let mut keys = self.keys()?;
        keys.sort_by_key(|key| !super::is_credential_name(key));
        let is_item = |key: &String| self.read(key).is_ok_and(|text| text.split('.').count() == 5);
        Ok(keys.into_iter().filter(is_item))
    }

    /// Checks a passphrase: it must open some item. Items may lie under different passphrases, and one that
    /// is damaged says nothing.
    fn check(&self, passphrase: &Passphrase) -> Result<(), StoreError> {
        let mut wrong = None;
        for witness in self.witnesses()?.take(MAX_WITNESSES) {
            match self.decrypt(&witness, passphrase.expose()) {
                Ok(_) => return Ok(()),
                Err(error @ StoreError::WrongPassphrase { .. }) => wrong = wrong.or(Some(error)),
                Err(_) => {}
            }
        }
        wrong.map_or(Ok(()), Err)
    }

    fn io<T>(path: &Path, result: std::io::Result<T>) -> Result<T, StoreError> {
        result.map_err(|source| StoreError::Io { path: path.to_owned(), source })
    }

    /// Writes an item as a whole. The draft lies beside the directory, where Go never sees it; if that is
    /// another file system or may not be written, in the directory under a name that we pass over.
    fn write(&self, path: &Path, text: &str) -> std::io::Result<()> {
        let directory = self.directory.canonicalize()?;
        let beside = directory.parent().unwrap_or(&directory);
        match files::replace_file(path, beside, text.as_bytes(), 0o600) {
            Err(error) if may_work_inside(&error) => {
                files::replace_file(path, &directory, text.as_bytes(), 0o600)
            }
            result => result,
        }
    }
}

fn may_work_inside(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::CrossesDevices | ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem
    )
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
                let name = entry.file_name();
                let name = name.to_str().filter(|name| !name.starts_with(files::DRAFT_PREFIX));
                keys.extend(name.and_then(key_of));
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
        Self::io(&path, self.write(&path, &text))
    }

    fn remove(&self, key: &str) -> Result<(), StoreError> {
        let path = self.path_of(key);
        match fs::remove_file(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Err(StoreError::NotFound(key.to_owned())),
            result => Self::io(&path, result),
        }
    }

    fn is_open(&self) -> bool {
        self.held().passphrase.is_some()
    }

    fn passphrase(&self) -> Result<PassphraseNeed, StoreError> {
        if self.is_open() {
            return Ok(PassphraseNeed::Satisfied);
        }
        Ok(if self.witnesses()?.next().is_some() { PassphraseNeed::Existing } else { PassphraseNeed::New })
    }

    fn generation(&self) -> u64 {
        self.held().generation
    }

    fn open(&self, passphrase: &Passphrase, generation: u64) -> Result<(), StoreError> {
        self.check(passphrase)?;
        let sealed = self.sealer.seal(passphrase.expose().as_bytes(), SEAL_PURPOSE);
        let sealed = sealed.map_err(StoreError::NoRandomness)?;
        let mut held = self.held();
        if held.generation != generation {
            return Err(StoreError::Closed);
        }
        held.passphrase = Some(sealed);
        Ok(())
    }

    fn close(&self) {
        let mut held = self.held();
        held.passphrase = None;
        held.generation += 1;
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
