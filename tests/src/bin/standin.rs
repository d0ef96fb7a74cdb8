//! `standin [--user NAME]... [--region NAME]`: the AWS stand-in as a process, for the demo and for other languages.
//!
//! Prints one line of JSON with the URL and everything it created, then serves until its standard input is closed, so
//! that it cannot outlive the process that started it. The rest is done over `/_control/` (see `docs/testing.md`).

use std::io::{self, Read as _, Write as _};
use std::process::ExitCode;

use aws_vault_tests::standin::{RoleOptions, StandIn};
use serde_json::{Value, json};

const USAGE: &str = "usage: standin [--user NAME]... [--region NAME]";
/// The external id of the role `partner`.
const EXTERNAL_ID: &str = "partner-7";

/// What was typed.
struct Arguments {
    users: Vec<String>,
    region: Option<String>,
}

fn main() -> ExitCode {
    let Some(arguments) = parse(std::env::args().skip(1)) else {
        let _ = writeln!(io::stderr(), "{USAGE}");
        return ExitCode::from(2);
    };
    match serve(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "standin: {error}");
            ExitCode::FAILURE
        }
    }
}

fn parse(mut words: impl Iterator<Item = String>) -> Option<Arguments> {
    let mut arguments = Arguments { users: Vec::new(), region: None };
    while let Some(word) = words.next() {
        match word.as_str() {
            "--user" => arguments.users.push(words.next()?),
            "--region" => arguments.region = Some(words.next()?),
            _ => return None,
        }
    }
    if arguments.users.is_empty() {
        arguments.users.push("alice".to_owned());
    }
    Some(arguments)
}

fn serve(arguments: &Arguments) -> io::Result<()> {
    let mut builder = StandIn::builder();
    if let Some(region) = &arguments.region {
        builder = builder.region(region);
    }
    let aws = builder.start();
    let created = create(&aws, &arguments.users);
    let mut output = io::stdout().lock();
    writeln!(output, "{created}")?;
    output.flush()?;
    io::stdin().lock().read_to_end(&mut Vec::new())?;
    Ok(())
}

/// Users with a device each, and one role of every kind.
fn create(aws: &StandIn, users: &[String]) -> Value {
    let user = |name: &String| {
        let keys = aws.add_user(name);
        json!({
            "name": name,
            "access_key_id": keys.access_key_id,
            "secret_access_key": keys.secret_access_key,
            "mfa_serial": aws.add_mfa_device(name),
        })
    };
    let users: Vec<Value> = users.iter().map(user).collect();
    let open = RoleOptions { max_duration: 43_200, ..RoleOptions::default() };
    let mfa = RoleOptions { requires_mfa: true, ..RoleOptions::default() };
    let partner = RoleOptions { external_id: Some(EXTERNAL_ID.to_owned()), ..RoleOptions::default() };
    json!({
        "url": aws.url(),
        "region": aws.region(),
        "users": users,
        "roles": {
            "reader": {"arn": aws.add_role("reader", open)},
            "admin": {"arn": aws.add_role("admin", mfa), "requires_mfa": true},
            "partner": {"arn": aws.add_role("partner", partner), "external_id": EXTERNAL_ID},
        },
    })
}
