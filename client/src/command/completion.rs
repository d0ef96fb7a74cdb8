//! Completion: scripts for four shells, which all ask the hidden `--completion-bash` for candidates, as Go
//! aws-vault's scripts do (compat §1.14). Names of profiles come from a running agent; none is started, and
//! nobody is asked anything, because somebody pressed Tab.

use std::ffi::OsString;

use aws_vault_protocol::message::List;
use clap::{Arg, CommandFactory};

use crate::args::{CommandLine, CompletionArgs, Options, Shell};
use crate::environment::Environment;
use crate::failure::CommandError;
use crate::invocation::{Invocation, expected};
use crate::output;

const BASH: &str = include_str!("completion/aws-vault.bash");
const ZSH: &str = include_str!("completion/aws-vault.zsh");
const FISH: &str = include_str!("completion/aws-vault.fish");
const POWERSHELL: &str = include_str!("completion/aws-vault.ps1");

/// Commands whose argument is a profile that exists. Not `add`: its profile is usually new.
const TAKES_PROFILE: &[&str] = &["exec", "export", "explain", "clear", "remove"];

/// Values of flags that the agent checks, so that the grammar does not list them.
const VALUES: &[(&str, &[&str])] = &[
    ("backend", &["file"]),
    ("prompt", &["kdialog", "osascript", "pinentry", "terminal", "ykman", "zenity"]),
];

/// Prints a script.
pub fn run(args: &CompletionArgs) -> Result<(), CommandError> {
    print(script(args.shell))
}

/// Answers a shell's hidden question, if this is one; it may hold any words, so clap never sees it.
pub fn answer_shell(words: &[OsString], environment: &Environment) -> Option<Result<(), CommandError>> {
    match words.get(1)?.to_str()? {
        "--completion-bash" => {
            let typed: Vec<&str> = words[2..].iter().map(|word| word.to_str().unwrap_or_default()).collect();
            Some(print(&candidates(&typed, || profiles(environment)).join("\n")))
        }
        "--completion-script-bash" => Some(print(BASH)),
        "--completion-script-zsh" => Some(print(ZSH)),
        _ => None,
    }
}

fn print(text: &str) -> Result<(), CommandError> {
    output::answer(text.as_bytes()).map_err(CommandError::Output)
}

fn script(shell: Shell) -> &'static str {
    match shell {
        Shell::Bash => BASH,
        Shell::Zsh => ZSH,
        Shell::Fish => FISH,
        Shell::Powershell => POWERSHELL,
    }
}

/// Names of profiles, if an agent runs and gives them at once.
fn profiles(environment: &Environment) -> Vec<String> {
    let options = Options { never_ask: true, ..Options::default() };
    let invocation = Invocation::new(options, environment.clone());
    let listing = || -> Result<Vec<String>, CommandError> {
        let Some(mut connection) = invocation.connect_if_running()? else { return Ok(Vec::new()) };
        let listing =
            expected!(Listing, invocation.ask(&mut connection, List { caller: invocation.caller() })?)?;
        Ok(listing.profiles)
    };
    listing().unwrap_or_default()
}

/// What may stand where the last word is. A shell may or may not pass an empty last word.
fn candidates(words: &[&str], profiles: impl FnOnce() -> Vec<String>) -> Vec<String> {
    let mut grammar = CommandLine::command();
    grammar.build();
    if words.contains(&"--") {
        return Vec::new();
    }
    let (command, place) = read(&grammar, words);
    let last = words.last().copied().unwrap_or_default();
    match place {
        Place::ValueOf(flag) => values(flag),
        _ if last.starts_with('-') => flags(command),
        Place::Command => commands(&grammar),
        Place::Profile if command.is_some_and(|command| TAKES_PROFILE.contains(&command.get_name())) => {
            let partial = if command.is_some_and(|command| is_name_of(command, last)) { "" } else { last };
            profiles().into_iter().filter(|name| name.starts_with(partial)).collect()
        }
        Place::Profile if command.is_some_and(|command| command.get_name() == "completion") => {
            ["bash", "fish", "powershell", "zsh"].map(str::to_owned).to_vec()
        }
        Place::Profile | Place::Elsewhere => Vec::new(),
    }
}

/// What belongs where the last word stands.
enum Place<'a> {
    Command,
    ValueOf(&'a Arg),
    /// The first positional argument of a command.
    Profile,
    Elsewhere,
}

fn read<'a>(grammar: &'a clap::Command, words: &[&str]) -> (Option<&'a clap::Command>, Place<'a>) {
    let mut command: Option<&clap::Command> = None;
    let mut awaits_value: Option<&Arg> = None;
    let mut arguments = 0;
    for (index, word) in words.iter().enumerate() {
        let is_last = index + 1 == words.len();
        if let Some(flag) = awaits_value.take() {
            if is_last {
                return (command, Place::ValueOf(flag));
            }
        } else if word.starts_with('-') && *word != "-" {
            awaits_value = flag_awaiting_value(command.unwrap_or(grammar), word);
            if is_last {
                let place = awaits_value.map_or(Place::Elsewhere, Place::ValueOf);
                return (command, place);
            }
        } else if let Some(known) = grammar.find_subcommand(word).filter(|_| command.is_none()) {
            command = Some(known);
        } else if !is_last {
            arguments += 1;
        }
    }
    match command {
        None => (None, Place::Command),
        Some(_) if arguments == 0 => (command, Place::Profile),
        Some(_) => (command, Place::Elsewhere),
    }
}

/// The flag, if its value is the next word.
fn flag_awaiting_value<'a>(command: &'a clap::Command, word: &str) -> Option<&'a Arg> {
    let takes_value = |flag: &&Arg| flag.get_action().takes_values();
    let mut flags = command.get_arguments();
    if let Some(name) = word.strip_prefix("--") {
        return flags.find(|flag| flag.get_long() == Some(name)).filter(takes_value);
    }
    let short = word.chars().next_back()?;
    flags.find(|flag| flag.get_short() == Some(short)).filter(takes_value)
}

fn values(flag: &Arg) -> Vec<String> {
    let listed = VALUES.iter().find(|(name, _)| flag.get_long() == Some(name));
    match listed {
        Some((_, values)) => values.iter().map(|value| (*value).to_owned()).collect(),
        None => flag.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect(),
    }
}

fn commands(grammar: &clap::Command) -> Vec<String> {
    let visible = grammar.get_subcommands().filter(|command| !command.is_hide_set());
    let names = visible.map(clap::Command::get_name).filter(|name| *name != "help");
    ["help"].into_iter().chain(names).map(str::to_owned).collect()
}

/// The command's own flags, then those of every command.
fn flags(command: Option<&clap::Command>) -> Vec<String> {
    let grammar = CommandLine::command();
    let visible = |flag: &&Arg| !flag.is_hide_set();
    let long = |flag: &Arg| flag.get_long().filter(|name| *name != "help").map(|name| format!("--{name}"));
    let own = command.into_iter().flat_map(clap::Command::get_arguments);
    let own = own.filter(visible).filter(|flag| !flag.is_global_set()).filter_map(long);
    let global = grammar.get_arguments().filter(visible).filter_map(long);
    let mut flags: Vec<String> = Vec::new();
    for flag in own.chain(global).chain(["--help".to_owned()]) {
        if !flags.contains(&flag) {
            flags.push(flag);
        }
    }
    flags
}

fn is_name_of(command: &clap::Command, word: &str) -> bool {
    command.get_name() == word || command.get_all_aliases().any(|alias| alias == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(words: &str) -> String {
        // A trailing blank stands for an empty last word.
        let words: Vec<&str> = if words.is_empty() { Vec::new() } else { words.split(' ').collect() };
        candidates(&words, || vec!["prod".into(), "prod-eu".into(), "test".into()]).join(" ")
    }

    #[test]
    fn commands_come_unfiltered_and_without_aliases() {
        let all = "help add remove list exec export clear explain status lock unlock completion version";
        for words in ["", "e", "--debug ", "--backend file "] {
            assert_eq!(ask(words), all, "{words}");
        }
    }

    #[test]
    fn profiles_where_one_belongs() {
        for (words, expected) in [
            ("exec", "prod prod-eu test"),
            ("exec ", "prod prod-eu test"),
            ("exec pr", "prod prod-eu"),
            ("exec prod", "prod prod-eu"),
            ("exec prod ", ""),
            ("exec prod aws", ""),
            ("exec -n pr", "prod prod-eu"),
            ("exec -d 1h t", "test"),
            ("exec --duration=1h t", "test"),
            ("--no-prompt export t", "test"),
            ("rm ", "prod prod-eu test"),
            ("clear", "prod prod-eu test"),
            ("explain te", "test"),
            ("add ", ""),
            ("list ", ""),
            ("exec --", ""),
            ("exec prod -- ec", ""),
        ] {
            assert_eq!(ask(words), expected, "{words:?}");
        }
    }

    #[test]
    fn flags_and_their_values() {
        assert_eq!(ask("export --format "), "env export-env json ini");
        assert_eq!(ask("export --format"), "env export-env json ini");
        assert_eq!(ask("export --format j"), "env export-env json ini");
        assert_eq!(ask("--prompt "), "kdialog osascript pinentry terminal ykman zenity");
        assert_eq!(ask("exec --backend "), "file");
        assert_eq!(ask("completion "), "bash fish powershell zsh");
        assert_eq!(ask("exec --region "), "");
        let flags = ask("exec --n");
        assert!(
            flags.starts_with("--duration --no-session --region --mfa-token --profile-env --debug"),
            "{flags}"
        );
        assert!(
            !flags.contains("--json") && flags.contains("--no-prompt") && flags.ends_with("--help"),
            "{flags}"
        );
        assert!(ask("--d").starts_with("--debug --backend"));
    }

    #[test]
    fn every_script_asks_the_same_question() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::Powershell] {
            assert!(script(shell).contains("--completion-bash"), "{shell:?}");
        }
    }
}
