//! `exec`: runs a command, or a shell, with a profile's credentials, and is gone.

use std::ffi::{OsStr, OsString};

use super::{credentials, export, named, refuse_nested};
use crate::args::{ExecArgs, Format};
use crate::environment::{Delivery, Environment};
use crate::failure::CommandError;
use crate::invocation::Invocation;
use crate::{launch, output, picker};

/// The shell of a user who has set none (POSIX).
const DEFAULT_SHELL: &str = "/bin/sh";

/// Runs it. Returns only if that does not work.
pub(super) fn run(args: &ExecArgs, invocation: &Invocation) -> Result<(), CommandError> {
    refuse_nested(invocation)?;
    let environment = &invocation.environment;
    let delivery = if args.wants_profile_name(environment)? { Delivery::ProfileName } else { Delivery::Keys };
    let mut connection = invocation.connect()?;
    let profile = match named(args.profile.as_deref(), invocation) {
        Some(profile) => profile.to_owned(),
        None => picker::choose(invocation, &mut connection, "exec")?,
    };
    let credentials = credentials(invocation, &mut connection, &profile, &args.credentials)?;
    if args.json {
        return export::print(&credentials, &profile, Format::Json);
    }
    drop(connection);

    let mut words = args.command();
    let child = environment.for_child(&profile, &credentials, delivery);
    let command = words.next().cloned().unwrap_or_else(|| {
        let shell = shell(environment);
        tell_about_shell(invocation, &shell);
        shell
    });
    let arguments: Vec<OsString> = words.cloned().collect();
    invocation.trace.note(format_args!("becoming {}", command.display()));
    Err(launch::replace(&command, &arguments, environment, &child).into())
}

fn shell(environment: &Environment) -> OsString {
    let set = environment.get_raw("SHELL").filter(|shell| !shell.is_empty());
    set.unwrap_or(OsStr::new(DEFAULT_SHELL)).to_owned()
}

/// As Go aws-vault: only a person at a terminal is told, and only once per shell.
fn tell_about_shell(invocation: &Invocation, shell: &OsStr) {
    let unwanted = invocation.environment.get("AWS_VAULT_DISABLE_HELP_MESSAGE") == Some("1");
    if !invocation.options.debug && !unwanted && output::answers_are_watched() {
        output::remark(format_args!("starting a subshell {}; leave it with exit", shell.display()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_shell_variable_is_no_shell() {
        let environment = |value: &str| Environment::new([("SHELL".into(), value.into())]);
        assert_eq!(shell(&environment("/bin/zsh")), "/bin/zsh");
        assert_eq!(shell(&environment("")), DEFAULT_SHELL);
        assert_eq!(shell(&Environment::default()), DEFAULT_SHELL);
    }
}
