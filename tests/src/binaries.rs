//! The product's programs. Cargo does not build a sibling package's binaries for a test, so this does, once per
//! process and program, and reads from Cargo where they are.
//!
//! | variable | means |
//! |---|---|
//! | `AWS_VAULT_TEST_PROFILE=release` | build and test release binaries; only then are times asserted |
//! | `AWS_VAULT_TEST_BIN_DIR` | test the ready (release) binaries in this directory instead |

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use serde_json::Value;

static AGENT: LazyLock<PathBuf> = LazyLock::new(|| find("aws-vault-agent"));
static CLIENT: LazyLock<PathBuf> = LazyLock::new(|| find("aws-vault"));
static FAILPOINTS: LazyLock<PathBuf> = LazyLock::new(|| build("aws-vault-agent", Some("failpoints")));

/// `aws-vault-agent`.
pub fn agent() -> &'static Path {
    &AGENT
}

/// `aws-vault`.
pub fn client() -> &'static Path {
    &CLIENT
}

/// An agent that dies at the step of starting that `AWS_VAULT_AGENT_FAILPOINT` names. Always a debug build.
pub fn agent_with_failpoints() -> &'static Path {
    &FAILPOINTS
}

/// Whether the binaries are optimised, so that the times they take mean something.
pub fn are_release() -> bool {
    wants_release() || ready_directory().is_some()
}

fn find(name: &str) -> PathBuf {
    match ready_directory() {
        Some(directory) => directory.join(name),
        None => build(name, None),
    }
}

/// Builds the package called like its program.
fn build(name: &str, feature: Option<&str>) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package is in the workspace");
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root).args(["build", "--bins", "--message-format=json-render-diagnostics"]);
    cargo.args(["--package", name]);
    match feature {
        // A directory of its own, so that the ordinary build stays fresh.
        Some(feature) => {
            let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
            cargo.args(["--features", feature]).arg("--target-dir");
            cargo.arg(target.join(format!("test-{feature}")));
        }
        None if wants_release() => {
            cargo.arg("--release");
        }
        None => {}
    }
    let output = cargo.output().expect("cargo runs");
    assert!(output.status.success(), "building {name}:\n{}", String::from_utf8_lossy(&output.stderr));
    let executable = |line: &[u8]| {
        let message: Value = serde_json::from_slice(line).ok()?;
        let is_it = message["reason"] == "compiler-artifact" && message["target"]["name"] == name;
        message["executable"].as_str().filter(|_| is_it).map(PathBuf::from)
    };
    output.stdout.split(|byte| *byte == b'\n').find_map(executable).expect("cargo names what it built")
}

fn wants_release() -> bool {
    !cfg!(debug_assertions) || env::var("AWS_VAULT_TEST_PROFILE").is_ok_and(|profile| profile == "release")
}

fn ready_directory() -> Option<PathBuf> {
    env::var_os("AWS_VAULT_TEST_BIN_DIR").filter(|directory| !directory.is_empty()).map(PathBuf::from)
}
