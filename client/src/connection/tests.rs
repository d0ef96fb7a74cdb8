use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread::{self, JoinHandle};

use aws_vault_protocol::failure::{Failure, FailureCode};
use aws_vault_protocol::frame::MAX_REQUEST_LEN;
use aws_vault_protocol::message::{Done, Lock, Ping, Pong, Progress, Status, goodbye};

use super::*;
use crate::conversation;
use crate::failure::CommandError;
use crate::output::Trace;

/// A socket in a directory of its own.
struct Place {
    home: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap() }
    }

    fn socket(&self) -> PathBuf {
        self.home.path().join("agent.sock")
    }

    fn open(&self) -> Result<Option<Connection>, ConnectionError> {
        Connection::open(&self.socket(), Autostart::No)
    }

    /// A thread that accepts one client and does with it what the test says.
    fn agent<T: Send + 'static>(
        &self,
        serve: impl FnOnce(UnixStream) -> T + Send + 'static,
    ) -> JoinHandle<T> {
        let listener = UnixListener::bind(self.socket()).unwrap();
        thread::spawn(move || serve(listener.accept().unwrap().0))
    }

    fn ask(&self, request: impl Into<Request>) -> Result<Reply, CommandError> {
        let mut connection = self.open()?.expect("somebody listens");
        conversation::ask(&mut connection, &request.into(), Trace::new(false))
    }
}

fn ack() -> Frame {
    let version = "9.9.9".to_owned();
    let ack = HelloAck { version, instance: "i".into(), pid: 42, max_request: MAX_REQUEST_LEN };
    Reply::from(ack).to_frame(FLAG_FINAL, 0)
}

/// Reads what a client opens with: preamble, hello, request.
fn opening(client: &mut UnixStream) -> (Preamble, Vec<Request>) {
    let mut preamble = [0; PREAMBLE_LEN];
    client.read_exact(&mut preamble).unwrap();
    let requests = (0..2).map(|_| request(client)).collect();
    (Preamble::from_bytes(preamble).unwrap(), requests)
}

fn request(client: &mut UnixStream) -> Request {
    let mut reader = Reader::new(MAX_REQUEST_LEN);
    loop {
        let count = client.read(reader.space()).unwrap();
        assert_ne!(count, 0, "the client left");
        if let Some(frame) = reader.advance(count).unwrap() {
            return Request::from_frame(&frame).unwrap();
        }
    }
}

fn greet(client: &mut UnixStream) -> Vec<Request> {
    let (_, requests) = opening(client);
    client.write_all(&Preamble::OURS.to_bytes()).unwrap();
    client.write_all(&ack().to_bytes()).unwrap();
    requests
}

fn send(client: &mut UnixStream, reply: impl Into<Reply>, flags: u16, id: u32) {
    client.write_all(&reply.into().to_frame(flags, id).to_bytes()).unwrap();
}

#[test]
fn opens_with_one_write_and_asks_again_on_the_same_connection() {
    let place = Place::new();
    let agent = place.agent(|mut client| {
        let mut bytes = [0; 4096];
        let count = client.read(&mut bytes).unwrap();
        client.write_all(&Preamble::OURS.to_bytes()).unwrap();
        client.write_all(&ack().to_bytes()).unwrap();
        send(&mut client, Pong { payload: vec![1] }, FLAG_FINAL, 1);
        let second = request(&mut client);
        send(&mut client, Done::default(), FLAG_FINAL, 2);
        (count, second)
    });
    let mut connection = place.open().unwrap().unwrap();
    let quiet = Trace::new(false);
    let ping = Request::from(Ping { payload: vec![1] });
    let reply = conversation::ask(&mut connection, &ping, quiet).unwrap();
    assert!(matches!(reply, Reply::Pong(pong) if pong.payload == [1]));
    assert_eq!(connection.agent().map(|agent| agent.pid), Some(42));
    let reply = conversation::ask(&mut connection, &Request::from(Lock::default()), quiet).unwrap();
    assert!(matches!(reply, Reply::Done(_)));
    let (first_read, second) = agent.join().unwrap();
    let hello = Request::from(Hello { version: env!("CARGO_PKG_VERSION").into(), max_reply: MAX_REPLY_LEN });
    let expected =
        PREAMBLE_LEN + hello.to_frame(0, 0).to_bytes().len() + ping.to_frame(0, 1).to_bytes().len();
    assert_eq!(first_read, expected, "preamble, hello and request arrive together");
    assert!(matches!(second, Request::Lock(_)));
}

#[test]
fn news_and_other_answers_do_not_disturb() {
    let place = Place::new();
    let agent = place.agent(|mut client| {
        greet(&mut client);
        send(&mut client, Progress { text: "waiting".into(), seconds: 3 }, 0, 1);
        let unknown = Frame { kind: 0x7F00, flags: 0, request_id: 1, body: Zeroizing::new(vec![1, 2, 3]) };
        client.write_all(&unknown.to_bytes()).unwrap();
        send(&mut client, Done::default(), FLAG_FINAL, 77);
        send(&mut client, Pong { payload: vec![] }, FLAG_FINAL, 1);
    });
    assert!(matches!(place.ask(Ping { payload: vec![] }).unwrap(), Reply::Pong(_)));
    agent.join().unwrap();
}

#[test]
fn a_refusal_is_an_error_with_its_code() {
    let place = Place::new();
    let _agent = place.agent(|mut client| {
        greet(&mut client);
        send(&mut client, Failure::new(FailureCode::Locked, "the agent is locked"), FLAG_FINAL, 1);
    });
    let error = place.ask(Status::default()).unwrap_err();
    assert!(matches!(error, CommandError::Refused(failure) if failure.code == FailureCode::Locked));
}

/// The error after an agent that answers the opening with these bytes and leaves.
fn error_after(answer: &[u8]) -> String {
    let place = Place::new();
    let answer = answer.to_vec();
    let agent = place.agent(move |mut client| {
        opening(&mut client);
        client.write_all(&answer).unwrap();
    });
    let error = place.ask(Status::default()).unwrap_err();
    agent.join().unwrap();
    assert!(matches!(error, CommandError::Connection(_)), "{error}");
    error.render(None).unwrap()
}

#[test]
fn what_is_wrong_with_an_agent_is_told() {
    let ours = &Preamble::OURS.to_bytes()[..];
    let older = Preamble { min: 0, max: 0, capabilities: 0 }.to_bytes();
    let newer = Preamble { min: 7, max: 9, capabilities: 0 }.to_bytes();
    let mut long = ack().to_bytes().to_vec();
    long[..4].copy_from_slice(&(MAX_REPLY_LEN + 1).to_le_bytes());
    for (answer, message, hint) in [
        (vec![], "the agent ended before it answered", "run the command again"),
        (ours.to_vec(), "the agent ended before it answered", "run the command again"),
        (
            [ours, &ack().to_bytes()[..9]].concat(),
            "the agent ended before it answered",
            "run the command again",
        ),
        ([ours, &goodbye("come back later").to_bytes()].concat(), "come back later", ""),
        ([ours, &ack().to_bytes(), &goodbye("going home").to_bytes()].concat(), "going home", ""),
        (older.to_vec(), "speaks protocol 1 to 1, the running agent 0 to 0", "aws-vault-agent -k"),
        (newer.to_vec(), "speaks protocol 1 to 1, the running agent 7 to 9", "upgrade aws-vault"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(), "is not an aws-vault-agent", "AWS_VAULT_AGENT_SOCK"),
        ([ours, &long].concat(), "is over the limit of 4194304", "upgrade aws-vault"),
    ] {
        let shown = error_after(&answer);
        assert!(shown.contains(message) && shown.contains(hint), "{shown}");
    }
}

#[test]
fn an_agent_that_is_ending_is_tried_once_more() {
    let place = Place::new();
    let listener = UnixListener::bind(place.socket()).unwrap();
    let agent = thread::spawn(move || {
        drop(listener.accept().unwrap());
        let mut client = listener.accept().unwrap().0;
        let requests = greet(&mut client);
        send(&mut client, Pong { payload: vec![] }, FLAG_FINAL, 1);
        requests
    });
    assert!(matches!(place.ask(Ping { payload: vec![] }).unwrap(), Reply::Pong(_)));
    assert!(matches!(agent.join().unwrap()[..], [Request::Hello(_), Request::Ping(_)]));
}

#[test]
fn an_agent_that_never_answers_is_busy() {
    let place = Place::new();
    let (done, wait) = std::sync::mpsc::channel::<()>();
    let agent = place.agent(move |client| {
        let _ = wait.recv();
        drop(client);
    });
    let error = place.ask(Status::default()).unwrap_err();
    assert!(error.to_string().ends_with("does not answer (busy or stopped)"), "{error}");
    drop(done);
    agent.join().unwrap();
}

#[test]
fn a_full_backlog_is_busy_and_nothing_is_removed() {
    let place = Place::new();
    let listener = UnixListener::bind(place.socket()).unwrap();
    rustix::net::listen(&listener, 0).unwrap();
    // The kernel queues one more than the backlog says; fill it until a connect would have to wait.
    let mut queued = Vec::new();
    while queued.len() < 8 {
        let soon = Instant::now() + Duration::from_millis(20);
        match dial::dial(&place.socket(), soon) {
            Ok(Some(stream)) => queued.push(stream),
            Ok(None) => panic!("a full backlog was taken for nobody"),
            Err(ConnectionError::Busy { .. }) => break,
            Err(error) => panic!("{error}"),
        }
    }
    assert!(matches!(place.open(), Err(ConnectionError::Busy { .. })));
    assert!(place.socket().exists());
}

#[test]
fn nobody_is_nobody() {
    let place = Place::new();
    assert!(place.open().unwrap().is_none(), "no file");
    drop(UnixListener::bind(place.socket()).unwrap());
    assert!(place.open().unwrap().is_none(), "a stale socket");
    assert!(place.socket().exists(), "only the agent may remove it");
    let forbidden = Connection::open(&place.socket(), Autostart::Forbidden).unwrap_err();
    assert!(matches!(forbidden, ConnectionError::NotRunning { .. }));
}

#[test]
fn what_is_not_a_socket_is_named_and_left_alone() {
    let place = Place::new();
    fs::write(place.socket(), "notes").unwrap();
    assert!(matches!(
        dial::check_vacant(&place.socket()),
        Err(ConnectionError::Occupied { what: "not a socket", .. })
    ));
    assert_eq!(fs::read(place.socket()).unwrap(), b"notes");
    fs::remove_file(place.socket()).unwrap();
    fs::create_dir(place.socket()).unwrap();
    assert!(matches!(
        dial::check_vacant(&place.socket()),
        Err(ConnectionError::Occupied { what: "a directory", .. })
    ));
}

#[test]
fn our_own_listener_is_ours() {
    let place = Place::new();
    let agent = place.agent(drop);
    let stream = dial::dial(&place.socket(), Instant::now() + OPENING_TIMEOUT).unwrap().unwrap();
    assert!(dial::check_owner(&stream, &place.socket()).is_ok());
    agent.join().unwrap();
}
