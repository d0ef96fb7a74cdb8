//! A client without a process: speaks the protocol over a socket, one frame at a time, so that a test can be a hundred
//! clients at once, answer prompts, or leave in the middle. Blocking, and never for ever.

use std::collections::VecDeque;
use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use aws_vault_protocol::failure::Failure;
use aws_vault_protocol::frame::{FLAG_FINAL, Frame, FrameError, MAX_REPLY_LEN, Reader};
use aws_vault_protocol::message::{
    Cancel, Credentials, GOODBYE, Hello, HelloAck, MessageError, Ping, Prompt, PromptOutcome, PromptReply,
    Reply, Request, StatusReport,
};
use aws_vault_protocol::preamble::{PREAMBLE_LEN, Preamble, PreambleError};
use aws_vault_protocol::secret::Answer;

use crate::wait::PATIENCE;

/// A connected client that has said hello.
#[derive(Debug)]
pub struct RawClient {
    stream: UnixStream,
    reader: Reader,
    next_id: u32,
    /// Replies that came while another was waited for.
    early: VecDeque<(u32, Reply)>,
    /// Who the agent is.
    pub agent: HelloAck,
}

/// Why there is no reply.
#[derive(Debug, thiserror::Error)]
pub enum RawError {
    /// The agent closed the connection.
    #[error("the agent closed the connection")]
    Closed,
    /// Nothing came in time.
    #[error("the agent said nothing in time")]
    Silent,
    /// The agent closed the connection with a line for a person.
    #[error("goodbye: {0}")]
    Goodbye(String),
    /// The first bytes are no preamble of ours.
    #[error(transparent)]
    Preamble(#[from] PreambleError),
    /// A frame over the limit.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// A frame that is no reply.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// The operating system refused.
    #[error(transparent)]
    Io(io::Error),
}

impl RawClient {
    /// Connects and says hello.
    pub fn connect(socket: &Path) -> Result<Self, RawError> {
        Self::adopt(UnixStream::connect(socket).map_err(sort)?)
    }

    /// Says hello on a connection that exists.
    pub fn adopt(mut stream: UnixStream) -> Result<Self, RawError> {
        stream.write_all(&greeting(Preamble::OURS)).map_err(sort)?;
        stream.set_read_timeout(Some(PATIENCE)).map_err(RawError::Io)?;
        let mut theirs = [0; PREAMBLE_LEN];
        stream.read_exact(&mut theirs).map_err(sort)?;
        Preamble::from_bytes(theirs)?;
        let agent = HelloAck { version: String::new(), instance: String::new(), pid: 0, max_request: 0 };
        let reader = Reader::new(MAX_REPLY_LEN);
        let mut client = Self { stream, reader, next_id: 2, early: VecDeque::new(), agent };
        match client.next(1)? {
            Reply::HelloAck(ack) => client.agent = *ack,
            other => panic!("a hello was answered with {other:?}"),
        }
        Ok(client)
    }

    /// Sends a request and gives its id.
    ///
    /// # Panics
    /// If the agent has closed the connection.
    pub fn send(&mut self, request: impl Into<Request>) -> u32 {
        let id = self.next_id;
        self.next_id += 1;
        self.send_as(id, &request.into());
        id
    }

    /// Sends something under a chosen id.
    ///
    /// # Panics
    /// If the agent has closed the connection.
    pub fn send_as(&mut self, id: u32, request: &Request) {
        let bytes = request.to_frame(FLAG_FINAL, id).to_bytes();
        self.stream.write_all(&bytes).expect("the agent takes what is sent");
    }

    /// The next reply to a request, be it a prompt or a word about progress.
    pub fn next(&mut self, id: u32) -> Result<Reply, RawError> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(reply) = self.take_early(id, |_| true) {
                return Ok(reply);
            }
            let (id, reply) = self.read(deadline)?;
            self.early.push_back((id, reply));
        }
    }

    /// The end of a request.
    ///
    /// # Panics
    /// If a person is asked first, or the connection ends.
    pub fn finish(&mut self, id: u32) -> Result<Reply, Failure> {
        loop {
            match self.next(id).expect("a request is answered") {
                Reply::Progress(_) | Reply::PromptWithdrawn(_) => {}
                Reply::Prompt(prompt) => panic!("nobody should be asked: {prompt:?}"),
                Reply::Failure(failure) => return Err(*failure),
                reply => return Ok(reply),
            }
        }
    }

    /// Sends a request and waits for its end.
    pub fn ask(&mut self, request: impl Into<Request>) -> Result<Reply, Failure> {
        let id = self.send(request);
        self.finish(id)
    }

    /// The end of a request for credentials.
    pub fn credentials(&mut self, id: u32) -> Result<Credentials, Failure> {
        match self.finish(id)? {
            Reply::Credentials(credentials) => Ok(*credentials),
            other => panic!("credentials were asked for, this came: {other:?}"),
        }
    }

    /// Asks for credentials that need no person.
    pub fn get(&mut self, request: impl Into<Request>) -> Result<Credentials, Failure> {
        let id = self.send(request);
        self.credentials(id)
    }

    /// The prompt that a request leads to.
    ///
    /// # Panics
    /// If the request ends without one.
    pub fn prompt(&mut self, id: u32) -> Prompt {
        loop {
            match self.next(id).expect("a prompt comes") {
                Reply::Progress(_) | Reply::PromptWithdrawn(_) => {}
                Reply::Prompt(prompt) => return *prompt,
                other => panic!("a prompt was due, this came: {other:?}"),
            }
        }
    }

    /// The prompt of a request if one has arrived. Does not wait.
    pub fn prompt_so_far(&mut self, id: u32) -> Option<Prompt> {
        self.read_what_is_there();
        match self.take_early(id, |reply| matches!(reply, Reply::Prompt(_)))? {
            Reply::Prompt(prompt) => Some(*prompt),
            _ => None,
        }
    }

    /// Answers a prompt.
    pub fn answer(&mut self, prompt: &Prompt, answer: &str) {
        self.reply(prompt, PromptOutcome::Answered, answer);
    }

    /// Ends a prompt without an answer.
    pub fn refuse(&mut self, prompt: &Prompt, outcome: PromptOutcome) {
        self.reply(prompt, outcome, "");
    }

    /// Gives a request up.
    pub fn cancel(&mut self, request_id: u32) {
        self.send(Cancel { request_id });
    }

    /// Returns when the agent has taken in everything that was sent before.
    ///
    /// # Panics
    /// If it does not.
    pub fn settle(&mut self) {
        self.ask(Ping { payload: Vec::new() }).expect("a ping is answered");
    }

    /// How the agent is.
    ///
    /// # Panics
    /// If it does not say.
    pub fn status(&mut self) -> StatusReport {
        match self.ask(aws_vault_protocol::message::Status::default()) {
            Ok(Reply::StatusReport(report)) => *report,
            other => panic!("a status was asked for, this came: {other:?}"),
        }
    }

    /// The connection itself, for misbehaving on it.
    pub fn stream(&self) -> &UnixStream {
        &self.stream
    }

    fn reply(&mut self, prompt: &Prompt, outcome: PromptOutcome, answer: &str) {
        let answer = Answer::copy_from(answer);
        let reply = PromptReply { prompt_id: prompt.prompt_id, outcome, answer };
        let id = self.next_id;
        self.next_id += 1;
        self.send_as(id, &Request::from(reply));
    }

    fn take_early(&mut self, id: u32, wanted: impl Fn(&Reply) -> bool) -> Option<Reply> {
        let index = self.early.iter().position(|(of, reply)| *of == id && wanted(reply))?;
        self.early.remove(index).map(|(_, reply)| reply)
    }

    fn read(&mut self, deadline: Instant) -> Result<(u32, Reply), RawError> {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(RawError::Silent);
            }
            self.stream.set_read_timeout(Some(left)).map_err(RawError::Io)?;
            if let Some(reply) = self.read_some()? {
                return Ok(reply);
            }
        }
    }

    fn read_some(&mut self) -> Result<Option<(u32, Reply)>, RawError> {
        let count = match self.stream.read(self.reader.space()) {
            // A read with a time limit is not started again by itself (signal(7)).
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(None),
            result => result.map_err(sort)?,
        };
        if count == 0 {
            return Err(RawError::Closed);
        }
        let Some(frame) = self.reader.advance(count)? else { return Ok(None) };
        if frame.kind == GOODBYE {
            return Err(RawError::Goodbye(String::from_utf8_lossy(&frame.body).into_owned()));
        }
        Ok(Some((frame.request_id, Reply::from_frame(&frame)?)))
    }

    fn read_what_is_there(&mut self) {
        self.stream.set_nonblocking(true).expect("a socket can be non-blocking");
        // Whatever ends the reading, a later call that waits will meet it again.
        while let Ok(reply) = self.read_some() {
            self.early.extend(reply);
        }
        self.stream.set_nonblocking(false).expect("a socket can be blocking");
    }
}

/// What a client sends first: a preamble and a hello.
pub fn greeting(preamble: Preamble) -> Vec<u8> {
    let hello = Hello { version: "0.0.0-test".to_owned(), max_reply: MAX_REPLY_LEN };
    let frame: Frame = Request::from(hello).to_frame(FLAG_FINAL, 1);
    [&preamble.to_bytes()[..], &frame.to_bytes()].concat()
}

/// Sends `hello` on a new connection and gives the first frame that comes back.
pub fn first_reply(socket: &Path, hello: &[u8], patience: Duration) -> Result<Frame, RawError> {
    let mut stream = UnixStream::connect(socket).map_err(sort)?;
    stream.set_read_timeout(Some(patience)).map_err(RawError::Io)?;
    stream.write_all(hello).map_err(sort)?;
    let mut theirs = [0; PREAMBLE_LEN];
    stream.read_exact(&mut theirs).map_err(sort)?;
    Preamble::from_bytes(theirs)?;
    let mut reader = Reader::new(MAX_REPLY_LEN);
    loop {
        let count = stream.read(reader.space()).map_err(sort)?;
        if count == 0 {
            return Err(RawError::Closed);
        }
        if let Some(frame) = reader.advance(count)? {
            return Ok(frame);
        }
    }
}

fn sort(error: io::Error) -> RawError {
    use io::ErrorKind as Kind;
    match error.kind() {
        Kind::UnexpectedEof | Kind::ConnectionReset | Kind::BrokenPipe => RawError::Closed,
        Kind::WouldBlock | Kind::TimedOut => RawError::Silent,
        _ => RawError::Io(error),
    }
}
