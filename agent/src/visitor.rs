//! A short visit to a running agent, for `aws-vault-agent` itself: is one there, and end it. Blocking; the
//! full client is another program.

use std::io::{self, Read, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use aws_vault_protocol::frame::{FLAG_FINAL, Frame, MAX_REPLY_LEN, Reader};
use aws_vault_protocol::message::{GOODBYE, Hello, HelloAck, Reply, Request};
use aws_vault_protocol::preamble::{PREAMBLE_LEN, Preamble};
use interprocess::ConnectWaitMode;
use interprocess::local_socket::prelude::*;
use interprocess::local_socket::{ConnectOptions, GenericFilePath};
use interprocess::os::unix::uds_local_socket::Stream;

use crate::sys;

/// A live agent answers within microseconds; a stopped or overrun one must not hang a login shell.
const PATIENCE: Duration = Duration::from_secs(2);

/// How often to look whether there is a place in a full backlog.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Why there is no conversation.
#[derive(Debug, thiserror::Error)]
pub enum VisitError {
    /// No agent.
    #[error("no agent is running")]
    Nobody,
    /// Somebody listens but does not answer.
    #[error("the agent does not answer: it is busy or stopped")]
    Silent,
    /// Somebody else listens.
    #[error("the socket belongs to user {0:?}, not to you")]
    Foreign(Option<u32>),
    /// Another protocol, or a line from the agent.
    #[error("{0}")]
    Refused(String),
    /// The operating system refused.
    #[error(transparent)]
    Io(io::Error),
}

/// A visit under way.
#[derive(Debug)]
pub struct Visitor {
    stream: Stream,
    reader: Reader,
    next_id: u32,
    /// Who the agent is.
    pub agent: HelloAck,
}

impl Visitor {
    /// Visits the agent at a socket.
    pub fn visit(socket: &Path) -> Result<Self, VisitError> {
        let mut stream = connect(socket)?;
        let owner = stream.peer_creds().map_err(VisitError::Io)?.euid();
        if owner != Some(sys::user_id()) {
            return Err(VisitError::Foreign(owner));
        }
        stream.set_recv_timeout(Some(PATIENCE)).map_err(VisitError::Io)?;
        stream.set_send_timeout(Some(PATIENCE)).map_err(VisitError::Io)?;
        let hello = Hello { version: env!("CARGO_PKG_VERSION").to_owned(), max_reply: MAX_REPLY_LEN };
        let hello = Request::from(hello).to_frame(FLAG_FINAL, 1).to_bytes();
        let opening = [&Preamble::OURS.to_bytes()[..], &hello].concat();
        stream.write_all(&opening).map_err(sort)?;
        let mut theirs = [0; PREAMBLE_LEN];
        stream.read_exact(&mut theirs).map_err(sort)?;
        if Preamble::from_bytes(theirs).is_err() {
            return Err(VisitError::Refused("what listens there is not an aws-vault-agent".to_owned()));
        }
        let mut reader = Reader::new(MAX_REPLY_LEN);
        match to_reply(&read_frame(&mut stream, &mut reader)?)? {
            Reply::HelloAck(agent) => Ok(Self { stream, reader, next_id: 2, agent: *agent }),
            _ => Err(VisitError::Refused("the agent did not say hello".to_owned())),
        }
    }

    /// Asks something that is answered at once.
    pub fn ask(&mut self, request: &Request) -> Result<Reply, VisitError> {
        let frame = request.to_frame(FLAG_FINAL, self.next_id);
        self.next_id += 1;
        self.stream.write_all(&frame.to_bytes()).map_err(sort)?;
        to_reply(&read_frame(&mut self.stream, &mut self.reader)?)
    }

    /// Returns when the agent has closed the connection.
    pub fn wait_until_left(mut self) {
        while read_frame(&mut self.stream, &mut self.reader).is_ok() {}
    }
}

fn connect(socket: &Path) -> Result<Stream, VisitError> {
    let patience = Instant::now() + PATIENCE;
    loop {
        let name = socket.to_fs_name::<GenericFilePath>().map_err(VisitError::Io)?;
        let options = ConnectOptions::new().name(name).wait_mode(ConnectWaitMode::Timeout(PATIENCE));
        let stream: Stream = options.connect_sync_as().map_err(sort)?;
        // On Linux a full backlog is EAGAIN, which interprocess takes for "in progress": the socket then
        // polls as ready without being connected to anybody.
        match stream.inner().peer_addr() {
            Ok(_) => return Ok(stream),
            Err(error) if error.kind() != io::ErrorKind::NotConnected => return Err(VisitError::Io(error)),
            Err(_) if Instant::now() < patience => std::thread::sleep(LOOK_EVERY),
            Err(_) => return Err(VisitError::Silent),
        }
    }
}

fn read_frame(stream: &mut Stream, reader: &mut Reader) -> Result<Frame, VisitError> {
    loop {
        let count = stream.read(reader.space()).map_err(sort)?;
        if count == 0 {
            return Err(VisitError::Nobody);
        }
        if let Some(frame) = reader.advance(count).map_err(|error| VisitError::Refused(error.to_string()))? {
            return Ok(frame);
        }
    }
}

fn to_reply(frame: &Frame) -> Result<Reply, VisitError> {
    if frame.kind == GOODBYE {
        return Err(VisitError::Refused(String::from_utf8_lossy(&frame.body).into_owned()));
    }
    match Reply::from_frame(frame) {
        Ok(Reply::Failure(failure)) => Err(VisitError::Refused(failure.message)),
        Ok(reply) => Ok(reply),
        Err(error) => Err(VisitError::Refused(error.to_string())),
    }
}

fn sort(error: io::Error) -> VisitError {
    use io::ErrorKind as Kind;
    match error.kind() {
        Kind::NotFound
        | Kind::ConnectionRefused
        | Kind::ConnectionReset
        | Kind::BrokenPipe
        | Kind::UnexpectedEof => VisitError::Nobody,
        Kind::WouldBlock | Kind::TimedOut => VisitError::Silent,
        _ => VisitError::Io(error),
    }
}
