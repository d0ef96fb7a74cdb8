//! What a hostile, broken or foreign client can do to the agent and to those who behave: nothing.

use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use aws_vault_protocol::failure::FailureCode;
use aws_vault_protocol::frame::HEADER_LEN;
use aws_vault_protocol::message::{Ping, Reply, Request};
use aws_vault_protocol::preamble::Preamble;
use aws_vault_tests::raw_client::{RawClient, RawError, greeting};
use aws_vault_tests::wait::until;
use aws_vault_tests::world::{Agent, World};
use aws_vault_tests::{binaries, elsewhere, process, say};
use rustix::process::getuid;

use crate::office::Office;

const OPENER: &str = env!("CARGO_BIN_EXE_opener");

/// Hostile requests in all.
const REQUESTS: usize = 10_000;

/// Of a well-behaved client's requests beside them, 99 of 100 take less.
const P99: Duration = Duration::from_millis(5);

/// What the agent may grow by, in KiB: allocator slack, no more.
const GROWTH_KIB: u64 = 8 * 1024;

/// Requests of one connection that the agent works on at once.
const AT_ONCE: usize = 8;

/// `nobody` on every Linux.
const NOBODY: &str = "65534";

/// A small generator of numbers that are the same in every run (xorshift, Marsaglia 2003).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next().to_le_bytes()[3]).collect()
    }
}

fn header(length: u32, kind: u16, id: u32) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER_LEN);
    bytes.extend(length.to_le_bytes());
    bytes.extend(kind.to_le_bytes());
    bytes.extend([1, 0]);
    bytes.extend(id.to_le_bytes());
    bytes.extend([0; 4]);
    bytes
}

/// Something that no client of ours sends, after a hello or instead of one.
fn nonsense(numbers: &mut Numbers) -> Vec<u8> {
    let id = u32::try_from(numbers.next() % 100).unwrap_or_default();
    let kinds = Request::KINDS;
    let known = kinds[usize::try_from(numbers.next()).unwrap_or_default() % kinds.len()].0;
    let size = u32::try_from(numbers.next() % 300).unwrap_or_default();
    let hello = || greeting(Preamble::OURS);
    let body = numbers.bytes(size as usize);
    match numbers.next() % 8 {
        // Not our protocol at all.
        0 => body,
        1 => b"GET /latest/meta-data/iam/security-credentials/ HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
        // A length nobody should believe.
        2 => [hello(), header(u32::MAX, known, id)].concat(),
        3 => [hello(), header(64 * 1024 + 1, known, id), body].concat(),
        // A message nobody knows.
        4 => [hello(), header(size, 0x7FFF, id), body].concat(),
        // A body that is not what its number says; of Shutdown and Lock even noise could be one.
        5 if !matches!(known, 0x0201 | 0x0503) => [hello(), header(size, known, id), body].concat(),
        // A body that never comes.
        6 => [hello(), header(size + 1, known, id), body].concat(),
        // A second hello, and a reply to nobody.
        _ => [hello(), hello(), header(3, 0x0302, 0), vec![1, 2, 3]].concat(),
    }
}

/// Makes the calling thread stand back for others. What is measured is how the agent shares itself, not how a kernel with
/// two cores shares them among twenty threads.
fn stand_back() {
    rustix::process::setpriority_process(None, 19).expect("anybody may stand back");
}

/// Sends nonsense until the whole crowd has sent enough, reading a little of what comes back.
fn be_hostile(socket: &Path, seed: u64, sent: &AtomicUsize) {
    stand_back();
    let mut numbers = Numbers(seed);
    while sent.fetch_add(1, Ordering::Relaxed) < REQUESTS {
        // Refused at the limit of connections is refused well.
        let Ok(mut stream) = UnixStream::connect(socket) else { continue };
        let bytes = nonsense(&mut numbers);
        let _ = stream.write_all(&bytes);
        if numbers.next().is_multiple_of(2) {
            let _ = stream.shutdown(Shutdown::Write);
            let _ = stream.set_read_timeout(Some(Duration::from_millis(20)));
            let _ = stream.read(&mut [0; 512]);
        }
    }
}

/// Sends a hello one byte at a time, and never the last one.
fn dawdle(socket: &Path, over: &AtomicBool) {
    stand_back();
    while !over.load(Ordering::Relaxed) {
        let Ok(mut stream) = UnixStream::connect(socket) else { continue };
        let bytes = greeting(Preamble::OURS);
        for byte in &bytes[..bytes.len() - 1] {
            if over.load(Ordering::Relaxed) || stream.write_all(&[*byte]).is_err() {
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Asks for large answers and reads none of them, until the agent takes no more.
fn never_read(socket: &Path, over: &AtomicBool) {
    stand_back();
    let Ok(mut stream) = UnixStream::connect(socket) else { return };
    let _ = stream.set_write_timeout(Some(Duration::from_millis(50)));
    let _ = stream.write_all(&greeting(Preamble::OURS));
    let ping = Request::from(Ping { payload: vec![7; 60_000] });
    for id in 2.. {
        if over.load(Ordering::Relaxed) {
            return;
        }
        // A write that fails half-way makes nonsense of the rest, which is welcome here.
        let _ = stream.write_all(&ping.to_frame(1, id).to_bytes());
    }
}

/// Behaves, and notes how long each answer takes.
fn behave(office: &Office, over: &AtomicBool) -> Vec<Duration> {
    let mut client = office.agent.connect();
    let mut took = Vec::new();
    while !over.load(Ordering::Relaxed) {
        let request = office.world.get("reader");
        let asked = Instant::now();
        assert!(client.get(request).expect("who behaves is served").from_memory);
        took.push(asked.elapsed());
        // As often as a busy person's tools, not as fast as possible: it is not to be the load itself.
        std::thread::sleep(Duration::from_micros(500));
    }
    took.sort();
    took
}

#[test]
fn those_who_misbehave_hold_up_nobody_else() {
    let office = Office::without_mfa_in(World::alone());
    office.agent.connect().get(office.world.get("reader")).unwrap();
    // Once before, so that what the allocator keeps is there already.
    besiege(&office);
    let before = process::resident_kib(office.agent.pid());
    let (mut took, lasted) = besiege(&office);
    until("the hostile clients are forgotten", || office.agent.connect().status().connections == 1);
    let after = process::resident_kib(office.agent.pid());

    took.sort();
    let part = |percent: usize| took[(took.len() - 1) * percent / 100];
    say!(
        "{REQUESTS} hostile requests in {lasted:?}; beside them {} good ones: p50 {:?}, p99 {:?}, longest {:?}; \
         memory {before} KiB before, {after} KiB after",
        took.len(),
        part(50),
        part(99),
        part(100)
    );
    assert!(took.len() > 100, "the well-behaved client got {} answers", took.len());
    assert!(part(99) < P99 || !binaries::are_release(), "p99 is {:?}", part(99));
    assert!(after <= before + GROWTH_KIB, "{before} KiB before, {after} KiB after");
    assert!(office.agent.is_alive());
}

/// Ten thousand hostile requests; gives how long a well-behaved client's answers took meanwhile.
fn besiege(office: &Office) -> (Vec<Duration>, Duration) {
    let socket = office.agent.socket();
    let (over, sent) = (AtomicBool::new(false), AtomicUsize::new(0));
    let began = Instant::now();
    std::thread::scope(|scope| {
        let good = scope.spawn(|| behave(office, &over));
        for _ in 0..8 {
            scope.spawn(|| dawdle(socket, &over));
            scope.spawn(|| never_read(socket, &over));
        }
        let sent = &sent;
        let hostile = [0x9E37_79B9, 0x7F4A_7C15, 0xF39C_C060, 0x5CED_C834]
            .map(|seed| scope.spawn(move || be_hostile(socket, seed, sent)));
        for thread in hostile {
            thread.join().expect("being hostile cannot fail");
        }
        over.store(true, Ordering::Relaxed);
        (good.join().expect("who behaves is served"), began.elapsed())
    })
}

#[test]
fn requests_beyond_the_limit_are_told_to_wait() {
    let office = Office::open();
    let mut client = office.agent.connect();
    let requests: Vec<_> = (0..AT_ONCE).map(|_| client.send(office.world.get("admin"))).collect();
    let refused = client.get(office.world.get("admin")).unwrap_err();
    assert_eq!(refused.code, FailureCode::Busy);
    // What needs no waiting is beyond the limit too, by design: a slot is a slot.
    assert_eq!(client.ask(Ping { payload: Vec::new() }).unwrap_err().code, FailureCode::Busy);
    client.cancel(requests[0]);
    assert_eq!(client.credentials(requests[0]).unwrap_err().code, FailureCode::Cancelled);
    client.settle();
    // Other connections are not touched by it.
    office.agent.connect().settle();
}

#[test]
fn a_request_id_is_used_once_at_a_time() {
    let office = Office::open();
    let mut client = office.agent.connect();
    let id = client.send(office.world.get("admin"));
    client.prompt(id);
    client.send_as(id, &Request::from(Ping { payload: Vec::new() }));
    assert_eq!(client.finish(id).unwrap_err().code, FailureCode::InvalidRequest);
    client.send_as(0, &Request::from(Ping { payload: Vec::new() }));
    assert_eq!(client.finish(0).unwrap_err().code, FailureCode::InvalidRequest);
    client.settle();
}

#[test]
fn one_process_cannot_take_every_place() {
    let office = Office::open();
    let first = office.agent.connect();
    let mut crowd = vec![first];
    let refused = loop {
        match RawClient::connect(office.agent.socket()) {
            Ok(client) => crowd.push(client),
            Err(error) => break error,
        }
        // Half of all places there are.
        assert!(crowd.len() < 256, "one process has {} connections", crowd.len());
    };
    assert!(matches!(refused, RawError::Closed), "{refused}");
    // A hundred parallel workers of one tool are no abuse.
    assert!(crowd.len() > 50, "only {} connections", crowd.len());
    // Another process is let in.
    let mut other = elsewhere::open(Path::new(OPENER), &[], office.agent.socket(), 1).unwrap();
    RawClient::adopt(other.streams.remove(0)).unwrap().settle();
    // And this one again, once it has left a place.
    crowd.pop();
    until("there is a place again", || RawClient::connect(office.agent.socket()).is_ok());
}

#[test]
fn a_frame_over_the_limit_ends_its_connection_only() {
    let world = World::new();
    let agent = world.agent();
    let mut client = agent.connect();
    client.settle();
    client.stream().try_clone().unwrap().write_all(&header(u32::MAX, 0x0003, 9)).unwrap();
    let goodbye = client.next(9).unwrap_err();
    assert!(goodbye.to_string().contains("over the limit"), "{goodbye}");
    agent.connect().settle();
}

#[test]
fn an_unknown_message_is_refused_by_its_number() {
    let world = World::new();
    let agent = world.agent();
    let mut client = agent.connect();
    client.stream().try_clone().unwrap().write_all(&header(0, 0x7ABC, 9)).unwrap();
    match client.next(9).unwrap() {
        Reply::Failure(failure) => {
            assert_eq!(failure.code, FailureCode::Unsupported);
            assert!(failure.message.contains("0x7abc"), "{failure}");
        }
        other => panic!("{other:?}"),
    }
    // The connection goes on.
    client.settle();
}

/// Opens the socket and its directories to everybody: what is left is the agent's own check.
fn open_to_everybody(world: &World, agent: &Agent) {
    for directory in ["", "run", "run/aws-vault"] {
        let path = world.home().join(directory);
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o711)).expect("our own directory");
    }
    std::fs::set_permissions(agent.socket(), std::fs::Permissions::from_mode(0o666)).expect("our own socket");
}

#[test]
fn another_user_gets_no_byte() {
    if !getuid().is_root() {
        say!("skipped: only root can become another user");
        return;
    }
    let world = World::new();
    let agent = world.agent();
    // Where the other user can run it.
    let opener = world.home().join("opener");
    std::fs::copy(OPENER, &opener).unwrap();
    std::fs::set_permissions(&opener, std::fs::Permissions::from_mode(0o755)).unwrap();
    open_to_everybody(&world, &agent);

    let other = ["setpriv", "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"];
    let mut foreign = elsewhere::open(&opener, &other, agent.socket(), 1).unwrap();
    let mut stream = foreign.streams.remove(0);
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let _ = stream.write_all(&greeting(Preamble::OURS));
    let mut answer = Vec::new();
    // A reset and an end are the same here; what counts is that nothing came before.
    let _ = stream.read_to_end(&mut answer);
    assert!(answer.is_empty(), "{answer:?}");
    until("the refusal is in the log", || world.log().contains("refused a client of another user"));

    // The same way in works for the user, so it was the check that kept the other out.
    let mut own = elsewhere::open(&opener, &[], agent.socket(), 1).unwrap();
    RawClient::adopt(own.streams.remove(0)).unwrap().settle();
}
