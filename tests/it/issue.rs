//! Credentials for many: one prompt and one call for everybody, warm answers from memory, and nothing shared that must
//! not be.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use aws_vault_protocol::failure::FailureCode;
use aws_vault_protocol::message::{Credentials, GetCredentials, PromptKind, PromptOutcome};
use aws_vault_tests::elsewhere;
use aws_vault_tests::herd::{Waiting, asked};
use aws_vault_tests::raw_client::RawClient;
use aws_vault_tests::standin::RoleOptions;

use crate::office::Office;

/// Opens connections in a process of its own: one process may have 64 at once.
const OPENER: &str = env!("CARGO_BIN_EXE_opener");

/// What a program would use.
fn keys(credentials: &Credentials) -> (String, String, Option<String>, Option<i64>) {
    (
        credentials.access_key_id.clone(),
        credentials.secret_access_key.expose().to_owned(),
        credentials.session_token.as_ref().map(|token| token.expose().to_owned()),
        credentials.expiration,
    )
}

#[test]
fn a_hundred_cold_clients_cost_one_prompt_and_one_call_each() {
    let office = Office::open();
    let socket = office.agent.socket();
    let mut processes: Vec<_> =
        (0..4).map(|_| elsewhere::open(Path::new(OPENER), &[], socket, 25).unwrap()).collect();
    let streams = processes.iter_mut().flat_map(|process| std::mem::take(&mut process.streams));
    let clients: Vec<_> = streams.map(|stream| RawClient::adopt(stream).unwrap()).collect();
    assert_eq!(clients.len(), 100);
    let mut waiting: Vec<_> =
        clients.into_iter().map(|client| Waiting::new(client, office.world.get("admin"))).collect();

    let (index, prompt) = asked(&mut waiting);
    assert_eq!(prompt.kind, PromptKind::MfaCode);
    assert!(prompt.text.contains(&office.serial), "{prompt:?}");
    waiting[index].client.answer(&prompt, &office.world.code(&office.serial));

    // `credentials` fails the test if anybody is asked again.
    let answers: HashSet<_> = waiting.iter_mut().map(|one| keys(&one.credentials().unwrap())).collect();
    assert_eq!(answers.len(), 1);
    assert_eq!(office.calls(), (1, 1));

    let warm = office.agent.connect().get(office.world.get("admin")).unwrap();
    assert!(warm.from_memory);
    assert_eq!(answers, HashSet::from([keys(&warm)]));
    assert_eq!(office.calls(), (1, 1));
}

#[test]
fn the_prompt_moves_on_when_the_asked_client_dies() {
    let office = Office::open();
    let mut waiting: Vec<_> = (0..5).map(|_| office.agent.waiting(office.world.get("admin"))).collect();
    // Two deaths in a row: the kernel closes a killed client's connection just as this does.
    for _ in 0..2 {
        let (index, _) = asked(&mut waiting);
        waiting.remove(index);
    }
    let (index, prompt) = asked(&mut waiting);
    waiting[index].client.answer(&prompt, &office.world.code(&office.serial));
    for one in &mut waiting {
        one.credentials().unwrap();
    }
    assert_eq!(office.calls(), (1, 1));
}

#[test]
fn work_ends_when_the_last_client_has_left() {
    let office = Office::open();
    let mut only = office.agent.waiting(office.world.get("admin"));
    only.prompt();
    drop(only);
    let mut observer = office.agent.connect();
    aws_vault_tests::wait::until("nobody is asked any more", || observer.status().prompts == 0);
    // Nobody refused anything, so the next one is asked.
    let mut next = office.agent.waiting(office.world.get("admin"));
    let prompt = next.prompt();
    next.client.answer(&prompt, &office.world.code(&office.serial));
    next.credentials().unwrap();
}

#[test]
fn a_refusal_ends_it_for_everybody_and_stands_for_a_while() {
    let office = Office::open();
    let mut waiting: Vec<_> = (0..20).map(|_| office.agent.waiting(office.world.get("admin"))).collect();
    let (index, prompt) = asked(&mut waiting);
    let refused = Instant::now();
    waiting[index].client.refuse(&prompt, PromptOutcome::Cancelled);
    for one in &mut waiting {
        assert_eq!(one.credentials().unwrap_err().code, FailureCode::Cancelled);
    }
    // The siblings that come a moment later are not asked either: `get` fails the test if they are.
    let late = office.agent.connect().get(office.world.get("admin")).unwrap_err();
    assert!(refused.elapsed() < Duration::from_secs(1), "{:?}", refused.elapsed());
    assert_eq!(late.code, FailureCode::Cancelled);
    assert!((1..=5000).contains(&late.retry_after_ms), "{late:?}");
    assert_eq!(office.calls(), (0, 0));
}

#[test]
fn twenty_roles_over_one_device_need_one_code() {
    let office = Office::open();
    let serial = &office.serial;
    let mut config = format!(
        "[default]\nregion = us-east-1\n\n[profile mfa]\nmfa_serial = {serial}\n\n\
         [profile alice]\nmfa_serial = {serial}\n"
    );
    for number in 0..20 {
        // Rules of aws-vault: a role without mfa_serial is assumed with the key itself, without any code.
        let (requires_mfa, line) = match number % 4 {
            0 | 1 => (true, format!("mfa_serial = {serial}\n")),
            2 => (true, "include_profile = mfa\n".to_owned()),
            _ => (false, String::new()),
        };
        let name = format!("role-{number}");
        let arn = office.world.aws.add_role(&name, RoleOptions { requires_mfa, ..RoleOptions::default() });
        let _ = write!(config, "\n[profile {name}]\nsource_profile = alice\nrole_arn = {arn}\n{line}");
    }
    office.world.config(&config);

    let profiles = (0..20).map(|number| format!("role-{number}"));
    let mut waiting: Vec<_> = profiles.map(|name| office.agent.waiting(office.world.get(&name))).collect();
    let (index, prompt) = asked(&mut waiting);
    waiting[index].client.answer(&prompt, &office.world.code(serial));
    let answers: HashSet<_> = waiting.iter_mut().map(|one| keys(&one.credentials().unwrap())).collect();
    assert_eq!(answers.len(), 20);
    assert_eq!(office.calls(), (1, 20));
    let with_code = office.world.aws.calls().into_iter().filter(|call| call.serial.is_some()).count();
    assert_eq!(with_code, 1);
}

#[test]
fn two_devices_need_two_codes() {
    let office = Office::open();
    let bob = office.world.aws.add_user("bob");
    let bobs = office.world.aws.add_mfa_device("bob");
    office.world.config(&format!(
        "[profile alice]\nmfa_serial = {}\n[profile bob]\nmfa_serial = {bobs}\n",
        office.serial
    ));
    office.world.store_key(&office.agent, "bob", &bob);
    for (profile, serial) in [("alice", &office.serial), ("bob", &bobs)] {
        let mut one = office.agent.waiting(office.world.get(profile));
        let prompt = one.prompt();
        assert!(prompt.text.contains(serial.as_str()), "{prompt:?}");
        one.client.answer(&prompt, &office.world.code(serial));
        assert!(!one.credentials().unwrap().from_memory);
    }
    assert_eq!(office.calls(), (2, 0));
}

#[test]
fn what_changes_the_answer_is_not_shared() {
    let office = Office::without_mfa(&[]);
    let mut client = office.agent.connect();
    let plain = client.get(office.world.get("reader")).unwrap();
    let longer = GetCredentials { duration_seconds: 1800, ..office.world.get("reader") };
    let longer = client.get(longer).unwrap();
    assert_ne!(keys(&plain), keys(&longer));
    assert_eq!(office.world.aws.calls().last().unwrap().duration, Some(1800));
    assert!(client.get(office.world.get("reader")).unwrap().from_memory);
    assert_eq!(office.calls(), (0, 2));
}

#[test]
fn replaced_keys_take_their_sessions_with_them() {
    let office = Office::without_mfa(&[]);
    let mut client = office.agent.connect();
    let before = client.get(office.world.get("reader")).unwrap();
    let second = office.world.aws.add_user("alice");
    office.world.store_key(&office.agent, "alice", &second);
    let after = client.get(office.world.get("reader")).unwrap();
    assert_ne!(keys(&before), keys(&after));
    assert!(!after.from_memory);
    let signers: Vec<_> =
        office.world.aws.calls().into_iter().filter_map(|call| call.access_key_id).collect();
    assert_eq!(signers, [office.keys.access_key_id.clone(), second.access_key_id]);
}

#[test]
fn a_mistyped_profile_is_never_another_one() {
    let office = Office::open();
    let error = office.agent.connect().get(office.world.get("admim")).unwrap_err();
    assert_eq!(error.code, FailureCode::UnknownProfile);
    assert!(format!("{error} {:?}", error.hint).contains("admin"), "{error:?}");
    assert_eq!(office.calls(), (0, 0));
}
