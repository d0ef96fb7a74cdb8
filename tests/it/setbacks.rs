//! What AWS, and the way to it, can do to a call, and what a person is told.

use std::time::{Duration, Instant};

use aws_vault_protocol::failure::{Failure, FailureCode};
use aws_vault_protocol::message::Ping;
use aws_vault_tests::standin::{ALWAYS, Fault, RoleOptions};

use crate::office::Office;

fn failure(office: &Office, profile: &str) -> Failure {
    office.agent.connect().get(office.world.get(profile)).expect_err("this cannot work")
}

#[test]
fn what_passes_is_tried_again() {
    for fault in [
        Fault::Throttle,
        Fault::ServerError { status: 500 },
        Fault::ServerError { status: 503 },
        Fault::ConnectionReset,
    ] {
        let office = Office::without_mfa(&[]);
        office.world.aws.fault("AssumeRole", 2, fault.clone());
        let answer = office.agent.connect().get(office.world.get("reader"));
        assert!(answer.is_ok(), "{fault:?}: {answer:?}");
        assert_eq!(office.calls(), (0, 3), "{fault:?}");
    }
}

#[test]
fn what_does_not_pass_is_told() {
    let office = Office::without_mfa(&[]);
    office.world.aws.fault("AssumeRole", ALWAYS, Fault::Throttle);
    let error = failure(&office, "reader");
    assert_eq!(error.code, FailureCode::Aws);
    let aws = error.aws.unwrap();
    assert_eq!((aws.service.as_str(), aws.operation.as_str()), ("sts", "AssumeRole"));
    assert_eq!(aws.code, "Throttling");
    assert!(aws.request_id.is_some());
}

#[test]
fn nonsense_is_not_taken_for_credentials() {
    for fault in
        [Fault::Garbage, Fault::Truncated, Fault::EmptySessionToken, Fault::AlreadyExpired, Fault::AnswerLost]
    {
        let office = Office::without_mfa(&[]);
        office.world.aws.fault("AssumeRole", ALWAYS, fault.clone());
        let error = failure(&office, "reader");
        assert_eq!(error.code, FailureCode::Network, "{fault:?}: {error:?}");
        assert!(error.hint.is_some(), "{fault:?}: {error:?}");
        office.world.aws.clear_faults();
        assert!(!office.agent.connect().get(office.world.get("reader")).unwrap().from_memory, "{fault:?}");
    }
}

#[test]
fn an_answer_lost_after_the_code_was_spent_asks_for_another() {
    let office = Office::open();
    office.world.aws.fault("GetSessionToken", 1, Fault::AnswerLost);
    let mut one = office.agent.waiting(office.world.get("alice"));
    let prompt = one.prompt();
    one.client.answer(&prompt, &office.world.code(&office.serial));
    // The SDK tried again with the same code, which AWS had seen.
    let prompt = one.prompt();
    assert!(prompt.complaint.is_some(), "{prompt:?}");
    one.client.answer(&prompt, &office.world.code(&office.serial));
    one.credentials().unwrap();
}

#[test]
fn a_wrong_clock_is_corrected() {
    for skew in [1800, -1800] {
        let office = Office::without_mfa(&[]);
        office.world.aws.set_clock_skew(skew);
        office.agent.connect().get(office.world.get("reader")).unwrap();
        // Refused once; the date of the refusal told the SDK what time it is.
        assert_eq!(office.calls(), (0, 2), "{skew}");
    }
}

#[test]
fn a_wrong_clock_that_cannot_be_corrected_is_named() {
    for (skew, word) in [(1800, "behind"), (-1800, "ahead")] {
        let office = Office::without_mfa(&[]);
        office.world.aws.set_clock_skew(skew);
        let code = "SignatureDoesNotMatch".to_owned();
        let refusal = Fault::Error { status: 403, code, message: "Signature expired".to_owned() };
        office.world.aws.fault("AssumeRole", ALWAYS, refusal);
        let error = failure(&office, "reader");
        assert_eq!(error.code, FailureCode::ClockSkew, "{error:?}");
        assert!(error.hint.as_ref().unwrap().contains(word), "{error:?}");
    }
}

#[test]
fn wrong_keys_are_named() {
    let office = Office::without_mfa(&[]);
    let mut wrong = office.keys.clone();
    wrong.secret_access_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned();
    office.world.canary(&wrong.secret_access_key);
    office.world.store_key(&office.agent, "alice", &wrong);
    let error = failure(&office, "reader");
    assert_eq!(error.aws.as_ref().unwrap().code, "SignatureDoesNotMatch", "{error:?}");
    assert!(error.hint.as_ref().unwrap().contains("aws-vault add"), "{error:?}");

    wrong.access_key_id = "AKIAIOSFODNN7EXAMPLE".to_owned();
    office.world.store_key(&office.agent, "alice", &wrong);
    let error = failure(&office, "reader");
    assert_eq!(error.aws.as_ref().unwrap().code, "InvalidClientTokenId", "{error:?}");
}

#[test]
fn a_role_that_does_not_trust_is_named() {
    let office = Office::without_mfa(&[]);
    let partner = RoleOptions { external_id: Some("partner-7".to_owned()), ..RoleOptions::default() };
    let partner = office.world.aws.add_role("partner", partner);
    let section = format!("[profile partner]\nsource_profile = alice\nrole_arn = {partner}\n");
    office.world.config(&section);
    let error = failure(&office, "partner");
    assert_eq!((error.code, error.aws.unwrap().code.as_str()), (FailureCode::Aws, "AccessDenied"));
    assert!(error.hint.is_some());
    office.world.config(&format!("{section}external_id = partner-7\n"));
    office.agent.connect().get(office.world.get("partner")).unwrap();
}

#[test]
fn a_silent_aws_holds_up_nobody_else() {
    let office = Office::without_mfa(&[]);
    office.world.aws.fault("AssumeRole", ALWAYS, Fault::Hang);
    let mut stuck = office.agent.waiting(office.world.get("reader"));
    office.world.aws.wait_for(|calls| calls.len() == 1).unwrap();
    let mut other = office.agent.connect();
    let started = Instant::now();
    for _ in 0..100 {
        other.ask(Ping { payload: b"still there?".to_vec() }).unwrap();
    }
    assert!(other.get(office.world.get("alice")).is_ok());
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    stuck.client.cancel(stuck.request);
    assert_eq!(stuck.credentials().unwrap_err().code, FailureCode::Cancelled);
    office.world.aws.clear_faults();
}

#[test]
fn nobody_there_is_told_soon() {
    let office = Office::without_mfa(&[]);
    let mut request = office.world.get("reader");
    // A port that was free a moment ago: nothing listens there.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    request.caller.environment.push(("AWS_ENDPOINT_URL_STS".to_owned(), url.clone()));
    let error = office.agent.connect().get(request).unwrap_err();
    assert_eq!(error.code, FailureCode::Network);
    assert!(error.message.contains(&url), "{error:?}");
}
