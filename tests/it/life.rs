//! An agent's life: started, found, told by signals, ended; and what every client may rely on meanwhile.

use std::time::{Duration, Instant};

use aws_vault_protocol::failure::FailureCode;
use aws_vault_protocol::message::{GOODBYE, Lock, Shutdown, ShutdownReason};
use aws_vault_protocol::preamble::Preamble;
use aws_vault_tests::raw_client::{first_reply, greeting};
use aws_vault_tests::wait::until;
use aws_vault_tests::world::World;
use aws_vault_tests::{capture, process};
use rustix::process::Signal;

use crate::office::Office;

#[test]
fn a_second_start_finds_the_first() {
    let world = World::new();
    let first = world.agent();
    let instance = first.connect().agent.instance;
    let captured = capture::run(&mut world.agent_command::<&str>(&[]));
    let line = format!("export AWS_VAULT_AGENT_PID={};", first.pid());
    assert!(captured.expect_success().contains(&line), "{captured:?}");
    assert_eq!(first.connect().agent.instance, instance);
    assert_eq!(world.agents_alive(), [first.pid()]);
}

#[test]
fn every_process_finds_the_same_socket() {
    let world = World::new();
    let usual = world.agent();
    assert_eq!(usual.socket(), world.socket());
    let elsewhere = world.home().join("other.d/sock");
    let other = world.agent_with(&["-a", elsewhere.to_str().unwrap()]);
    assert_eq!(other.socket(), elsewhere);
    assert_ne!(other.connect().agent.instance, usual.connect().agent.instance);
    assert_eq!(other.connect().agent.pid, other.pid());
}

#[test]
fn minus_k_ends_it_and_takes_the_socket() {
    let world = World::new();
    let agent = world.agent();
    let captured = capture::run(&mut world.agent_command(&["-k"]));
    assert!(captured.expect_success().contains("unset AWS_VAULT_AGENT_SOCK;"), "{captured:?}");
    assert!(!agent.socket().exists());
    until("the agent is gone", || !agent.is_alive());
    let nobody = capture::run(&mut world.agent_command(&["-k"]));
    assert_eq!(nobody.code(), Some(1));
    assert!(nobody.stderr.contains("no agent is running"), "{nobody:?}");
    // The next one starts where the last one was.
    assert_ne!(world.agent().pid(), agent.pid());
}

#[test]
fn a_start_waits_for_one_that_is_ending() {
    let office = Office::open();
    // A prompt is under way, so the agent takes its two seconds before it leaves.
    let mut busy = office.agent.waiting(office.world.get("admin"));
    busy.prompt();
    let mut observer = office.agent.connect();
    observer.ask(Shutdown { only_if_instance: None, reason: ShutdownReason::Asked }).unwrap();
    let next = office.world.agent();
    assert_ne!(next.pid(), office.agent.pid());
    until("the old agent is gone", || !office.agent.is_alive());
    assert_eq!(next.connect().agent.pid, next.pid());
}

#[test]
fn sigterm_finishes_what_is_under_way() {
    let office = Office::open();
    let mut one = office.agent.waiting(office.world.get("admin"));
    let prompt = one.prompt();
    office.agent.signal(Signal::TERM);
    until("nobody new is let in", || std::os::unix::net::UnixStream::connect(office.agent.socket()).is_err());
    one.client.answer(&prompt, &office.world.code(&office.serial));
    one.credentials().unwrap();
    until("the agent is gone", || !office.agent.is_alive());
    assert!(!office.agent.socket().exists());
    assert!(office.world.log().trim_end().ends_with("ended"));
}

#[test]
fn sigterm_does_not_wait_for_ever() {
    let office = Office::open();
    let mut one = office.agent.waiting(office.world.get("admin"));
    one.prompt();
    let asked = Instant::now();
    office.agent.signal(Signal::TERM);
    until("the agent is gone", || !office.agent.is_alive());
    assert!(asked.elapsed() < Duration::from_secs(3), "{:?}", asked.elapsed());
    assert!(!office.agent.socket().exists());
}

#[test]
fn sighup_keeps_the_agent() {
    let office = Office::without_mfa(&[]);
    let mut client = office.agent.connect();
    client.get(office.world.get("reader")).unwrap();
    office.agent.signal(Signal::HUP);
    client.settle();
    assert!(client.get(office.world.get("reader")).unwrap().from_memory);
    assert!(office.agent.is_alive());
}

#[test]
fn a_changed_config_counts_from_the_next_request_on() {
    let office = Office::open();
    let mut client = office.agent.connect();
    assert_eq!(client.get(office.world.get("new")).unwrap_err().code, FailureCode::UnknownProfile);
    office.world.config("[profile new]\n");
    assert_eq!(client.get(office.world.get("new")).unwrap_err().code, FailureCode::NoCredentials);
}

#[test]
fn sigusr1_forgets_sessions_and_passphrase() {
    let office = Office::without_mfa(&[]);
    let mut client = office.agent.connect();
    client.get(office.world.get("reader")).unwrap();
    office.agent.signal(Signal::USR1);
    until("everything is forgotten", || {
        let status = client.status();
        status.sessions.is_empty() && status.stores.iter().all(|store| !store.open)
    });
    // Forgetting is not locking.
    assert!(!client.status().locked);
    assert!(!client.get(office.world.get("reader")).unwrap().from_memory);
}

#[test]
fn it_lives_and_dies_with_its_command() {
    let world = World::new();
    let script = "test -S \"$AWS_VAULT_AGENT_SOCK\" && kill -0 \"$AWS_VAULT_AGENT_PID\" && exit 7";
    let captured = capture::run(&mut world.agent_command(&["sh", "-c", script]));
    assert_eq!(captured.code(), Some(7), "{captured:?}");
    assert!(world.agents_alive().is_empty());
    let left: Vec<_> = std::fs::read_dir(world.home().join("run/aws-vault")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");

    let killed = capture::run(&mut world.agent_command(&["sh", "-c", "kill -TERM $$"]));
    assert_eq!(killed.code(), Some(128 + 15), "{killed:?}");
    let missing = capture::run(&mut world.agent_command(&["no-such-command"]));
    assert!(!missing.status.success(), "{missing:?}");
}

#[test]
fn an_agent_of_a_command_is_its_own() {
    let world = World::new();
    let usual = world.agent();
    let captured = capture::run(&mut world.agent_command(&["sh", "-c", "echo $AWS_VAULT_AGENT_PID"]));
    assert_ne!(captured.expect_success().trim(), usual.pid().to_string());
    assert_eq!(usual.connect().agent.pid, usual.pid());
}

#[test]
fn only_the_agent_meant_is_ended() {
    let world = World::new();
    let agent = world.agent();
    let mut client = agent.connect();
    let shutdown = |instance: &str, reason| Shutdown { only_if_instance: Some(instance.to_owned()), reason };
    let other = client.ask(shutdown("0123456789abcdef", ShutdownReason::Asked)).unwrap_err();
    assert_eq!(other.code, FailureCode::OtherInstance);
    let instance = client.agent.instance.clone();
    for reason in [ShutdownReason::Upgrade, ShutdownReason::Unknown(99)] {
        let error = client.ask(shutdown(&instance, reason)).unwrap_err();
        assert_eq!(error.code, FailureCode::Forbidden);
    }
    client.settle();
    client.ask(shutdown(&instance, ShutdownReason::Asked)).unwrap();
    until("the agent is gone", || !agent.is_alive());
}

#[test]
fn another_protocol_gets_a_goodbye_and_the_agent_lives() {
    let world = World::new();
    let agent = world.agent();
    let future = Preamble { min: 900, max: 901, capabilities: u32::MAX };
    for _ in 0..100 {
        let frame = first_reply(agent.socket(), &greeting(future), Duration::from_secs(5)).unwrap();
        assert_eq!(frame.kind, GOODBYE);
        let line = String::from_utf8(frame.body.to_vec()).unwrap();
        assert!(line.contains("900-901") && line.contains("upgrade"), "{line}");
    }
    agent.connect().settle();
}

#[test]
fn a_lock_survives_everything_but_a_person() {
    let office = Office::open();
    office.agent.connect().ask(Lock::default()).unwrap();
    office.agent.signal(Signal::USR1);
    office.agent.signal(Signal::HUP);
    office.agent.connect().settle();
    assert!(office.agent.connect().status().locked);
}

#[test]
fn its_memory_is_its_own() {
    let world = World::new();
    let agent = world.agent();
    let memory = agent.connect().status().memory;
    assert!(memory.untraceable && memory.no_core, "{memory:?}");
    // The kernel gives a process that must not be inspected to root.
    let status = std::fs::read_to_string(format!("/proc/{}/status", agent.pid())).unwrap();
    assert!(status.contains("TracerPid:\t0"));
    assert!(process::open_files(agent.pid()) < 30, "inherited files were not closed");
}
