//! `clear`: makes the agent forget sessions.

use aws_vault_protocol::message::Clear;

use super::answer;
use crate::args::ClearArgs;
use crate::failure::CommandError;
use crate::invocation::{Invocation, expected};

/// Forgets them.
pub(super) fn run(args: ClearArgs, invocation: &Invocation) -> Result<(), CommandError> {
    let profile = args.profile.filter(|name| !name.is_empty());
    let sessions = forget(invocation, Clear { caller: invocation.caller(), profile })?;
    answer(&format!("Cleared {sessions} sessions.\n"))
}

/// How many were forgotten. An agent that does not run remembers none.
pub(super) fn forget(invocation: &Invocation, request: Clear) -> Result<u32, CommandError> {
    let Some(mut connection) = invocation.connect_if_running()? else { return Ok(0) };
    Ok(expected!(Cleared, invocation.ask(&mut connection, request)?)?.sessions)
}
