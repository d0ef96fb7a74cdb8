//! Where a config text is wrong. Carries places and names of keys, never a value: a value may be a secret.

use std::fmt;
use std::path::PathBuf;

/// A line of a file, shown as `path:line`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Place {
    /// The file, as the client named it.
    pub path: PathBuf,
    /// The line, counted from 1.
    pub line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.path.display(), self.line)
    }
}

/// Why a config text cannot be read. One such line makes the whole file unreadable, as in aws-vault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A line that is neither a header, a comment nor `key = value`.
    #[error("no \"=\" or \":\" in line \"{place}\"")]
    MissingDelimiter {
        /// The line in question.
        place: Place,
    },
    /// A line that starts with `=` or `:`.
    #[error("no key before the delimiter in line \"{place}\"")]
    EmptyKey {
        /// The line in question.
        place: Place,
    },
    /// A line that starts with `[` and has no `]`.
    #[error("section header is not closed in line \"{place}\"")]
    UnclosedHeader {
        /// The line in question.
        place: Place,
    },
    /// `[]`.
    #[error("section header has no name in line \"{place}\"")]
    EmptyHeader {
        /// The line in question.
        place: Place,
    },
    /// A value that starts with a back-tick or `"""` and never ends.
    #[error("value of {key:?} that starts in line \"{place}\" is not closed")]
    UnclosedValue {
        /// The key, in lower case.
        key: String,
        /// Where the value starts.
        place: Place,
    },
}

impl ConfigError {
    /// The line to open.
    pub fn place(&self) -> &Place {
        match self {
            Self::MissingDelimiter { place }
            | Self::EmptyKey { place }
            | Self::UnclosedHeader { place }
            | Self::EmptyHeader { place }
            | Self::UnclosedValue { place, .. } => place,
        }
    }

    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        let place = self.place();
        Some(match self {
            Self::MissingDelimiter { .. } => {
                format!("open {place} and write the line as key = value, or start it with #")
            }
            Self::EmptyKey { .. } => format!("open {place} and write a key before the delimiter"),
            Self::UnclosedHeader { .. } => format!("open {place} and close the header with ]"),
            Self::EmptyHeader { .. } => format!("open {place} and write [default] or [profile NAME]"),
            Self::UnclosedValue { .. } => {
                format!("open {place} and close the value with the quote it starts with")
            }
        })
    }
}
