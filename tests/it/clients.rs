//! The real `aws-vault` against the real agent: starting one, being asked on a terminal, handing credentials on.

use std::sync::Barrier;
use std::time::{Duration, Instant};

use aws_vault_tests::terminal::Terminal;
use aws_vault_tests::wait::until;
use aws_vault_tests::world::World;
use aws_vault_tests::{binaries, capture, process, say};
use rustix::process::Signal;

use crate::office::Office;

/// Clients that find no agent at the same time.
const CLIENTS: usize = 64;

/// How long a client may take when the last agent died.
const RECOVERY: Duration = Duration::from_millis(200);

#[test]
fn sixty_four_cold_clients_start_one_agent() {
    let world = World::alone();
    world.config("[profile alice]\n");
    let rounds = if binaries::are_release() { 50 } else { 5 };
    let began = Instant::now();
    let mut slowest = Duration::ZERO;
    for round in 0..rounds {
        let started = Instant::now();
        let barrier = Barrier::new(CLIENTS);
        std::thread::scope(|scope| {
            for _ in 0..CLIENTS {
                scope.spawn(|| {
                    barrier.wait();
                    let listed = world.client(&["list"]);
                    assert!(listed.expect_success().contains("alice"), "{listed:?}");
                });
            }
        });
        slowest = slowest.max(started.elapsed());
        until("the starters have gone", || world.agents_alive().len() <= 1);
        assert_eq!(world.agents_alive().len(), 1, "round {round}");
        drop(world.agent());
    }
    let took = began.elapsed();
    say!("{rounds} rounds of {CLIENTS} clients without an agent: {took:?}, the slowest {slowest:?}");
    assert!(took < Duration::from_secs(60), "{took:?}");
}

#[test]
fn the_next_client_recovers_from_a_death_at_any_step() {
    let world = World::alone();
    for step in ["start", "locked", "bound", "published", "ready"] {
        let mut dying = world.command(binaries::agent_with_failpoints());
        dying.args(["-a"]).arg(world.socket()).arg("--report").env("AWS_VAULT_AGENT_FAILPOINT", step);
        let _ = capture::run(&mut dying);
        until("it is dead", || world.agents_alive().is_empty());
        let listed = world.client(&["list"]);
        listed.expect_success();
        say!("after a death at {step}: {:?}", listed.elapsed);
        assert!(listed.elapsed < RECOVERY || !binaries::are_release(), "{step}: {listed:?}");
        world.agent().kill();
    }
}

#[test]
fn a_client_does_not_wait_for_a_stopped_agent_for_ever() {
    let world = World::new();
    let agent = world.agent();
    agent.signal(Signal::STOP);
    until("the agent is stopped", || process::is_stopped(agent.pid()));
    let listed = world.client(&["list"]);
    assert_eq!(listed.code(), Some(3), "{listed:?}");
    assert!(listed.elapsed < Duration::from_secs(5), "{listed:?}");
    assert!(agent.socket().exists());
    assert_eq!(world.agents_alive(), [agent.pid()]);
    agent.signal(Signal::CONT);
    world.client(&["list"]).expect_success();
}

#[test]
fn add_then_exec() {
    let world = World::new();
    let keys = world.aws.add_user("alice");
    let mut add = world.client_command(&["add", "--env", "alice"]);
    add.env("AWS_ACCESS_KEY_ID", &keys.access_key_id);
    add.env("AWS_SECRET_ACCESS_KEY", &keys.secret_access_key);
    capture::run(&mut add).expect_success();
    // It was started by the client: neither the key nor the passphrase may stay in its environment.
    let agent = world.agent();

    let script = "echo $AWS_ACCESS_KEY_ID $AWS_VAULT; exit 7";
    let executed = world.client(&["exec", "alice", "--", "sh", "-c", script]);
    assert_eq!(executed.code(), Some(7), "{executed:?}");
    let session = world.aws.issued().pop().unwrap();
    assert_eq!(executed.stdout.trim(), format!("{} alice", session.access_key_id));
    assert_ne!(session.access_key_id, keys.access_key_id);
    assert_eq!(world.aws.count("GetSessionToken"), 1);
    let exported = world.client_for_secrets(&["export", "--format=json", "alice"]);
    assert!(exported.expect_success().contains(&session.secret_access_key));
    assert_eq!(world.aws.count("GetSessionToken"), 1);
    drop(agent);
}

#[test]
fn without_a_terminal_the_way_out_is_named() {
    let office = Office::open();
    let executed = office.world.client(&["exec", "admin", "--", "true"]);
    assert_eq!(executed.code(), Some(4), "{executed:?}");
    assert!(executed.stderr.contains("hint: "), "{executed:?}");
    assert!(executed.elapsed < Duration::from_secs(2), "{executed:?}");
}

#[test]
fn a_person_is_asked_on_the_terminal() {
    let office = Office::open();
    let command = office.world.client_command(&["exec", "admin", "--", "sh", "-c", "echo got $AWS_VAULT"]);
    let mut terminal = Terminal::run(&command);
    terminal.expect(&office.serial);
    terminal.type_line(&office.world.code(&office.serial));
    let (status, shown) = terminal.finish();
    assert!(status.success(), "{shown}");
    assert!(shown.contains("got admin"), "{shown}");
    assert_eq!(office.calls(), (1, 1));
}

#[test]
fn the_prompt_of_a_killed_client_moves_on() {
    let office = Office::open();
    let mut asked = Terminal::run(&office.world.client_command(&["exec", "admin", "--", "true"]));
    asked.expect(&office.serial);
    let mut other = office.agent.waiting(office.world.get("admin"));
    asked.kill();
    let prompt = other.prompt();
    other.client.answer(&prompt, &office.world.code(&office.serial));
    other.credentials().unwrap();
    assert_eq!(office.calls(), (1, 1));
}
