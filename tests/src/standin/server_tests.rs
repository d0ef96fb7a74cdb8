//! The faults of the HTTP side and the control path, from a client that knows no more than sockets.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::TcpStream;

use super::super::{ALWAYS, StandIn};
use super::*;

/// A call without a signature: enough to arrive, to be logged and to suffer faults.
const UNSIGNED: &str = "Action=GetCallerIdentity&Version=2011-06-15";

fn open(aws: &StandIn, method: &str, path: &str, body: &str) -> TcpStream {
    let address = aws.url().strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
    );
    stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
    stream
}

fn receive(mut stream: TcpStream) -> io::Result<String> {
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn control(aws: &StandIn, method: &str, path: &str, body: &str) -> String {
    receive(open(aws, method, path, body)).unwrap()
}

fn send(aws: &StandIn) -> io::Result<String> {
    receive(open(aws, "POST", "/", UNSIGNED))
}

#[test]
fn an_unsigned_call_is_refused_and_logged() {
    let aws = StandIn::start();
    let answer = send(&aws).unwrap();
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
    assert!(answer.contains("<Code>MissingAuthenticationToken</Code>"), "{answer}");
    assert!(answer.contains("x-amzn-requestid: "), "{answer}");
    assert_eq!(aws.calls()[0].error_code(), Some("MissingAuthenticationToken"));
}

#[test]
fn a_hanging_call_is_seen_and_released() {
    let aws = StandIn::start();
    aws.fault("GetCallerIdentity", 1, Fault::Hang);
    let hanging = open(&aws, "POST", "/", UNSIGNED);
    let calls = aws.wait_for(|calls| calls.len() == 1).unwrap();
    assert_eq!(calls[0].outcome, Outcome::Pending);
    aws.release();
    assert!(receive(hanging).unwrap().starts_with("HTTP/1.1 403 "));
}

#[test]
fn a_client_that_leaves_has_abandoned_its_call() {
    let aws = StandIn::start();
    aws.fault("GetCallerIdentity", ALWAYS, Fault::Hang);
    let hanging = open(&aws, "POST", "/", UNSIGNED);
    aws.wait_for(|calls| calls.len() == 1).unwrap();
    drop(hanging);
    aws.wait_for(|calls| calls[0].outcome == Outcome::Abandoned).unwrap();
}

#[test]
fn a_reset_connection_is_reset_and_not_closed() {
    let aws = StandIn::start();
    for fault in [Fault::ConnectionReset, Fault::AnswerLost] {
        aws.fault("GetCallerIdentity", 1, fault);
        assert_eq!(send(&aws).unwrap_err().kind(), ErrorKind::ConnectionReset);
    }
    assert_eq!(aws.calls()[0].outcome, Outcome::Abandoned);
    assert_eq!(aws.calls()[1].error_code(), Some("MissingAuthenticationToken"), "this one was carried out");
}

#[test]
fn errors_come_as_often_as_they_are_set() {
    let aws = StandIn::start();
    aws.fault("GetCallerIdentity", 1, Fault::Throttle);
    aws.fault("GetCallerIdentity", 1, Fault::ServerError { status: 503 });
    let first = send(&aws).unwrap();
    assert!(first.starts_with("HTTP/1.1 400 ") && first.contains("<Code>Throttling</Code>"), "{first}");
    assert!(send(&aws).unwrap().contains("<Type>Receiver</Type><Code>ServiceUnavailable</Code>"));
    assert!(send(&aws).unwrap().contains("MissingAuthenticationToken"));
}

#[test]
fn the_clock_of_the_answers_is_the_stand_ins() {
    let aws = StandIn::start();
    aws.set_clock_skew(-clock::system_now());
    let answer = send(&aws).unwrap();
    assert!(answer.contains("date: Thu, 01 Jan 1970 00:00:0"), "{answer}");
}

#[test]
fn the_control_path_does_what_the_rust_api_does() {
    let aws = StandIn::start();
    let user = control(&aws, "POST", "/_control/users", r#"{"name": "bob"}"#);
    assert!(user.contains(&aws.issued()[0].secret_access_key), "{user}");
    let role = r#"{"name": "admin", "options": {"requires_mfa": true}}"#;
    assert!(control(&aws, "POST", "/_control/roles", role).contains(":role/admin"));
    let fault =
        r#"{"action": "GetCallerIdentity", "times": 2, "fault": {"kind": "server_error", "status": 500}}"#;
    assert!(control(&aws, "POST", "/_control/faults", fault).starts_with("HTTP/1.1 200 "));
    assert!(send(&aws).unwrap().contains("InternalFailure"));
    control(&aws, "DELETE", "/_control/faults", "");
    assert!(send(&aws).unwrap().contains("MissingAuthenticationToken"));
    let calls = control(&aws, "GET", "/_control/calls", "");
    assert!(calls.contains("InternalFailure"), "{calls}");
    assert_eq!(aws.count("GetCallerIdentity"), 2, "control requests are not calls");
    let mistake = control(&aws, "POST", "/_control/roles", r#"{"name": "x", "option": {}}"#);
    assert!(mistake.starts_with("HTTP/1.1 400 ") && mistake.contains("unknown field"), "{mistake}");
}
