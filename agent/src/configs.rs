//! AWS config files, read again only when they have changed.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs::{self, Metadata, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::config::{self, AppendError, ConfigError, ConfigFile};
use crate::environment::Environment;
use crate::sys::files::read_limited;

/// Largest config read, in bytes: ten thousand profiles are about 2 MB.
const MAX_LEN: u64 = 16 * 1024 * 1024;

/// Most files remembered. A user has one or two; a test run may name hundreds.
const MAX_FILES: usize = 16;

/// Why a config file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigFileError {
    /// No variable says where it is.
    #[error("neither AWS_CONFIG_FILE nor HOME says where the AWS config is")]
    NoHome,
    /// The file system refused.
    #[error("{path:?}: {source}")]
    Io {
        /// Which path.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// What it says makes no sense.
    #[error(transparent)]
    Content(#[from] ConfigError),
    /// A section cannot be appended.
    #[error(transparent)]
    Append(#[from] AppendError),
}

/// The config files in use.
#[derive(Debug, Default)]
pub struct Configs {
    known: RefCell<HashMap<PathBuf, (Stamp, Rc<ConfigFile>)>>,
}

/// What changes when a file does; `None` for a file that is not there.
type Stamp = Option<(i64, i64, u64, u64)>;

/// Where a client's config is: `AWS_CONFIG_FILE` verbatim, else `~/.aws/config`.
pub fn path(environment: &Environment, home: Option<&str>) -> Result<PathBuf, ConfigFileError> {
    if let Some(path) = environment.get("AWS_CONFIG_FILE") {
        return Ok(PathBuf::from(path));
    }
    let home = home.filter(|home| !home.is_empty()).ok_or(ConfigFileError::NoHome)?;
    Ok(Path::new(home).join(".aws/config"))
}

impl Configs {
    /// The config at a path. A missing file is an empty config: nothing is created by reading.
    pub async fn load(&self, path: &Path) -> Result<Rc<ConfigFile>, ConfigFileError> {
        let stamp = stamp(path)?;
        if let Some((known, config)) = self.known.borrow().get(path)
            && *known == stamp
        {
            return Ok(Rc::clone(config));
        }
        let owned = path.to_owned();
        let read = tokio::task::spawn_blocking(move || read(&owned)).await;
        let config = read.map_err(|error| io(path, std::io::Error::other(error)))??;
        let config = Rc::new(config);
        let mut known = self.known.borrow_mut();
        if known.len() >= MAX_FILES {
            known.clear();
        }
        known.insert(path.to_owned(), (stamp, Rc::clone(&config)));
        Ok(config)
    }

    /// Reads everything again at its next use.
    pub fn forget(&self) {
        self.known.borrow_mut().clear();
    }
}

/// A section to be appended to a config; made before anything is stored, so that nothing is stored in vain.
#[derive(Debug)]
pub struct NewSection {
    path: PathBuf,
    text: String,
}

impl NewSection {
    /// The section for a profile.
    pub fn for_profile(
        path: &Path,
        profile: &str,
        mfa_serial: Option<&str>,
    ) -> Result<Self, ConfigFileError> {
        let existing = match read_limited(path, MAX_LEN) {
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            result => result.map_err(|error| io(path, error))?,
        };
        let existing = String::from_utf8_lossy(&existing);
        let text = config::append_profile(path, &existing, profile, mfa_serial)?;
        Ok(Self { path: path.to_owned(), text })
    }

    /// Appends it. Only appends: every byte that is there stays as it is. What is written only in part is
    /// taken back.
    pub fn append(&self) -> Result<(), ConfigFileError> {
        let path = &self.path;
        if let Some(directory) = path.parent() {
            let created = fs::DirBuilder::new().recursive(true).mode(0o700).create(directory);
            created.map_err(|error| io(directory, error))?;
        }
        let opened = OpenOptions::new().append(true).create(true).mode(0o600).open(path);
        let mut file = opened.map_err(|error| io(path, error))?;
        let length = |file: &fs::File| file.metadata().map(|found| found.len());
        let before = length(&file).map_err(|error| io(path, error))?;
        let written = file.write_all(self.text.as_bytes()).and_then(|()| file.sync_all());
        written.map_err(|error| {
            // If it is longer than our part can be, somebody else has written too, and nothing is cut.
            if length(&file).is_ok_and(|after| after < before + self.text.len() as u64) {
                let _ = file.set_len(before);
            }
            io(path, error)
        })
    }
}

fn stamp(path: &Path) -> Result<Stamp, ConfigFileError> {
    match fs::metadata(path) {
        Ok(found) => Ok(Some(stamp_of(&found))),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(io(path, error)),
    }
}

fn stamp_of(found: &Metadata) -> (i64, i64, u64, u64) {
    (found.mtime(), found.mtime_nsec(), found.size(), found.ino())
}

fn read(path: &Path) -> Result<ConfigFile, ConfigFileError> {
    match fs::metadata(path) {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(ConfigFile::empty(path));
        }
        Err(error) => return Err(io(path, error)),
        Ok(_) => {}
    }
    let bytes = read_limited(path, MAX_LEN).map_err(|error| io(path, error))?;
    Ok(ConfigFile::parse(path, &String::from_utf8_lossy(&bytes))?)
}

fn io(path: &Path, source: std::io::Error) -> ConfigFileError {
    ConfigFileError::Io { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn reads_again_only_after_a_change() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("config");
        let configs = Configs::default();
        assert!(!configs.load(&path).await.unwrap().has_profile("a"));
        assert!(!path.exists(), "reading creates nothing");
        fs::write(&path, "[profile a]\nregion = x\n").unwrap();
        let first = configs.load(&path).await.unwrap();
        assert!(first.has_profile("a"));
        assert!(Rc::ptr_eq(&first, &configs.load(&path).await.unwrap()));
        fs::write(&path, "[profile bb]\nregion = x\n").unwrap();
        assert!(configs.load(&path).await.unwrap().has_profile("bb"));
    }

    #[test]
    fn appending_keeps_what_is_there() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join(".aws/config");
        NewSection::for_profile(&path, "one", Some("arn:x")).unwrap().append().unwrap();
        NewSection::for_profile(&path, "two", None).unwrap().append().unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text, "[profile one]\nmfa_serial=arn:x\n\n[profile two]\n");
    }
}
