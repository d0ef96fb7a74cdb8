//! Writes the seeds in `corpus/` from real messages: `cargo run --example seeds` in this directory, after a message
//! was added. It never deletes a seed: those that a fuzzer found stay.

use std::fs;
use std::path::Path;

use aws_vault_protocol::failure::{AwsFailure, Failure, FailureCode};
use aws_vault_protocol::frame::FLAG_FINAL;
use aws_vault_protocol::message::*;
use aws_vault_protocol::preamble::Preamble;
use aws_vault_protocol::secret::{Answer, MfaCode, Passphrase, SecretAccessKey, SessionToken};

fn main() -> std::io::Result<()> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let mut frames = Vec::new();
    for (name, frame) in requests()
        .into_iter()
        .map(|message| (name(Request::KINDS, message.kind()), message.to_frame(FLAG_FINAL, 2)))
        .chain(
            replies()
                .into_iter()
                .map(|message| (name(Reply::KINDS, message.kind()), message.to_frame(FLAG_FINAL, 2))),
        )
    {
        let mut body = frame.kind.to_le_bytes().to_vec();
        body.extend_from_slice(&frame.body);
        write(&corpus, "request", name, &body)?;
        frames.push((name, frame.to_bytes()));
    }
    frames.push(("Goodbye", goodbye("update aws-vault-agent").to_bytes()));
    // A limit of 1024 bytes, and pieces of 5 and of 17 bytes.
    let start = [0, 4, 5, 17];
    for (name, frame) in &frames {
        write(&corpus, "frame", name, &[&start, frame.as_slice()].concat())?;
    }
    let all = frames.iter().fold(start.to_vec(), |all, (_, frame)| [&all, frame.as_slice()].concat());
    write(&corpus, "frame", "all", &all)?;
    write(&corpus, "frame", "too-long", &[0, 4, 5, 17, 1, 4, 0, 0, 1, 1, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0])?;

    let range = |min, max| Preamble { min, max, capabilities: 0 }.to_bytes();
    write(&corpus, "preamble", "ours", &Preamble::OURS.to_bytes())?;
    write(&corpus, "preamble", "overlapping", &[range(1, 3), range(2, 9)].concat())?;
    write(&corpus, "preamble", "apart", &[range(1, 2), range(3, 4)].concat())?;
    write(&corpus, "preamble", "impossible", &range(2, 1))?;
    write(&corpus, "preamble", "http", b"GET / HTTP/1.1\r\n")
}

fn write(corpus: &Path, target: &str, name: &str, bytes: &[u8]) -> std::io::Result<()> {
    let directory = corpus.join(target);
    fs::create_dir_all(&directory)?;
    fs::write(directory.join(name), bytes)
}

fn name(kinds: &[(u16, &'static str)], kind: u16) -> &'static str {
    kinds.iter().find(|(known, _)| *known == kind).map_or("unknown", |(_, name)| *name)
}

fn text(value: &str) -> Option<String> {
    Some(value.to_owned())
}

fn caller() -> Caller {
    Caller {
        environment: vec![("AWS_REGION".into(), "eu-west-1".into()), ("PATH".into(), "/usr/bin".into())],
        store: StoreChoice {
            backend: text("file"),
            file_dir: None,
            file_passphrase: Some(Passphrase::copy_from("correct horse")),
        },
        interaction: Interaction {
            terminal: true,
            terminal_path: text("/dev/pts/3"),
            driver: None,
            never: false,
        },
        home: text("/home/jon"),
    }
}

fn requests() -> Vec<Request> {
    let profile = || "jon".to_owned();
    vec![
        Hello { version: "0.1.0".into(), max_reply: 65536 }.into(),
        Ping { payload: vec![0, 255, 7] }.into(),
        Cancel { request_id: 70_000 }.into(),
        GetCredentials {
            caller: caller(),
            profile: profile(),
            region: text("us-east-1"),
            duration_seconds: 3600,
            no_session: false,
            mfa_token: Some(MfaCode::copy_from("123456")),
        }
        .into(),
        List { caller: Caller::default() }.into(),
        Clear { caller: Caller::default(), profile: text("jon") }.into(),
        PrepareAdd { caller: caller(), profile: profile() }.into(),
        Add {
            caller: caller(),
            profile: profile(),
            access_key_id: "AKIAIOSFODNN7EXAMPLE".into(),
            secret_access_key: SecretAccessKey::copy_from("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
            mfa_serial: text("arn:aws:iam::123456789012:mfa/jon"),
            add_config: true,
        }
        .into(),
        Remove { caller: Caller::default(), profile: profile() }.into(),
        Explain {
            caller: Caller::default(),
            profile: profile(),
            region: None,
            duration_seconds: 0,
            no_session: true,
        }
        .into(),
        Lock::default().into(),
        Unlock { caller: caller() }.into(),
        PromptReply { prompt_id: 9, outcome: PromptOutcome::Answered, answer: Answer::copy_from("654321") }
            .into(),
        Status::default().into(),
        Shutdown { only_if_instance: text("0123456789abcdef"), reason: ShutdownReason::Upgrade }.into(),
    ]
}

fn session() -> SessionRow {
    SessionRow {
        profile: "jon".into(),
        kind: "sts.AssumeRole".into(),
        role_arn: text("arn:aws:iam::123456789012:role/admin"),
        expiration: 1_795_492_433,
    }
}

fn replies() -> Vec<Reply> {
    let aws = AwsFailure {
        service: "STS".into(),
        operation: "AssumeRole".into(),
        code: "AccessDenied".into(),
        request_id: text("6b2f"),
    };
    vec![
        HelloAck {
            version: "0.1.0".into(),
            instance: "0123456789abcdef".into(),
            pid: 4711,
            max_request: 65536,
        }
        .into(),
        Pong { payload: vec![0, 255, 7] }.into(),
        Failure {
            code: FailureCode::Aws,
            message: "AWS refused".into(),
            hint: text("aws-vault explain jon"),
            aws: Some(Box::new(aws)),
            retry_after_ms: 1000,
        }
        .into(),
        Done::default().into(),
        Credentials {
            profile: "jon".into(),
            access_key_id: "ASIAIOSFODNN7EXAMPLE".into(),
            secret_access_key: SecretAccessKey::copy_from("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
            session_token: Some(SessionToken::copy_from("IQoJb3JpZ2luX2Vj+/==")),
            expiration: Some(1_795_492_433),
            region: text("eu-west-1"),
            endpoint_url: None,
            from_memory: true,
        }
        .into(),
        Listing {
            profiles: vec!["jon".into(), "käse".into()],
            credentials: vec!["jon".into()],
            sessions: vec![session()],
        }
        .into(),
        Cleared { sessions: 300 }.into(),
        AddPrepared { section_exists: true, replaces: false }.into(),
        Added { sessions: 1, section_added_to: text("/home/jon/.aws/config"), remark: None }.into(),
        Explanation { lines: vec!["jon: AssumeRole".into(), String::new()] }.into(),
        Prompt {
            prompt_id: 9,
            kind: PromptKind::MfaCode,
            text: "MFA code".into(),
            complaint: text("the code was wrong"),
            timeout_seconds: 120,
        }
        .into(),
        PromptWithdrawn { prompt_id: 9, reason: "answered elsewhere".into() }.into(),
        Progress { text: "the next code".into(), seconds: 17 }.into(),
        StatusReport {
            version: "0.1.0".into(),
            instance: "0123456789abcdef".into(),
            pid: 4711,
            socket: "/run/user/1000/aws-vault/agent.sock".into(),
            uptime_seconds: u64::from(u32::MAX) + 1,
            locked: false,
            forgets_in_seconds: Some(86_400),
            stores: vec![StoreStatus {
                backend: "file".into(),
                location: "~/.awsvault/keys".into(),
                open: true,
            }],
            sessions: vec![session(), session()],
            connections: 1,
            prompts: 0,
            memory: MemoryStatus {
                sealing_key: "memfd_secret".into(),
                untraceable: true,
                no_core: true,
                locked: false,
            },
            executable_replaced: false,
        }
        .into(),
    ]
}
