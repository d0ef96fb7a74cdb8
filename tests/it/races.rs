//! Many starts at once, and starts after an agent died at any step of its own.

use std::collections::HashSet;
use std::os::unix::net::UnixListener;
use std::process::Stdio;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use aws_vault_tests::raw_client::RawClient;
use aws_vault_tests::wait::until;
use aws_vault_tests::world::World;
use aws_vault_tests::{binaries, capture, say};

/// Clients that start an agent at once.
const STARTERS: usize = 64;

/// How long recovering from a dead agent may take.
const RECOVERY: Duration = Duration::from_millis(200);

/// Every step of starting at which the agent can be made to die.
const STEPS: [&str; 5] = ["start", "locked", "bound", "published", "ready"];

/// Starts an agent from many processes at once; gives the process ids that were announced.
fn start_at_once(world: &World) -> HashSet<String> {
    let barrier = Barrier::new(STARTERS);
    std::thread::scope(|scope| {
        let start = || {
            let mut command = world.agent_command::<&str>(&[]);
            command.stdout(Stdio::piped());
            barrier.wait();
            let captured = capture::run(&mut command);
            let text = captured.expect_success();
            let pid = text.lines().find_map(|line| line.strip_prefix("export AWS_VAULT_AGENT_PID="));
            pid.expect("a start announces an agent").trim_end_matches(';').to_owned()
        };
        let starters: Vec<_> = (0..STARTERS).map(|_| scope.spawn(start)).collect();
        starters.into_iter().map(|starter| starter.join().expect("every start succeeds")).collect()
    })
}

#[test]
fn sixty_four_starts_at_once_make_one_agent() {
    let world = World::alone();
    let rounds = if binaries::are_release() { 50 } else { 5 };
    let began = Instant::now();
    let mut slowest = Duration::ZERO;
    for round in 0..rounds {
        let started = Instant::now();
        let pids = start_at_once(&world);
        slowest = slowest.max(started.elapsed());
        assert_eq!(pids.len(), 1, "round {round}: {pids:?}");
        // Daemons that found the place taken may still be on their way out; none may stay.
        let pid: u32 = pids.iter().next().unwrap().parse().unwrap();
        until("only the agent is left", || world.agents_alive() == [pid]);
        let mut client = RawClient::connect(&world.socket()).unwrap();
        assert_eq!(client.agent.pid, pid);
        client.settle();
        capture::run(&mut world.agent_command(&["-k"])).expect_success();
        until("no agent is left", || world.agents_alive().is_empty());
    }
    let took = began.elapsed();
    say!("{rounds} rounds of {STARTERS} starts: {took:?}, the slowest {slowest:?}");
    assert!(took < Duration::from_secs(60), "{took:?}");
    // Locks stay, by design; nothing else does.
    let left = std::fs::read_dir(world.home().join("run/aws-vault")).unwrap();
    for entry in left.flatten() {
        let path = entry.path();
        assert!(path.extension().is_some_and(|extension| extension == "lock"), "left behind: {path:?}");
    }
}

#[test]
fn a_death_at_any_step_of_starting_is_recovered_from() {
    let world = World::alone();
    for step in STEPS {
        let socket = world.home().join(format!("{step}.d/sock"));
        let place = ["-a", socket.to_str().unwrap()];
        let mut dying = world.command(binaries::agent_with_failpoints());
        dying.args(place).arg("--report").env("AWS_VAULT_AGENT_FAILPOINT", step);
        let died = capture::run(&mut dying);
        // Those that were ready had reported already.
        assert_eq!(died.stdout.starts_with("ready "), step == "ready", "{step}: {died:?}");
        until("it is dead", || world.agents_alive().is_empty());
        assert_eq!(socket.exists(), matches!(step, "published" | "ready"), "{step}");

        let started = Instant::now();
        let agent = world.agent_with(&place);
        let took = started.elapsed();
        agent.connect().settle();
        say!("after a death at {step}: {took:?}");
        assert!(took < RECOVERY || !binaries::are_release(), "{step}: {took:?}");
    }
}

#[test]
fn a_killed_agent_is_replaced() {
    let world = World::alone();
    for _ in 0..10 {
        let agent = world.agent();
        agent.kill();
        assert!(agent.socket().exists(), "the name stays behind and means nothing");
        let started = Instant::now();
        let next = world.agent();
        assert_ne!(next.pid(), agent.pid());
        assert!(started.elapsed() < RECOVERY || !binaries::are_release(), "{:?}", started.elapsed());
    }
}

#[test]
fn a_socket_that_nobody_listens_at_is_replaced() {
    let world = World::new();
    world.agent().kill();
    std::fs::remove_file(world.socket()).unwrap();
    // Of another program of the user, long gone.
    drop(UnixListener::bind(world.socket()).unwrap());
    world.agent().connect().settle();
}

#[test]
fn a_removed_socket_is_published_again_by_the_next_start() {
    let world = World::new();
    let agent = world.agent();
    for _ in 0..10 {
        std::fs::remove_file(agent.socket()).unwrap();
        let again = capture::run(&mut world.agent_command::<&str>(&[]));
        assert!(again.expect_success().contains(&agent.pid().to_string()), "{again:?}");
        assert_eq!(agent.connect().agent.pid, agent.pid());
    }
    assert_eq!(world.agents_alive(), [agent.pid()]);
}

#[test]
fn many_starts_publish_a_removed_socket_again() {
    let world = World::alone();
    let agent = world.agent();
    for _ in 0..if binaries::are_release() { 10 } else { 2 } {
        std::fs::remove_file(agent.socket()).unwrap();
        assert_eq!(start_at_once(&world), HashSet::from([agent.pid().to_string()]));
    }
    until("only the agent is left", || world.agents_alive() == [agent.pid()]);
}

#[test]
fn starting_and_ending_at_once_leaves_one_or_none() {
    let world = World::alone();
    for round in 0..if binaries::are_release() { 30 } else { 5 } {
        let agent = world.agent();
        let (ended, started) = std::thread::scope(|scope| {
            let end = scope.spawn(|| capture::run(&mut world.agent_command(&["-k"])));
            let start = scope.spawn(|| capture::run(&mut world.agent_command::<&str>(&[])));
            (end.join().unwrap(), start.join().unwrap())
        });
        ended.expect_success();
        started.expect_success();
        until("at most one agent is left", || world.agents_alive().len() <= 1);
        // Whichever came last: the next start leads to an agent that answers.
        let next = world.agent();
        assert_eq!(next.connect().agent.pid, next.pid(), "round {round}");
        drop(agent);
    }
}
