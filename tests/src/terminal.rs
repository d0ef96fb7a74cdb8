//! A program on a terminal of its own, and the person in front of it.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use rustix::fs::OFlags;
use rustix::io::ioctl_fionbio;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::wait::until;

/// A program that runs on a terminal; killed when dropped.
#[derive(Debug)]
pub struct Terminal {
    screen: File,
    child: Child,
    shown: String,
}

impl Terminal {
    /// Runs a program on a new terminal. `command` is taken over: its streams become the terminal.
    ///
    /// # Panics
    /// If the system has no terminal left, or the program cannot be started.
    pub fn run(command: &Command) -> Self {
        let screen = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal can be made");
        grantpt(&screen).and_then(|()| unlockpt(&screen)).expect("a new terminal is ours");
        ioctl_fionbio(&screen, true).expect("a terminal can be read without waiting");
        let name = ptsname(&screen, Vec::new()).expect("a terminal has a name");
        let path = Path::new(std::ffi::OsStr::from_bytes(name.as_bytes()));
        let no_ctty = OFlags::NOCTTY.bits().cast_signed();
        let line = OpenOptions::new().read(true).write(true).custom_flags(no_ctty).open(path);
        let line = line.expect("a new terminal can be opened");
        let stream = || Stdio::from(line.try_clone().expect("a file can be opened twice"));
        let child = on_terminal(command).stdin(stream()).stdout(stream()).stderr(stream()).spawn();
        let child = child.unwrap_or_else(|error| panic!("{command:?}: {error}"));
        Self { screen: File::from(screen), child, shown: String::new() }
    }

    /// Waits until the program has shown this text.
    ///
    /// # Panics
    /// If it does not.
    pub fn expect(&mut self, text: &str) {
        until(&format!("{text:?} is shown"), || {
            self.look();
            self.shown.contains(text)
        });
    }

    /// Types a line.
    ///
    /// # Panics
    /// If the terminal does not take it.
    pub fn type_line(&mut self, line: &str) {
        self.screen.write_all(format!("{line}\n").as_bytes()).expect("a terminal takes a line");
    }

    /// Ends the program at once.
    ///
    /// # Panics
    /// If it cannot be ended.
    pub fn kill(&mut self) {
        self.child.kill().and_then(|()| self.child.wait()).expect("our own child can be killed");
    }

    /// Waits for the program's end; gives how it ended and everything it has shown.
    ///
    /// # Panics
    /// If it does not end.
    pub fn finish(mut self) -> (ExitStatus, String) {
        let mut status = None;
        until("the program on the terminal ends", || {
            self.look();
            status = self.child.try_wait().expect("a child can be waited for");
            status.is_some()
        });
        self.look();
        (status.expect("the condition was met"), std::mem::take(&mut self.shown))
    }

    fn look(&mut self) {
        let mut space = [0; 4096];
        // Nothing to read now, or for ever because the program has ended: both are nothing.
        while let Ok(count @ 1..) = self.screen.read(&mut space) {
            self.shown.push_str(&String::from_utf8_lossy(&space[..count]));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The same program as leader of a session whose terminal is its standard input. `setsid` replaces itself, so the
/// process id is the program's.
fn on_terminal(command: &Command) -> Command {
    let mut wrapped = Command::new("/usr/bin/setsid");
    wrapped.arg("--ctty").arg(command.get_program()).args(command.get_args()).env_clear();
    wrapped.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if let Some(directory) = command.get_current_dir() {
        wrapped.current_dir(directory);
    }
    wrapped
}
