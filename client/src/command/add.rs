//! `add`: takes an access key from the person or from the environment to the store.

use aws_vault_protocol::message::{Add, Added, PrepareAdd};
use aws_vault_protocol::secret::SecretAccessKey;
use zeroize::Zeroizing;

use super::answer;
use crate::args::{AddArgs, UsageError};
use crate::environment::Environment;
use crate::failure::{CommandError, visible};
use crate::invocation::{Invocation, expected};
use crate::output;
use crate::terminal::{Asking, Echo, Event, Terminal};

/// An access key on its way to the store.
struct Key {
    id: Zeroizing<String>,
    secret: SecretAccessKey,
    mfa_serial: Option<String>,
}

/// Stores an access key.
pub(super) fn run(args: AddArgs, invocation: &Invocation) -> Result<(), CommandError> {
    let mut connection = invocation.connect()?;
    let profile = args.profile;
    let prepare = PrepareAdd { caller: invocation.caller(), profile: profile.clone() };
    // Asked before the person types anything, so that nothing is typed in vain.
    let prepared = expected!(AddPrepared, invocation.ask(&mut connection, prepare)?)?;
    let key = if args.env {
        from_environment(&invocation.environment)?
    } else {
        from_person(invocation, &profile, !prepared.section_exists && !args.no_add_config)?
    };
    // Anew: finding the keys may have taken longer than an agent keeps an idle connection.
    connection = invocation.connect()?;
    let request = Add {
        caller: invocation.caller(),
        profile: profile.clone(),
        access_key_id: key.id.to_string(),
        secret_access_key: key.secret,
        mfa_serial: key.mfa_serial,
        add_config: !args.no_add_config,
    };
    let added = expected!(Added, invocation.ask(&mut connection, request)?)?;
    if let Some(remark) = &added.remark {
        output::remark(visible(remark));
    }
    if let Some(path) = &added.section_added_to {
        invocation.trace.note(format_args!("added a section to {path:?}"));
    }
    answer(&report(&profile, &added))
}

fn report(profile: &str, added: &Added) -> String {
    let text = format!("Added credentials to profile {profile:?} in vault\n");
    match added.sessions {
        0 => text,
        count => format!("{text}Deleted {count} existing sessions.\n"),
    }
}

fn from_environment(environment: &Environment) -> Result<Key, CommandError> {
    let value = |name: &str| {
        environment.get(name).ok_or_else(|| {
            let error = UsageError::new(format!("--env: the variable {name} is not set"));
            error.with_hint(format!("export {name}=…"))
        })
    };
    let id = Zeroizing::new(value("AWS_ACCESS_KEY_ID")?.to_owned());
    let secret = SecretAccessKey::copy_from(value("AWS_SECRET_ACCESS_KEY")?);
    Ok(Key { id, secret, mfa_serial: None })
}

fn from_person(invocation: &Invocation, profile: &str, asks_for_device: bool) -> Result<Key, CommandError> {
    let cannot = |why| CommandError::CannotAsk {
        question: "the access key",
        why,
        hint: format!("aws-vault add --env {profile}"),
    };
    if invocation.options.never_ask {
        return Err(cannot("prompts are switched off"));
    }
    let terminal = Terminal::open().map_err(|_| cannot("there is no terminal"))?;
    if !terminal.is_in_foreground() {
        return Err(cannot("this is a background job"));
    }
    let id = ask(&terminal, "Enter Access Key ID: ", Echo::Typed)?;
    let secret = ask(&terminal, "Enter Secret Access Key: ", Echo::Stars)?;
    let device = if asks_for_device {
        let question = "Enter MFA Device ARN (If MFA is not enabled, leave this blank): ";
        Some(ask(&terminal, question, Echo::Typed)?.trim().to_owned()).filter(|serial| !serial.is_empty())
    } else {
        None
    };
    let trimmed = |text: &str| Zeroizing::new(text.trim().to_owned());
    Ok(Key { id: trimmed(&id), secret: SecretAccessKey::from(trimmed(&secret)), mfa_serial: device })
}

fn ask(terminal: &Terminal, question: &str, echo: Echo) -> Result<Zeroizing<String>, CommandError> {
    let mut asking = Asking::begin(terminal, question, echo).map_err(CommandError::Terminal)?;
    loop {
        match asking.wait(None, None).map_err(CommandError::Terminal)? {
            Event::Answered(answer) => return Ok(answer),
            Event::Interrupted => return Err(CommandError::Interrupted),
            Event::Cancelled => return Err(CommandError::Cancelled),
            Event::Watched | Event::TimedOut => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_as_go_does() {
        let added = |sessions| Added { sessions, section_added_to: None, remark: None };
        assert_eq!(report("p", &added(0)), "Added credentials to profile \"p\" in vault\n");
        assert_eq!(
            report("a b", &added(2)),
            "Added credentials to profile \"a b\" in vault\nDeleted 2 existing sessions.\n"
        );
    }

    #[test]
    fn names_the_variable_that_is_missing() {
        let environment = Environment::new([("AWS_ACCESS_KEY_ID".into(), "AKIA".into())]);
        let Err(error) = from_environment(&environment) else { panic!("a secret from nowhere") };
        assert_eq!(error.to_string(), "--env: the variable AWS_SECRET_ACCESS_KEY is not set");
    }
}
