//! The commands, one file per verb, and what several of them need.

mod add;
mod clear;
pub mod completion;
mod exec;
mod explain;
mod export;
mod list;
mod lock;
mod remove;
mod status;
mod unlock;
mod version;

use std::time::{SystemTime, UNIX_EPOCH};

use aws_vault_protocol::message::{Credentials, Explain, Explanation, GetCredentials};
use aws_vault_protocol::secret::MfaCode;

use crate::args::{Command, CredentialArgs, PlanArgs};
use crate::connection::Connection;
use crate::environment::VAULT_VARIABLE;
use crate::failure::CommandError;
use crate::invocation::{Invocation, expected};
use crate::output;

/// Does what was asked.
pub fn run(command: Command, invocation: &Invocation) -> Result<(), CommandError> {
    match command {
        Command::Add(args) => add::run(args, invocation),
        Command::Remove(args) => remove::run(args, invocation),
        Command::List(args) => list::run(&args, invocation),
        Command::Exec(args) => exec::run(&args, invocation),
        Command::Export(args) => export::run(&args, invocation),
        Command::Clear(args) => clear::run(args, invocation),
        Command::Explain(args) => explain::run(&args, invocation),
        Command::Status(args) => status::run(&args, invocation),
        Command::Lock => lock::run(invocation),
        Command::Unlock => unlock::run(invocation),
        Command::Completion(args) => completion::run(&args),
        Command::Version => version::run(),
    }
}

/// Credentials of a profile; with `--debug` also how they come about.
fn credentials(
    invocation: &Invocation,
    connection: &mut Connection,
    profile: &str,
    args: &CredentialArgs,
) -> Result<Credentials, CommandError> {
    if invocation.trace.is_on() {
        for line in explanation(invocation, connection, profile, &args.plan)?.lines {
            invocation.trace.note(format_args!("plan: {line}"));
        }
    }
    let request = GetCredentials {
        caller: invocation.caller(),
        profile: profile.to_owned(),
        region: args.plan.region.clone(),
        duration_seconds: args.plan.duration_seconds(&invocation.environment)?,
        no_session: args.plan.no_session,
        mfa_token: args.mfa_token.as_deref().map(MfaCode::copy_from),
    };
    let credentials = expected!(Credentials, invocation.ask(connection, request)?)?;
    let origin = if credentials.from_memory { "from the agent's memory" } else { "new" };
    invocation.trace.note(format_args!("credentials for {:?} are {origin}", credentials.profile));
    Ok(credentials)
}

fn explanation(
    invocation: &Invocation,
    connection: &mut Connection,
    profile: &str,
    args: &PlanArgs,
) -> Result<Explanation, CommandError> {
    let request = Explain {
        caller: invocation.caller(),
        profile: profile.to_owned(),
        region: args.region.clone(),
        duration_seconds: args.duration_seconds(&invocation.environment)?,
        no_session: args.no_session,
    };
    Ok(expected!(Explanation, invocation.ask(connection, request)?)?)
}

/// `exec` within `exec` would give credentials whose origin nobody can tell; checked first (compat Q37).
fn refuse_nested(invocation: &Invocation) -> Result<(), CommandError> {
    match invocation.environment.get(VAULT_VARIABLE) {
        Some(profile) => Err(CommandError::Nested { profile: profile.to_owned() }),
        None => Ok(()),
    }
}

/// A profile that was named, be it by a variable.
fn named<'a>(argument: Option<&'a str>, invocation: &'a Invocation) -> Option<&'a str> {
    argument.filter(|name| !name.is_empty()).or_else(|| invocation.environment.get("AWS_PROFILE"))
}

fn answer(text: &str) -> Result<(), CommandError> {
    output::answer(text.as_bytes()).map_err(CommandError::Output)
}

/// Seconds since 1970 UTC.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
