//! Becoming another program: the parent's `PATH` decides which, and the process is replaced, so that
//! nothing of aws-vault stays behind. Exit codes are the shells' (POSIX, Shell Command Language 2.8.2).

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::{Access, access};

use crate::environment::Environment;

/// Where programs are when `PATH` is not set, as in execvp(3).
const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// Why a command cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// Nowhere on `PATH`.
    #[error("command {command:?} not found")]
    NotFound {
        /// As typed.
        command: OsString,
    },
    /// There, but not to be run.
    #[error("command {path:?} cannot be run: {source}")]
    NotExecutable {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There, but what its first line or its header names is not.
    #[error("command {path:?} names an interpreter that does not exist")]
    NoInterpreter {
        /// Which file.
        path: PathBuf,
    },
}

impl LaunchError {
    /// 127 for what is not there, 126 for what does not run.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::NotFound { .. } => 127,
            Self::NotExecutable { .. } | Self::NoInterpreter { .. } => 126,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotFound { .. } => Some("check the spelling and PATH".to_owned()),
            Self::NotExecutable { path, .. } => Some(format!("ls -l {}", path.display())),
            Self::NoInterpreter { path } => Some(format!("head -n 1 {}", path.display())),
        }
    }
}

/// Replaces this process. Returns only if that does not work.
pub fn replace(
    command: &OsStr,
    arguments: &[OsString],
    search: &Environment,
    child: &Environment,
) -> LaunchError {
    let path = match find(command, search.get_raw("PATH")) {
        Ok(path) => path,
        Err(error) => return error,
    };
    let source = Command::new(&path).arg0(command).args(arguments).env_clear().envs(child.iter()).exec();
    match source.kind() {
        io::ErrorKind::NotFound if path.exists() => LaunchError::NoInterpreter { path },
        io::ErrorKind::NotFound => LaunchError::NotFound { command: command.to_owned() },
        _ => LaunchError::NotExecutable { path, source },
    }
}

/// The file a command means.
fn find(command: &OsStr, path: Option<&OsStr>) -> Result<PathBuf, LaunchError> {
    let not_found = || LaunchError::NotFound { command: command.to_owned() };
    if command.is_empty() {
        return Err(not_found());
    }
    if command.as_bytes().contains(&b'/') {
        return Ok(PathBuf::from(command));
    }
    let mut denied = None;
    for directory in std::env::split_paths(path.unwrap_or(OsStr::new(DEFAULT_PATH))) {
        // An empty entry is the working directory (POSIX, 8.3).
        let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { &directory };
        let candidate = directory.join(command);
        match fs::metadata(&candidate) {
            Ok(found) if found.is_file() => {}
            _ => continue,
        }
        match access(&candidate, Access::EXEC_OK) {
            Ok(()) => return Ok(candidate),
            Err(error) => denied = denied.or(Some((candidate, error))),
        }
    }
    match denied {
        Some((path, error)) => Err(LaunchError::NotExecutable { path, source: error.into() }),
        None => Err(not_found()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn put(directory: &Path, name: &str, mode: u32) -> PathBuf {
        fs::create_dir_all(directory).unwrap();
        let path = directory.join(name);
        fs::write(&path, "#!/no/such/interpreter\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn finds_the_first_that_can_run() {
        let home = tempfile::tempdir().unwrap();
        let (first, second) = (home.path().join("1"), home.path().join("2"));
        put(&first, "tool", 0o644);
        let runnable = put(&second, "tool", 0o755);
        put(&second, "notes", 0o644);
        fs::create_dir(first.join("notes")).unwrap();
        let path = std::env::join_paths([Path::new("/nowhere"), &first, &second]).unwrap();
        let find = |command: &str| find(OsStr::new(command), Some(&path));
        assert_eq!(find("tool").unwrap(), runnable);
        assert_eq!(find("/abs/tool").unwrap(), Path::new("/abs/tool"));
        assert_eq!(find("none").unwrap_err().exit_code(), 127);
        assert_eq!(find("").unwrap_err().exit_code(), 127);
        assert_eq!(find("notes").unwrap_err().exit_code(), 126);
    }

    #[test]
    fn tells_a_missing_interpreter_from_a_missing_command() {
        let home = tempfile::tempdir().unwrap();
        let script = put(home.path(), "script", 0o755);
        let nothing = Environment::default();
        let error = |path: &Path| replace(path.as_os_str(), &[], &nothing, &nothing);
        assert!(matches!(error(&script), LaunchError::NoInterpreter { .. }));
        assert!(matches!(error(&home.path().join("none")), LaunchError::NotFound { .. }));
        assert!(matches!(error(home.path()), LaunchError::NotExecutable { .. }));
    }
}
