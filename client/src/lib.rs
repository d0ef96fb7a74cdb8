//! `aws-vault`, the client: owns the terminal, the child process and the output, and asks the agent for
//! everything else. Decides no policy, reads no AWS config, keeps no secret. Unix only so far.
//!
//! One command, end to end: [`args`] → [`command`] → [`conversation`] over a [`connection`] → [`output`], or for
//! `exec` [`environment`] and [`launch`].
#![forbid(unsafe_code)]

pub mod address;
pub mod args;
pub mod autostart;
pub mod caller;
pub mod command;
pub mod connection;
pub mod conversation;
pub mod environment;
pub mod failure;
pub mod invocation;
pub mod launch;
pub mod output;
pub mod picker;
pub mod progress;
pub mod terminal;

use std::env;
use std::ffi::OsString;
use std::process::ExitCode;

use crate::args::{CommandLine, Stop, VERSION_LINE};
use crate::environment::Environment;
use crate::failure::CommandError;
use crate::invocation::Invocation;

/// The whole program.
pub fn run() -> ExitCode {
    let words: Vec<OsString> = env::args_os().collect();
    let environment = Environment::new(env::vars_os());
    if let Some(done) = command::completion::answer_shell(&words, &environment) {
        return exit(done, None);
    }
    match args::parse(words) {
        Ok(line) => {
            let name = line.command.as_ref().map(args::Command::name);
            exit(start(line, environment), name)
        }
        Err(Stop::Help(text)) => exit(print(&text), None),
        Err(Stop::Version) => exit(print(VERSION_LINE), None),
        Err(Stop::Usage(error)) => exit(Err(error.into()), None),
    }
}

fn start(line: CommandLine, environment: Environment) -> Result<(), CommandError> {
    let options = line.global.with(&environment)?;
    let Some(asked) = line.command else {
        // As Go aws-vault does: usage on standard error, and no failure.
        output::remark(<CommandLine as clap::CommandFactory>::command().render_help());
        return Ok(());
    };
    command::run(asked, &Invocation::new(options, environment))
}

fn print(text: &str) -> Result<(), CommandError> {
    output::answer(text.as_bytes()).map_err(CommandError::Output)
}

fn exit(done: Result<(), CommandError>, command: Option<&str>) -> ExitCode {
    let Err(error) = done else { return ExitCode::SUCCESS };
    if let Some(text) = error.render(command) {
        output::remark(text);
    }
    error.exit_code()
}
