//! Golden frames: every message of every released protocol version as a file, decoded for ever. A change
//! that makes one of them fail breaks clients that are installed.
//!
//! A new message gets a sample here and its file with `AWS_VAULT_BLESS=1 cargo test -p aws-vault-protocol`,
//! which writes missing files and never changes one.

#![expect(clippy::unwrap_used, reason = "every failure here is a failed test")]

use std::fs;
use std::path::{Path, PathBuf};

use aws_vault_protocol::failure::{AwsFailure, Failure, FailureCode};
use aws_vault_protocol::frame::{FLAG_FINAL, Frame, MAX_REPLY_LEN, Reader};
use aws_vault_protocol::message::*;
use aws_vault_protocol::secret::{Answer, MfaCode, Passphrase, SecretAccessKey, SessionToken};

fn text(text: &str) -> String {
    text.to_owned()
}

fn caller() -> Caller {
    Caller {
        environment: vec![(text("AWS_REGION"), text("eu-central-1")), (text("PATH"), text("/usr/bin"))],
        store: StoreChoice {
            backend: Some(text("file")),
            file_dir: Some(text("~/.awsvault/keys/")),
            file_passphrase: Some(Passphrase::copy_from("pass phrase é")),
        },
        interaction: Interaction {
            terminal: true,
            terminal_path: Some(text("/dev/pts/3")),
            driver: Some(text("pinentry")),
            never: false,
        },
        home: Some(text("/home/jon")),
    }
}

fn profile() -> String {
    text("work")
}

fn requests() -> Vec<Request> {
    vec![
        Hello { version: text("1.2.3"), max_reply: 4_194_304 }.into(),
        Ping { payload: vec![0, 255, 251] }.into(),
        Cancel { request_id: 70_000 }.into(),
        GetCredentials {
            caller: caller(),
            profile: profile(),
            region: Some(text("us-west-2")),
            duration_seconds: 3600,
            no_session: true,
            mfa_token: Some(MfaCode::copy_from("123456")),
        }
        .into(),
        List { caller: Caller::default() }.into(),
        Clear { caller: caller(), profile: Some(profile()) }.into(),
        PrepareAdd { caller: caller(), profile: profile() }.into(),
        Add {
            caller: caller(),
            profile: profile(),
            access_key_id: text("AKIAEXAMPLE"),
            secret_access_key: SecretAccessKey::copy_from("secret"),
            mfa_serial: Some(text("arn:aws:iam::1:mfa/jon")),
            add_config: true,
        }
        .into(),
        Remove { caller: caller(), profile: profile() }.into(),
        Explain {
            caller: caller(),
            profile: profile(),
            region: None,
            duration_seconds: 0,
            no_session: false,
        }
        .into(),
        Lock::default().into(),
        Unlock { caller: caller() }.into(),
        PromptReply { prompt_id: 2, outcome: PromptOutcome::Answered, answer: Answer::copy_from("654321") }
            .into(),
        Status::default().into(),
        Shutdown { only_if_instance: Some(text("c0ffee")), reason: ShutdownReason::Asked }.into(),
    ]
}

fn session() -> SessionRow {
    SessionRow {
        profile: profile(),
        kind: text("sts.AssumeRole"),
        role_arn: Some(text("arn:aws:iam::1:role/r")),
        expiration: 1_767_323_045,
    }
}

fn replies() -> Vec<Reply> {
    vec![
        HelloAck { version: text("1.2.3"), instance: text("c0ffee"), pid: 4242, max_request: 65_536 }.into(),
        Pong { payload: vec![1, 2] }.into(),
        Failure {
            code: FailureCode::Aws,
            message: text("AccessDenied: no"),
            hint: Some(text("aws-vault explain work")),
            aws: Some(Box::new(AwsFailure {
                service: text("sts"),
                operation: text("AssumeRole"),
                code: text("AccessDenied"),
                request_id: Some(text("id")),
            })),
            retry_after_ms: 1500,
        }
        .into(),
        Done::default().into(),
        Credentials {
            profile: profile(),
            access_key_id: text("ASIAEXAMPLE"),
            secret_access_key: SecretAccessKey::copy_from("secret"),
            session_token: Some(SessionToken::copy_from("token")),
            expiration: Some(-1),
            region: Some(text("eu-central-1")),
            endpoint_url: None,
            from_memory: true,
        }
        .into(),
        Listing { profiles: vec![profile()], credentials: vec![profile()], sessions: vec![session()] }.into(),
        Cleared { sessions: 300 }.into(),
        AddPrepared { section_exists: true, replaces: false }.into(),
        Added { sessions: 1, section_added_to: Some(text("/c")), remark: None }.into(),
        Explanation { lines: vec![text("one"), text("two")] }.into(),
        Prompt {
            prompt_id: 2,
            kind: PromptKind::MfaCode,
            text: text("Enter MFA code for arn"),
            complaint: Some(text("AWS refused that code")),
            timeout_seconds: 120,
        }
        .into(),
        PromptWithdrawn { prompt_id: 2, reason: text("no longer needed") }.into(),
        Progress { text: text("waiting"), seconds: 12 }.into(),
        StatusReport {
            version: text("1.2.3"),
            instance: text("c0ffee"),
            pid: 4242,
            socket: text("/run/s"),
            uptime_seconds: 5_000_000_000,
            locked: false,
            forgets_in_seconds: Some(60),
            stores: vec![StoreStatus { backend: text("file"), location: text("/k"), open: true }],
            sessions: vec![session()],
            connections: 2,
            prompts: 1,
            memory: MemoryStatus {
                sealing_key: text("memfd_secret"),
                untraceable: true,
                no_core: true,
                locked: false,
            },
            executable_replaced: false,
        }
        .into(),
    ]
}

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/v1").join(format!("{name}.bin"))
}

/// Compares a sample with its file, byte for byte.
fn check(name: &str, frame: &Frame) -> Frame {
    let (path, bytes) = (golden(name), frame.to_bytes());
    if !path.exists() && std::env::var_os("AWS_VAULT_BLESS").is_some() {
        fs::write(&path, &*bytes).unwrap();
    }
    let file = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert_eq!(file, **bytes, "{name} is encoded as it was released");
    read(&file)
}

fn read(mut bytes: &[u8]) -> Frame {
    let mut reader = Reader::new(MAX_REPLY_LEN);
    loop {
        let space = reader.space();
        let count = space.len().min(bytes.len());
        assert!(count > 0, "the file holds a whole frame");
        space[..count].copy_from_slice(&bytes[..count]);
        bytes = &bytes[count..];
        if let Some(frame) = reader.advance(count).unwrap() {
            assert!(bytes.is_empty(), "and nothing else");
            return frame;
        }
    }
}

fn name_of(kinds: &[(u16, &'static str)], kind: u16) -> &'static str {
    kinds.iter().find(|(number, _)| *number == kind).unwrap().1
}

#[test]
fn every_request_is_as_it_was_released() {
    let samples = requests();
    assert_eq!(samples.len(), Request::KINDS.len(), "every request has a sample");
    for sample in samples {
        let name = name_of(Request::KINDS, sample.kind());
        let frame = check(name, &sample.to_frame(FLAG_FINAL, 7));
        let again = Request::from_frame(&frame).unwrap().to_frame(FLAG_FINAL, 7);
        assert_eq!(again.body, frame.body, "{name} survives decoding");
    }
}

#[test]
fn every_reply_is_as_it_was_released() {
    let samples = replies();
    assert_eq!(samples.len(), Reply::KINDS.len(), "every reply has a sample");
    for sample in samples {
        let name = name_of(Reply::KINDS, sample.kind());
        let frame = check(name, &sample.to_frame(FLAG_FINAL, 7));
        let again = Reply::from_frame(&frame).unwrap().to_frame(FLAG_FINAL, 7);
        assert_eq!(again.body, frame.body, "{name} survives decoding");
    }
}

#[test]
fn fields_of_a_later_version_are_passed_over() {
    for name in ["GetCredentials", "Status", "Shutdown"] {
        let mut frame = read(&fs::read(golden(name)).unwrap());
        let body = frame.body.clone();
        frame.body.extend_from_slice(&[7, 1, 2, 3]);
        let message = Request::from_frame(&frame).unwrap();
        assert_eq!(message.to_frame(FLAG_FINAL, 7).body, body, "{name}");
    }
}

#[test]
fn every_cut_is_an_error_and_not_a_panic() {
    for (_, name) in Request::KINDS {
        let frame = read(&fs::read(golden(name)).unwrap());
        for length in 0..frame.body.len() {
            let cut = Frame {
                body: frame.body[..length].to_vec().into(),
                ..read(&fs::read(golden(name)).unwrap())
            };
            assert!(Request::from_frame(&cut).is_err(), "{name} cut to {length} bytes");
        }
    }
}
