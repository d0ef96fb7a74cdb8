//! Asking the person at the controlling terminal, one line at a time. Always `/dev/tty`, never standard
//! input: that may be data. When it returns, the terminal is left as
//! it was found; a signal that kills the client meanwhile leaves that to the shell.

mod line;

use std::cell::Cell;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetpgrp, tcsetattr,
};
use zeroize::Zeroizing;

use line::{Line, Typed};

/// The controlling terminal of whoever opens it (termios(3), tty(4)).
const CONTROLLING_TERMINAL: &str = "/dev/tty";

/// The controlling terminal.
#[derive(Debug)]
pub struct Terminal {
    device: File,
}

/// What is shown of what is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Echo {
    /// The characters.
    Typed,
    /// A star for each character.
    Stars,
    /// Nothing, not even how many.
    Nothing,
}

/// What happened while a question was on the screen.
#[derive(Debug)]
pub enum Event {
    /// Enter.
    Answered(Zeroizing<String>),
    /// Ctrl-D on an empty line, or the terminal is gone.
    Cancelled,
    /// Ctrl-C.
    Interrupted,
    /// There is something to read on the other descriptor; the question stays.
    Watched,
    /// Too late.
    TimedOut,
}

/// A question on the screen. Dropping it restores the terminal.
#[derive(Debug)]
pub struct Asking<'a> {
    terminal: &'a Terminal,
    before: Termios,
    line: Line,
    echo: Echo,
    /// The cursor stands behind the question.
    line_is_open: Cell<bool>,
}

impl Terminal {
    /// Opens it; an error when this process has none.
    pub fn open() -> io::Result<Self> {
        let device = OpenOptions::new().read(true).write(true).open(CONTROLLING_TERMINAL)?;
        Ok(Self { device })
    }

    /// Whether this process may read it. A background job would be stopped for trying (SIGTTIN).
    pub fn is_in_foreground(&self) -> bool {
        tcgetpgrp(&self.device).is_ok_and(|group| group == rustix::process::getpgrp())
    }

    /// Writes to it. Nobody seeing it is no reason to fail.
    pub fn say(&self, text: &str) {
        let _ = (&self.device).write_all(text.as_bytes());
    }
}

/// The terminal's own path, for programs that open it themselves. `/dev/tty` would be another terminal, or
/// none, in another process.
pub fn path() -> Option<String> {
    let of = |descriptor: BorrowedFd<'_>| {
        // Succeeds for the controlling terminal only.
        tcgetpgrp(descriptor).ok()?;
        let path = rustix::termios::ttyname(descriptor, Vec::new()).ok()?;
        path.into_string().ok().filter(|path| path != CONTROLLING_TERMINAL)
    };
    of(rustix::stdio::stdin()).or_else(|| of(rustix::stdio::stderr())).or_else(|| of(rustix::stdio::stdout()))
}

impl<'a> Asking<'a> {
    /// Puts a question on the screen. What was typed ahead counts.
    pub fn begin(terminal: &'a Terminal, question: &str, echo: Echo) -> io::Result<Self> {
        let before = tcgetattr(&terminal.device)?;
        let mut modes = before.clone();
        // Ctrl-C as a byte, so that the agent is told and the terminal restored before this process ends.
        let off = LocalModes::ECHO
            | LocalModes::ECHONL
            | LocalModes::ICANON
            | LocalModes::ISIG
            | LocalModes::IEXTEN;
        modes.local_modes.remove(off);
        modes.special_codes[SpecialCodeIndex::VMIN] = 1;
        modes.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(&terminal.device, OptionalActions::Drain, &modes)?;
        let asking = Self { terminal, before, line: Line::new(), echo, line_is_open: Cell::new(true) };
        terminal.say(question);
        Ok(asking)
    }

    /// Waits for the person, for `watch` to have something to read, or until it is too late.
    pub fn wait(&mut self, watch: Option<BorrowedFd<'_>>, until: Option<Instant>) -> io::Result<Event> {
        loop {
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            let left = left.and_then(|left| Timespec::try_from(left).ok());
            let mut watched = vec![PollFd::new(&self.terminal.device, PollFlags::IN)];
            watched.extend(watch.as_ref().map(|descriptor| PollFd::new(descriptor, PollFlags::IN)));
            match poll(&mut watched, left.as_ref()) {
                Err(Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
                Ok(0) => return Ok(Event::TimedOut),
                Ok(_) => {}
            }
            let has_news = |index: usize| watched.get(index).is_some_and(|found| !found.revents().is_empty());
            if has_news(1) {
                return Ok(Event::Watched);
            }
            if has_news(0)
                && let Some(event) = self.read_byte()?
            {
                return Ok(event);
            }
        }
    }

    /// Takes one byte: what stands behind an Enter belongs to the next question.
    fn read_byte(&mut self) -> io::Result<Option<Event>> {
        let mut byte = Zeroizing::new([0]);
        if (&self.terminal.device).read(&mut *byte)? == 0 {
            return Ok(Some(Event::Cancelled));
        }
        let say = |text: &str| self.terminal.say(text);
        match self.line.take(byte[0]) {
            Typed::Character(character) => match self.echo {
                Echo::Typed => say(character.encode_utf8(&mut [0; 4])),
                Echo::Stars => say("*"),
                Echo::Nothing => {}
            },
            Typed::Erased(count) if self.echo != Echo::Nothing => say(&"\x08 \x08".repeat(count)),
            Typed::Nothing | Typed::Erased(_) => {}
            Typed::Full => say("\x07"),
            Typed::Enter => {
                self.close_line();
                return Ok(Some(Event::Answered(self.line.text())));
            }
            Typed::EndOfInput => return Ok(Some(Event::Cancelled)),
            Typed::Interrupt => return Ok(Some(Event::Interrupted)),
        }
        Ok(None)
    }

    fn close_line(&self) {
        if self.line_is_open.replace(false) {
            self.terminal.say("\n");
        }
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.close_line();
        let _ = tcsetattr(&self.terminal.device, OptionalActions::Drain, &self.before);
    }
}

impl AsFd for Terminal {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.device.as_fd()
    }
}

#[cfg(test)]
mod tests;
