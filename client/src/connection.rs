//! A connection to the agent: handshake, frames out, frames in. Never stops an agent, never removes a file,
//! never sends a byte to a socket that belongs to somebody else.

pub(crate) mod dial;
mod error;

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use aws_vault_protocol::frame::{FLAG_FINAL, Frame, MAX_REPLY_LEN, Reader};
use aws_vault_protocol::message::{GOODBYE, Hello, HelloAck, MessageError, Reply, Request};
use aws_vault_protocol::preamble::{PREAMBLE_LEN, Preamble};
use interprocess::os::unix::uds_local_socket::Stream;
use zeroize::Zeroizing;

pub use error::ConnectionError;

use crate::autostart;

/// The request id of the hello, out of the way of those that are counted up.
const HELLO_ID: u32 = u32::MAX;

/// Connecting and the handshake together must be done by then. A living agent needs a millisecond.
const OPENING_TIMEOUT: Duration = Duration::from_secs(2);

/// An open connection. Hello travels with the first request, so the versions are settled only then.
#[derive(Debug)]
pub struct Connection {
    stream: Stream,
    reader: Reader,
    socket: PathBuf,
    autostart: Autostart,
    deadline: Instant,
    agent: Option<HelloAck>,
    last_id: u32,
}

/// Whether to start an agent when none answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Autostart {
    /// Start one.
    Yes,
    /// Do without; `open` gives `None`.
    No,
    /// `AWS_VAULT_AGENT_AUTOSTART=0`: none may be started, and that none runs is an error.
    Forbidden,
}

impl Connection {
    /// Connects to the agent at a socket. `None` only when none runs and none is to be started.
    pub fn open(socket: &Path, autostart: Autostart) -> Result<Option<Self>, ConnectionError> {
        let Some(stream) = reach(socket, autostart)? else { return Ok(None) };
        Ok(Some(Self {
            stream,
            reader: Reader::new(MAX_REPLY_LEN),
            socket: socket.to_owned(),
            autostart,
            deadline: Instant::now() + OPENING_TIMEOUT,
            agent: None,
            last_id: 0,
        }))
    }

    /// Sends a request, the first one together with preamble and hello, in one write. Gives its id.
    pub fn send(&mut self, request: &Request) -> Result<u32, ConnectionError> {
        self.last_id += 1;
        let frame = request.to_frame(FLAG_FINAL, self.last_id).to_bytes();
        if self.agent.is_some() {
            self.write(&frame)?;
            return Ok(self.last_id);
        }
        let hello =
            Request::from(Hello { version: env!("CARGO_PKG_VERSION").to_owned(), max_reply: MAX_REPLY_LEN });
        let hello = hello.to_frame(FLAG_FINAL, HELLO_ID).to_bytes();
        let mut opening = Zeroizing::new(Vec::with_capacity(PREAMBLE_LEN + hello.len() + frame.len()));
        opening.extend_from_slice(&Preamble::OURS.to_bytes());
        opening.extend_from_slice(&hello);
        opening.extend_from_slice(&frame);
        let theirs = match self.exchange_preambles(&opening) {
            // It was about to end when we connected, and has done nothing: once more, with its successor.
            Err(ConnectionError::Ended) => {
                self.connect_again()?;
                self.exchange_preambles(&opening)?
            }
            theirs => theirs?,
        };
        self.shake_hands(theirs)?;
        Ok(self.last_id)
    }

    /// Sends what gets no answer of its own.
    pub fn send_reply(&mut self, reply: &Request) -> Result<(), ConnectionError> {
        self.write(&reply.to_frame(FLAG_FINAL, 0).to_bytes())
    }

    /// The next reply, the request it belongs to, and whether it is the last for that one. Waits as long as
    /// it takes.
    pub fn receive(&mut self) -> Result<(Reply, u32, bool), ConnectionError> {
        loop {
            let frame = self.read_frame()?;
            if frame.kind == GOODBYE {
                return Err(goodbye(&frame));
            }
            match Reply::from_frame(&frame) {
                Ok(reply) => return Ok((reply, frame.request_id, frame.is_final())),
                // News of a later version; the answer is still to come.
                Err(MessageError::UnknownKind(_)) if !frame.is_final() => {}
                Err(error) => return Err(ConnectionError::NotUnderstood(error)),
            }
        }
    }

    /// Who answered; known after the first request.
    pub fn agent(&self) -> Option<&HelloAck> {
        self.agent.as_ref()
    }

    fn exchange_preambles(&mut self, opening: &[u8]) -> Result<Preamble, ConnectionError> {
        // An agent that refuses closes before it has read everything; what it said is worth more.
        let _ = self.write(opening);
        let mut theirs = [0; PREAMBLE_LEN];
        self.read_exact(&mut theirs)?;
        Preamble::from_bytes(theirs).map_err(|_| self.not_an_agent())
    }

    fn connect_again(&mut self) -> Result<(), ConnectionError> {
        self.stream = reach(&self.socket, self.autostart)?.ok_or(ConnectionError::Ended)?;
        self.deadline = Instant::now() + OPENING_TIMEOUT;
        Ok(())
    }

    fn shake_hands(&mut self, theirs: Preamble) -> Result<(), ConnectionError> {
        if Preamble::OURS.common_version(theirs).is_none() {
            return Err(ConnectionError::OtherVersion { agent: theirs });
        }
        let frame = self.read_frame()?;
        if frame.kind == GOODBYE {
            return Err(goodbye(&frame));
        }
        match Reply::from_frame(&frame) {
            Ok(Reply::HelloAck(agent)) => self.agent = Some(*agent),
            Ok(_) => return Err(self.not_an_agent()),
            Err(error) => return Err(ConnectionError::NotUnderstood(error)),
        }
        self.stream.inner().set_read_timeout(None).map_err(ConnectionError::Io)
    }

    fn not_an_agent(&self) -> ConnectionError {
        ConnectionError::NotAnAgent { socket: self.socket.clone() }
    }

    fn read_frame(&mut self) -> Result<Frame, ConnectionError> {
        let until = self.wait_until();
        loop {
            let count = read(&self.stream, self.reader.space(), until, &self.socket)?;
            if let Some(frame) = self.reader.advance(count).map_err(ConnectionError::Frame)? {
                return Ok(frame);
            }
        }
    }

    fn read_exact(&mut self, mut space: &mut [u8]) -> Result<(), ConnectionError> {
        while !space.is_empty() {
            let count = read(&self.stream, space, self.wait_until(), &self.socket)?;
            space = &mut space[count..];
        }
        Ok(())
    }

    /// After the handshake there is no deadline: a person may be typing somewhere.
    fn wait_until(&self) -> Option<Instant> {
        self.agent.is_none().then_some(self.deadline)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), ConnectionError> {
        let stream = self.stream.inner();
        stream.set_write_timeout(Some(OPENING_TIMEOUT)).map_err(ConnectionError::Io)?;
        let mut stream = stream;
        stream.write_all(bytes).map_err(|error| from_io(error, &self.socket))
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

/// Connects to whoever listens, and makes sure that it is this user's. `None` as for [`Connection::open`].
fn reach(socket: &Path, autostart: Autostart) -> Result<Option<Stream>, ConnectionError> {
    let found = match (dial::dial(socket, Instant::now() + OPENING_TIMEOUT)?, autostart) {
        (None, Autostart::Yes) => Some(autostart::start_and_dial(socket, &autostart::agent_program()?)?),
        (None, Autostart::Forbidden) => {
            return Err(ConnectionError::NotRunning { socket: socket.to_owned() });
        }
        (found, _) => found,
    };
    if let Some(stream) = &found {
        dial::check_owner(stream, socket)?;
    }
    Ok(found)
}

/// Reads at least one byte.
fn read(
    stream: &Stream,
    space: &mut [u8],
    until: Option<Instant>,
    socket: &Path,
) -> Result<usize, ConnectionError> {
    loop {
        if let Some(until) = until {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(ConnectionError::Busy { socket: socket.to_owned() });
            }
            stream.inner().set_read_timeout(Some(left)).map_err(ConnectionError::Io)?;
        }
        match stream.inner().read(space) {
            Ok(0) => return Err(ConnectionError::Ended),
            Ok(count) => return Ok(count),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(from_io(error, socket)),
        }
    }
}

fn from_io(error: io::Error, socket: &Path) -> ConnectionError {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
            ConnectionError::Busy { socket: socket.to_owned() }
        }
        io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof => {
            ConnectionError::Ended
        }
        _ => ConnectionError::Io(error),
    }
}

fn goodbye(frame: &Frame) -> ConnectionError {
    ConnectionError::Goodbye(String::from_utf8_lossy(&frame.body).into_owned())
}

#[cfg(test)]
mod tests;
