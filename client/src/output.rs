//! Everything the client writes: answers on standard output, remarks on standard error. The only module
//! that may print. Answers go out in one write, so that a secret is never left in a buffer of the library.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::time::Instant;

/// Writes an answer to standard output, byte for byte.
pub fn answer(bytes: &[u8]) -> io::Result<()> {
    // Past the line buffer of `Stdout`, which would keep a copy: a duplicate of the descriptor has none.
    let descriptor = std::os::fd::AsFd::as_fd(&io::stdout()).try_clone_to_owned()?;
    std::fs::File::from(descriptor).write_all(bytes)
}

/// Writes one line to standard error. Nobody reading it is no reason to fail.
pub fn remark(line: impl fmt::Display) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Writes text to standard error as it is, for lines that are rewritten in place.
pub fn redraw(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// Whether somebody watches standard error.
pub fn remarks_are_watched() -> bool {
    io::stderr().is_terminal()
}

/// Whether standard output is a screen.
pub fn answers_are_watched() -> bool {
    io::stdout().is_terminal()
}

/// What `--debug` says: what was done, and how long after the start. Never given a secret.
#[derive(Debug, Clone, Copy)]
pub struct Trace {
    since: Option<Instant>,
}

impl Trace {
    /// Says everything when `debug` is set, else nothing.
    pub fn new(debug: bool) -> Self {
        Self { since: debug.then(Instant::now) }
    }

    /// Whether anything is said.
    pub fn is_on(self) -> bool {
        self.since.is_some()
    }

    /// Says something.
    pub fn note(self, text: fmt::Arguments<'_>) {
        if let Some(since) = self.since {
            remark(format_args!("aws-vault: debug: {:>9.3?}  {text}", since.elapsed()));
        }
    }
}
