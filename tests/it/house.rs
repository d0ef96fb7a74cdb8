//! The house rules that a compiler does not know: who may expose a secret, who may touch the world, how long a
//! file may be. Reads the sources as text, so a rule that is broken names file and line.

#![expect(clippy::unwrap_used, reason = "every failure here is a failed test")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Files that may read the text of a secret, and what for. Anything else needs a line here and a reason.
const MAY_EXPOSE: &[(&str, &str)] = &[
    ("agent/src/aws/sts.rs", "signs with it, sends the one-time code"),
    ("agent/src/broker/access.rs", "an answer becomes a passphrase"),
    ("agent/src/broker/issue.rs", "credentials into the reply"),
    ("agent/src/broker/keep.rs", "checks that a typed key has no spaces"),
    ("agent/src/credentials.rs", "into the sealed cache"),
    ("agent/src/mfa.rs", "an answer becomes a code; codes are compared by hash"),
    ("agent/src/prompt/dialog.rs", "a new passphrase is typed twice"),
    ("agent/src/store/file.rs", "encrypts and decrypts with the passphrase"),
    ("agent/src/store/item.rs", "into the item that is stored"),
    ("client/src/command/export.rs", "prints it, which is its purpose"),
    ("client/src/environment.rs", "into the child's environment, which is its purpose"),
    ("protocol/src/secret.rs", "defines it"),
    ("protocol/src/wire.rs", "into and out of frames"),
];

/// Words that mean "touches the world" in Rust sources.
const WORLD: &[&str] = &[
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "std::thread",
    "tokio",
    "SystemTime::now",
    "Instant::now",
    "rustix",
];

/// Entries of the repository's root beyond dotfiles.
const ROOT: &[&str] = &[
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "agent",
    "client",
    "docs",
    "protocol",
    "target",
    "tests",
];

/// Longest source file, in lines.
const LONGEST_FILE: usize = 400;

#[test]
fn only_listed_files_expose_a_secret() {
    let found: Vec<String> = product_lines()
        .filter(|line| line.text.contains(".expose()") || line.text.contains("::expose"))
        .map(|line| line.file)
        .collect();
    for file in &found {
        assert!(MAY_EXPOSE.iter().any(|(may, _)| may == file), "{file} exposes a secret and is not listed");
    }
    for (listed, _) in MAY_EXPOSE {
        assert!(found.iter().any(|file| file == listed), "{listed} is listed and exposes nothing");
    }
}

#[test]
fn unsafe_code_stays_in_sys() {
    refuse("unsafe ", |line| !line.file.starts_with("agent/src/sys/") && line.text.contains("unsafe "));
}

#[test]
fn the_protocol_touches_nothing() {
    refuse("the world", |line| {
        line.file.starts_with("protocol/src") && WORLD.iter().any(|word| line.text.contains(word))
    });
}

#[test]
fn pure_modules_touch_nothing() {
    let pure = [
        "agent/src/plan/",
        "agent/src/config/",
        "agent/src/cache.rs",
        "agent/src/lock.rs",
        "agent/src/shell.rs",
    ];
    refuse("the world", |line| {
        pure.iter().any(|module| line.file.starts_with(module))
            && WORLD.iter().any(|word| line.text.contains(word))
    });
    refuse("the world", |line| {
        line.file == "client/src/environment.rs" && WORLD.iter().any(|word| line.text.contains(word))
    });
}

#[test]
fn replaceable_packages_are_used_in_one_file_each() {
    refuse("bincode", |line| line.file != "protocol/src/codec.rs" && line.text.contains("bincode::"));
    refuse("daemonize", |line| line.file != "agent/src/daemon.rs" && line.text.contains("daemonize::"));
}

#[test]
fn the_client_links_no_runtime_no_tls_and_no_sdk() {
    let mut tree = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    tree.current_dir(root()).args([
        "tree",
        "--package",
        "aws-vault",
        "--edges",
        "normal",
        "--prefix",
        "none",
        "--locked",
    ]);
    let listed = String::from_utf8(tree.output().unwrap().stdout).unwrap();
    let packages: Vec<&str> = listed.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(packages.contains(&"clap"), "{listed}");
    for package in ["tokio", "aws-sdk-sts", "rustls", "ring", "hyper", "aws-vault-agent"] {
        assert!(!packages.contains(&package), "the client links {package}");
    }
    refuse("the agent", |line| line.file.starts_with("client/src") && line.text.contains("aws_vault_agent"));
}

#[test]
fn files_are_short() {
    for (path, text) in sources(&["agent", "client", "protocol", "tests"]) {
        let lines = text.lines().count();
        assert!(lines <= LONGEST_FILE, "{} has {lines} lines", path.display());
    }
}

#[test]
fn the_root_has_nothing_else() {
    for entry in fs::read_dir(root()).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        assert!(name.starts_with('.') || ROOT.contains(&name.as_str()), "{name} does not belong in the root");
    }
}

/// A line of the product's sources that is neither comment nor test.
struct Line {
    file: String,
    number: usize,
    text: String,
}

fn refuse(what: &str, is_wrong: impl Fn(&Line) -> bool) {
    let wrong: Vec<String> = product_lines()
        .filter(|line| is_wrong(line))
        .map(|line| format!("{}:{}", line.file, line.number))
        .collect();
    assert!(wrong.is_empty(), "{what} does not belong in {}", wrong.join(", "));
}

fn product_lines() -> impl Iterator<Item = Line> {
    sources(&["agent/src", "client/src", "protocol/src"]).into_iter().flat_map(|(path, text)| {
        let is_test_file =
            path.components().any(|part| part.as_os_str() == "tests") || path.ends_with("tests.rs");
        let file = path.to_string_lossy().into_owned();
        let product = if is_test_file {
            ""
        } else {
            text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default()
        };
        let lines: Vec<Line> = product
            .lines()
            .enumerate()
            .map(|(index, text)| Line {
                file: file.clone(),
                number: index + 1,
                text: text.split("//").next().unwrap_or_default().to_owned(),
            })
            .collect();
        lines
    })
}

/// Every Rust file below the given directories, with its path from the root.
fn sources(directories: &[&str]) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut waiting: Vec<PathBuf> = directories.iter().map(|directory| root().join(directory)).collect();
    while let Some(directory) = waiting.pop() {
        for entry in fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("target") {
                waiting.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path.strip_prefix(root()).unwrap().to_owned(), text));
            }
        }
    }
    assert!(!found.is_empty(), "no sources");
    found
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}
