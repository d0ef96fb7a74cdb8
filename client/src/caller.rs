//! What a request says about who asks: the part of the environment that may travel, the store, and whether
//! a person can be asked. The only place where variables are picked for the agent.

use std::path;

use aws_vault_protocol::message::{Caller, Interaction, StoreChoice, environment_may_travel};
use aws_vault_protocol::secret::Passphrase;

use crate::address;
use crate::args::Options;
use crate::environment::Environment;
use crate::terminal::{self, Terminal};

/// Its value names a file relative to a directory that is not the agent's.
const CONFIG_FILE_VARIABLE: &str = "AWS_CONFIG_FILE";

/// Who asks.
pub fn caller(options: &Options, environment: &Environment) -> Caller {
    Caller {
        environment: travelling(environment),
        store: store(options, environment),
        interaction: interaction(options),
        home: address::home(environment),
    }
}

fn travelling(environment: &Environment) -> Vec<(String, String)> {
    let may_travel = environment.texts().filter(|(name, _)| environment_may_travel(name));
    may_travel
        .map(|(name, value)| {
            let is_path = name == CONFIG_FILE_VARIABLE && !value.is_empty();
            (name.to_owned(), if is_path { absolute(value) } else { value.to_owned() })
        })
        .collect()
}

fn store(options: &Options, environment: &Environment) -> StoreChoice {
    let passphrase = environment.get_raw("AWS_VAULT_FILE_PASSPHRASE").and_then(|value| value.to_str());
    StoreChoice {
        backend: options.backend.clone(),
        file_dir: options
            .file_dir
            .as_deref()
            .map(|path| if path.starts_with('~') { path.to_owned() } else { absolute(path) }),
        file_passphrase: passphrase.map(Passphrase::copy_from),
    }
}

fn interaction(options: &Options) -> Interaction {
    let is_ours = || Terminal::open().is_ok_and(|terminal| terminal.is_in_foreground());
    let terminal = !options.never_ask && is_ours();
    Interaction {
        terminal,
        terminal_path: if terminal { terminal::path() } else { None },
        driver: options.prompt.clone(),
        never: options.never_ask,
    }
}

/// The same path seen from anywhere.
fn absolute(path: &str) -> String {
    let absolute = path::absolute(path).ok().and_then(|path| path.into_os_string().into_string().ok());
    absolute.unwrap_or_else(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> Environment {
        Environment::new(pairs.iter().map(|(name, value)| (name.into(), value.into())))
    }

    #[test]
    fn only_what_may_travel_travels() {
        let environment = environment(&[
            ("AWS_REGION", "eu-west-1"),
            ("AWS_SECRET_ACCESS_KEY", "hunter2"),
            ("AWS_VAULT_FILE_PASSPHRASE", "hunter2"),
            ("GITHUB_TOKEN", "hunter2"),
            ("AWS_CONFIG_FILE", "config"),
        ]);
        let travelling = travelling(&environment);
        let here = std::env::current_dir().unwrap().join("config").to_string_lossy().into_owned();
        let expected = [("AWS_REGION", "eu-west-1"), ("AWS_CONFIG_FILE", &here)];
        assert_eq!(travelling, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn a_passphrase_counts_when_it_is_set_be_it_empty() {
        let passphrase = |environment: &Environment| store(&Options::default(), environment).file_passphrase;
        assert!(passphrase(&environment(&[])).is_none());
        let set = passphrase(&environment(&[("AWS_VAULT_FILE_PASSPHRASE", "")]));
        assert!(set.is_some_and(|passphrase| passphrase.is_empty()));
    }

    #[test]
    fn a_store_directory_means_the_same_to_the_agent() {
        let directory = |path: &str| {
            let options = Options { file_dir: Some(path.to_owned()), ..Options::default() };
            store(&options, &Environment::default()).file_dir.unwrap()
        };
        assert_eq!(directory("/keys"), "/keys");
        assert_eq!(directory("~/keys"), "~/keys");
        assert!(directory("keys").starts_with('/'));
    }
}
