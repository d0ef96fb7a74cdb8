//! Reaching whoever listens at the socket. "Cannot connect" has two very different meanings, and only one
//! of them allows starting an agent: nobody is there. A full backlog or a stopped agent is somebody.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use interprocess::ConnectWaitMode;
use interprocess::local_socket::traits::StreamCommon;
use interprocess::local_socket::{ConnectOptions, GenericFilePath, ToFsName};
use interprocess::os::unix::uds_local_socket::Stream;

use super::ConnectionError;
use crate::address;

/// First pause after finding the backlog full; doubled each time.
const FIRST_PAUSE: Duration = Duration::from_millis(5);

/// Connects. `None`: nobody is there. Somebody who does not answer until the deadline is an error.
pub(crate) fn dial(socket: &Path, deadline: Instant) -> Result<Option<Stream>, ConnectionError> {
    let busy = || ConnectionError::Busy { socket: socket.to_owned() };
    let mut pause = FIRST_PAUSE;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        match connect(socket, left) {
            Ok(stream) => return Ok(Some(stream)),
            Err(error) => match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => return Ok(None),
                io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted => {}
                _ => return Err(ConnectionError::Io(error)),
            },
        }
        if left <= pause {
            return Err(busy());
        }
        thread::sleep(pause);
        pause *= 2;
    }
}

/// Refuses to talk to another user's listener. A user who cannot be told is another user.
pub(crate) fn check_owner(stream: &Stream, socket: &Path) -> Result<(), ConnectionError> {
    let unknown = |source| ConnectionError::UnknownOwner { socket: socket.to_owned(), source };
    let owner = stream.peer_creds().map_err(unknown)?.euid();
    match owner {
        Some(owner) if owner == address::user_id() => Ok(()),
        Some(owner) => Err(ConnectionError::Foreign { socket: socket.to_owned(), owner }),
        None => Err(unknown(io::ErrorKind::Unsupported.into())),
    }
}

/// Nobody is there, but something may have the name: refuses what an agent must not replace. Linux says
/// `ECONNREFUSED` for a regular file too.
pub(crate) fn check_vacant(socket: &Path) -> Result<(), ConnectionError> {
    let occupied = |what| Err(ConnectionError::Occupied { path: socket.to_owned(), what });
    match fs::symlink_metadata(socket) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(ConnectionError::Io(error)),
        Ok(found) if found.is_dir() => occupied("a directory"),
        Ok(found) if !found.file_type().is_socket() => occupied("not a socket"),
        Ok(found) if found.uid() != address::user_id() => occupied("a socket of another user"),
        Ok(_) => Ok(()),
    }
}

fn connect(socket: &Path, timeout: Duration) -> io::Result<Stream> {
    let name = socket.to_fs_name::<GenericFilePath>()?;
    let options = ConnectOptions::new().name(name).wait_mode(ConnectWaitMode::Timeout(timeout));
    let stream: Stream = options.connect_sync_as()?;
    // On Linux a full backlog is EAGAIN, which interprocess takes for "in progress": the socket then polls
    // as ready without being connected to anybody.
    match stream.inner().peer_addr() {
        Ok(_) => Ok(stream),
        Err(error) if error.kind() == io::ErrorKind::NotConnected => Err(io::ErrorKind::WouldBlock.into()),
        Err(error) => Err(error),
    }
}
