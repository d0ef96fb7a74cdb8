//! `explain`: prints the agent's plan for a profile.

use super::{answer, explanation, named};
use crate::args::ExplainArgs;
use crate::failure::{CommandError, visible};
use crate::invocation::Invocation;
use crate::picker;

/// Prints it.
pub(super) fn run(args: &ExplainArgs, invocation: &Invocation) -> Result<(), CommandError> {
    let mut connection = invocation.connect()?;
    let profile = match named(args.profile.as_deref(), invocation) {
        Some(profile) => profile.to_owned(),
        None => picker::choose(invocation, &mut connection, "explain")?,
    };
    let explanation = explanation(invocation, &mut connection, &profile, &args.plan)?;
    answer(&(visible(&explanation.lines.join("\n")) + "\n"))
}
