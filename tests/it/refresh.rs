//! Sessions in use are renewed before they lapse, without a person and without anybody waiting; when that is not
//! possible, what is still good is handed out.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_vault_protocol::failure::FailureCode;
use aws_vault_protocol::message::GetCredentials;
use aws_vault_tests::standin::{ALWAYS, Fault};
use aws_vault_tests::wait::until;

use crate::office::Office;

/// Life of every session here, in seconds. Its last quarter is when the agent wants to renew it.
const LIFE: u32 = 8;

/// What must be left of a session that is handed out, in seconds.
const MINIMUM: i64 = 1;

fn open() -> Office {
    let office = Office::without_mfa(&[]);
    office.world.aws.issue_lifetime(Some(LIFE));
    office
}

fn get(office: &Office, profile: &str) -> GetCredentials {
    let mut request = office.world.get(profile);
    request.caller.environment.push(("AWS_MIN_TTL".to_owned(), format!("{MINIMUM}s")));
    request
}

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970").as_secs().cast_signed()
}

#[test]
fn a_session_in_use_is_renewed_in_the_background() {
    let office = open();
    let first = office.agent.connect().get(get(&office, "reader")).unwrap();
    // Nobody asks; the agent does it by itself.
    office.world.aws.wait_for(|calls| calls.len() == 2).unwrap();
    assert!(now() < first.expiration.unwrap(), "renewed only after it had lapsed");
    let mut client = office.agent.connect();
    until("the renewed session is handed out from memory", || {
        let second = client.get(get(&office, "reader")).unwrap();
        second.from_memory && second.access_key_id != first.access_key_id
    });
    assert_eq!(office.calls(), (0, 2));
}

#[test]
fn nothing_is_handed_out_that_is_about_to_lapse() {
    let office = open();
    let mut client = office.agent.connect();
    let mut seen = std::collections::HashSet::new();
    until("three sessions were seen", || {
        let credentials = client.get(get(&office, "reader")).unwrap();
        let left = credentials.expiration.unwrap() - now();
        assert!(left >= MINIMUM, "{left} s left");
        seen.insert(credentials.access_key_id);
        seen.len() == 3
    });
}

#[test]
fn a_session_that_needs_a_person_is_not_renewed() {
    let office = Office::open();
    office.world.aws.issue_lifetime(Some(4));
    let mut one = office.agent.waiting(get(&office, "alice"));
    let prompt = one.prompt();
    one.client.answer(&prompt, &office.world.code(&office.serial));
    let first = one.credentials().unwrap();
    let mut client = office.agent.connect();
    until("the session has lapsed", || client.status().sessions.is_empty());
    assert!(now() >= first.expiration.unwrap());
    assert_eq!(office.calls(), (1, 0));
    // Whoever comes now is asked.
    one.client = office.agent.connect();
    one.request = one.client.send(get(&office, "alice"));
    one.prompt();
}

#[test]
fn a_failed_renewal_leaves_what_is_still_good() {
    let office = open();
    let mut client = office.agent.connect();
    let first = client.get(get(&office, "reader")).unwrap();
    let denied = Fault::Error { status: 403, code: "AccessDenied".to_owned(), message: "not now".to_owned() };
    office.world.aws.fault("AssumeRole", ALWAYS, denied);
    office.world.aws.wait_for(|calls| calls.len() == 2).unwrap();
    // Renewing has failed, its session is good for a moment.
    let still = client.get(get(&office, "reader")).unwrap();
    assert_eq!(still.access_key_id, first.access_key_id);
    assert!(still.expiration.unwrap() - now() >= MINIMUM);
    // Once it has lapsed there is only the error.
    until("the error is handed out", || match client.get(get(&office, "reader")) {
        Ok(credentials) => {
            assert!(credentials.expiration.unwrap() - now() >= MINIMUM);
            false
        }
        Err(error) => {
            assert_eq!(error.code, FailureCode::Aws);
            true
        }
    });
    office.world.aws.clear_faults();
    assert_ne!(client.get(get(&office, "reader")).unwrap().access_key_id, first.access_key_id);
}

#[test]
fn a_session_of_which_too_little_is_left_is_not_used() {
    let office = Office::without_mfa(&[]);
    office.world.aws.issue_lifetime(Some(60));
    let mut client = office.agent.connect();
    // The default minimum is five minutes: a session of one is never good enough twice.
    for _ in 0..2 {
        assert!(!client.get(office.world.get("reader")).unwrap().from_memory);
    }
    let minimum = Duration::from_secs(30);
    let mut request = office.world.get("reader");
    request.caller.environment.push(("AWS_MIN_TTL".to_owned(), format!("{}s", minimum.as_secs())));
    assert!(client.get(request).unwrap().from_memory);
    assert_eq!(office.calls(), (0, 2));
}
