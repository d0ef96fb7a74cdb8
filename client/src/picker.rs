//! Choosing a profile when none was named. Draws on standard error: standard output may be evaluated by a
//! shell (compat Q10).

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd, RawFd};

use aws_vault_protocol::message::List;
use dialoguer::FuzzySelect;
use dialoguer::console::Term;

use crate::args::UsageError;
use crate::connection::Connection;
use crate::failure::{CommandError, visible};
use crate::invocation::{Invocation, expected};
use crate::output;
use crate::terminal::Terminal;

const TITLE: &str = "Choose AWS profile:";

/// Rows shown at once, as Go aws-vault shows.
const ROWS: usize = 7;

/// What the library writes to hide the cursor (DECTCEM).
const HIDE_CURSOR: &[u8] = b"\x1b[?25l";

/// Lets the person choose among the config's profiles.
pub fn choose(
    invocation: &Invocation,
    connection: &mut Connection,
    command: &str,
) -> Result<String, CommandError> {
    let can_ask =
        output::remarks_are_watched() && Terminal::open().is_ok_and(|terminal| terminal.is_in_foreground());
    if invocation.options.never_ask || !can_ask {
        let error = UsageError::new("no profile is named, and there is no terminal to choose one at");
        return Err(error.with_hint(format!("aws-vault {command} PROFILE")).into());
    }
    let listing = expected!(Listing, invocation.ask(connection, List { caller: invocation.caller() })?)?;
    if listing.profiles.is_empty() {
        let error = UsageError::new("no profile is named, and the config has none to choose from");
        return Err(error.with_hint("aws-vault add PROFILE").into());
    }
    let screen = screen().map_err(CommandError::Terminal)?;
    let chosen = FuzzySelect::new()
        .with_prompt(TITLE)
        .report(false)
        .items(&listing.profiles)
        .default(0)
        .max_length(ROWS)
        .interact_on_opt(&screen);
    match chosen {
        Ok(Some(index)) => {
            let name = listing.profiles.into_iter().nth(index).ok_or(CommandError::Cancelled)?;
            output::remark(format_args!("{TITLE} {}", visible(&name)));
            Ok(name)
        }
        Ok(None) => Err(CommandError::Cancelled),
        Err(dialoguer::Error::IO(error)) => Err(CommandError::Terminal(error)),
    }
}

fn screen() -> io::Result<Term> {
    let input = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let screen = CursorStays(File::from(io::stderr().as_fd().try_clone_to_owned()?));
    Ok(Term::read_write_pair(input, screen))
}

/// Standard error without the wish to hide the cursor: Ctrl-C ends this process within the library, which
/// would leave the person's shell without a cursor.
#[derive(Debug)]
struct CursorStays(File);

impl Write for CursorStays {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes == HIDE_CURSOR { Ok(bytes.len()) } else { self.0.write(bytes) }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl AsRawFd for CursorStays {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}
