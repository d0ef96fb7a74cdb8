//! Running a program to its end, with a limit.

use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// Far longer than any program of a test takes.
const LIMIT: Duration = Duration::from_secs(30);

/// Between two looks whether the program has ended.
const PAUSE: Duration = Duration::from_millis(1);

/// What a program said and how it ended.
#[derive(Debug)]
#[must_use = "whether it succeeded is what was to be tested"]
pub struct Captured {
    /// How it ended.
    pub status: ExitStatus,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// From start to end.
    pub elapsed: Duration,
}

impl Captured {
    /// The exit code; `None` when a signal ended it.
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// Standard output of a program that succeeded.
    ///
    /// # Panics
    /// If it did not.
    pub fn expect_success(&self) -> &str {
        let Self { status, stdout, stderr, elapsed } = self;
        assert!(status.success(), "{status} after {elapsed:?}\n{stdout}{stderr}");
        &self.stdout
    }
}

/// Runs a program without input until it has ended **and** closed its output, as `$(…)` of a shell does.
///
/// # Panics
/// If it cannot be started, or takes longer than half a minute; then it is killed.
pub fn run(command: &mut Command) -> Captured {
    run_within(LIMIT, command)
}

/// [`run`] with another limit.
///
/// # Panics
/// If it cannot be started, or takes longer than `limit`; then it is killed.
pub fn run_within(limit: Duration, command: &mut Command) -> Captured {
    let started = Instant::now();
    let streams = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = streams.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let stdout = collect(child.stdout.take().expect("standard output is piped"));
    let stderr = collect(child.stderr.take().expect("standard error is piped"));
    let status = wait(&mut child, started + limit)
        .unwrap_or_else(|| panic!("still running after {limit:?}: {command:?}"));
    let rest = |stream: &Receiver<Vec<u8>>| {
        let left = (started + limit).saturating_duration_since(Instant::now());
        let bytes = stream.recv_timeout(left).unwrap_or_else(|_| {
            panic!("ended, but something it left behind holds its output open: {command:?}")
        });
        String::from_utf8_lossy(&bytes).into_owned()
    };
    Captured { status, stdout: rest(&stdout), stderr: rest(&stderr), elapsed: started.elapsed() }
}

/// Waits for a child until `deadline`; then it is killed and `None` is the answer.
fn wait(child: &mut Child, deadline: Instant) -> Option<ExitStatus> {
    loop {
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            return Some(status);
        }
        if Instant::now() > deadline {
            let _ = child.kill();
            let _ = child.wait();
            return None;
        }
        std::thread::sleep(PAUSE);
    }
}

fn collect(mut stream: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // What arrived before an error is still worth showing; nobody may be listening any more.
        let _ = stream.read_to_end(&mut bytes);
        let _ = sender.send(bytes);
    });
    receiver
}
