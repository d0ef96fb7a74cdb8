//! Asking a person: the terminal of whoever waits, or a dialog on their screen. Never anybody else's, and
//! never without an end.

mod choose;
mod dialog;
mod pinentry;
mod program;

use std::rc::Rc;
use std::time::Duration;

use aws_vault_protocol::message::{PromptKind, PromptOutcome};
use aws_vault_protocol::secret::Answer;

pub use choose::{Driver, NoDriver};
pub use program::{ProgramError, run_shell};

use crate::audience::{Asker, Audience};
use crate::peer::Question;

/// A person who has left the desk should not find a dialog in the evening.
pub const PROMPT_TIMEOUT: Duration = Duration::from_secs(120);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nobody who waits can be asked; the reason is the first one's.
    #[error("nobody can be asked: {0}")]
    Nobody(NoDriver),
    /// The person refused.
    #[error("cancelled at the prompt")]
    Cancelled,
    /// The person did not answer.
    #[error("no answer within {} seconds", PROMPT_TIMEOUT.as_secs())]
    TimedOut,
    /// A dialog program does not work.
    #[error(transparent)]
    Program(#[from] ProgramError),
}

/// How asking one person ended.
enum Asked {
    Answered(Answer),
    Cancelled,
    /// This person cannot be asked after all; somebody else may.
    Unavailable,
}

/// Asks somebody of the audience: whoever came last and has a terminal or a screen. If that client goes
/// away, the next one is asked.
pub async fn ask(audience: &Audience, question: &Question) -> Result<Answer, AskError> {
    let mut unavailable: Vec<Rc<Asker>> = Vec::new();
    let mut reason = None;
    loop {
        let clients = audience.clients();
        let mut chosen = None;
        for asker in clients.iter().rev() {
            if unavailable.iter().any(|tried| Rc::ptr_eq(tried, asker)) {
                continue;
            }
            match choose::driver(&asker.interaction, &asker.environment, question.kind) {
                Ok(driver) => {
                    chosen = Some((Rc::clone(asker), driver));
                    break;
                }
                Err(no_driver) => reason = Some(no_driver),
            }
        }
        let Some((asker, driver)) = chosen else {
            return Err(AskError::Nobody(reason.unwrap_or(NoDriver::NobodyWaits)));
        };
        tell_the_others(&clients, &asker, question.kind);
        let asking = async {
            tokio::select! {
                asked = ask_one(&asker, &driver, question) => asked,
                () = audience.left_by(&asker) => Ok(Asked::Unavailable),
            }
        };
        let asked = tokio::time::timeout(PROMPT_TIMEOUT, asking).await;
        match asked.map_err(|_| AskError::TimedOut)?? {
            Asked::Answered(answer) => return Ok(answer),
            Asked::Cancelled => return Err(AskError::Cancelled),
            Asked::Unavailable => unavailable.push(asker),
        }
    }
}

async fn ask_one(asker: &Asker, driver: &Driver, question: &Question) -> Result<Asked, AskError> {
    if *driver == Driver::Terminal {
        return Ok(match asker.peer.prompt(asker.request_id, question).await {
            None => Asked::Unavailable,
            Some(reply) => match reply.outcome {
                PromptOutcome::Answered => Asked::Answered(reply.answer),
                PromptOutcome::Unavailable => Asked::Unavailable,
                PromptOutcome::Cancelled | PromptOutcome::Unknown(_) => Asked::Cancelled,
            },
        });
    }
    tokio::select! {
        answer = dialog::ask(driver, asker, question) => {
            Ok(answer?.map_or(Asked::Cancelled, Asked::Answered))
        }
        () = asker.peer.gone() => Ok(Asked::Unavailable),
    }
}

fn tell_the_others(clients: &[Rc<Asker>], asked: &Rc<Asker>, kind: PromptKind) {
    let what = if kind == PromptKind::MfaCode { "the MFA code" } else { "the passphrase" };
    let by = asked.peer.process_id().map_or_else(String::new, |pid| format!(" (process {pid})"));
    for other in clients.iter().filter(|other| !Rc::ptr_eq(other, asked)) {
        other.tell_progress(format!("another aws-vault{by} is being asked for {what}"), 0);
    }
}
