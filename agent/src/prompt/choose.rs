//! Which way to ask a person (compat §6.1, and what it leaves open). Looks only at the asking client's
//! environment.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use aws_vault_protocol::message::{Interaction, PromptKind};

use crate::environment::Environment;

/// A way to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Driver {
    /// The client shows the prompt on its own terminal.
    Terminal,
    /// `kdialog`.
    Kdialog(PathBuf),
    /// `zenity`.
    Zenity(PathBuf),
    /// macOS's `osascript`.
    Osascript(PathBuf),
    /// GnuPG's `pinentry`.
    Pinentry(PathBuf),
    /// A YubiKey that computes the code itself.
    Ykman(PathBuf),
}

/// Why a client's person cannot be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoDriver {
    /// The caller has left.
    #[error("nobody waits any more")]
    NobodyWaits,
    /// `--no-prompt`.
    #[error("prompts are switched off")]
    Never,
    /// No terminal, no screen.
    #[error("there is no terminal and no dialog program")]
    Nothing,
    /// `--prompt` names a program that is not there.
    #[error("--prompt={0}: there is no such program on PATH")]
    NotInstalled(String),
    /// `--prompt=terminal` without a terminal.
    #[error("--prompt=terminal: there is no terminal")]
    NoTerminal,
    /// `--prompt=pass`, which aws-vault 7 removed.
    #[error("--prompt=pass no longer exists")]
    PassRemoved,
    /// Not a driver at all.
    #[error("--prompt={0}: there is no such prompt driver")]
    Unknown(String),
}

impl NoDriver {
    /// What to do about it.
    pub fn hint(&self, profile: &str) -> String {
        match self {
            Self::NobodyWaits | Self::Never | Self::Nothing | Self::NoTerminal => {
                format!("run in a terminal: aws-vault exec {profile} -- true")
            }
            Self::NotInstalled(program) => format!("install {program}, or choose another with --prompt"),
            Self::PassRemoved => {
                format!("set in the config of profile {profile:?}: mfa_process = pass otp NAME-OF-THE-ENTRY")
            }
            Self::Unknown(_) => {
                "choose one of: terminal, kdialog, zenity, osascript, pinentry, ykman".to_owned()
            }
        }
    }
}

/// The way to ask this client's person.
pub(super) fn driver(
    interaction: &Interaction,
    environment: &Environment,
    kind: PromptKind,
) -> Result<Driver, NoDriver> {
    if interaction.never {
        return Err(NoDriver::Never);
    }
    match interaction.driver.as_deref() {
        // A key that computes codes knows no passphrase.
        Some("ykman") if kind != PromptKind::MfaCode => automatic(interaction, environment, kind),
        Some(name) => explicit(name, interaction, environment),
        None => automatic(interaction, environment, kind),
    }
}

fn explicit(name: &str, interaction: &Interaction, environment: &Environment) -> Result<Driver, NoDriver> {
    let make = match name {
        "terminal" if interaction.terminal => return Ok(Driver::Terminal),
        "terminal" => return Err(NoDriver::NoTerminal),
        "kdialog" => Driver::Kdialog,
        "zenity" => Driver::Zenity,
        "osascript" => Driver::Osascript,
        "pinentry" => Driver::Pinentry,
        "ykman" => Driver::Ykman,
        "pass" => return Err(NoDriver::PassRemoved),
        other => return Err(NoDriver::Unknown(other.to_owned())),
    };
    find_program(name, environment).map(make).ok_or_else(|| NoDriver::NotInstalled(name.to_owned()))
}

/// A YubiKey the person has named; else the terminal; else a dialog where a screen is; else pinentry, which
/// finds a screen or the terminal's line by itself. Go takes `ykman` as soon as it is installed; a key that
/// does not know the account would then fail what a person could answer.
fn automatic(
    interaction: &Interaction,
    environment: &Environment,
    kind: PromptKind,
) -> Result<Driver, NoDriver> {
    let find = |name: &str| find_program(name, environment);
    let has_screen = environment.get("DISPLAY").is_some() || environment.get("WAYLAND_DISPLAY").is_some();
    let named_key = kind == PromptKind::MfaCode && environment.get("YKMAN_OATH_CREDENTIAL_NAME").is_some();
    if let Some(program) = find("ykman").filter(|_| named_key) {
        return Ok(Driver::Ykman(program));
    }
    if interaction.terminal {
        return Ok(Driver::Terminal);
    }
    let on_screen = || {
        find("kdialog")
            .map(Driver::Kdialog)
            .or_else(|| find("zenity").map(Driver::Zenity))
            .or_else(|| find("pinentry").map(Driver::Pinentry))
    };
    let found = if has_screen { on_screen() } else { None };
    found.or_else(|| find("osascript").map(Driver::Osascript)).ok_or(NoDriver::Nothing)
}

/// A program on the client's PATH. Relative entries are passed over: the agent has another working directory.
fn find_program(name: &str, environment: &Environment) -> Option<PathBuf> {
    let is_executable = |path: &Path| {
        path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
    };
    std::env::split_paths(environment.get("PATH")?)
        .filter(|directory| directory.is_absolute())
        .map(|directory| directory.join(name))
        .find(|path| is_executable(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Desk {
        bin: tempfile::TempDir,
        variables: Vec<(String, String)>,
        interaction: Interaction,
    }

    impl Desk {
        fn with_programs(names: &[&str]) -> Self {
            let bin = tempfile::tempdir().unwrap();
            for name in names {
                let path = bin.path().join(name);
                std::fs::write(&path, "").unwrap();
                std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
            }
            let path = format!("relative:{}", bin.path().display());
            Self { bin, variables: vec![("PATH".into(), path)], interaction: Interaction::default() }
        }

        fn set(mut self, name: &str, value: &str) -> Self {
            self.variables.push((name.into(), value.into()));
            self
        }

        fn terminal(mut self) -> Self {
            self.interaction.terminal = true;
            self
        }

        fn driver(mut self, name: &str) -> Self {
            self.interaction.driver = Some(name.into());
            self
        }

        fn choice(&self, kind: PromptKind) -> Result<String, NoDriver> {
            let environment = Environment::new(self.variables.clone());
            driver(&self.interaction, &environment, kind)
                .map(|driver| format!("{driver:?}").replace(&*self.bin.path().to_string_lossy(), ""))
        }

        fn code(&self) -> Result<String, NoDriver> {
            self.choice(PromptKind::MfaCode)
        }
    }

    #[test]
    fn chooses_by_itself() {
        let desk = || Desk::with_programs(&["kdialog", "zenity", "pinentry", "ykman"]);
        assert_eq!(desk().terminal().code().unwrap(), "Terminal");
        assert_eq!(desk().code().unwrap_err(), NoDriver::Nothing);
        assert_eq!(desk().set("DISPLAY", ":0").code().unwrap(), "Kdialog(\"/kdialog\")");
        assert_eq!(desk().set("DISPLAY", ":0").terminal().code().unwrap(), "Terminal");
        let zenity = Desk::with_programs(&["zenity", "pinentry"]).set("WAYLAND_DISPLAY", "w");
        assert_eq!(zenity.code().unwrap(), "Zenity(\"/zenity\")");
        let key = desk().terminal().set("YKMAN_OATH_CREDENTIAL_NAME", "aws:jon");
        assert_eq!(key.code().unwrap(), "Ykman(\"/ykman\")");
        assert_eq!(key.choice(PromptKind::Passphrase).unwrap(), "Terminal");
    }

    #[test]
    fn obeys_or_says_why_not() {
        let desk = || Desk::with_programs(&["zenity", "ykman"]);
        assert_eq!(desk().driver("zenity").terminal().code().unwrap(), "Zenity(\"/zenity\")");
        assert_eq!(desk().driver("kdialog").code().unwrap_err(), NoDriver::NotInstalled("kdialog".into()));
        assert_eq!(desk().driver("terminal").code().unwrap_err(), NoDriver::NoTerminal);
        assert_eq!(desk().driver("pass").code().unwrap_err(), NoDriver::PassRemoved);
        assert_eq!(desk().driver("tty").code().unwrap_err(), NoDriver::Unknown("tty".into()));
        let mut never = desk().terminal();
        never.interaction.never = true;
        assert_eq!(never.code().unwrap_err(), NoDriver::Never);
    }
}
