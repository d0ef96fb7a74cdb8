//! The agent's place in the file system: its directory, the lock it holds for life, and a socket that is
//! published by renaming, so that no client ever meets a name without a listener behind it.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use aws_vault_protocol::address;
use interprocess::local_socket::tokio::Listener;
use interprocess::local_socket::{GenericFilePath, ListenerOptions, ToFsName};
use interprocess::os::unix::local_socket::ListenerOptionsExt;

use crate::sys;
use crate::sys::files::{FileLock, PrivateDirError, private_dir};

/// Why the agent cannot listen where it should.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// The directory is not private.
    #[error(transparent)]
    Directory(#[from] PrivateDirError),
    /// Something else has the name; it is left alone.
    #[error("{path:?} is {what}; it was left alone")]
    Occupied {
        /// Which path.
        path: PathBuf,
        /// What is there.
        what: &'static str,
    },
    /// The operating system refused.
    #[error("{path:?}: {source}")]
    Io {
        /// Which path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl EndpointError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Directory(_) => {
                "make the directory yours alone (chmod 700), or choose another place with -a"
            }
            Self::Occupied { .. } => "move what is there elsewhere, or choose another place with -a",
            Self::Io { .. } => "check the directory, or choose another place with -a",
        }
    }
}

/// The right to be the agent at a socket, for as long as the value lives.
#[derive(Debug)]
pub struct Tenure {
    socket: PathBuf,
    _lock: FileLock,
}

/// Makes sure that the socket's directory is private.
pub fn prepare_directory(socket: &Path) -> Result<(), EndpointError> {
    Ok(private_dir(socket.parent().unwrap_or(Path::new("/")))?)
}

/// Takes the right to be the agent at a socket; `None` when another agent has it.
pub fn take_office(socket: &Path) -> Result<Option<Tenure>, EndpointError> {
    let path = address::life_lock(socket);
    let Some(mut lock) =
        FileLock::try_take(&path).map_err(|source| EndpointError::Io { path: path.clone(), source })?
    else {
        return Ok(None);
    };
    // For people only: nothing is ever decided by what a lock file says.
    let _ = lock.note(&format!("{}\n", std::process::id()));
    Ok(Some(Tenure { socket: socket.to_owned(), _lock: lock }))
}

impl Tenure {
    /// Listens under a name of its own. Whatever has that name is stale: this agent holds the lock.
    pub fn listen(&self) -> Result<Listener, EndpointError> {
        refuse_foreign(&self.socket)?;
        let own = own_name(&self.socket);
        refuse_foreign(&own)?;
        remove_if_there(&own)?;
        let io = |source| EndpointError::Io { path: own.clone(), source };
        let name = own.as_path().to_fs_name::<GenericFilePath>().map_err(io)?;
        ListenerOptions::new().name(name).mode(0o600).reclaim_name(false).create_tokio().map_err(io)
    }

    /// Puts the listening socket at its public name.
    pub fn publish(&self) -> Result<(), EndpointError> {
        publish(&self.socket)
    }

    /// Puts the public name back if somebody removed it.
    pub fn keep_published(&self) {
        if !is_published(&self.socket)
            && let Err(error) = self.publish()
        {
            tracing::warn!("publishing the socket again: {error}");
        }
    }

    /// Removes both names, unless somebody else's socket has the public one by now.
    pub fn leave(self) {
        if is_published(&self.socket) {
            let _ = fs::remove_file(&self.socket);
        }
        let _ = fs::remove_file(own_name(&self.socket));
    }
}

/// Links the agent's own name to the public one. Also called by a start that found the lock taken and the
/// public name gone: the listener behind the own name is alive as long as the lock is held.
pub fn publish(socket: &Path) -> Result<(), EndpointError> {
    refuse_foreign(socket)?;
    let io = |source| EndpointError::Io { path: socket.to_owned(), source };
    // A link and a rename instead of a link: a link cannot replace a stale name. Under a name that is this
    // process's own: the agent and every start that finds the public name gone may be here at once.
    let fresh = with_suffix(socket, &format!(".new{}", std::process::id()));
    remove_if_there(&fresh)?;
    fs::hard_link(own_name(socket), &fresh).map_err(io)?;
    fs::rename(&fresh, socket).map_err(io)?;
    // Renaming one link of a file over another does nothing and leaves both.
    remove_if_there(&fresh)
}

/// Whether the public name leads to the listener behind the own name.
pub fn is_published(socket: &Path) -> bool {
    let identity = |path: &Path| fs::symlink_metadata(path).map(|found| (found.dev(), found.ino())).ok();
    let own = identity(&own_name(socket));
    own.is_some() && own == identity(socket)
}

/// A name is ours to replace only if nothing is there or a socket of this user.
fn refuse_foreign(path: &Path) -> Result<(), EndpointError> {
    let occupied = |what| Err(EndpointError::Occupied { path: path.to_owned(), what });
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(EndpointError::Io { path: path.to_owned(), source }),
        Ok(found) if found.is_dir() => occupied("a directory"),
        Ok(found) if !found.file_type().is_socket() => occupied("not a socket"),
        Ok(found) if found.uid() != sys::user_id() => occupied("a socket of another user"),
        Ok(_) => Ok(()),
    }
}

fn remove_if_there(path: &Path) -> Result<(), EndpointError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result.map_err(|source| EndpointError::Io { path: path.to_owned(), source }),
    }
}

fn own_name(socket: &Path) -> PathBuf {
    with_suffix(socket, ".own")
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_agent_per_socket_and_nothing_left_behind() {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("run/agent.sock");
        prepare_directory(&socket).unwrap();
        let tenure = take_office(&socket).unwrap().unwrap();
        assert!(take_office(&socket).unwrap().is_none());
        let listener = tenure.listen().unwrap();
        assert!(!socket.exists(), "not before it is published");
        tenure.publish().unwrap();
        assert!(is_published(&socket));
        fs::remove_file(&socket).unwrap();
        tenure.keep_published();
        assert!(is_published(&socket), "published again");
        drop(listener);
        tenure.leave();
        let left: Vec<_> =
            fs::read_dir(socket.parent().unwrap()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left, ["agent.sock.lock"]);
    }

    #[tokio::test]
    async fn what_is_not_ours_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("run/agent.sock");
        prepare_directory(&socket).unwrap();
        fs::write(&socket, "notes").unwrap();
        let tenure = take_office(&socket).unwrap().unwrap();
        assert!(matches!(tenure.listen(), Err(EndpointError::Occupied { what: "not a socket", .. })));
        assert_eq!(fs::read(&socket).unwrap(), b"notes");
        fs::remove_file(&socket).unwrap();
        fs::create_dir(&socket).unwrap();
        assert!(matches!(tenure.listen(), Err(EndpointError::Occupied { what: "a directory", .. })));
    }

    #[tokio::test]
    async fn a_stale_socket_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("run/agent.sock");
        prepare_directory(&socket).unwrap();
        drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
        drop(std::os::unix::net::UnixListener::bind(own_name(&socket)).unwrap());
        let tenure = take_office(&socket).unwrap().unwrap();
        let _listener = tenure.listen().unwrap();
        tenure.publish().unwrap();
        assert!(std::os::unix::net::UnixStream::connect(&socket).is_ok());
    }
}
