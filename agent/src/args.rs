//! What was typed after `aws-vault-agent`. No decisions here; [`crate::launch`] takes them.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use aws_vault_protocol::duration;
use clap::{Parser, ValueEnum};

const EXAMPLES: &str = "\
Examples:
  eval \"$(aws-vault-agent)\"       start the agent, or find the running one, in sh, bash, zsh or fish
  aws-vault-agent -t 8h           forget everything eight hours after it came in
  aws-vault-agent -D              stay in the foreground and log to the terminal
  aws-vault-agent terraform plan  an agent of its own that ends with the command
  aws-vault-agent -k              end the running agent

aws-vault starts the agent by itself when none runs; this command is for login scripts and for options.";

/// Holds AWS credentials in protected memory and answers aws-vault over a local socket.
#[derive(Debug, Clone, Parser)]
#[expect(
    clippy::struct_excessive_bools,
    clippy::manual_non_exhaustive,
    reason = "a command line is a list of switches"
)]
#[command(name = "aws-vault-agent", version, after_help = EXAMPLES, disable_version_flag = true)]
pub struct Args {
    /// Stay in the foreground, log to standard error.
    #[arg(short = 'D', long)]
    pub foreground: bool,

    /// End the running agent.
    #[arg(short = 'k', long, conflicts_with_all = ["foreground", "lifetime", "idle", "command"])]
    pub kill: bool,

    /// Listen at this socket instead of the usual one.
    #[arg(short = 'a', long, value_name = "SOCKET", env = "AWS_VAULT_AGENT_SOCK", hide_env_values = true)]
    pub address: Option<String>,

    /// Forget passphrase and sessions this long after the first came in, such as 8h. Suspend counts.
    #[arg(short = 't', long, value_name = "DURATION", env = "AWS_VAULT_AGENT_LIFETIME", value_parser = positive_duration)]
    pub lifetime: Option<Duration>,

    /// Forget passphrase and sessions after they were not used this long, such as 30m. Suspend counts.
    #[arg(long, value_name = "DURATION", env = "AWS_VAULT_AGENT_IDLE", value_parser = positive_duration)]
    pub idle: Option<Duration>,

    /// Print commands for sh, bash, zsh and fish (the default unless $SHELL is a csh).
    #[arg(short = 's', conflicts_with_all = ["csh", "shell"])]
    pub sh: bool,

    /// Print commands for csh and tcsh.
    #[arg(short = 'c', conflicts_with = "shell")]
    pub csh: bool,

    /// Print commands for this shell.
    #[arg(long, value_enum)]
    pub shell: Option<Shell>,

    /// Log to this file instead of the usual place.
    #[arg(long, value_name = "FILE")]
    pub log: Option<PathBuf>,

    /// Say on one line how starting went; for aws-vault.
    #[arg(long, hide = true, conflicts_with_all = ["foreground", "kill", "command"])]
    pub report: bool,

    /// Print the version.
    #[arg(short = 'v', long, action = clap::ArgAction::Version)]
    version: (),

    /// Run this command with an agent of its own that ends with it.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, conflicts_with = "foreground")]
    pub command: Vec<OsString>,
}

/// Shells that `eval` commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// sh, bash, dash, zsh, and fish, which understands the same commands.
    Sh,
    /// csh and tcsh.
    Csh,
    /// fish, in its own words.
    Fish,
    /// PowerShell.
    Powershell,
}

fn positive_duration(text: &str) -> Result<Duration, String> {
    match duration::parse(text) {
        Ok(Duration::ZERO) => Err("must be longer than 0".to_owned()),
        Ok(duration) => Ok(duration),
        Err(error) => Err(error.to_string()),
    }
}
