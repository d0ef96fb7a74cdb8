//! Files that nobody else may touch: private directories, locks, and files replaced as a whole.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, OFlags};

/// How the name of an unfinished file begins.
pub const DRAFT_PREFIX: &str = ".aws-vault-draft-";

/// Why a directory cannot hold our socket.
#[derive(Debug, thiserror::Error)]
pub enum PrivateDirError {
    /// The operating system refused.
    #[error("{path:?}: {source}")]
    Io {
        /// Which path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Something else has the name.
    #[error("{0:?} is not a directory")]
    NotADirectory(PathBuf),
    /// Whoever owns it could replace our socket by another.
    #[error("{path:?} belongs to user {owner}, not to you (user {user})")]
    ForeignOwner {
        /// Which path.
        path: PathBuf,
        /// Its owner.
        owner: u32,
        /// Us.
        user: u32,
    },
    /// Others could put files there.
    #[error("{path:?} is open to others (mode {mode:04o})")]
    TooOpen {
        /// Which path.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
}

/// Makes sure that `path` is a directory of this user that nobody else can enter, creating it if needed.
pub fn private_dir(path: &Path) -> Result<(), PrivateDirError> {
    let io = |source| PrivateDirError::Io { path: path.to_owned(), source };
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(io)?;
    let found = std::fs::symlink_metadata(path).map_err(io)?;
    if !found.is_dir() {
        return Err(PrivateDirError::NotADirectory(path.to_owned()));
    }
    let user = super::user_id();
    if found.uid() != user {
        return Err(PrivateDirError::ForeignOwner { path: path.to_owned(), owner: found.uid(), user });
    }
    let mode = found.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(PrivateDirError::TooOpen { path: path.to_owned(), mode });
    }
    Ok(())
}

/// Whether `path` is a directory of this user.
pub fn is_own_directory(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|found| found.is_dir() && found.uid() == super::user_id())
}

/// A lock file held by this process. The file stays when the lock goes: unlinking it would let two
/// processes hold "the same" lock.
#[derive(Debug)]
pub struct FileLock {
    file: File,
}

impl FileLock {
    /// Takes the lock if nobody holds it; `None` when somebody does.
    pub fn try_take(path: &Path) -> io::Result<Option<Self>> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags((OFlags::NOFOLLOW | OFlags::CLOEXEC).bits().cast_signed())
            .open(path)?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Self { file })),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes a note for people into the lock file, such as who holds it.
    pub fn note(&mut self, text: &str) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.write_all(text.as_bytes())
    }
}

/// Reads a regular file of at most `limit` bytes. A FIFO or a device cannot block or fill the agent.
pub fn read_limited(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags((OFlags::NONBLOCK | OFlags::CLOEXEC).bits().cast_signed())
        .open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "not a regular file"));
    }
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("larger than {limit} bytes")));
    }
    Ok(bytes)
}

/// Replaces a file as a whole: written beside it under a hidden name in `workshop`, synced, renamed. Readers
/// see the old content or the new one, never a part, also after a crash.
///
/// Drafts begin with [`DRAFT_PREFIX`].
///
/// `workshop` must be on the same file system; it is a parameter because the directory of the target may
/// have to stay free of foreign files.
pub fn replace_file(target: &Path, workshop: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let mut draft = tempfile::Builder::new().prefix(DRAFT_PREFIX).tempfile_in(workshop)?;
    draft.as_file().set_permissions(std::fs::Permissions::from_mode(mode))?;
    draft.write_all(content)?;
    draft.as_file().sync_all()?;
    draft.persist(target).map_err(|error| error.error)?;
    // The new content is in place; some file systems cannot sync a directory, and that loses nothing.
    if let Some(Ok(directory)) = target.parent().map(File::open) {
        let _ = directory.sync_all();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_has_one_holder() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let held = FileLock::try_take(&path).unwrap().unwrap();
        assert!(FileLock::try_take(&path).unwrap().is_none());
        drop(held);
        assert!(FileLock::try_take(&path).unwrap().is_some());
        assert!(path.exists());
    }

    #[test]
    fn an_open_directory_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let open = dir.path().join("open");
        std::fs::create_dir(&open).unwrap();
        std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert!(matches!(private_dir(&open), Err(PrivateDirError::TooOpen { mode: 0o755, .. })));
        let fresh = dir.path().join("a/b");
        private_dir(&fresh).unwrap();
        assert_eq!(std::fs::metadata(&fresh).unwrap().mode() & 0o777, 0o700);
    }

    #[test]
    fn only_small_regular_files_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        std::fs::write(&path, "12345").unwrap();
        assert_eq!(read_limited(&path, 5).unwrap(), b"12345");
        assert_eq!(read_limited(&path, 4).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        assert!(read_limited(Path::new("/dev/zero"), 5).is_err());
        assert!(read_limited(dir.path(), 5).is_err());
        let fifo = dir.path().join("fifo");
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        assert!(read_limited(&fifo, 5).is_err(), "and it does not hang");
    }

    #[test]
    fn a_file_is_replaced_as_a_whole() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("item");
        replace_file(&target, dir.path(), b"one", 0o600).unwrap();
        replace_file(&target, dir.path(), b"two", 0o600).unwrap();
        assert_eq!(std::fs::read(&target).unwrap(), b"two");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
