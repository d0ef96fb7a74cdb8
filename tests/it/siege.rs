//! An agent that is stopped, out of files, or whose place is taken: no hang, no deletion, a clear error.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _, chown, symlink};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use aws_vault_tests::raw_client::RawClient;
use aws_vault_tests::wait::{until, until_within};
use aws_vault_tests::world::World;
use aws_vault_tests::{binaries, capture, process, say};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};
use rustix::process::{Resource, Rlimit, Signal, getrlimit, getuid, setrlimit};

/// A start that meets an agent which does not answer must have given up by then.
const PATIENCE: Duration = Duration::from_millis(3500);

/// Somebody who owns nothing here: `nobody` on every Linux.
const NOBODY: u32 = 65534;

/// Connects until the kernel takes no more, without ever waiting for the agent.
fn fill_the_backlog(socket: &Path) -> Vec<OwnedFd> {
    // A full backlog of 4096 connections is more files than a process may usually have.
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).expect("the limit can be raised");
    let address = SocketAddrUnix::new(socket).expect("a short path");
    let mut waiting = Vec::new();
    loop {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let stream = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None);
        let stream = stream.expect("there are files left");
        match connect(&stream, &address) {
            Ok(()) => waiting.push(stream),
            Err(rustix::io::Errno::AGAIN) => return waiting,
            Err(error) => panic!("connection {}: {error}", waiting.len()),
        }
    }
}

#[test]
fn a_stopped_agent_with_a_full_backlog_is_left_alone() {
    let world = World::alone();
    let agent = world.agent();
    agent.signal(Signal::STOP);
    until("the agent is stopped", || process::is_stopped(agent.pid()));

    // One that merely does not answer, and one that cannot even be reached.
    for waiting in [Vec::new(), fill_the_backlog(agent.socket())] {
        for arguments in [&[][..], &["-k"]] {
            let captured = capture::run(&mut world.agent_command(arguments));
            assert_eq!(captured.code(), Some(1), "{captured:?}");
            assert!(captured.stderr.contains("does not answer"), "{captured:?}");
            assert!(captured.elapsed < PATIENCE, "{captured:?}");
            assert!(agent.socket().exists());
        }
        assert_eq!(world.agents_alive(), [agent.pid()]);
        drop(waiting);
    }

    agent.signal(Signal::CONT);
    until("the agent answers again", || RawClient::connect(agent.socket()).is_ok());
    assert_eq!(agent.connect().agent.pid, agent.pid());
}

#[test]
fn running_out_of_files_ends_nothing() {
    let world = World::alone();
    let mut command = world.command("/bin/sh");
    command.arg("-c").arg("ulimit -n 40; exec \"$0\" -D").arg(binaries::agent());
    let agent = world.foreground(command);
    let mut early = agent.connect();

    // More than it has files for; the kernel lets them wait.
    let crowd: Vec<UnixStream> = (0..61).map(|_| UnixStream::connect(agent.socket()).unwrap()).collect();
    until("the agent has run out", || world.log().contains("accepting a client"));
    let watched = Instant::now();
    while watched.elapsed() < Duration::from_secs(2) {
        early.settle();
        std::thread::sleep(Duration::from_millis(100));
    }
    // Pauses double from 10 ms to 1 s: about nine attempts. One that never pauses makes thousands.
    let attempts = world.log().matches("accepting a client").count();
    let allowed = 8 + usize::try_from(watched.elapsed().as_secs()).unwrap() + 2;
    say!("{attempts} attempts to accept in two seconds without files");
    assert!(attempts <= allowed, "{attempts} attempts in {:?}", watched.elapsed());

    drop(crowd);
    let took = until_within(Duration::from_secs(5), "the agent takes clients again", || {
        RawClient::connect(agent.socket()).is_ok()
    });
    say!("recovered {took:?} after there were files again");
    early.settle();
}

/// Puts something at the socket's path, and says what the agent must call it.
type Squatter = fn(&World) -> &'static str;

fn directory(world: &World) -> &'static str {
    std::fs::create_dir(world.socket()).expect("an empty place");
    std::fs::write(world.socket().join("precious"), "data").expect("an empty place");
    "a directory"
}

fn file(world: &World) -> &'static str {
    std::fs::write(world.socket(), "precious data").expect("an empty place");
    "not a socket"
}

fn link(world: &World) -> &'static str {
    let target = world.home().join("precious");
    std::fs::write(&target, "data").expect("an empty place");
    symlink(target, world.socket()).expect("an empty place");
    "not a socket"
}

fn foreign_socket(world: &World) -> &'static str {
    drop(UnixListener::bind(world.socket()).expect("an empty place"));
    chown(world.socket(), Some(NOBODY), None).expect("an empty place");
    "a socket of another user"
}

#[test]
fn what_is_not_the_agents_is_left_alone() {
    let mut squatters: Vec<Squatter> = vec![directory, file, link];
    if getuid().is_root() {
        squatters.push(foreign_socket);
    } else {
        say!("skipped: only root can give a socket to another user");
    }
    for squat in squatters {
        let world = World::new();
        let place = world.socket().parent().unwrap().to_owned();
        std::fs::create_dir(&place).unwrap();
        std::fs::set_permissions(&place, std::fs::Permissions::from_mode(0o700)).unwrap();
        let what = squat(&world);
        let before = std::fs::symlink_metadata(world.socket()).unwrap();

        let captured = capture::run(&mut world.agent_command::<&str>(&[]));
        assert_eq!(captured.code(), Some(1), "{captured:?}");
        assert!(captured.stderr.contains(what) && captured.stderr.contains("left alone"), "{captured:?}");
        assert!(captured.stderr.contains("hint: "), "{captured:?}");
        assert!(captured.elapsed < PATIENCE, "{captured:?}");
        until("no agent is left", || world.agents_alive().is_empty());
        let after = std::fs::symlink_metadata(world.socket()).unwrap();
        assert_eq!(inode(&before), inode(&after), "{what}");
        assert_eq!(before.file_type().is_socket(), after.file_type().is_socket());
    }
}

fn inode(found: &std::fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(found)
}

#[test]
fn a_directory_that_others_may_enter_is_refused() {
    let world = World::new();
    let place = world.socket().parent().unwrap().to_owned();
    std::fs::create_dir(&place).unwrap();
    for mode in [0o755, 0o777, 0o711, 0o750] {
        std::fs::set_permissions(&place, std::fs::Permissions::from_mode(mode)).unwrap();
        let captured = capture::run(&mut world.agent_command::<&str>(&[]));
        assert_eq!(captured.code(), Some(1), "{mode:o}: {captured:?}");
        assert!(captured.stderr.contains("open to others"), "{captured:?}");
        assert!(!world.socket().exists());
    }
}

#[test]
fn a_path_that_cannot_be_a_socket_is_refused() {
    let world = World::new();
    let long = world.home().join("x".repeat(100));
    for (path, why) in [(long, "longer than"), (PathBuf::from("relative/sock"), "not absolute")] {
        let captured = capture::run(&mut world.agent_command(&["-a".as_ref(), path.as_os_str()]));
        assert_eq!(captured.code(), Some(1), "{captured:?}");
        assert!(captured.stderr.contains(why) && captured.stderr.contains("hint: "), "{captured:?}");
    }
}

#[test]
fn a_place_that_cannot_be_written_is_told() {
    let world = World::new();
    let file = world.home().join("file");
    std::fs::write(&file, "").unwrap();
    let below = file.join("dir/sock");
    let captured = capture::run(&mut world.agent_command(&["-a".as_ref(), below.as_os_str()]));
    assert_eq!(captured.code(), Some(1), "{captured:?}");
    assert!(captured.stderr.contains(io::Error::from(rustix::io::Errno::NOTDIR).to_string().as_str()));
}
