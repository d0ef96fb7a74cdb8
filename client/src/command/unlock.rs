//! `unlock`: lets the agent answer again, and opens the store.

use aws_vault_protocol::message::Unlock;

use crate::failure::CommandError;
use crate::invocation::{Invocation, expected};

/// Unlocks the agent; it asks for the store's passphrase if it needs one.
pub(super) fn run(invocation: &Invocation) -> Result<(), CommandError> {
    let mut connection = invocation.connect()?;
    expected!(Done, invocation.ask(&mut connection, Unlock { caller: invocation.caller() })?)?;
    Ok(())
}
