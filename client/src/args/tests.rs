use clap::CommandFactory;

use super::*;

fn line(words: &str) -> Result<CommandLine, Stop> {
    parse(["aws-vault"].into_iter().chain(words.split_whitespace()).map(OsString::from))
}

fn exec(words: &str) -> ExecArgs {
    match line(words).unwrap().command {
        Some(Command::Exec(args)) => args,
        other => panic!("{words}: {other:?}"),
    }
}

fn mistake(words: &str) -> UsageError {
    match line(words) {
        Err(Stop::Usage(error)) => error,
        other => panic!("{words}: {other:?}"),
    }
}

fn environment(pairs: &[(&str, &str)]) -> Environment {
    Environment::new(pairs.iter().map(|(name, value)| (name.into(), value.into())))
}

#[test]
fn the_grammar_is_sound() {
    CommandLine::command().debug_assert();
}

#[test]
fn flags_stand_anywhere_before_the_dashes() {
    for (words, profile, command) in [
        ("exec p", Some("p"), ""),
        ("exec p -- aws s3 ls --recursive", Some("p"), "aws s3 ls --recursive"),
        ("exec p aws s3 ls", Some("p"), "aws s3 ls"),
        ("exec p aws --no-session s3 ls", Some("p"), "aws s3 ls"),
        ("exec p cmd -- -x", Some("p"), "cmd -x"),
        ("exec p -- cmd -- -x", Some("p"), "cmd -- -x"),
        ("exec p cat -", Some("p"), "cat -"),
        ("exec -- cmd -x", None, "cmd -x"),
        ("exec", None, ""),
        ("--debug exec p -- cmd --debug", Some("p"), "cmd --debug"),
        ("exec p -- @file", Some("p"), "@file"),
    ] {
        let args = exec(words);
        assert_eq!(args.profile.as_deref(), profile, "{words}");
        let typed: Vec<_> = args.command().map(|word| word.to_string_lossy()).collect();
        assert_eq!(typed.join(" "), command, "{words}");
    }
}

#[test]
fn short_flags_cluster() {
    for words in [
        "exec -nd 90m p -- cmd",
        "exec -nd90m p -- cmd",
        "exec -n -d 90m p -- cmd",
        "exec -d=90m -n p -- cmd",
    ] {
        let args = exec(words);
        assert_eq!(args.credentials.plan.duration, Some(5400), "{words}");
        assert!(args.credentials.plan.no_session, "{words}");
        assert_eq!(args.command().collect::<Vec<_>>(), ["cmd"], "{words}");
    }
    assert!(exec("exec -j p").json);
    assert_eq!(exec("exec -t 123456 p").credentials.mfa_token.as_deref(), Some("123456"));
}

#[test]
fn global_flags_stand_on_both_sides_of_the_command() {
    for words in [
        "--backend=file --no-prompt list",
        "list --backend file --no-prompt",
        "ls --no-prompt --backend=file",
    ] {
        let options = line(words).unwrap().global.with(&environment(&[])).unwrap();
        assert_eq!((options.backend.as_deref(), options.never_ask), (Some("file"), true), "{words}");
    }
}

#[test]
fn variables_stand_in_for_flags() {
    let variables = environment(&[
        ("AWS_VAULT_BACKEND", "file"),
        ("AWS_VAULT_PROMPT", ""),
        ("AWS_VAULT_NO_PROMPT", "t"),
        ("AWS_VAULT_FILE_DIR", "/keys"),
        ("AWS_VAULT_DURATION", "1w2d"),
        ("AWS_VAULT_PROFILE_ENV", "1"),
    ]);
    let options = line("list --backend pass").unwrap().global.with(&variables).unwrap();
    let expected = Options {
        backend: Some("pass".into()),
        never_ask: true,
        file_dir: Some("/keys".into()),
        ..Options::default()
    };
    assert_eq!(options, expected);
    assert_eq!(exec("exec p").credentials.plan.duration_seconds(&variables), Ok(777_600));
    assert_eq!(exec("exec -d 1h p").credentials.plan.duration_seconds(&variables), Ok(3600));
    assert_eq!(exec("exec p").wants_profile_name(&variables), Ok(true));
    assert_eq!(exec("exec --no-profile-env p").wants_profile_name(&variables), Ok(false));
    assert_eq!(exec("exec p").wants_profile_name(&environment(&[])), Ok(false));
}

#[test]
fn variables_that_make_no_sense_are_named() {
    let error = GlobalArgs::default().with(&environment(&[("AWS_VAULT_NO_PROMPT", "yes")])).unwrap_err();
    assert!(error.message.starts_with("AWS_VAULT_NO_PROMPT=\"yes\""), "{error}");
    let variables = environment(&[("AWS_VAULT_DURATION", "3600")]);
    let error = PlanArgs::default().duration_seconds(&variables).unwrap_err();
    assert!(error.message.starts_with("AWS_VAULT_DURATION=\"3600\": the unit is missing"), "{error}");
}

#[test]
fn mistakes_are_told_with_a_way_out() {
    for (words, message, hint) in [
        ("add", "the following required arguments were not provided: <PROFILE>", "--help"),
        (
            "exec p cmd --recursive",
            "unexpected argument '--recursive' found",
            "aws-vault exec PROFILE -- COMMAND --recursive",
        ),
        ("exec --debug=true p", "unexpected value 'true' for '--debug' found", "--help"),
        ("exec --debug --debug p", "the argument '--debug' cannot be used multiple times", "--help"),
        ("exec -d 3600 p", "the unit is missing", "--help"),
        ("export --format xml p", "invalid value 'xml' for '--format <FORMAT>'", "--help"),
        ("exprot p", "unrecognized subcommand 'exprot'", "did you mean export?"),
        ("clear a b", "unexpected argument 'b' found", "--help"),
        ("login p", "login is not in this version yet", "--help"),
        ("rotate p", "rotate is not in this version yet", "--help"),
        ("migrate-backend --from=file --to=pass", "migrate-backend is not in this version yet", "--help"),
        ("proxy --stop", "proxy is not in this version yet", "--help"),
        ("exec --server p", "--server is not in this version yet", "--help"),
        ("exec -s p", "-s is not in this version yet", "--help"),
        ("exec --ec2-server p -- cmd", "--ec2-server is not in this version yet", "--help"),
        ("--keychain=x list", "--keychain is not in this version yet", "--help"),
    ] {
        let error = mistake(words);
        assert!(error.message.contains(message), "{words}: {error}");
        assert!(!error.message.contains('\n'), "{words}: {error}");
        let shown = error.hint.unwrap_or_default();
        assert!(shown.contains(hint), "{words}: {shown}");
    }
}

#[test]
fn an_mfa_code_is_not_repeated_in_an_error() {
    let error = mistake("exec -t 123456 --mfa-token 654321 p");
    assert!(!format!("{error:?}").contains("123456") && !format!("{error:?}").contains("654321"));
}

#[test]
fn help_and_version_stop() {
    for words in ["--version", "-v", "exec -v", "exec p --version", "add -v"] {
        assert_eq!(line(words).unwrap_err(), Stop::Version, "{words}");
    }
    for words in ["--help", "help", "help exec", "exec --help", "exec -h", "rm --help"] {
        let Err(Stop::Help(text)) = line(words) else { panic!("{words}") };
        assert!(text.contains("Examples:"), "{words}");
    }
    assert!(line("").unwrap().command.is_none());
    // Behind the dashes nothing is ours.
    assert_eq!(exec("exec p -- cmd --version --help").command().count(), 3);
}

#[test]
fn go_spellings_are_known() {
    let Some(Command::Add(add)) = line("add p --no-add-config --env").unwrap().command else { panic!() };
    assert!(add.no_add_config && add.env);
    let Some(Command::Add(add)) = line("add --add-config p").unwrap().command else { panic!() };
    assert!(!add.no_add_config);
    let Some(Command::Remove(remove)) = line("rm -f -s p").unwrap().command else { panic!() };
    assert!(remove.force && remove.sessions_only);
    let Some(Command::Export(export)) = line("export p").unwrap().command else { panic!() };
    assert_eq!(export.format, Format::Env);
    let Some(Command::Export(export)) = line("export --format=export-env p").unwrap().command else {
        panic!()
    };
    assert_eq!(export.format, Format::ExportEnv);
}
