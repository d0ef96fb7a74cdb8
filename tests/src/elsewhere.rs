//! Connections that another process opened, possibly as another user. What the agent sees of a client's identity is
//! that of the process which connected; who uses the connection afterwards does not matter.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};

/// Opens `count` connections to `socket` in a process of its own, which stays until the value is dropped: the agent may
/// look at it. `program` is the binary `opener` of this package; `wrapper` is put before it, such as `setpriv …`.
pub fn open(program: &Path, wrapper: &[&str], socket: &Path, count: usize) -> io::Result<Elsewhere> {
    let (ours, theirs) = UnixStream::pair()?;
    let words: Vec<_> = wrapper.iter().map(AsRef::as_ref).chain([program.as_os_str()]).collect();
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).arg(socket).arg(count.to_string());
    let process = command.stdin(Stdio::from(OwnedFd::from(theirs))).spawn()?;
    // Its own end must be the last one open, so that its death is seen as the end of the stream.
    drop(command);
    let mut elsewhere = Elsewhere { streams: Vec::new(), ours, process };
    for _ in 0..count {
        let stream = receive(&elsewhere.ours)?;
        elsewhere.streams.push(stream);
    }
    Ok(elsewhere)
}

/// Connections opened by another process.
#[derive(Debug)]
pub struct Elsewhere {
    /// The connections.
    pub streams: Vec<UnixStream>,
    ours: UnixStream,
    process: Child,
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        // The other side waits for the end of this stream.
        let _ = self.ours.shutdown(std::net::Shutdown::Both);
        let _ = self.process.wait();
    }
}

/// Gives a connection to the process at the other end of `to`.
pub fn pass(to: &UnixStream, stream: &UnixStream) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let descriptors = [std::os::fd::AsFd::as_fd(stream)];
    control.push(SendAncillaryMessage::ScmRights(&descriptors));
    sendmsg(to, &[io::IoSlice::new(b"+")], &mut control, SendFlags::empty())?;
    Ok(())
}

fn receive(from: &UnixStream) -> io::Result<UnixStream> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    recvmsg(from, &mut [io::IoSliceMut::new(&mut byte)], &mut control, RecvFlags::CMSG_CLOEXEC)?;
    let mut descriptors = control.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(descriptors) => Some(descriptors),
        _ => None,
    });
    let descriptor = descriptors.next().and_then(|mut descriptors| descriptors.next());
    descriptor.map(UnixStream::from).ok_or_else(|| io::Error::other("the other process opened no connection"))
}
