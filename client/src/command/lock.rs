//! `lock`: makes the agent forget every secret and refuse until unlocked.

use aws_vault_protocol::message::Lock;

use crate::failure::CommandError;
use crate::invocation::{Invocation, expected};
use crate::output;

/// Locks the agent. One that does not run holds no secret: the person has what they asked for.
pub(super) fn run(invocation: &Invocation) -> Result<(), CommandError> {
    let Some(mut connection) = invocation.connect_if_running()? else {
        output::remark("no agent is running: there is nothing to lock");
        return Ok(());
    };
    expected!(Done, invocation.ask(&mut connection, Lock::default())?)?;
    Ok(())
}
