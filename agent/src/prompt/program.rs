//! Programs that answer in a person's place or ask them: `mfa_process`, dialogs, `ykman`. They run in the
//! asking client's environment, talk to the asking client's terminal, and are killed when nobody waits.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use rustix::process::{Pid, Signal};
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};
use zeroize::Zeroizing;

use crate::audience::Asker;

/// Longest output taken, in bytes. A code has 6 digits, a passphrase a few dozen characters.
const MAX_OUTPUT: usize = 4096;

/// Why a program gave no answer. Its output is never quoted.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// It cannot be started.
    #[error("{program:?} cannot be started: {source}")]
    Start {
        /// Which program.
        program: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It said no.
    #[error("{program:?} ended with {status}")]
    Ended {
        /// Which program.
        program: PathBuf,
        /// How it ended.
        status: std::process::ExitStatus,
    },
    /// It said more than an answer.
    #[error("{program:?} printed more than {MAX_OUTPUT} bytes, or no text")]
    StrangeOutput {
        /// Which program.
        program: PathBuf,
    },
    /// It does not speak the pinentry protocol.
    #[error("{program:?} does not behave like a pinentry")]
    NotPinentry {
        /// Which program.
        program: PathBuf,
    },
}

/// What a program printed, trimmed.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) text: Zeroizing<String>,
    pub(super) status: std::process::ExitStatus,
}

/// Runs a command line of the config (`mfa_process`) as aws-vault does: `/bin/sh -c`, with the terminal as
/// its input and error output when there is one. Gives what it printed, trimmed.
pub async fn run_shell(command_line: &str, asker: &Asker) -> Result<Zeroizing<String>, ProgramError> {
    let program = Path::new("/bin/sh");
    let mut command = prepared(program, asker);
    command.arg("-c").arg(command_line);
    let output = run(program, command).await?;
    if output.status.success() {
        Ok(output.text)
    } else {
        Err(ProgramError::Ended { program: program.to_owned(), status: output.status })
    }
}

/// A command in the client's environment and on its terminal.
pub(super) fn prepared(program: &Path, asker: &Asker) -> Command {
    let mut command = Command::new(program);
    command.env_clear().kill_on_drop(true).stdin(Stdio::null()).stderr(Stdio::null());
    command.envs(asker.environment.iter());
    let terminal = asker.interaction.terminal_path.as_deref().and_then(open_terminal);
    if let Some((input, errors)) = terminal {
        command.stdin(input).stderr(errors);
    }
    // Its own group: Ctrl-C in the agent's terminal is not meant for it.
    command.process_group(0);
    command
}

/// Runs to the end and takes what is printed.
pub(super) async fn run(program: &Path, mut command: Command) -> Result<Output, ProgramError> {
    command.stdout(Stdio::piped());
    let start = |source| ProgramError::Start { program: program.to_owned(), source };
    let strange = || ProgramError::StrangeOutput { program: program.to_owned() };
    let mut child = command.spawn().map_err(start)?;
    let mut group = Group::of(&child);
    // Of exact size from the start: growing would leave copies behind.
    let mut printed = Zeroizing::new(vec![0; MAX_OUTPUT + 1]);
    let mut length = 0;
    if let Some(mut stdout) = child.stdout.take() {
        while length < printed.len() {
            match stdout.read(&mut printed[length..]).await.map_err(start)? {
                0 => break,
                count => length += count,
            }
        }
    }
    if length > MAX_OUTPUT {
        return Err(strange());
    }
    let status = child.wait().await.map_err(start)?;
    group.has_ended();
    let text = std::str::from_utf8(&printed[..length]).map_err(|_| strange())?;
    Ok(Output { text: Zeroizing::new(text.trim().to_owned()), status })
}

/// A program with all that it started; killed when dropped before it has ended.
pub(super) struct Group(Option<Pid>);

impl Group {
    /// The group of a child that was [`prepared`].
    pub(super) fn of(child: &Child) -> Self {
        Self(child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw))
    }

    /// Nothing is to be killed any more; its number may belong to others soon.
    pub(super) fn has_ended(&mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            let _ = rustix::process::kill_process_group(group, Signal::KILL);
        }
    }
}

fn open_terminal(path: &str) -> Option<(std::fs::File, std::fs::File)> {
    use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
    let open = || {
        let file = std::fs::OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(rustix::fs::OFlags::NOCTTY.bits().cast_signed())
            .open(path)
            .ok()?;
        let is_terminal =
            file.metadata().ok()?.file_type().is_char_device() && rustix::termios::isatty(&file);
        is_terminal.then_some(file)
    };
    Some((open()?, open()?))
}
