//! `list`: what is configured, stored and remembered (compat §1.5, to the byte).

use std::fmt::Write;

use aws_vault_protocol::duration;
use aws_vault_protocol::message::{List, Listing, SessionRow};

use super::{answer, now};
use crate::args::ListArgs;
use crate::failure::{CommandError, visible};
use crate::invocation::{Invocation, expected};

/// Smallest width of a column, and the gap behind its longest cell, in characters.
const COLUMN_WIDTH: usize = 25;
const GAP: usize = 2;

const NOTHING: &str = "-";

type Row = [String; 3];

/// Prints the table, or one of its columns.
pub(super) fn run(args: &ListArgs, invocation: &Invocation) -> Result<(), CommandError> {
    let mut connection = invocation.connect()?;
    let request = List { caller: invocation.caller() };
    let listing = expected!(Listing, invocation.ask(&mut connection, request)?)?;
    answer(&render(args, &listing, now()))
}

fn render(args: &ListArgs, listing: &Listing, now: i64) -> String {
    if args.credentials {
        one_per_line(&listing.credentials)
    } else if args.profiles {
        one_per_line(&listing.profiles)
    } else if args.sessions {
        let labels: Vec<String> = listing.sessions.iter().map(|session| label(session, now)).collect();
        one_per_line(&labels)
    } else {
        table(&rows(listing, now))
    }
}

fn one_per_line(names: &[String]) -> String {
    names.iter().flat_map(|name| [visible(name), "\n".to_owned()]).collect()
}

/// What issued a session, and how long it lasts.
fn label(session: &SessionRow, now: i64) -> String {
    format!("{}:{}", session.kind, duration::to_go_string(session.expiration - now))
}

/// Profiles in the config's order, then credentials without a profile, then sessions without one.
fn rows(listing: &Listing, now: i64) -> Vec<Row> {
    let or_nothing = |text: String| if text.is_empty() { NOTHING.to_owned() } else { text };
    let nothing = || NOTHING.to_owned();
    let mut rows = Vec::new();
    for profile in &listing.profiles {
        let stored = if listing.credentials.contains(profile) { profile.clone() } else { nothing() };
        let sessions: Vec<String> = listing
            .sessions
            .iter()
            .filter(|session| session.profile == *profile)
            .map(|session| label(session, now))
            .collect();
        rows.push([profile.clone(), stored, or_nothing(sessions.join(", "))]);
    }
    let has_profile = |name: &String| listing.profiles.contains(name);
    for name in listing.credentials.iter().filter(|name| !has_profile(name)) {
        rows.push([nothing(), name.clone(), nothing()]);
    }
    for session in listing.sessions.iter().filter(|session| !has_profile(&session.profile)) {
        rows.push([nothing(), nothing(), label(session, now)]);
    }
    rows
}

/// Every cell is padded, the last one of a line too.
fn table(rows: &[Row]) -> String {
    let titles = ["Profile", "Credentials", "Sessions"];
    let mut lines = vec![titles.map(str::to_owned), titles.map(|title| "=".repeat(title.len()))];
    lines.extend(rows.iter().map(|row| row.each_ref().map(|cell| visible(cell))));
    let widths: [usize; 3] = std::array::from_fn(|column| {
        let longest = lines.iter().map(|line| line[column].chars().count()).max().unwrap_or_default();
        COLUMN_WIDTH.max(longest + GAP)
    });
    let mut text = String::new();
    for line in &lines {
        for (cell, width) in line.iter().zip(widths) {
            // Writing to a string cannot fail.
            let _ = write!(text, "{cell:width$}");
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(profile: &str, kind: &str, expiration: i64) -> SessionRow {
        SessionRow { profile: profile.into(), kind: kind.into(), role_arn: None, expiration }
    }

    fn listing() -> Listing {
        Listing {
            profiles: vec!["home".into(), "work".into()],
            credentials: vec!["home".into(), "old".into()],
            sessions: vec![
                session("home", "sts.GetSessionToken", 4598),
                session("gone", "sts.AssumeRole", 935),
            ],
        }
    }

    #[test]
    fn the_table_is_go_aws_vaults() {
        let expected = "\
Profile                  Credentials              Sessions                 
=======                  ===========              ========                 
home                     home                     sts.GetSessionToken:59m58s
work                     -                        -                        
-                        old                      -                        
-                        -                        sts.AssumeRole:-1m5s     
";
        // The third column is as wide as its longest cell and the gap.
        let widened: Vec<String> = expected.lines().map(|line| format!("{line:78}")).collect();
        assert_eq!(render(&ListArgs::default(), &listing(), 1000), widened.join("\n") + "\n");
    }

    #[test]
    fn a_column_grows_with_its_longest_cell_only() {
        let long = "x".repeat(24);
        let listing =
            Listing { profiles: vec![long.clone(), "ß".into()], credentials: vec![], sessions: vec![] };
        let text = render(&ListArgs::default(), &listing, 0);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[2], format!("{long}  {:25}{:25}", "-", "-"));
        assert_eq!(lines[3], format!("{:26}{:25}{:25}", "ß", "-", "-"));
        assert_eq!(lines[0].len(), 26 + 25 + 25);
        let text = render(&ListArgs::default(), &Listing { profiles: vec!["x".repeat(23)], ..listing }, 0);
        assert_eq!(text.lines().next().map(str::len), Some(75));
    }

    #[test]
    fn sessions_of_a_profile_stand_together() {
        let mut listing = listing();
        listing.sessions.push(session("home", "sts.AssumeRole", 4600));
        let text = render(&ListArgs::default(), &listing, 1000);
        assert!(text.contains("sts.GetSessionToken:59m58s, sts.AssumeRole:1h0m0s  \n"), "{text}");
    }

    #[test]
    fn one_column_wins() {
        let render = |credentials, profiles, sessions| {
            render(&ListArgs { profiles, sessions, credentials }, &listing(), 1000)
        };
        assert_eq!(render(true, true, true), "home\nold\n");
        assert_eq!(render(false, true, true), "home\nwork\n");
        assert_eq!(render(false, false, true), "sts.GetSessionToken:59m58s\nsts.AssumeRole:-1m5s\n");
    }
}
