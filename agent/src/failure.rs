//! Every error of the agent as what may leave it: one of the protocol's closed set, with the way out. The
//! only place that maps errors; each match is exhaustive, so that a new error must be thought about here.

use aws_vault_protocol::duration;
use aws_vault_protocol::failure::{AwsFailure, Failure, FailureCode};

use crate::audience::Audience;
use crate::aws::error::{AwsError, CallError};
use crate::config::{AppendError, ConfigError, NameError};
use crate::configs::ConfigFileError;
use crate::plan::{PlanError, Step};
use crate::prompt::{AskError, NoDriver};
use crate::store::StoreError;
use crate::stores::StoreChoiceError;

/// The agent is locked.
pub fn locked() -> Failure {
    Failure::new(FailureCode::Locked, "the agent is locked").with_hint("aws-vault unlock")
}

/// A defect: something that cannot happen did.
pub fn internal(what: &str) -> Failure {
    Failure::new(FailureCode::Internal, format!("internal error: {what}"))
}

/// A question got no answer.
pub fn from_ask(error: &AskError, audience: &Audience) -> Failure {
    let profile =
        audience.clients().last().map_or_else(|| "PROFILE".to_owned(), |asker| asker.profile.clone());
    let (code, hint) = match error {
        AskError::Nobody(NoDriver::Never) => (
            FailureCode::InputNeeded,
            Some(format!("run in a terminal, without --no-prompt: aws-vault exec {profile} -- true")),
        ),
        AskError::Nobody(reason) => (FailureCode::InputNeeded, Some(reason.hint(&profile))),
        AskError::Cancelled => (FailureCode::Cancelled, None),
        AskError::TimedOut => {
            (FailureCode::TimedOut, Some("run the command again when you are ready to answer".to_owned()))
        }
        AskError::Program(_) => {
            (FailureCode::InputNeeded, Some("choose another way to be asked with --prompt".to_owned()))
        }
    };
    Failure { hint, ..Failure::new(code, error.to_string()) }
}

/// A call to AWS failed. `key_name` is the stored key at the beginning of the chain.
pub fn from_call(error: CallError, step: &Step, key_name: Option<&str>) -> Failure {
    let profile = step.profile();
    let message = format!("profile {profile:?}: {error}");
    match error {
        CallError::Refused(aws) => {
            let hint = hint_for(&aws, step, key_name);
            Failure { hint, aws: Some(Box::new(from_aws(aws))), ..Failure::new(FailureCode::Aws, message) }
        }
        CallError::WrongMfaCode(aws) => Failure {
            hint: Some(
                "check that the device is the one in mfa_serial, and that its clock is right".to_owned(),
            ),
            aws: Some(Box::new(from_aws(aws))),
            ..Failure::new(FailureCode::WrongMfaCode, message)
        },
        CallError::ClockSkew { seconds, source } => Failure {
            hint: Some(format!(
                "set this machine's clock: it is {} {}",
                duration::to_go_string(seconds.abs()),
                if seconds < 0 { "behind" } else { "ahead" }
            )),
            aws: Some(Box::new(from_aws(source))),
            ..Failure::new(FailureCode::ClockSkew, message)
        },
        CallError::NoAnswer { .. } => Failure::new(FailureCode::Network, message)
            .with_hint("check the network, HTTPS_PROXY, AWS_CA_BUNDLE and the endpoint URL"),
        CallError::StrangeAnswer { .. } => Failure::new(FailureCode::Network, message)
            .with_hint("check that the endpoint URL or proxy leads to AWS"),
        CallError::NoRegion => Failure::new(FailureCode::Config, message)
            .with_hint(format!("set region for profile {profile:?} in the config, AWS_REGION or --region")),
        CallError::Setup(_) => {
            Failure::new(FailureCode::Config, message).with_hint("correct or unset the variable")
        }
    }
}

/// A profile has no plan.
pub fn from_plan(error: &PlanError) -> Failure {
    let code = match error {
        PlanError::UnknownProfile { .. } => FailureCode::UnknownProfile,
        PlanError::NoCredentials { .. } => FailureCode::NoCredentials,
        _ => FailureCode::Config,
    };
    Failure { hint: error.hint(), ..Failure::new(code, error.to_string()) }
}

/// The config cannot be read.
pub fn from_config(error: &ConfigError) -> Failure {
    Failure { hint: error.hint(), ..Failure::new(FailureCode::Config, error.to_string()) }
}

/// The config file cannot be read or written.
pub fn from_config_file(error: &ConfigFileError) -> Failure {
    match error {
        ConfigFileError::Content(error) => from_config(error),
        ConfigFileError::Append(error) => from_append(error),
        ConfigFileError::NoHome | ConfigFileError::Io { .. } => {
            Failure::new(FailureCode::Config, error.to_string())
                .with_hint("name a readable file with AWS_CONFIG_FILE")
        }
    }
}

/// A section cannot be appended.
fn from_append(error: &AppendError) -> Failure {
    Failure { hint: error.hint(), ..Failure::new(FailureCode::Config, error.to_string()) }
}

/// A name cannot be stored under.
pub fn from_name(error: &NameError) -> Failure {
    Failure { hint: error.hint(), ..Failure::new(FailureCode::InvalidRequest, error.to_string()) }
}

/// A store did not do its work.
pub fn from_store(error: &StoreError) -> Failure {
    let (code, hint) = match error {
        StoreError::WrongPassphrase { item } => (
            FailureCode::WrongPassphrase,
            format!("try again with the passphrase under which {item:?} was stored"),
        ),
        StoreError::Closed => (FailureCode::Store, "aws-vault unlock".to_owned()),
        StoreError::NotFound(name) => (FailureCode::NoCredentials, format!("aws-vault add {name}")),
        StoreError::Io { .. } => {
            (FailureCode::Store, "check the directory, or name another with --file-dir".to_owned())
        }
        StoreError::NotAnItem { .. } | StoreError::MalformedItem { .. } => (
            FailureCode::Store,
            "move the file elsewhere and add the credentials again: aws-vault add PROFILE".to_owned(),
        ),
        StoreError::UnusableName(_) => {
            (FailureCode::InvalidRequest, "choose a shorter, plain profile name".to_owned())
        }
        StoreError::NoRandomness(_) => return internal(&error.to_string()),
    };
    Failure::new(code, error.to_string()).with_hint(hint)
}

/// There is no such store.
pub fn from_store_choice(error: &StoreChoiceError) -> Failure {
    let hint = match error {
        StoreChoiceError::Unsupported(_) => {
            "this version reads and writes the encrypted-file store: --backend=file"
        }
        StoreChoiceError::NoHome => "set HOME, or name the directory with --file-dir",
        StoreChoiceError::Relative(_) => "name an absolute directory with --file-dir or AWS_VAULT_FILE_DIR",
    };
    Failure::new(FailureCode::Store, error.to_string()).with_hint(hint)
}

fn from_aws(error: AwsError) -> AwsFailure {
    AwsFailure {
        service: error.service.to_owned(),
        operation: error.operation.to_owned(),
        code: error.code,
        request_id: error.request_id,
    }
}

/// What usually helps against an answer of STS.
fn hint_for(aws: &AwsError, step: &Step, key_name: Option<&str>) -> Option<String> {
    let profile = step.profile();
    let says = |text: &str| aws.message.contains(text);
    Some(match aws.code.as_str() {
        "InvalidClientTokenId" | "SignatureDoesNotMatch" => {
            let name = key_name.unwrap_or(profile);
            format!(
                "the stored access key is not valid any more; store the current one: aws-vault add {name}"
            )
        }
        "ExpiredToken" | "ExpiredTokenException" => "aws-vault clear".to_owned(),
        "AccessDenied" if step.mfa().is_none() => format!(
            "if the role asks for MFA, set mfa_serial for profile {profile:?}; see: aws-vault explain {profile}"
        ),
        "AccessDenied" => format!(
            "check role_arn, external_id and the role's trust policy; see: aws-vault explain {profile}"
        ),
        "ValidationError" if says("DurationSeconds") => {
            "ask for a shorter session with --duration or duration_seconds".to_owned()
        }
        "ValidationError" => format!("see: aws-vault explain {profile}"),
        "RegionDisabledException" => "enable the region for STS in the account, or choose another".to_owned(),
        _ => return None,
    })
}
