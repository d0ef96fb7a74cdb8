//! The commands and their flags.

use std::ffi::OsString;

use aws_vault_protocol::duration;
use clap::{Args, Subcommand, ValueEnum};

use super::UsageError;
use crate::environment::Environment;

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Store an access key for a profile.
    #[command(after_help = "\
Examples:
  aws-vault add jonsmith                    asks for the key on the terminal
  aws-vault add jonsmith --env              takes AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY
  aws-vault add jonsmith --no-add-config    leaves ~/.aws/config alone")]
    Add(AddArgs),

    /// Delete the stored access key of a profile.
    #[command(
        visible_alias = "rm",
        after_help = "\
Examples:
  aws-vault remove jonsmith                 asks first
  aws-vault remove --force jonsmith         does not ask

The config file and the access key at AWS stay as they are."
    )]
    Remove(RemoveArgs),

    /// List profiles, stored access keys and remembered sessions.
    #[command(
        visible_alias = "ls",
        after_help = "\
Examples:
  aws-vault list                            a table
  aws-vault list --profiles                 names of profiles, one per line"
    )]
    List(ListArgs),

    /// Run a command, or a shell, with a profile's credentials.
    #[command(after_help = "\
Examples:
  aws-vault exec jonsmith -- aws s3 ls
  aws-vault exec -d 90m jonsmith -- terraform plan
  aws-vault exec jonsmith                   starts $SHELL
  AWS_PROFILE=jonsmith aws-vault exec -- env

Flags of the command belong behind --. The command replaces aws-vault; nothing stays behind.")]
    Exec(ExecArgs),

    /// Print a profile's credentials.
    #[command(after_help = "\
Examples:
  aws-vault export jonsmith                 NAME=value lines
  eval \"$(aws-vault export --format=export-env jonsmith)\"
  credential_process = aws-vault export --no-prompt --format=json jonsmith   (in ~/.aws/config)")]
    Export(ExportArgs),

    /// Forget remembered sessions.
    #[command(after_help = "\
Examples:
  aws-vault clear                           all sessions
  aws-vault clear jonsmith                  the sessions of one profile")]
    Clear(ClearArgs),

    /// Show how a profile's credentials come about, without getting any.
    #[command(after_help = "\
Examples:
  aws-vault explain jonsmith
  aws-vault explain --no-session jonsmith")]
    Explain(ExplainArgs),

    /// Show how the agent is. Starts none.
    #[command(after_help = "\
Examples:
  aws-vault status
  aws-vault status --json | jq .locked

Exits with 3 when no agent runs. The JSON has \"version\": 1; later versions only add to it.")]
    Status(StatusArgs),

    /// Make the agent forget every secret and refuse until unlocked.
    #[command(after_help = "\
Examples:
  aws-vault lock                            for a screen locker: succeeds when no agent runs")]
    Lock,

    /// Open the store again after a lock.
    #[command(after_help = "\
Examples:
  aws-vault unlock                          asks for the store's passphrase if it has one")]
    Unlock,

    /// Print a completion script for a shell.
    #[command(after_help = "\
Examples:
  eval \"$(aws-vault completion bash)\"       in ~/.bashrc
  eval \"$(aws-vault completion zsh)\"        in ~/.zshrc
  aws-vault completion fish | source        in ~/.config/fish/config.fish
  aws-vault completion powershell | Out-String | Invoke-Expression")]
    Completion(CompletionArgs),

    /// Print the version.
    Version,
}

/// What decides how credentials come about.
#[derive(Debug, Default, Args)]
pub struct PlanArgs {
    /// How long the credentials shall live, such as 90m, 1h30m or 1d [env: AWS_VAULT_DURATION].
    #[arg(short, long, value_parser = seconds)]
    pub duration: Option<u32>,

    /// Do not call GetSessionToken; a profile without a role gives its long-term key.
    #[arg(short, long)]
    pub no_session: bool,

    /// Region to use, whatever config and environment say.
    #[arg(long)]
    pub region: Option<String>,
}

/// What decides which credentials are given.
#[derive(Debug, Default, Args)]
pub struct CredentialArgs {
    /// How they come about.
    #[command(flatten)]
    pub plan: PlanArgs,

    /// MFA code to use instead of asking.
    #[arg(short = 't', long, value_name = "CODE")]
    pub mfa_token: Option<String>,
}

/// `add`.
#[derive(Debug, Args)]
pub struct AddArgs {
    /// Name of the profile.
    pub profile: String,

    /// Take the access key from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.
    #[arg(long)]
    pub env: bool,

    /// Write no section to the config when there is none.
    #[arg(long)]
    pub no_add_config: bool,

    /// The default, for scripts that say so.
    #[arg(long, hide = true, conflicts_with = "no_add_config")]
    add_config: bool,
}

/// `remove`.
#[derive(Debug, Args)]
pub struct RemoveArgs {
    /// Name of the profile.
    pub profile: String,

    /// Do not ask.
    #[arg(short, long)]
    pub force: bool,

    /// Forget sessions only, as `clear` does.
    #[arg(short, long, hide = true)]
    pub sessions_only: bool,
}

/// `list`.
#[derive(Debug, Default, Args)]
pub struct ListArgs {
    /// Only the names of profiles, one per line.
    #[arg(long)]
    pub profiles: bool,

    /// Only the sessions, one per line.
    #[arg(long)]
    pub sessions: bool,

    /// Only the names of stored access keys, one per line.
    #[arg(long)]
    pub credentials: bool,
}

/// `exec`.
#[derive(Debug, Default, Args)]
pub struct ExecArgs {
    /// Which credentials.
    #[command(flatten)]
    pub credentials: CredentialArgs,

    /// Give the child AWS_PROFILE instead of the credentials [env: AWS_VAULT_PROFILE_ENV].
    #[arg(long)]
    pub profile_env: bool,

    /// Overrides AWS_VAULT_PROFILE_ENV.
    #[arg(long, hide = true, conflicts_with = "profile_env")]
    no_profile_env: bool,

    /// Print credentials, as `export --format=json` does.
    #[arg(short, long, hide = true)]
    pub json: bool,

    /// Name of the profile; else AWS_PROFILE, else a list to choose from.
    pub profile: Option<String>,

    /// Command and its arguments; else $SHELL. Its flags belong behind --.
    #[arg(value_name = "COMMAND")]
    before_dashes: Vec<OsString>,

    #[arg(last = true, hide = true)]
    after_dashes: Vec<OsString>,
}

/// `export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Which credentials.
    #[command(flatten)]
    pub credentials: CredentialArgs,

    /// How to print them.
    #[arg(long, value_enum, default_value_t = Format::Env)]
    pub format: Format,

    /// Name of the profile; else a list to choose from.
    pub profile: Option<String>,
}

/// How `export` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// NAME=value lines.
    Env,
    /// The same, each behind `export`.
    ExportEnv,
    /// What `credential_process` expects.
    Json,
    /// A section of a credentials file.
    Ini,
}

/// `clear`.
#[derive(Debug, Args)]
pub struct ClearArgs {
    /// Name of the profile; else all of them.
    pub profile: Option<String>,
}

/// `explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// How they come about.
    #[command(flatten)]
    pub plan: PlanArgs,

    /// Name of the profile; else AWS_PROFILE, else a list to choose from.
    pub profile: Option<String>,
}

/// `status`.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// For programs.
    #[arg(long)]
    pub json: bool,
}

/// `completion`.
#[derive(Debug, Args)]
pub struct CompletionArgs {
    /// Which shell.
    pub shell: Shell,
}

/// Shells that complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// bash.
    Bash,
    /// zsh.
    Zsh,
    /// fish.
    Fish,
    /// PowerShell.
    Powershell,
}

impl Command {
    /// Its name, for errors.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Add(_) => "add",
            Self::Remove(_) => "remove",
            Self::List(_) => "list",
            Self::Exec(_) => "exec",
            Self::Export(_) => "export",
            Self::Clear(_) => "clear",
            Self::Explain(_) => "explain",
            Self::Status(_) => "status",
            Self::Lock => "lock",
            Self::Unlock => "unlock",
            Self::Completion(_) => "completion",
            Self::Version => "version",
        }
    }
}

impl PlanArgs {
    /// The duration in seconds: flag, else variable, else 0 for not given.
    pub fn duration_seconds(&self, environment: &Environment) -> Result<u32, UsageError> {
        const VARIABLE: &str = "AWS_VAULT_DURATION";
        match (self.duration, environment.get(VARIABLE)) {
            (Some(flag), _) => Ok(flag),
            (None, Some(text)) => {
                seconds(text).map_err(|error| UsageError::new(format!("{VARIABLE}={text:?}: {error}")))
            }
            (None, None) => Ok(0),
        }
    }
}

impl ExecArgs {
    /// The command with its arguments: what stands behind the profile, on both sides of the first `--`.
    pub fn command(&self) -> impl Iterator<Item = &OsString> {
        self.before_dashes.iter().chain(&self.after_dashes)
    }

    /// Whether the child gets the profile's name only: flag, else variable.
    pub fn wants_profile_name(&self, environment: &Environment) -> Result<bool, UsageError> {
        if self.profile_env || self.no_profile_env {
            return Ok(self.profile_env);
        }
        Ok(environment.get_bool("AWS_VAULT_PROFILE_ENV")?.unwrap_or_default())
    }
}

fn seconds(text: &str) -> Result<u32, String> {
    let duration = duration::parse(text).map_err(|error| error.to_string())?;
    u32::try_from(duration.as_secs()).map_err(|_| duration::DurationError::TooLarge.to_string())
}
