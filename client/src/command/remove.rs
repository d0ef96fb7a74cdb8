//! `remove`: deletes a stored access key, after asking.

use aws_vault_protocol::message::{Clear, Remove};

use super::{answer, clear};
use crate::args::RemoveArgs;
use crate::failure::CommandError;
use crate::invocation::{Invocation, expected};
use crate::terminal::{Asking, Echo, Event, Terminal};

/// Deletes it.
pub(super) fn run(args: RemoveArgs, invocation: &Invocation) -> Result<(), CommandError> {
    if args.sessions_only {
        let request = Clear { caller: invocation.caller(), profile: Some(args.profile) };
        let sessions = clear::forget(invocation, request)?;
        return answer(&format!("Deleted {sessions} sessions.\n"));
    }
    if !args.force && !is_confirmed(invocation, &args.profile)? {
        return Ok(());
    }
    let mut connection = invocation.connect()?;
    let request = Remove { caller: invocation.caller(), profile: args.profile };
    expected!(Done, invocation.ask(&mut connection, request)?)?;
    answer("Deleted credentials.\n")
}

fn is_confirmed(invocation: &Invocation, profile: &str) -> Result<bool, CommandError> {
    let cannot = |why| CommandError::CannotAsk {
        question: "whether to delete",
        why,
        hint: format!("aws-vault remove --force {profile}"),
    };
    if invocation.options.never_ask {
        return Err(cannot("prompts are switched off"));
    }
    let terminal = Terminal::open().map_err(|_| cannot("there is no terminal"))?;
    if !terminal.is_in_foreground() {
        return Err(cannot("this is a background job"));
    }
    let question = format!("Delete credentials for profile {profile:?}? (y|N) ");
    let mut asking = Asking::begin(&terminal, &question, Echo::Typed).map_err(CommandError::Terminal)?;
    match asking.wait(None, None).map_err(CommandError::Terminal)? {
        Event::Answered(answer) => Ok(is_yes(&answer)),
        Event::Interrupted => Err(CommandError::Interrupted),
        Event::Cancelled | Event::Watched | Event::TimedOut => Ok(false),
    }
}

fn is_yes(answer: &str) -> bool {
    ["y", "yes"].contains(&answer.trim().to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::is_yes;

    #[test]
    fn only_yes_is_yes() {
        assert!(["y", "Y", "yes", "YES", " yes "].into_iter().all(is_yes));
        assert!(!["", "n", "no", "yep", "yy"].into_iter().any(is_yes));
    }
}
