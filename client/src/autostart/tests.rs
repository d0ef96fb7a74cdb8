use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;

use super::*;

/// A private directory with a program that stands in for the agent's.
struct Place {
    home: tempfile::TempDir,
}

impl Place {
    fn with_agent(script: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        let program = home.path().join(AGENT_PROGRAM);
        fs::write(&program, format!("#!/bin/sh\necho x >> \"$0.starts\"\n{script}\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
        Self { home }
    }

    fn socket(&self) -> PathBuf {
        self.home.path().join("run/agent.sock")
    }

    fn start(&self) -> Result<Stream, ConnectionError> {
        start_and_dial(&self.socket(), &self.home.path().join(AGENT_PROGRAM))
    }

    fn starts(&self) -> usize {
        let log = self.home.path().join("aws-vault-agent.starts");
        fs::read_to_string(log).map_or(0, |text| text.lines().count())
    }
}

fn message(error: &ConnectionError) -> String {
    error.to_string()
}

#[test]
fn understands_reports() {
    assert_eq!(understand("ready 42 abc\n"), Report::Running);
    assert_eq!(understand("running\n"), Report::Running);
    assert_eq!(understand("failed no place\nmore"), Report::Failed("no place".into()));
    for text in ["", "\n", "readyish", "Segmentation fault"] {
        assert_eq!(understand(text), Report::Nothing, "{text}");
    }
}

#[test]
fn tells_why_the_agent_did_not_start() {
    let place = Place::with_agent("echo failed the socket path is too long");
    assert_eq!(
        message(&place.start().unwrap_err()),
        "the agent could not start: the socket path is too long"
    );
    assert_eq!(place.starts(), 1);
}

#[test]
fn tries_once_more_when_the_agent_dies() {
    let place = Place::with_agent("exit 1");
    assert_eq!(message(&place.start().unwrap_err()), "the agent died while it started");
    assert_eq!(place.starts(), 2);
}

#[test]
fn starts_nothing_when_somebody_was_faster() {
    let place = Place::with_agent("exit 1");
    fs::DirBuilder::new().mode(0o700).create(place.socket().parent().unwrap()).unwrap();
    let _agent = UnixListener::bind(place.socket()).unwrap();
    assert!(place.start().is_ok());
    assert_eq!(place.starts(), 0);
}

#[test]
fn leaves_alone_what_is_not_a_socket() {
    let place = Place::with_agent("exit 1");
    fs::create_dir_all(place.socket()).unwrap();
    let expected = format!("{:?} is a directory; it was left alone", place.socket());
    assert_eq!(message(&place.start().unwrap_err()), expected);
    fs::remove_dir(place.socket()).unwrap();
    fs::write(place.socket(), "notes").unwrap();
    let expected = format!("{:?} is not a socket; it was left alone", place.socket());
    assert_eq!(message(&place.start().unwrap_err()), expected);
    assert_eq!(fs::read(place.socket()).unwrap(), b"notes");
    assert_eq!(place.starts(), 0);
}

#[test]
fn refuses_a_directory_that_others_can_enter() {
    let place = Place::with_agent("exit 1");
    let directory = place.socket().parent().unwrap().to_owned();
    fs::create_dir(&directory).unwrap();
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(
        message(&place.start().unwrap_err()),
        format!("the directory {directory:?} is open to other users")
    );
}

#[test]
fn a_missing_program_is_named() {
    let place = Place::with_agent("");
    let error = start_and_dial(&place.socket(), Path::new("/no/such/agent")).unwrap_err();
    assert!(message(&error).contains("/no/such/agent"));
}
