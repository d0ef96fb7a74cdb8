//! Where the agent's socket is. A pure function of what the caller found in its surroundings, so that
//! client and agent cannot disagree.
//!
//! Unix, first that is usable: `$AWS_VAULT_AGENT_SOCK`; `$XDG_RUNTIME_DIR/aws-vault/agent.sock`;
//! `/run/user/<uid>/aws-vault/agent.sock` when that directory is the user's own;
//! `~/.local/state/aws-vault/run/<host>/agent.sock`, where the host name keeps two machines with one network
//! home apart. Never below `/tmp`: anybody could be there first.
//!
//! Windows: a named pipe whose name carries the user's SID and the logon session.

use std::path::{Path, PathBuf};

/// Name of the variable that names the socket, printed by `aws-vault-agent` and read by both ends.
pub const SOCKET_VARIABLE: &str = "AWS_VAULT_AGENT_SOCK";

/// Name of the variable with the agent's process id; informational, nothing is ever killed by it.
pub const PID_VARIABLE: &str = "AWS_VAULT_AGENT_PID";

/// Longest path of a Unix socket, in bytes: `sun_path` of Linux (108) and macOS (104) without its NUL, the
/// smaller of both so that a path works everywhere.
pub const MAX_SOCKET_PATH: usize = 103;

/// Room the agent needs behind the public name for the private name under which it binds.
pub const PRIVATE_NAME_ROOM: usize = 16;

/// What decides where a Unix socket is.
#[derive(Debug, Default, Clone, Copy)]
pub struct Surroundings<'a> {
    /// `$AWS_VAULT_AGENT_SOCK` or `-a`.
    pub explicit: Option<&'a str>,
    /// `$XDG_RUNTIME_DIR`.
    pub xdg_runtime_dir: Option<&'a str>,
    /// `/run/user/<uid>`, when it exists and belongs to the user.
    pub run_user_dir: Option<&'a str>,
    /// Home directory.
    pub home: Option<&'a str>,
    /// Host name.
    pub host: &'a str,
}

/// Why there is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// No place that is certainly the user's own.
    #[error("no place for the agent's socket: neither XDG_RUNTIME_DIR nor HOME is set")]
    Nowhere,
    /// A socket address cannot hold the path.
    #[error("the socket path {path:?} is longer than {limit} bytes")]
    TooLong {
        /// The path.
        path: PathBuf,
        /// The limit in bytes.
        limit: usize,
    },
    /// A relative path would mean another socket in every directory.
    #[error("the socket path {0:?} is not absolute")]
    Relative(PathBuf),
    /// Control characters would break `eval`.
    #[error("the socket path {0:?} has control characters")]
    ControlCharacters(PathBuf),
}

impl AddressError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Nowhere => {
                "set XDG_RUNTIME_DIR or HOME, or start the agent with: aws-vault-agent -a /path/to/socket"
            }
            Self::TooLong { .. } | Self::Relative(_) | Self::ControlCharacters(_) => {
                "choose a short absolute path, with AWS_VAULT_AGENT_SOCK or: aws-vault-agent -a /path/to/socket"
            }
        }
    }
}

/// The path of the Unix socket.
pub fn unix_socket(surroundings: Surroundings<'_>) -> Result<PathBuf, AddressError> {
    let set = |value: Option<&'_ str>| value.filter(|text| !text.is_empty()).map(PathBuf::from);
    let path = if let Some(explicit) = set(surroundings.explicit) {
        explicit
    } else if let Some(runtime) = set(surroundings.xdg_runtime_dir).or_else(|| set(surroundings.run_user_dir))
    {
        runtime.join("aws-vault").join("agent.sock")
    } else if let Some(home) = set(surroundings.home) {
        home.join(".local/state/aws-vault/run").join(host_label(surroundings.host)).join("agent.sock")
    } else {
        return Err(AddressError::Nowhere);
    };
    check(path)
}

/// Lock held by the agent at this socket for its whole life. Never unlinked.
pub fn life_lock(socket: &Path) -> PathBuf {
    with_suffix(socket, ".lock")
}

/// Lock held by whoever is starting an agent at this socket. Never unlinked.
pub fn start_lock(socket: &Path) -> PathBuf {
    with_suffix(socket, ".start.lock")
}

/// The name of the Windows named pipe, for interprocess's namespaced names.
pub fn windows_pipe(user_sid: &str, logon_session: u32) -> String {
    format!("aws-vault-agent-{user_sid}-{logon_session}")
}

fn check(path: PathBuf) -> Result<PathBuf, AddressError> {
    let text = path.to_string_lossy();
    if text.chars().any(char::is_control) {
        return Err(AddressError::ControlCharacters(path));
    }
    if !path.is_absolute() {
        return Err(AddressError::Relative(path));
    }
    let limit = MAX_SOCKET_PATH - PRIVATE_NAME_ROOM;
    if path.as_os_str().len() > limit {
        return Err(AddressError::TooLong { path, limit });
    }
    Ok(path)
}

/// A directory name from a host name: its first 24 characters, anything unusual replaced.
fn host_label(host: &str) -> String {
    let label: String = host
        .chars()
        .take(24)
        .map(|c| if c.is_ascii_alphanumeric() || c == '-' || c == '.' { c } else { '_' })
        .collect();
    if label.trim_matches('.').is_empty() { "localhost".to_owned() } else { label }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(surroundings: Surroundings<'_>) -> Result<String, AddressError> {
        unix_socket(surroundings).map(|path| path.to_string_lossy().into_owned())
    }

    #[test]
    fn takes_the_first_usable_place() {
        let all = Surroundings {
            explicit: Some("/x/sock"),
            xdg_runtime_dir: Some("/run/xdg"),
            run_user_dir: Some("/run/user/7"),
            home: Some("/home/jon"),
            host: "box",
        };
        assert_eq!(at(all).as_deref(), Ok("/x/sock"));
        let all = Surroundings { explicit: Some(""), ..all };
        assert_eq!(at(all).as_deref(), Ok("/run/xdg/aws-vault/agent.sock"));
        let all = Surroundings { xdg_runtime_dir: None, ..all };
        assert_eq!(at(all).as_deref(), Ok("/run/user/7/aws-vault/agent.sock"));
        let all = Surroundings { run_user_dir: None, ..all };
        assert_eq!(at(all).as_deref(), Ok("/home/jon/.local/state/aws-vault/run/box/agent.sock"));
        assert_eq!(at(Surroundings { home: None, ..all }), Err(AddressError::Nowhere));
    }

    #[test]
    fn a_host_name_is_never_a_path() {
        let home = Surroundings { home: Some("/h"), host: "../../etc", ..Surroundings::default() };
        assert_eq!(at(home).as_deref(), Ok("/h/.local/state/aws-vault/run/.._.._etc/agent.sock"));
        let home = Surroundings { host: "..", ..home };
        assert_eq!(at(home).as_deref(), Ok("/h/.local/state/aws-vault/run/localhost/agent.sock"));
    }

    #[test]
    fn refuses_what_cannot_work() {
        let explicit = |path| unix_socket(Surroundings { explicit: Some(path), ..Surroundings::default() });
        assert!(matches!(explicit("agent.sock"), Err(AddressError::Relative(_))));
        assert!(matches!(explicit("/tmp/a\nb"), Err(AddressError::ControlCharacters(_))));
        let long = format!("/{}", "x".repeat(MAX_SOCKET_PATH));
        assert!(matches!(explicit(&long), Err(AddressError::TooLong { .. })));
    }

    #[test]
    fn locks_stand_beside_the_socket() {
        assert_eq!(life_lock(Path::new("/r/agent.sock")), Path::new("/r/agent.sock.lock"));
        assert_eq!(start_lock(Path::new("/r/agent.sock")), Path::new("/r/agent.sock.start.lock"));
    }
}
