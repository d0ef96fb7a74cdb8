//! Round trips on an open connection, beside a bare echo of the same bytes.
//!
//! Both servers are pinned to one processor and the client to another: whether the scheduler puts two ends on one
//! processor or on two makes a larger difference than what the servers do.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use aws_vault_protocol::frame::FLAG_FINAL;
use aws_vault_protocol::message::Request;
use aws_vault_tests::raw_client::RawClient;
use aws_vault_tests::standin::RoleOptions;
use aws_vault_tests::world::World;
use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_setaffinity};

use crate::{Effort, Row, Samples, ratio, show};

/// Connections in the throughput figure.
const CONNECTIONS: usize = 8;

/// Where the two ends run.
const CLIENT_CPU: usize = 0;
const SERVER_CPU: usize = 1;

/// Alternating blocks, so that both see the same machine.
const BLOCKS: usize = 10;

pub(crate) fn rows(effort: Effort) -> Vec<Row> {
    let world = World::alone();
    let agent = world.agent();
    let keys = world.aws.add_user("work");
    world.store_key(&agent, "work", &keys);
    let role = world.aws.add_role("role", RoleOptions::default());
    world.config(&format!("[profile work]\n[profile role]\nsource_profile = work\nrole_arn = {role}\n"));
    agent.connect().get(world.get("role")).expect("the role can be assumed");

    let request = Request::from(world.get("role")).to_frame(FLAG_FINAL, 7).to_bytes().to_vec();
    let reply_length = reply_length(&agent.connect(), &request);
    let echo = echo(&world.home().join("echo.sock"), request.len(), reply_length);
    let ours = agent.connect();
    pin(i32::try_from(agent.pid()).ok().and_then(Pid::from_raw), SERVER_CPU);
    pin(None, CLIENT_CPU);

    let (mut our_samples, mut echo_samples) = (Samples::default(), Samples::default());
    for _ in 0..BLOCKS {
        let count = effort.round_trips / BLOCKS;
        our_samples.extend(round_trips(ours.stream(), &request, reply_length, count));
        echo_samples.extend(round_trips(&echo, &request, reply_length, count));
    }
    let (our_median, echo_median) = (our_samples.median(), echo_samples.median());
    let measured = format!(
        "{} (p99 {}), {:.2} × echo",
        show(our_median),
        show(our_samples.quantile(0.99)),
        ratio(our_median, echo_median)
    );
    let kept = ratio(our_median, echo_median) <= 2.0;
    let bytes = format!("{} bytes up, {reply_length} down", request.len());
    let rows = vec![
        Row::judged(format!("warm request on an open connection ({bytes})"), measured, "≤ 2 × echo", kept),
        Row::plain(
            "bare tokio echo of the same bytes",
            format!("{} (p99 {})", show(echo_median), show(echo_samples.quantile(0.99))),
        ),
        connect_and_get(agent.socket(), &world, effort),
        throughput(
            &(0..CONNECTIONS).map(|_| agent.connect()).collect::<Vec<_>>(),
            &request,
            reply_length,
            effort,
        ),
    ];
    let mut anywhere = CpuSet::new();
    (0..CpuSet::MAX_CPU).for_each(|processor| anywhere.set(processor));
    let _ = sched_setaffinity(None, &anywhere);
    rows
}

/// Keeps a process, or this thread, on one processor. Where there is only one, nothing changes.
fn pin(process: Option<Pid>, processor: usize) {
    if std::env::args().any(|argument| argument == "--unpinned") {
        return;
    }
    let mut processors = CpuSet::new();
    processors.set(processor);
    let _ = sched_setaffinity(process, &processors);
}

/// One request and its whole answer, over and over.
fn round_trips(mut stream: &UnixStream, request: &[u8], reply_length: usize, count: usize) -> Samples {
    let mut reply = vec![0; reply_length];
    let mut samples = Samples::default();
    for _ in 0..count {
        let start = Instant::now();
        stream.write_all(request).expect("the other side reads");
        stream.read_exact(&mut reply).expect("the other side answers");
        samples.push(start.elapsed());
    }
    samples
}

/// The length of the answer to a request, header included.
fn reply_length(client: &RawClient, request: &[u8]) -> usize {
    let mut stream = client.stream();
    let mut reply = vec![0; 64 * 1024];
    stream.write_all(request).expect("the agent reads");
    stream.read(&mut reply).expect("the agent answers")
}

/// A server that does nothing but read `up` bytes and write `down`, on a runtime like the agent's.
fn echo(path: &Path, up: usize, down: usize) -> UnixStream {
    let listener = std::os::unix::net::UnixListener::bind(path).expect("a new path");
    listener.set_nonblocking(true).expect("a socket can be non-blocking");
    thread::spawn(move || {
        pin(None, SERVER_CPU);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async move {
            use tokio::io::{AsyncReadExt, AsyncWriteExt};
            let listener = tokio::net::UnixListener::from_std(listener).expect("in a runtime");
            let (mut stream, _) = listener.accept().await.expect("one client");
            let (mut request, reply) = (vec![0; up], vec![0; down]);
            while stream.read_exact(&mut request).await.is_ok() {
                stream.write_all(&reply).await.expect("the client reads");
            }
        });
    });
    UnixStream::connect(path).expect("the echo listens")
}

fn connect_and_get(socket: &Path, world: &World, effort: Effort) -> Row {
    let mut samples = Samples::default();
    for _ in 0..effort.round_trips / 10 {
        let start = Instant::now();
        let mut client = RawClient::connect(socket).expect("the agent answers");
        client.get(world.get("role")).expect("warm");
        samples.push(start.elapsed());
    }
    let measured = format!("{} (p99 {})", show(samples.median()), show(samples.quantile(0.99)));
    Row::plain("connect, hello, warm request, close", measured)
}

fn throughput(clients: &[RawClient], request: &[u8], reply_length: usize, effort: Effort) -> Row {
    let count = effort.round_trips / 2;
    let start = Instant::now();
    let mut samples = Samples::default();
    thread::scope(|scope| {
        let runs: Vec<_> = clients
            .iter()
            .map(|client| scope.spawn(move || round_trips(client.stream(), request, reply_length, count)))
            .collect();
        for run in runs {
            samples.extend(run.join().expect("no client fails"));
        }
    });
    let requests = u32::try_from(count * clients.len()).unwrap_or(u32::MAX);
    let each: Duration = start.elapsed() / requests;
    let per_second = 1.0 / each.as_secs_f64();
    let measured = format!("{per_second:.0} requests/s (p99 {})", show(samples.quantile(0.99)));
    Row::plain(format!("throughput, {CONNECTIONS} connections"), measured)
}
