//! `status`: how the agent is, for people and for programs. Never starts one.
//!
//! The JSON document has `version` 1 and `running`; when an agent runs also every field of [`Document`].
//! Fields are only ever added. Times are UTC in RFC 3339.

use aws_vault_protocol::message::{SessionRow, Status, StatusReport};
use aws_vault_protocol::{duration, timestamp};
use serde::Serialize;

use super::{answer, now};
use crate::address;
use crate::args::StatusArgs;
use crate::connection::ConnectionError;
use crate::failure::{CommandError, visible};
use crate::invocation::{Invocation, expected};

/// Prints it.
pub(super) fn run(args: &StatusArgs, invocation: &Invocation) -> Result<(), CommandError> {
    let Some(mut connection) = invocation.connect_if_running()? else {
        let socket = address::socket(&invocation.environment).map_err(ConnectionError::from)?;
        let text = if args.json {
            json(&Absent { version: 1, running: false })
        } else {
            format!("no agent is running at {}\n", visible(&socket.to_string_lossy()))
        };
        answer(&text)?;
        return Err(CommandError::NoAgent);
    };
    let report = expected!(StatusReport, invocation.ask(&mut connection, Status::default())?)?;
    answer(&if args.json { json(&Document::new(&report)) } else { visible(&text(&report, now())) })
}

#[derive(Serialize)]
struct Absent {
    version: u32,
    running: bool,
}

/// `status --json` when an agent runs.
#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    running: bool,
    agent_version: &'a str,
    instance: &'a str,
    pid: u32,
    socket: &'a str,
    uptime_seconds: u64,
    locked: bool,
    forgets_in_seconds: Option<u64>,
    stores: Vec<Store<'a>>,
    sessions: Vec<Session<'a>>,
    connections: u32,
    prompts: u32,
    memory: Memory<'a>,
    executable_replaced: bool,
}

#[derive(Serialize)]
struct Store<'a> {
    backend: &'a str,
    location: &'a str,
    open: bool,
}

#[derive(Serialize)]
struct Session<'a> {
    profile: &'a str,
    kind: &'a str,
    role_arn: Option<&'a str>,
    expiration: String,
}

#[derive(Serialize)]
struct Memory<'a> {
    sealing_key: &'a str,
    untraceable: bool,
    no_core: bool,
    locked: bool,
}

impl<'a> Document<'a> {
    fn new(report: &'a StatusReport) -> Self {
        let session = |row: &'a SessionRow| Session {
            profile: &row.profile,
            kind: &row.kind,
            role_arn: row.role_arn.as_deref(),
            expiration: timestamp::to_rfc3339(row.expiration),
        };
        let stores = report.stores.iter();
        Self {
            version: 1,
            running: true,
            agent_version: &report.version,
            instance: &report.instance,
            pid: report.pid,
            socket: &report.socket,
            uptime_seconds: report.uptime_seconds,
            locked: report.locked,
            forgets_in_seconds: report.forgets_in_seconds,
            stores: stores
                .map(|store| Store { backend: &store.backend, location: &store.location, open: store.open })
                .collect(),
            sessions: report.sessions.iter().map(session).collect(),
            connections: report.connections,
            prompts: report.prompts,
            memory: Memory {
                sealing_key: &report.memory.sealing_key,
                untraceable: report.memory.untraceable,
                no_core: report.memory.no_core,
                locked: report.memory.locked,
            },
            executable_replaced: report.executable_replaced,
        }
    }
}

fn json(document: &impl Serialize) -> String {
    // Our types have no keys or values that JSON cannot hold.
    serde_json::to_string_pretty(document).unwrap_or_default() + "\n"
}

fn text(report: &StatusReport, now: i64) -> String {
    let seconds = |seconds: u64| duration::to_go_string(i64::try_from(seconds).unwrap_or(i64::MAX));
    let mut lines = vec![format!("agent       {}, process {}", report.version, report.pid)];
    let mut line = |title: &str, text: String| lines.push(format!("{title:12}{text}"));
    line("socket", report.socket.clone());
    line("running for", seconds(report.uptime_seconds));
    let forgets = report.forgets_in_seconds.map(|left| format!(", forgets everything in {}", seconds(left)));
    let state = if report.locked { "locked; open it with: aws-vault unlock" } else { "unlocked" };
    line("state", format!("{state}{}", forgets.unwrap_or_default()));
    for store in &report.stores {
        let state = if store.open { "open" } else { "closed" };
        line("store", format!("{} {}, {state}", store.backend, store.location));
    }
    for session in &report.sessions {
        let left = duration::to_go_string(session.expiration - now);
        let role = session.role_arn.as_ref().map(|role| format!(" {role}")).unwrap_or_default();
        line("session", format!("{} {}{role}, {left} left", session.profile, session.kind));
    }
    line("clients", format!("{} connected, {} being asked", report.connections, report.prompts));
    line("memory", memory(report));
    if report.executable_replaced {
        line(
            "note",
            "the program was replaced since; end this agent when convenient: aws-vault-agent -k".to_owned(),
        );
    }
    lines.join("\n") + "\n"
}

fn memory(report: &StatusReport) -> String {
    let memory = &report.memory;
    let mut parts = vec![format!("sealing key in {}", memory.sealing_key)];
    for (holds, yes, no) in [
        (memory.untraceable, "untraceable", "TRACEABLE"),
        (memory.no_core, "leaves no core", "MAY LEAVE A CORE"),
        (memory.locked, "not swapped", "may be swapped"),
    ] {
        parts.push(if holds { yes } else { no }.to_owned());
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use aws_vault_protocol::message::{MemoryStatus, StoreStatus};

    use super::*;

    fn report() -> StatusReport {
        StatusReport {
            version: "0.1.0".into(),
            instance: "abc".into(),
            pid: 42,
            socket: "/run/user/7/aws-vault/agent.sock".into(),
            uptime_seconds: 3725,
            locked: false,
            forgets_in_seconds: Some(60),
            stores: vec![StoreStatus { backend: "file".into(), location: "/keys".into(), open: true }],
            sessions: vec![SessionRow {
                profile: "p".into(),
                kind: "sts.AssumeRole".into(),
                role_arn: Some("arn:aws:iam::1:role/r".into()),
                expiration: 1_767_323_045,
            }],
            connections: 1,
            prompts: 0,
            memory: MemoryStatus {
                sealing_key: "memfd_secret".into(),
                untraceable: true,
                no_core: true,
                locked: false,
            },
            executable_replaced: true,
        }
    }

    #[test]
    fn text_for_people() {
        let expected = "\
agent       0.1.0, process 42
socket      /run/user/7/aws-vault/agent.sock
running for 1h2m5s
state       unlocked, forgets everything in 1m0s
store       file /keys, open
session     p sts.AssumeRole arn:aws:iam::1:role/r, 45s left
clients     1 connected, 0 being asked
memory      sealing key in memfd_secret, untraceable, leaves no core, may be swapped
note        the program was replaced since; end this agent when convenient: aws-vault-agent -k
";
        assert_eq!(text(&report(), 1_767_323_000), expected);
    }

    #[test]
    fn json_for_programs() {
        assert_eq!(
            json(&Absent { version: 1, running: false }),
            "{\n  \"version\": 1,\n  \"running\": false\n}\n"
        );
        let value: serde_json::Value = serde_json::from_str(&json(&Document::new(&report()))).unwrap();
        assert_eq!(value["version"], 1);
        assert_eq!(value["running"], true);
        assert_eq!(value["stores"][0]["backend"], "file");
        assert_eq!(value["sessions"][0]["expiration"], "2026-01-02T03:04:05Z");
        assert_eq!(value["memory"]["sealing_key"], "memfd_secret");
    }
}
