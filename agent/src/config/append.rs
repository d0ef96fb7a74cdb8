//! The text that adds a profile to a config file.
//!
//! Only ever text to put behind what is there: a file that people edit keeps its comments, order and line
//! ends (aws-vault rewrites it whole, reference §3.9). Whatever is handed out has been read back first.

use std::path::Path;

use super::{ConfigError, ConfigFile, Key, NameError, check_new_profile_name};

/// Why a profile cannot be added to a config file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// The name would be read back as something else.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The file is already wrong, so nothing can safely be put behind it.
    #[error(transparent)]
    Unreadable(#[from] ConfigError),
    /// The profile has a section; a second one would change it.
    #[error("profile {profile:?} already has a section in \"{place}\"")]
    AlreadyThere {
        /// The profile.
        profile: String,
        /// Its section.
        place: super::Place,
    },
    /// The serial would be read back as something else, such as one with a comment sign in it.
    #[error("the MFA serial cannot be written to a config file")]
    MfaSerial,
}

impl AppendError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Name(error) => error.hint(),
            Self::Unreadable(error) => error.hint(),
            Self::AlreadyThere { place, .. } => Some(format!("open {place} and edit the section")),
            Self::MfaSerial => Some("copy the ARN with: aws iam list-mfa-devices".to_owned()),
        }
    }
}

/// What to write behind `existing`, the text of the file at `path`, so that it gains a section for `profile`.
///
/// The suffix begins with the line end that `existing` may lack and a blank line, and uses its line ends.
///
/// # Errors
/// When the result would not be read back as exactly that profile with exactly that serial.
pub fn append_profile(
    path: &Path,
    existing: &str,
    profile: &str,
    mfa_serial: Option<&str>,
) -> Result<String, AppendError> {
    check_new_profile_name(profile)?;
    if let Some(section) = ConfigFile::parse(path, existing)?.profile(profile) {
        return Err(AppendError::AlreadyThere { profile: profile.to_owned(), place: section.place() });
    }
    let suffix = written(existing, profile, mfa_serial);
    let result =
        ConfigFile::parse(path, &format!("{existing}{suffix}")).map_err(|_| AppendError::MfaSerial)?;
    // Keys that reach the new section from a dotted parent are not ours to judge.
    let serial = result.profile(profile).and_then(|section| section.get(Key::MfaSerial));
    if mfa_serial.is_some_and(|wanted| serial.is_none_or(|serial| serial.value != wanted)) {
        return Err(AppendError::MfaSerial);
    }
    Ok(suffix)
}

fn written(existing: &str, profile: &str, mfa_serial: Option<&str>) -> String {
    let end = if existing.contains("\r\n") { "\r\n" } else { "\n" };
    let blank_line = format!("{end}{end}");
    let mut suffix = if existing.is_empty() || existing.ends_with(&blank_line) {
        String::new()
    } else if existing.ends_with(end) {
        end.to_owned()
    } else {
        blank_line
    };
    let header = if profile == "default" { "[default]".to_owned() } else { format!("[profile {profile}]") };
    suffix.extend([&header, end]);
    if let Some(serial) = mfa_serial {
        suffix.extend(["mfa_serial=", serial, end]);
    }
    suffix
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERIAL: &str = "arn:aws:iam::123456789012:mfa/jon";

    fn append(existing: &str, profile: &str, serial: Option<&str>) -> Result<String, AppendError> {
        append_profile(Path::new("/c"), existing, profile, serial)
    }

    #[test]
    fn adds_only_what_is_missing() {
        for (existing, suffix) in [
            ("", "[profile llamas]\nmfa_serial=arn:aws:iam::123456789012:mfa/jon\n"),
            ("[default]\n", "\n[profile llamas]\nmfa_serial=arn:aws:iam::123456789012:mfa/jon\n"),
            ("[default]\n\n", "[profile llamas]\nmfa_serial=arn:aws:iam::123456789012:mfa/jon\n"),
            ("[default]", "\n\n[profile llamas]\nmfa_serial=arn:aws:iam::123456789012:mfa/jon\n"),
            ("[default]\r\n", "\r\n[profile llamas]\r\nmfa_serial=arn:aws:iam::123456789012:mfa/jon\r\n"),
        ] {
            assert_eq!(append(existing, "llamas", Some(SERIAL)).as_deref(), Ok(suffix), "{existing:?}");
        }
        assert_eq!(append("", "default", None).as_deref(), Ok("[default]\n"));
    }

    #[test]
    fn the_blank_line_ends_a_dangling_continuation() {
        let existing = "[profile a]\nregion = eu-west-\\";
        let whole = format!("{existing}{}", append(existing, "b", None).unwrap());
        let file = ConfigFile::parse(Path::new("/c"), &whole).unwrap();
        assert_eq!(file.profile_names().collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn refuses_what_would_not_be_read_back() {
        assert!(matches!(append("[profile a]\n", "a", None), Err(AppendError::AlreadyThere { .. })));
        assert!(matches!(append("[oops\n", "a", None), Err(AppendError::Unreadable(_))));
        assert!(matches!(append("", "a]b", None), Err(AppendError::Name(NameError::ClosingBracket))));
        for serial in ["a\nrole_arn=b", "`open", "a # b", "ends in \\", " padded", "\"quoted\"", "\"\"\""] {
            assert_eq!(append("", "a", Some(serial)), Err(AppendError::MfaSerial), "{serial}");
        }
    }
}
