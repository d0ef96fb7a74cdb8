//! Names under which new credentials may be stored.
//!
//! The key store holds credentials, sessions and SSO tokens side by side and tells them apart by name
//! (reference §8.2). A profile whose name looks like one of the others would be misread, listed wrongly, or
//! deleted (Q40).

/// Why a name cannot be given to a new profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// No name at all.
    #[error("profile name is empty")]
    Empty,
    /// A line break, an escape or another character that no section header and no terminal can hold.
    #[error("profile name contains a control character")]
    ControlCharacter,
    /// A `]`, which ends a section header.
    #[error("profile name contains \"]\"")]
    ClosingBracket,
    /// A `,`, which separates the parts of a stored session's name.
    #[error("profile name contains \",\"")]
    Comma,
    /// The prefix of a stored SSO token.
    #[error("profile name starts with \"oidc:\"")]
    SsoTokenPrefix,
    /// The shape of a session as old versions of aws-vault stored it. Such items are deleted on sight.
    #[error("profile name looks like a session stored by an old aws-vault")]
    LegacySession,
}

impl NameError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        Some(
            "choose another name, such as \"work\" or \"acme-admin\", and run: aws-vault add NAME".to_owned(),
        )
    }
}

/// Whether new credentials may be stored as `name`.
///
/// # Errors
/// The first reason why not.
pub fn check_new_profile_name(name: &str) -> Result<(), NameError> {
    if name.is_empty() {
        Err(NameError::Empty)
    } else if name.chars().any(char::is_control) {
        Err(NameError::ControlCharacter)
    } else if name.contains(']') {
        Err(NameError::ClosingBracket)
    } else if name.contains(',') {
        Err(NameError::Comma)
    } else if name.starts_with("oidc:") {
        Err(NameError::SsoTokenPrefix)
    } else if is_colon_session(name) || is_counted_session(name) {
        Err(NameError::LegacySession)
    } else {
        Ok(())
    }
}

/// `^session:[^ ]+:[^ ]*:[^:]+$`
fn is_colon_session(name: &str) -> bool {
    let Some((head, last)) = name.strip_prefix("session:").and_then(|rest| rest.rsplit_once(':')) else {
        return false;
    };
    // Of the head, everything up to some colon must be non-empty; the rest may be anything but blanks.
    let separated = head.char_indices().any(|(at, c)| c == ':' && at > 0);
    separated && !head.contains(' ') && !last.is_empty()
}

/// `^(.+?) session \([0-9]+\)$`
fn is_counted_session(name: &str) -> bool {
    let Some((profile, number)) = name.strip_suffix(')').and_then(|rest| rest.rsplit_once(" session ("))
    else {
        return false;
    };
    !profile.is_empty() && !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_names_people_use() {
        for name in
            ["work", "my/prof ile", "jon@example.com", "a.b", "session", "session:x", "llamas session", "Ω"]
        {
            assert_eq!(check_new_profile_name(name), Ok(()), "{name}");
        }
    }

    #[test]
    fn refuses_names_that_would_be_misread() {
        for (name, expected) in [
            ("", NameError::Empty),
            ("a\nb", NameError::ControlCharacter),
            ("\u{1b}[2J", NameError::ControlCharacter),
            ("a]", NameError::ClosingBracket),
            ("sts.AssumeRole,d29yaw,,1700000000", NameError::Comma),
            ("a,b", NameError::Comma),
            ("oidc:https://example.com", NameError::SsoTokenPrefix),
            ("session:work:arn:1700000000", NameError::LegacySession),
            ("session:work::1700000000", NameError::LegacySession),
            ("work session (1700000000)", NameError::LegacySession),
        ] {
            assert_eq!(check_new_profile_name(name), Err(expected), "{name}");
        }
    }
}
