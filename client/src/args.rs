//! What was typed after `aws-vault`, and which variables stand in for what was not. Decides nothing beyond
//! what the words mean; the grammar is Go aws-vault's (compat §1), told by clap.

#[expect(clippy::doc_markdown, reason = "these comments are the help text, where back-ticks would show")]
mod commands;
mod usage;

use std::ffi::OsString;

use clap::{Args, Parser};

pub use commands::{
    AddArgs, ClearArgs, Command, CompletionArgs, CredentialArgs, ExecArgs, ExplainArgs, ExportArgs, Format,
    ListArgs, PlanArgs, RemoveArgs, Shell, StatusArgs,
};
pub use usage::{Stop, UsageError};

use crate::environment::Environment;

/// The version, as `version` and `--version` print it.
pub const VERSION_LINE: &str = concat!("v", env!("CARGO_PKG_VERSION"), "\n");

const EXAMPLES: &str = "\
Examples:
  aws-vault add jonsmith                    store an access key
  aws-vault exec jonsmith -- aws s3 ls      run a command with temporary credentials
  aws-vault exec jonsmith                   start a shell with them
  aws-vault list                            what is configured, stored and remembered
  aws-vault lock                            forget everything until unlocked

The agent that keeps the credentials is started when it is needed.";

/// Heading of the flags that every command has.
const EVERYWHERE: &str = "Options of every command";

/// Runs commands with temporary AWS credentials that aws-vault-agent keeps.
#[derive(Debug, Parser)]
#[command(name = "aws-vault", bin_name = "aws-vault", version, propagate_version = true, disable_version_flag = true, after_help = EXAMPLES)]
pub struct CommandLine {
    /// Flags of every command.
    #[command(flatten)]
    pub global: GlobalArgs,

    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Flags of every command, as typed.
#[expect(clippy::doc_markdown, reason = "these comments are the help text, where back-ticks would show")]
#[derive(Debug, Default, Args)]
pub struct GlobalArgs {
    /// Say on standard error what is asked and answered, with times; never a secret.
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    pub debug: bool,

    /// Store to use [env: AWS_VAULT_BACKEND].
    #[arg(long, global = true, help_heading = EVERYWHERE, value_name = "NAME")]
    pub backend: Option<String>,

    /// How to ask: terminal, kdialog, zenity, osascript, pinentry or ykman [env: AWS_VAULT_PROMPT].
    #[arg(long, global = true, help_heading = EVERYWHERE, value_name = "DRIVER")]
    pub prompt: Option<String>,

    /// Never ask anything; fail at once instead [env: AWS_VAULT_NO_PROMPT].
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    pub no_prompt: bool,

    /// Directory of the encrypted-file store [env: AWS_VAULT_FILE_DIR].
    #[arg(long, global = true, help_heading = EVERYWHERE, value_name = "DIRECTORY")]
    pub file_dir: Option<String>,

    /// Print the version.
    #[arg(short = 'v', long, global = true, help_heading = EVERYWHERE, action = clap::ArgAction::Version)]
    version: Option<bool>,
}

/// Flags of every command, with the variables that stand in for them.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Options {
    /// `--debug`.
    pub debug: bool,
    /// `--backend`; whatever it is, the agent says whether it has it.
    pub backend: Option<String>,
    /// `--prompt`; whatever it is, the agent says whether it can.
    pub prompt: Option<String>,
    /// `--no-prompt`.
    pub never_ask: bool,
    /// `--file-dir`.
    pub file_dir: Option<String>,
}

/// Reads the command line: `words` begin with the program's name.
pub fn parse(words: impl IntoIterator<Item = OsString>) -> Result<CommandLine, Stop> {
    CommandLine::try_parse_from(words).map_err(|error| usage::from_clap(&error))
}

impl GlobalArgs {
    /// Flag, else variable, else default.
    pub fn with(self, environment: &Environment) -> Result<Options, UsageError> {
        let or_variable =
            |flag: Option<String>, name: &str| flag.or_else(|| environment.get(name).map(str::to_owned));
        let never_ask = self.no_prompt || environment.get_bool("AWS_VAULT_NO_PROMPT")?.unwrap_or_default();
        Ok(Options {
            debug: self.debug,
            backend: or_variable(self.backend, "AWS_VAULT_BACKEND"),
            prompt: or_variable(self.prompt, "AWS_VAULT_PROMPT"),
            never_ask,
            file_dir: or_variable(self.file_dir, "AWS_VAULT_FILE_DIR"),
        })
    }
}

#[cfg(test)]
mod tests;
