use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use super::*;

/// A terminal, and the side at which a person would sit.
fn pair() -> (Terminal, File) {
    let person: OwnedFd = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&person).unwrap();
    unlockpt(&person).unwrap();
    let path = ptsname(&person, Vec::new()).unwrap();
    let device = rustix::fs::open(
        path,
        rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NOCTTY | rustix::fs::OFlags::CLOEXEC,
        rustix::fs::Mode::empty(),
    );
    (Terminal { device: File::from(device.unwrap()) }, File::from(person))
}

/// What is on the screen up to the end of its first line.
fn screen(person: &mut File) -> String {
    let mut seen = Vec::new();
    let mut byte = [0];
    while seen.last() != Some(&b'\n') {
        person.read_exact(&mut byte).unwrap();
        seen.extend_from_slice(&byte);
    }
    String::from_utf8(seen).unwrap()
}

fn modes(terminal: &Terminal) -> LocalModes {
    tcgetattr(&terminal.device).unwrap().local_modes
}

fn ask(terminal: &Terminal, echo: Echo) -> Event {
    Asking::begin(terminal, "Code: ", echo).unwrap().wait(None, None).unwrap()
}

#[test]
fn shows_as_much_as_was_asked_for() {
    for (echo, shown) in
        [(Echo::Typed, "Code: 12\r\n"), (Echo::Stars, "Code: **\r\n"), (Echo::Nothing, "Code: \r\n")]
    {
        let (terminal, mut person) = pair();
        let mut asking = Asking::begin(&terminal, "Code: ", echo).unwrap();
        person.write_all(b"12\r").unwrap();
        let Event::Answered(answer) = asking.wait(None, None).unwrap() else { panic!() };
        assert_eq!(*answer, "12");
        assert_eq!(screen(&mut person), shown);
    }
}

#[test]
fn takes_what_was_typed_ahead_line_by_line() {
    let (terminal, mut person) = pair();
    let first = Asking::begin(&terminal, "", Echo::Nothing).unwrap();
    person.write_all(b"one\ntwo\n").unwrap();
    let mut asking = first;
    assert!(matches!(asking.wait(None, None).unwrap(), Event::Answered(answer) if *answer == "one"));
    // Dropping would hand the terminal back to its line editor; the next question comes before that.
    let mut next = Asking::begin(&terminal, "", Echo::Nothing).unwrap();
    assert!(matches!(next.wait(None, None).unwrap(), Event::Answered(answer) if *answer == "two"));
}

#[test]
fn leaves_the_terminal_as_it_was() {
    let (terminal, mut person) = pair();
    let before = modes(&terminal);
    let asking = Asking::begin(&terminal, "Code: ", Echo::Nothing).unwrap();
    assert!(!modes(&terminal).intersects(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG));
    drop(asking);
    assert_eq!(modes(&terminal), before);
    assert_eq!(screen(&mut person), "Code: \r\n");
}

#[test]
fn ends_for_every_reason() {
    let (terminal, mut person) = pair();
    let mut asking = Asking::begin(&terminal, "", Echo::Typed).unwrap();
    let soon = Some(Instant::now() + Duration::from_millis(1));
    assert!(matches!(asking.wait(None, soon).unwrap(), Event::TimedOut));
    let (ours, mut theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    theirs.write_all(b"x").unwrap();
    assert!(matches!(asking.wait(Some(ours.as_fd()), None).unwrap(), Event::Watched));
    person.write_all(b"\x03").unwrap();
    assert!(matches!(asking.wait(None, None).unwrap(), Event::Interrupted));
    person.write_all(b"\x04").unwrap();
    assert!(matches!(asking.wait(None, None).unwrap(), Event::Cancelled));
    drop(asking);
    drop(person);
    assert!(matches!(ask_gone(&terminal), None | Some(Event::Cancelled)));
}

/// Asking at a terminal whose window was closed must end; whether as an error is the system's choice.
fn ask_gone(terminal: &Terminal) -> Option<Event> {
    let mut asking = Asking::begin(terminal, "", Echo::Typed).ok()?;
    asking.wait(None, None).ok()
}

#[test]
fn an_answer_is_complete_when_enter_is_pressed() {
    let (terminal, mut person) = pair();
    person.write_all(b"123456\n").unwrap();
    assert!(matches!(ask(&terminal, Echo::Typed), Event::Answered(answer) if *answer == "123456"));
}
