//! Command lines that end before they begin: help, version, and mistakes. Mistakes are worded by clap and
//! brought into the form of every other error here.

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::environment::NotABoolean;

/// Commands and flags of Go aws-vault that this version does not have yet.
const NOT_YET: &[&str] = &[
    "login",
    "rotate",
    "migrate-backend",
    "proxy",
    "server",
    "--server",
    "-s",
    "--ecs-server",
    "--ec2-server",
    "--lazy",
    "--stdout",
    "--biometrics",
    "--keychain",
    "--secret-service-collection",
    "--pass-dir",
    "--pass-cmd",
    "--pass-prefix",
];

/// A command line or a variable that makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct UsageError {
    /// What makes no sense.
    pub message: String,
    /// What to write instead.
    pub hint: Option<String>,
}

/// Why there is nothing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// Help was asked for; here it is.
    Help(String),
    /// The version was asked for.
    Version,
    /// A mistake.
    Usage(UsageError),
}

impl UsageError {
    /// A mistake with the usual hint.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: Some("aws-vault --help".to_owned()) }
    }

    /// A mistake with a better hint.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl From<NotABoolean> for UsageError {
    fn from(error: NotABoolean) -> Self {
        let hint = format!("unset {}", error.name);
        Self::new(error.to_string()).with_hint(hint)
    }
}

/// What clap says, in our form.
pub(super) fn from_clap(error: &clap::Error) -> Stop {
    match error.kind() {
        ErrorKind::DisplayHelp => return Stop::Help(error.render().to_string()),
        ErrorKind::DisplayVersion => return Stop::Version,
        _ => {}
    }
    let named = context(error, ContextKind::InvalidArg).or(context(error, ContextKind::InvalidSubcommand));
    // `--server=x` and `--server` name the same flag.
    let name = named.as_deref().map(|name| name.split('=').next().unwrap_or(name)).unwrap_or_default();
    let is_unknown = matches!(error.kind(), ErrorKind::UnknownArgument | ErrorKind::InvalidSubcommand);
    if is_unknown && NOT_YET.contains(&name) {
        return Stop::Usage(UsageError::new(format!("{name} is not in this version yet")));
    }
    let mut usage = UsageError::new(message(error));
    if let Some(hint) = hint(error, name) {
        usage = usage.with_hint(hint);
    }
    Stop::Usage(usage)
}

/// The first paragraph of what clap would print, on one line.
fn message(error: &clap::Error) -> String {
    let rendered = error.render().to_string();
    let text = rendered.strip_prefix("error: ").unwrap_or(&rendered);
    let paragraph = text.split("\n\n").next().unwrap_or_default();
    paragraph.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn hint(error: &clap::Error, name: &str) -> Option<String> {
    let is_exec = context(error, ContextKind::Usage).is_some_and(|usage| usage.contains("aws-vault exec"));
    if error.kind() == ErrorKind::UnknownArgument && is_exec {
        return Some(format!("to pass {name} to the command: aws-vault exec PROFILE -- COMMAND {name}"));
    }
    let suggested = context(error, ContextKind::SuggestedArg)
        .or(context(error, ContextKind::SuggestedSubcommand))
        .or(context(error, ContextKind::SuggestedValue));
    suggested.map(|name| format!("did you mean {name}?"))
}

fn context(error: &clap::Error, kind: ContextKind) -> Option<String> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(text.clone()),
        ContextValue::Strings(texts) => texts.first().cloned(),
        ContextValue::StyledStr(text) => Some(text.to_string()),
        _ => None,
    }
}
