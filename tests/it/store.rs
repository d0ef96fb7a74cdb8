//! Opening the store, and forgetting: one passphrase for everybody, wrong ones at the asker's own expense, locking and
//! lifetimes.

use std::time::{Duration, Instant};

use aws_vault_protocol::failure::FailureCode;
use aws_vault_protocol::message::{
    Add, Clear, GetCredentials, List, Lock, Ping, PromptKind, PromptOutcome, Remove, Reply, Unlock,
};
use aws_vault_protocol::secret::Passphrase;
use aws_vault_tests::binaries;
use aws_vault_tests::herd::asked;
use aws_vault_tests::wait::until;
use aws_vault_tests::world::{PASSPHRASE, World};
use rustix::process::Signal;

use crate::office::Office;

fn without_passphrase(office: &Office) -> GetCredentials {
    GetCredentials { caller: office.world.caller_without_passphrase(), ..office.world.get("reader") }
}

/// An agent that has forgotten the passphrase.
fn closed() -> Office {
    let office = Office::without_mfa(&[]);
    office.agent.signal(Signal::USR1);
    let mut client = office.agent.connect();
    until("the store is closed", || client.status().stores.iter().all(|store| !store.open));
    office
}

#[test]
fn one_passphrase_is_enough_for_everybody() {
    let office = closed();
    let mut waiting: Vec<_> = (0..20).map(|_| office.agent.waiting(without_passphrase(&office))).collect();
    let (index, prompt) = asked(&mut waiting);
    assert_eq!(prompt.kind, PromptKind::Passphrase);
    waiting[index].client.answer(&prompt, PASSPHRASE);
    for one in &mut waiting {
        one.credentials().unwrap();
    }
    assert_eq!(office.calls(), (0, 1));
}

#[test]
fn a_wrong_passphrase_delays_its_asker_only() {
    let office = closed();
    let mut guesser = office.agent.waiting(without_passphrase(&office));
    let mut other = office.agent.connect();
    let mut slowest = Duration::ZERO;
    let mut delays = Vec::new();
    for attempt in 1..=3 {
        let prompt = guesser.prompt();
        assert_eq!(prompt.complaint.is_some(), attempt > 1, "{prompt:?}");
        guesser.client.answer(&prompt, "not it");
        let guessed = Instant::now();
        let observed = guessed + Duration::from_millis(200);
        while Instant::now() < observed {
            let asked = Instant::now();
            other.ask(Ping { payload: Vec::new() }).unwrap();
            slowest = slowest.max(asked.elapsed());
        }
        delays.push(guessed);
    }
    let error = guesser.credentials().unwrap_err();
    assert_eq!(error.code, FailureCode::WrongPassphrase);
    // 250 ms, 500 ms and a second.
    assert!(delays[0].elapsed() >= Duration::from_millis(1750), "{:?}", delays[0].elapsed());
    assert!(slowest < Duration::from_millis(100), "somebody else waited {slowest:?}");
    // Who knows it gets in at once.
    let started = Instant::now();
    other.get(office.world.get("reader")).unwrap();
    assert!(
        started.elapsed() < Duration::from_secs(1) || !binaries::are_release(),
        "{:?}",
        started.elapsed()
    );
}

#[test]
fn a_wrong_passphrase_from_a_variable_asks_nobody() {
    let office = closed();
    let mut request = office.world.get("reader");
    request.caller.store.file_passphrase = Some(Passphrase::copy_from("not it"));
    let error = office.agent.connect().get(request).unwrap_err();
    assert_eq!(error.code, FailureCode::WrongPassphrase);
    assert!(error.hint.unwrap().contains("AWS_VAULT_FILE_PASSPHRASE"));
}

#[test]
fn a_new_store_is_given_a_passphrase() {
    let world = World::new();
    let agent = world.agent();
    let keys = world.aws.add_user("alice");
    let add = Add { caller: world.caller_without_passphrase(), ..world.add("alice", &keys) };
    let mut one = agent.waiting(add);
    let prompt = one.prompt();
    assert_eq!(prompt.kind, PromptKind::NewPassphrase);
    one.client.answer(&prompt, PASSPHRASE);
    assert!(matches!(one.client.finish(one.request), Ok(Reply::Added(_))));
    // The one given is the one that counts.
    agent.signal(Signal::USR1);
    until("the passphrase is forgotten", || agent.connect().status().stores.iter().all(|store| !store.open));
    let mut wrong = world.get("alice");
    wrong.caller.store.file_passphrase = Some(Passphrase::copy_from("not it"));
    assert_eq!(agent.connect().get(wrong).unwrap_err().code, FailureCode::WrongPassphrase);
    agent.connect().get(world.get("alice")).unwrap();
}

#[test]
fn a_refused_passphrase_writes_nothing() {
    let world = World::new();
    let agent = world.agent();
    let keys = world.aws.add_user("alice");
    let add = Add { caller: world.caller_without_passphrase(), ..world.add("alice", &keys) };
    let mut one = agent.waiting(add);
    let prompt = one.prompt();
    one.client.refuse(&prompt, PromptOutcome::Cancelled);
    assert_eq!(one.client.finish(one.request).unwrap_err().code, FailureCode::Cancelled);
    assert!(!world.home().join(".awsvault/keys/alice").exists());
}

#[test]
fn locked_means_locked_until_a_person_unlocks() {
    let office = Office::without_mfa(&[]);
    let mut client = office.agent.connect();
    client.get(office.world.get("reader")).unwrap();
    client.ask(Lock::default()).unwrap();
    assert!(client.status().locked);
    assert!(client.status().sessions.is_empty());
    for error in [
        client.get(office.world.get("reader")).unwrap_err(),
        client.ask(List { caller: office.world.caller() }).unwrap_err(),
        client.ask(office.world.add("alice", &office.keys)).unwrap_err(),
        client.ask(Remove { caller: office.world.caller(), profile: "alice".to_owned() }).unwrap_err(),
    ] {
        assert_eq!(error.code, FailureCode::Locked);
        assert_eq!(error.hint.as_deref(), Some("aws-vault unlock"));
    }

    let mut guess = office.world.caller();
    guess.store.file_passphrase = Some(Passphrase::copy_from("not it"));
    assert_eq!(client.ask(Unlock { caller: guess }).unwrap_err().code, FailureCode::WrongPassphrase);
    assert!(client.status().locked);

    let unlock = Unlock { caller: office.world.caller_without_passphrase() };
    let mut person = office.agent.waiting(unlock);
    let prompt = person.prompt();
    person.client.answer(&prompt, PASSPHRASE);
    person.client.finish(person.request).unwrap();
    // The session was wiped, so AWS is asked again; nobody else is.
    assert!(!client.get(without_passphrase(&office)).unwrap().from_memory);
}

#[test]
fn locking_ends_what_is_under_way() {
    let office = Office::open();
    let mut waiting: Vec<_> = (0..3).map(|_| office.agent.waiting(office.world.get("admin"))).collect();
    asked(&mut waiting);
    office.agent.connect().ask(Lock::default()).unwrap();
    for one in &mut waiting {
        assert_eq!(one.credentials().unwrap_err().code, FailureCode::Locked);
    }
    assert_eq!(office.agent.connect().status().prompts, 0);
}

#[test]
fn lifetimes_end() {
    for options in [["-t", "1s"], ["--idle", "1s"]] {
        let office = Office::open_in(World::new(), &options);
        let mut client = office.agent.connect();
        assert!(client.status().forgets_in_seconds.is_some(), "{options:?}");
        until("the agent forgets", || client.status().stores.iter().all(|store| !store.open));
        let request =
            GetCredentials { caller: office.world.caller_without_passphrase(), ..office.world.get("alice") };
        let mut one = office.agent.waiting(request);
        assert_eq!(one.prompt().kind, PromptKind::Passphrase, "{options:?}");
    }
}

#[test]
fn use_keeps_an_idle_lifetime_from_ending() {
    let office = Office::without_mfa(&["--idle", "2s"]);
    let mut client = office.agent.connect();
    client.get(office.world.get("reader")).unwrap();
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(3) {
        assert!(client.get(without_passphrase(&office)).unwrap().from_memory);
    }
}

#[test]
fn clear_forgets_sessions_and_nothing_else() {
    let office = Office::without_mfa(&[]);
    let mut client = office.agent.connect();
    client.get(office.world.get("reader")).unwrap();
    let clear =
        |profile: Option<&str>| Clear { caller: office.world.caller(), profile: profile.map(str::to_owned) };
    let cleared = |reply| match reply {
        Ok(Reply::Cleared(cleared)) => cleared.sessions,
        other => panic!("{other:?}"),
    };
    assert_eq!(cleared(client.ask(clear(Some("alice")))), 0);
    assert_eq!(cleared(client.ask(clear(None))), 1);
    assert!(!client.get(without_passphrase(&office)).unwrap().from_memory);
}

#[test]
fn another_store_does_not_open_the_lock() {
    let office = Office::open();
    office.agent.connect().ask(Lock::default()).unwrap();
    let mut caller = office.world.caller();
    caller.store.file_dir = Some(office.world.home().join("other").to_string_lossy().into_owned());
    let error = office.agent.connect().ask(Unlock { caller }).unwrap_err();
    assert_eq!(error.code, FailureCode::Forbidden);
    assert!(error.hint.is_some(), "{error:?}");
    assert!(office.agent.connect().status().locked);
    office.agent.connect().ask(Unlock { caller: office.world.caller() }).unwrap();
    assert!(!office.agent.connect().status().locked);
}
