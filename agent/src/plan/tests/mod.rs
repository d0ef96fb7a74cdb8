//! Plans as a table. One row is a config, a command and the calls it must lead to, in the notation of the
//! reference's §4.7: `M(key) -> GST(profile,duration)*# -> AR(profile,duration)`, where `*` is an MFA code
//! sent and `#` what aws-vault would have stored.

mod cache_key;
mod errors;
mod explain;
mod rules;
mod table;

use std::path::Path;
use std::time::Duration;

use super::*;
use crate::config::ConfigFile;

const ROLE: &str = "arn:aws:iam::123456789012:role";

/// Something typed at a profile: `[login ]PROFILE [-d DURATION] [-n] [--region REGION]`.
struct Command<'a> {
    config: &'a str,
    stored: &'a [&'a str],
    typed: &'a str,
    environment: &'a [(&'a str, &'a str)],
}

impl Command<'_> {
    fn plan(&self) -> Result<Plan, PlanError> {
        let config = ConfigFile::parse(Path::new("/c"), self.config).unwrap();
        let pairs = self.environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let environment = Environment::new(pairs);
        let login = self.typed.strip_prefix("login ");
        let mut words = login.unwrap_or(self.typed).split(' ');
        let mut request = Request {
            profile: words.next().unwrap(),
            region: None,
            duration: None,
            no_session: false,
            purpose: if login.is_some() { Purpose::Login } else { Purpose::Credentials },
            environment: &environment,
        };
        while let Some(word) = words.next() {
            match word {
                "-n" => request.no_session = true,
                "-d" => {
                    request.duration =
                        Some(aws_vault_protocol::duration::parse(words.next().unwrap()).unwrap());
                }
                "--region" => request.region = words.next(),
                other => panic!("unknown word {other:?} in the test"),
            }
        }
        resolve(&config, &|name| self.stored.contains(&name), &request)
    }
}

/// A plan of a config without anything else around it.
fn plan(config: &str, stored: &[&str], typed: &str) -> Result<Plan, PlanError> {
    Command { config, stored, typed, environment: &[] }.plan()
}

fn plan_in(config: &str, stored: &[&str], typed: &str, environment: &[(&str, &str)]) -> Plan {
    Command { config, stored, typed, environment }.plan().unwrap()
}

fn notation(plan: &Plan) -> String {
    let source = match &plan.source {
        Source::LongTermKey(key) => format!("M({})", key.name),
        Source::Sso(access) => format!("SSO({})#", access.profile),
        Source::WebIdentity(access) => format!("WI({},{})#", access.profile, hours(access.duration)),
        Source::CredentialProcess(process) => format!("process({})#", process.profile),
    };
    plan.steps.iter().fold(source, |before, step| {
        let mfa = if step.mfa().is_some() { "*" } else { "" };
        let (name, stored) = match step {
            Step::GetSessionToken(_) => ("GST", "#"),
            Step::AssumeRole(_) => ("AR", if step.mfa().is_some() { "#" } else { "" }),
        };
        format!("{before} -> {name}({},{}){mfa}{stored}", step.profile(), hours(step.duration()))
    })
}

fn hours(duration: Duration) -> String {
    if duration.as_secs().is_multiple_of(3600) {
        format!("{}h", duration.as_secs() / 3600)
    } else {
        format!("{}s", duration.as_secs())
    }
}

/// The texts of a plan's notes.
fn notes(plan: &Plan) -> Vec<String> {
    plan.notes.iter().map(ToString::to_string).collect()
}
