//! `eval "$(aws-vault-agent)"` in every shell that is installed: a working agent, the same one the second time, no hang.

use std::path::Path;

use aws_vault_tests::wait::until;
use aws_vault_tests::world::World;
use aws_vault_tests::{binaries, capture, say};

/// Starts twice, ends, and prints the two process ids.
const SCRIPT: &str = r#"
eval "$("$AGENT")"
test -S "$AWS_VAULT_AGENT_SOCK" || exit 10
echo "$AWS_VAULT_AGENT_PID"
eval "$("$AGENT")"
echo "$AWS_VAULT_AGENT_PID"
socket="$AWS_VAULT_AGENT_SOCK"
eval "$("$AGENT" -k)"
test -z "$AWS_VAULT_AGENT_SOCK" || exit 11
test ! -e "$socket" || exit 12
"#;

/// The same in fish's own words.
const FISH_SCRIPT: &str = r#"
eval ($AGENT | string collect)
test -S "$AWS_VAULT_AGENT_SOCK"; or exit 10
echo "$AWS_VAULT_AGENT_PID"
eval ($AGENT --shell fish | string collect)
echo "$AWS_VAULT_AGENT_PID"
set socket "$AWS_VAULT_AGENT_SOCK"
eval ($AGENT -k --shell fish | string collect)
test -z "$AWS_VAULT_AGENT_SOCK"; or exit 11
test ! -e "$socket"; or exit 12
"#;

/// And in csh's.
const CSH_SCRIPT: &str = r#"
eval `"$AGENT" -c`
test -S "$AWS_VAULT_AGENT_SOCK" || exit 10
echo "$AWS_VAULT_AGENT_PID"
eval `"$AGENT" -c`
echo "$AWS_VAULT_AGENT_PID"
set socket = "$AWS_VAULT_AGENT_SOCK"
eval `"$AGENT" -k -c`
test $?AWS_VAULT_AGENT_SOCK = 0 || exit 11
test ! -e "$socket" || exit 12
"#;

fn works_in(shell: &str, script: &str) {
    let Some(program) =
        ["/bin", "/usr/bin"].iter().map(|bin| format!("{bin}/{shell}")).find(|path| Path::new(path).exists())
    else {
        say!("skipped: {shell} is not installed");
        return;
    };
    let world = World::new();
    let mut command = world.command(program);
    command.env("AGENT", binaries::agent()).arg("-c").arg(script);
    // `capture` waits for the end of the output too, as `$(…)` does: a daemon that kept it open would be noticed.
    let captured = capture::run(&mut command);
    let pids: Vec<&str> = captured.expect_success().lines().collect();
    assert_eq!(pids.len(), 2, "{captured:?}");
    assert_eq!(pids[0], pids[1], "{shell}: the second start found another agent");
    assert!(pids[0].parse::<u32>().is_ok(), "{captured:?}");
    until("the agent is gone", || world.agents_alive().is_empty());
}

#[test]
fn bash() {
    works_in("bash", SCRIPT);
}

#[test]
fn dash() {
    works_in("dash", SCRIPT);
}

#[test]
fn zsh() {
    works_in("zsh", SCRIPT);
}

#[test]
fn fish() {
    works_in("fish", FISH_SCRIPT);
}

#[test]
fn tcsh() {
    works_in("tcsh", CSH_SCRIPT);
}

#[test]
fn a_login_shell_that_is_not_a_terminal_does_not_hang() {
    let world = World::new();
    let mut command = world.command("/bin/bash");
    command.env("AGENT", binaries::agent()).args(["-lc", r#"x=$("$AGENT" | cat); "$AGENT" -k; echo "$x""#]);
    let captured = capture::run(&mut command);
    assert!(captured.expect_success().contains("AWS_VAULT_AGENT_SOCK="), "{captured:?}");
}
