//! Many sessions, many callers, many profiles.

use std::fmt::Write as _;
use std::process::Stdio;
use std::time::Instant;

use aws_vault_tests::standin::RoleOptions;
use aws_vault_tests::world::World;
use aws_vault_tests::{binaries, herd, process};

use crate::{Effort, Row, Samples, show};

/// Profiles in the large config.
const PROFILES: usize = 10_000;

pub(crate) fn rows(effort: Effort) -> Vec<Row> {
    let mut rows = memory();
    rows.push(stampede());
    rows.push(start_race(effort));
    rows.extend(config_size(effort));
    rows
}

fn memory() -> Vec<Row> {
    let world = World::alone();
    let agent = world.agent();
    let idle = process::resident_kib(agent.pid());
    let keys = world.aws.add_user("work");
    world.store_key(&agent, "work", &keys);
    let mut config = "[profile work]\n".to_owned();
    for number in 0..100 {
        let role = world.aws.add_role(&format!("role{number}"), RoleOptions::default());
        let _ = write!(config, "[profile role{number}]\nsource_profile = work\nrole_arn = {role}\n");
    }
    world.config(&config);
    let mut client = agent.connect();
    for number in 0..100 {
        client.get(world.get(&format!("role{number}"))).expect("the role can be assumed");
    }
    let full = process::resident_kib(agent.pid());
    let megabytes = |kib: u64| format!("{}.{} MB RSS", kib / 1024, kib % 1024 * 10 / 1024);
    vec![
        Row::judged("agent, idle", megabytes(idle), "≤ 12 MB", idle <= 12 * 1024),
        Row::judged("agent, 100 sessions", megabytes(full), "≤ 16 MB", full <= 16 * 1024),
    ]
}

/// A hundred clients at once, nothing cached, a role behind MFA.
fn stampede() -> Row {
    let world = World::alone();
    let agent = world.agent();
    let keys = world.aws.add_user("jon");
    let serial = world.aws.add_mfa_device("jon");
    world.store_key(&agent, "jon", &keys);
    let role = world.aws.add_role("admin", RoleOptions { requires_mfa: true, ..RoleOptions::default() });
    world.config(&format!(
        "[profile jon]\nmfa_serial = {serial}\n[profile admin]\nsource_profile = jon\nrole_arn = {role}\nmfa_serial = {serial}\n"
    ));
    let mut waiting: Vec<_> = (0..100).map(|_| agent.waiting(world.get("admin"))).collect();
    let (asked, prompt) = herd::asked(&mut waiting);
    waiting[asked].client.answer(&prompt, &world.code(&serial));
    let start = Instant::now();
    for client in &mut waiting {
        client.credentials().expect("everybody is served");
    }
    let calls = (world.aws.count("GetSessionToken"), world.aws.count("AssumeRole"));
    let measured = format!(
        "{} + {} STS calls, 1 prompt, all served {} after the code",
        calls.0,
        calls.1,
        show(start.elapsed())
    );
    Row::judged(
        "100 clients at once, cold, one MFA device",
        measured,
        "1 call each, 1 prompt",
        calls == (1, 1),
    )
}

fn start_race(effort: Effort) -> Row {
    let mut samples = Samples::default();
    let mut agents = Vec::new();
    for _ in 0..effort.races {
        let world = World::alone();
        let start = Instant::now();
        let clients: Vec<_> = (0..64)
            .map(|_| {
                let mut command = world.command(binaries::client());
                command.arg("list").stdout(Stdio::null()).stderr(Stdio::null());
                command.spawn().expect("a client starts")
            })
            .collect();
        let all_answered =
            clients.into_iter().all(|mut client| client.wait().is_ok_and(|status| status.success()));
        samples.push(start.elapsed());
        assert!(all_answered, "every client is answered");
        agents.push(world.agents_alive().len());
        let _ = world.agent_command(&["-k"]).stdout(Stdio::null()).status();
    }
    let most = agents.into_iter().max().unwrap_or_default();
    let measured = format!(
        "{most} agent, all 64 answered in {} (slowest {})",
        show(samples.median()),
        show(samples.quantile(1.0))
    );
    Row::judged("64 clients starting an agent at once", measured, "1 agent", most == 1)
}

/// The same warm request with a small and with a large config, in turn.
fn config_size(effort: Effort) -> Vec<Row> {
    let world = World::alone();
    let agent = world.agent();
    let keys = world.aws.add_user("work");
    world.store_key(&agent, "work", &keys);
    let role = world.aws.add_role("role", RoleOptions::default());
    let small = format!("[profile work]\n[profile role]\nsource_profile = work\nrole_arn = {role}\n");
    let mut large = small.clone();
    for number in 0..PROFILES {
        let _ = write!(
            large,
            "[profile p{number}]\nregion = eu-west-1\nsource_profile = work\nrole_arn = {role}\n"
        );
    }
    let paths = [("small", small), ("large", large)].map(|(name, text)| {
        let path = world.home().join(name);
        std::fs::write(&path, text).expect("a config can be written");
        path
    });
    let mut client = agent.connect();
    let mut ask = |path: &std::path::Path| {
        let mut request = world.get("role");
        request.caller.environment.push(("AWS_CONFIG_FILE".to_owned(), path.to_string_lossy().into_owned()));
        let start = Instant::now();
        client.get(request).expect("the role can be assumed");
        start.elapsed()
    };
    ask(&paths[0]);
    let first = ask(&paths[1]);
    let mut samples = [Samples::default(), Samples::default()];
    for _ in 0..effort.round_trips / 10 {
        for (path, samples) in paths.iter().zip(&mut samples) {
            samples.push(ask(path));
        }
    }
    let measured = format!("{}, small config {}", show(samples[1].median()), show(samples[0].median()));
    let unchanged = samples[1].median() < samples[0].median().mul_f64(1.2);
    vec![
        Row::judged(format!("warm request with {PROFILES} profiles"), measured, "unchanged", unchanged),
        Row::judged("the first one, which parses them", show(first), "≤ 100 ms", first.as_millis() <= 100),
    ]
}
