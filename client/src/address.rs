//! Where the agent's socket is for this process: gathers what [`aws_vault_protocol::address`] decides by.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use aws_vault_protocol::address::{AddressError, SOCKET_VARIABLE, Surroundings, unix_socket};

use crate::environment::Environment;

/// The socket's path.
pub fn socket(environment: &Environment) -> Result<PathBuf, AddressError> {
    let explicit = environment.get(SOCKET_VARIABLE);
    let xdg_runtime_dir = environment.get("XDG_RUNTIME_DIR");
    // Looked for only where it decides: every start of the client pays for it.
    let run_user_dir = if explicit.or(xdg_runtime_dir).is_none() { own_run_user_dir() } else { None };
    let system = rustix::system::uname();
    unix_socket(Surroundings {
        explicit,
        xdg_runtime_dir,
        run_user_dir: run_user_dir.as_deref(),
        home: home(environment).as_deref(),
        host: &system.nodename().to_string_lossy(),
    })
}

/// The home directory: `HOME`, else what the system knows.
pub fn home(environment: &Environment) -> Option<String> {
    let known = || std::env::home_dir().and_then(|path| path.into_os_string().into_string().ok());
    environment.get("HOME").map(str::to_owned).or_else(known)
}

/// The user's id, as files and sockets carry it.
pub fn user_id() -> u32 {
    rustix::process::geteuid().as_raw()
}

fn own_run_user_dir() -> Option<String> {
    let path = format!("/run/user/{}", user_id());
    let found = fs::symlink_metadata(&path).ok()?;
    (found.is_dir() && found.uid() == user_id()).then_some(path)
}
