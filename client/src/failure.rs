//! What can go wrong on this side, how it is shown, and which exit code it becomes. Never holds a secret.
//!
//! | exit | means |
//! |---|---|
//! | 1 | the request failed |
//! | 2 | the command line or a variable makes no sense |
//! | 3 | the agent cannot be reached, or speaks another version |
//! | 4 | locked, or a person would have to answer and cannot |
//! | 126, 127 | the command of `exec` cannot be run, is not there |
//! | 130 | Ctrl-C at a prompt |

use std::fmt::Write as _;
use std::process::ExitCode;

use aws_vault_protocol::failure::{Failure, FailureCode};

use crate::args::UsageError;
use crate::connection::ConnectionError;
use crate::launch::LaunchError;

/// Why a command did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The command line or a variable makes no sense.
    #[error(transparent)]
    Usage(#[from] UsageError),
    /// The agent cannot be reached or understood.
    #[error(transparent)]
    Connection(#[from] ConnectionError),
    /// The agent said no.
    #[error(transparent)]
    Refused(#[from] Failure),
    /// The command of `exec` cannot be run.
    #[error(transparent)]
    Launch(#[from] LaunchError),
    /// A person would have to answer, and there is no terminal.
    #[error("{question} has to be asked, and {why}")]
    CannotAsk {
        /// What would be asked.
        question: &'static str,
        /// Why it cannot be.
        why: &'static str,
        /// How to do without.
        hint: String,
    },
    /// The person pressed Ctrl-C at a prompt.
    #[error("interrupted")]
    Interrupted,
    /// The person left a prompt in another way.
    #[error("cancelled at the prompt")]
    Cancelled,
    /// `exec` and `export` inside an `exec`.
    #[error("already inside an aws-vault subshell for profile {profile:?}")]
    Nested {
        /// Whose subshell.
        profile: String,
    },
    /// The terminal does not work.
    #[error("terminal: {0}")]
    Terminal(#[source] std::io::Error),
    /// Standard output does not take the answer.
    #[error("standard output: {0}")]
    Output(#[source] std::io::Error),
    /// `status` found no agent; it has said so already.
    #[error("no agent is running")]
    NoAgent,
}

impl CommandError {
    /// The exit code.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Usage(_) => 2,
            Self::Connection(_) | Self::NoAgent => 3,
            Self::Refused(failure) => match failure.code {
                FailureCode::Locked | FailureCode::InputNeeded => 4,
                _ => 1,
            },
            Self::CannotAsk { .. } => 4,
            Self::Launch(error) => error.exit_code(),
            Self::Interrupted => 130,
            Self::Cancelled | Self::Nested { .. } | Self::Terminal(_) | Self::Output(_) => 1,
        })
    }

    /// A command to run or a line to open.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Usage(error) => error.hint.clone(),
            Self::Connection(error) => error.hint(),
            Self::Refused(failure) => failure.hint.clone(),
            Self::Launch(error) => error.hint(),
            Self::CannotAsk { hint, .. } => Some(hint.clone()),
            Self::Nested { .. } => Some("leave it with exit, or: unset AWS_VAULT".to_owned()),
            Self::Interrupted | Self::Cancelled | Self::Terminal(_) | Self::Output(_) | Self::NoAgent => None,
        }
    }

    /// The lines to show, without the last line end; `None` when everything was said, or when whoever
    /// would read it has left.
    pub fn render(&self, command: Option<&str>) -> Option<String> {
        match self {
            Self::Interrupted | Self::NoAgent => return None,
            Self::Output(error) if error.kind() == std::io::ErrorKind::BrokenPipe => return None,
            _ => {}
        }
        let place = command.map(|name| format!("{name}: ")).unwrap_or_default();
        let mut text = format!("aws-vault: error: {place}{}", visible(&self.to_string()));
        if let Self::Refused(Failure { aws: Some(aws), .. }) = self
            && let Some(id) = &aws.request_id
        {
            let _ = write!(text, "\n  AWS request id: {}", visible(id));
        }
        if let Some(hint) = self.hint() {
            let _ = write!(text, "\n  hint: {}", visible(&hint));
        }
        Some(text)
    }
}

/// Text from elsewhere without anything a terminal would obey; line ends stay.
pub fn visible(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { '\u{FFFD}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use aws_vault_protocol::failure::AwsFailure;

    use super::*;

    fn refused(code: FailureCode) -> CommandError {
        Failure::new(code, "the agent is locked").with_hint("aws-vault unlock").into()
    }

    #[test]
    fn shows_message_causes_and_hint() {
        let shown = refused(FailureCode::Locked).render(Some("exec")).unwrap();
        assert_eq!(shown, "aws-vault: error: exec: the agent is locked\n  hint: aws-vault unlock");
        let mut failure = Failure::new(FailureCode::Aws, "profile \"p\": AccessDenied\nnot allowed\x1b[2J");
        let aws = AwsFailure {
            service: "sts".into(),
            operation: "AssumeRole".into(),
            code: "AccessDenied".into(),
            request_id: Some("1-2".into()),
        };
        failure.aws = Some(aws.into());
        let shown = CommandError::from(failure).render(None).unwrap();
        let expected =
            "aws-vault: error: profile \"p\": AccessDenied\nnot allowed\u{FFFD}[2J\n  AWS request id: 1-2";
        assert_eq!(shown, expected);
    }

    #[test]
    fn stays_silent_when_nobody_reads() {
        assert_eq!(CommandError::Interrupted.render(Some("exec")), None);
        let closed = CommandError::Output(std::io::ErrorKind::BrokenPipe.into());
        assert_eq!(closed.render(Some("export")), None);
    }

    #[test]
    fn every_kind_has_its_exit_code() {
        let code = |error: &CommandError| format!("{:?}", error.exit_code());
        let expect = |number: u8| format!("{:?}", ExitCode::from(number));
        for (error, number) in [
            (refused(FailureCode::Locked), 4),
            (refused(FailureCode::InputNeeded), 4),
            (refused(FailureCode::UnknownProfile), 1),
            (refused(FailureCode::Unknown(999)), 1),
            (CommandError::Usage(UsageError::new("x")), 2),
            (CommandError::Connection(ConnectionError::Ended), 3),
            (CommandError::NoAgent, 3),
            (CommandError::Launch(LaunchError::NotFound { command: "x".into() }), 127),
            (CommandError::Interrupted, 130),
            (CommandError::Nested { profile: "p".into() }, 1),
        ] {
            assert_eq!(code(&error), expect(number), "{error}");
        }
    }
}
