//! The stores in use: which one a client means, and opening it once for everybody.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_vault_protocol::failure::Failure;
use aws_vault_protocol::message::StoreChoice;

use crate::failure;
use crate::seal::Sealer;
use crate::store::{FileStore, Store, StoreError};

/// Where Go aws-vault keeps its encrypted files unless told otherwise.
const DEFAULT_FILE_DIR: &str = "~/.awsvault/keys/";

/// Why a client's choice of store cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreChoiceError {
    /// Not in this version.
    #[error("the store {0:?} is not available")]
    Unsupported(String),
    /// `~` means nothing.
    #[error("no home directory to keep the encrypted-file store in")]
    NoHome,
    /// The agent has another working directory than the client.
    #[error("the store directory {0:?} is not absolute")]
    Relative(PathBuf),
}

/// A store in use. Cheap to clone.
#[derive(Clone)]
pub struct StoreHandle {
    store: Arc<dyn Store>,
    number: usize,
}

/// The stores used so far.
pub struct Stores {
    sealer: Arc<Sealer>,
    known: RefCell<Vec<StoreHandle>>,
}

impl StoreHandle {
    /// The store itself, for calls that take microseconds and read no secret.
    pub fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// Tells stores apart within this agent.
    pub fn number(&self) -> usize {
        self.number
    }

    /// Names an item of this store among all items of all stores.
    pub fn item_id(&self, key: &str) -> String {
        format!("{}:{key}", self.number)
    }

    /// Runs work that may block on the blocking pool.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<Result<T, StoreError>, Failure> {
        let store = Arc::clone(&self.store);
        let done = tokio::task::spawn_blocking(move || {
            let result = work(&*store);
            crate::sys::scrub_stack();
            result
        });
        done.await.map_err(|_| failure::internal("work on the store was lost"))
    }
}

impl Stores {
    /// None yet.
    pub fn new(sealer: Arc<Sealer>) -> Self {
        Self { sealer, known: RefCell::default() }
    }

    /// The store a client means.
    pub fn choose(&self, choice: &StoreChoice, home: Option<&str>) -> Result<StoreHandle, StoreChoiceError> {
        match choice.backend.as_deref() {
            None | Some("" | "file") => {}
            Some(other) => return Err(StoreChoiceError::Unsupported(other.to_owned())),
        }
        let directory = expand(choice.file_dir.as_deref().unwrap_or(DEFAULT_FILE_DIR), home)?;
        let location = directory.to_string_lossy().into_owned();
        let mut known = self.known.borrow_mut();
        if let Some(handle) = known.iter().find(|handle| handle.store.location() == location) {
            return Ok(handle.clone());
        }
        let store = Arc::new(FileStore::new(directory, Arc::clone(&self.sealer)));
        let handle = StoreHandle { store, number: known.len() };
        known.push(handle.clone());
        Ok(handle)
    }

    /// All stores used so far.
    pub fn all(&self) -> Vec<StoreHandle> {
        self.known.borrow().clone()
    }

    /// Forgets every passphrase.
    pub fn close_all(&self) {
        for handle in self.known.borrow().iter() {
            handle.store.close();
        }
    }
}

fn expand(directory: &str, home: Option<&str>) -> Result<PathBuf, StoreChoiceError> {
    let path = match directory.strip_prefix("~/").or((directory == "~").then_some("")) {
        None => PathBuf::from(directory),
        Some(rest) => {
            let home = home.filter(|home| !home.is_empty()).ok_or(StoreChoiceError::NoHome)?;
            Path::new(home).join(rest)
        }
    };
    if !path.is_absolute() {
        return Err(StoreChoiceError::Relative(path));
    }
    // Two spellings of one directory are one store.
    Ok(path.components().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(backend: Option<&str>, file_dir: Option<&str>) -> StoreChoice {
        StoreChoice {
            backend: backend.map(str::to_owned),
            file_dir: file_dir.map(str::to_owned),
            file_passphrase: None,
        }
    }

    fn location(file_dir: Option<&str>, home: Option<&str>) -> Result<String, StoreChoiceError> {
        let stores = Stores::new(Arc::new(Sealer::new().unwrap()));
        stores.choose(&choice(None, file_dir), home).map(|handle| handle.store().location())
    }

    #[test]
    fn finds_the_directory_go_uses() {
        assert_eq!(location(None, Some("/home/jon")).unwrap(), "/home/jon/.awsvault/keys");
        assert_eq!(location(Some("~/k"), Some("/home/jon")).unwrap(), "/home/jon/k");
        assert_eq!(location(Some("/a//b/./c/"), None).unwrap(), "/a/b/c");
        assert_eq!(location(None, None).unwrap_err(), StoreChoiceError::NoHome);
        assert!(matches!(location(Some("keys"), None), Err(StoreChoiceError::Relative(_))));
    }

    #[test]
    fn one_directory_is_one_store() {
        let stores = Stores::new(Arc::new(Sealer::new().unwrap()));
        let first = stores.choose(&choice(None, Some("/a/b")), None).unwrap();
        let same = stores.choose(&choice(Some("file"), Some("/a//b/")), None).unwrap();
        let other = stores.choose(&choice(None, Some("/c")), None).unwrap();
        assert_eq!(first.number(), same.number());
        assert_ne!(first.number(), other.number());
        let pass = stores.choose(&choice(Some("pass"), None), None);
        assert!(matches!(pass, Err(StoreChoiceError::Unsupported(name)) if name == "pass"));
    }
}
