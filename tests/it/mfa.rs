//! One-time codes: who is asked, when again, when not at all, and which codes are used.

use std::time::Duration;

use aws_vault_protocol::failure::FailureCode;
use aws_vault_protocol::message::{GetCredentials, Interaction, PromptOutcome, Reply};
use aws_vault_protocol::secret::MfaCode;
use aws_vault_tests::herd::asked;
use aws_vault_tests::wait::until_within;

use crate::office::Office;

/// A code lives this long (RFC 6238), so nobody waits longer for the next.
const STEP: Duration = Duration::from_secs(30);

#[test]
fn a_wrong_code_is_asked_again_three_times() {
    let office = Office::open();
    let mut one = office.agent.waiting(office.world.get("admin"));
    for attempt in 1..=3 {
        let prompt = one.prompt();
        assert_eq!(prompt.complaint.is_some(), attempt > 1, "{prompt:?}");
        one.client.answer(&prompt, "000000");
    }
    let error = one.credentials().unwrap_err();
    assert_eq!(error.code, FailureCode::WrongMfaCode);
    assert!(error.hint.is_some());
    assert_eq!(office.calls(), (3, 0));
}

#[test]
fn a_mistyped_code_is_forgiven() {
    let office = Office::open();
    let mut one = office.agent.waiting(office.world.get("admin"));
    let prompt = one.prompt();
    one.client.answer(&prompt, "000000");
    let prompt = one.prompt();
    one.client.answer(&prompt, &format!(" {} ", office.world.code(&office.serial)));
    one.credentials().unwrap();
    assert_eq!(office.calls(), (2, 1));
}

#[test]
fn a_spent_code_waits_for_the_next_one() {
    let office = Office::open();
    let mut first = office.agent.waiting(office.world.get("alice"));
    let prompt = first.prompt();
    let spent = office.world.code(&office.serial);
    first.client.answer(&prompt, &spent);
    first.credentials().unwrap();

    // Another duration is another session, of the same device.
    let longer = GetCredentials { duration_seconds: 7200, ..office.world.get("alice") };
    let mut second = office.agent.waiting(longer);
    let prompt = second.prompt();
    second.client.answer(&prompt, &spent);
    let progress = loop {
        match second.client.next(second.request).unwrap() {
            Reply::Progress(progress) if progress.seconds > 0 => break progress,
            Reply::Progress(_) => {}
            other => panic!("a countdown was due, this came: {other:?}"),
        }
    };
    assert!(Duration::from_secs(progress.seconds.into()) <= STEP, "{progress:?}");
    let mut again = None;
    until_within(STEP + Duration::from_secs(5), "asked again", || {
        again = second.client.prompt_so_far(second.request);
        again.is_some()
    });
    let again = again.unwrap();
    assert!(again.complaint.is_some(), "{again:?}");
    second.client.answer(&again, &office.world.code(&office.serial));
    second.credentials().unwrap();
    // The spent code was not sent again: AWS would have refused it.
    assert_eq!(office.calls(), (2, 0));
    assert!(office.world.aws.calls().iter().all(|call| call.error_code().is_none()));
}

#[test]
fn never_means_at_once() {
    let office = Office::open();
    let never = Interaction { terminal: true, never: true, ..Interaction::default() };
    let mut request = office.world.get("admin");
    request.caller.interaction = never.clone();
    let error = office.agent.connect().get(request).unwrap_err();
    assert_eq!(error.code, FailureCode::InputNeeded);
    assert!(error.hint.as_ref().unwrap().contains("aws-vault exec admin"), "{error:?}");

    // Also while somebody else is being asked for the same code.
    let mut other = office.agent.waiting(office.world.get("admin"));
    other.prompt();
    let mut request = office.world.get("admin");
    request.caller.interaction = never;
    assert_eq!(office.agent.connect().get(request).unwrap_err().code, FailureCode::InputNeeded);
    assert_eq!(office.calls(), (0, 0));
}

#[test]
fn without_terminal_or_screen_nobody_is_asked() {
    let office = Office::open();
    let mut request = office.world.get("admin");
    request.caller.interaction = Interaction::default();
    let error = office.agent.connect().get(request).unwrap_err();
    assert_eq!(error.code, FailureCode::InputNeeded);
    assert!(error.hint.is_some(), "{error:?}");
    assert_eq!(office.calls(), (0, 0));
}

#[test]
fn a_code_that_was_brought_spares_the_prompt() {
    let office = Office::open();
    let code = office.world.code(&office.serial);
    let brought =
        || GetCredentials { mfa_token: Some(MfaCode::copy_from(&code)), ..office.world.get("admin") };
    office.agent.connect().get(brought()).unwrap();
    assert_eq!(office.calls(), (1, 1));

    // The same code for another session: only waiting helps, and a script should be told.
    let spent = GetCredentials { profile: "alice".to_owned(), duration_seconds: 7200, ..brought() };
    let error = office.agent.connect().get(spent).unwrap_err();
    assert_eq!(error.code, FailureCode::WrongMfaCode);
    assert!(error.hint.as_ref().unwrap().contains("seconds"), "{error:?}");
    assert_eq!(office.calls(), (1, 1));
}

#[test]
fn a_brought_code_helps_those_who_wait() {
    let office = Office::open();
    let mut waiting = office.agent.waiting(office.world.get("admin"));
    waiting.prompt();
    let code = office.world.code(&office.serial);
    let brought = GetCredentials { mfa_token: Some(MfaCode::copy_from(&code)), ..office.world.get("admin") };
    office.agent.connect().get(brought).unwrap();
    assert!(matches!(waiting.client.next(waiting.request), Ok(Reply::PromptWithdrawn(_))));
    waiting.credentials().unwrap();
    assert_eq!(office.calls(), (1, 1));
}

#[test]
fn an_mfa_process_spares_the_prompt() {
    let office = Office::open();
    let file = office.world.home().join("device");
    // Emptied again by the program itself: a code must not lie about in the world's home.
    let script = office.world.script("code", &format!("cat {0}; : > {0}", file.display()));
    office.world.config(&format!(
        "[profile alice]\nmfa_serial = {}\nmfa_process = {}\n",
        office.serial,
        script.display()
    ));
    std::fs::write(&file, office.world.code(&office.serial)).unwrap();
    office.agent.connect().get(office.world.get("alice")).unwrap();
    assert_eq!(office.calls(), (1, 0));

    office.world.script("code", "exit 1");
    let longer = GetCredentials { duration_seconds: 7200, ..office.world.get("alice") };
    let error = office.agent.connect().get(longer).unwrap_err();
    assert_eq!(error.code, FailureCode::WrongMfaCode);
    assert!(error.hint.as_ref().unwrap().contains("mfa_process"), "{error:?}");
}

#[test]
fn a_client_that_cannot_ask_passes_the_prompt_on() {
    let office = Office::open();
    let mut waiting: Vec<_> = (0..2).map(|_| office.agent.waiting(office.world.get("admin"))).collect();
    let (index, prompt) = asked(&mut waiting);
    waiting[index].client.refuse(&prompt, PromptOutcome::Unavailable);
    let other = 1 - index;
    let prompt = waiting[other].prompt();
    waiting[other].client.answer(&prompt, &office.world.code(&office.serial));
    for one in &mut waiting {
        one.credentials().unwrap();
    }
}

#[test]
fn a_request_given_up_takes_its_prompt_along() {
    let office = Office::open();
    let mut one = office.agent.waiting(office.world.get("admin"));
    one.prompt();
    one.client.cancel(one.request);
    assert_eq!(one.credentials().unwrap_err().code, FailureCode::Cancelled);
    assert_eq!(office.agent.connect().status().prompts, 0);
    // The person refused nothing.
    let mut next = office.agent.waiting(office.world.get("admin"));
    next.prompt();
}

#[test]
fn only_the_asked_client_can_answer() {
    let office = Office::open();
    let mut one = office.agent.waiting(office.world.get("admin"));
    let prompt = one.prompt();
    let mut stranger = office.agent.connect();
    stranger.answer(&prompt, "000000");
    stranger.refuse(&prompt, PromptOutcome::Cancelled);
    stranger.settle();
    one.client.answer(&prompt, &office.world.code(&office.serial));
    // Too late, and once too often.
    one.client.refuse(&prompt, PromptOutcome::Cancelled);
    one.credentials().unwrap();
    assert_eq!(office.calls(), (1, 1));
}

#[test]
fn a_request_given_up_gives_its_prompt_to_the_next() {
    let office = Office::open();
    let mut waiting: Vec<_> = (0..2).map(|_| office.agent.waiting(office.world.get("admin"))).collect();
    let (index, _) = asked(&mut waiting);
    let request = waiting[index].request;
    // The connection stays: only the request is given up.
    waiting[index].client.cancel(request);
    let other = &mut waiting[1 - index];
    let prompt = other.prompt();
    other.client.answer(&prompt, &office.world.code(&office.serial));
    other.credentials().unwrap();
    assert_eq!(office.calls(), (1, 1));
}

#[test]
fn an_mfa_process_dies_with_the_request_and_takes_its_children_along() {
    let office = Office::open();
    let pids = office.world.home().join("pids");
    let script = office.world.script("slow", &format!("sleep 60 & echo $$ $! > {}; wait", pids.display()));
    office.world.config(&format!(
        "[profile alice]\nmfa_serial = {}\nmfa_process = {}\n",
        office.serial,
        script.display()
    ));
    let mut client = office.agent.connect();
    client.send(office.world.get("alice"));
    let read = || std::fs::read_to_string(&pids).unwrap_or_default();
    until_within(STEP, "it runs", || read().split_whitespace().count() == 2);
    drop(client);
    let pids: Vec<u32> = read().split_whitespace().map(|pid| pid.parse().unwrap()).collect();
    until_within(STEP, "all of it is gone", || {
        !pids.iter().any(|pid| aws_vault_tests::process::is_alive(*pid))
    });
}
