//! AWS config text to values that know their line.
//!
//! A [`ConfigFile`] answers what a section says and where it says it; what that means for a profile is the
//! plan's business. Pure: text in, values out. Never opens a file (a path is only for naming places), never
//! keeps credentials that stand in the text, and never shows a value in an error or a `Debug` rendering.
//! The grammar is that of aws-vault, which differs from the AWS CLI's (reference: aws-vault-compat §3.2).

mod append;
mod error;
mod key;
mod lexer;
mod lookup;
mod name;
mod number;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::fmt;
use std::path::{Path, PathBuf};

pub use append::{AppendError, append_profile};
pub use error::{ConfigError, Place};
pub use key::{Key, SsoKey};
pub use lookup::Located;
pub use name::{NameError, check_new_profile_name};
pub use number::duration_seconds;

use lookup::{Section, Sections};

/// A parsed config file. Sections are found by hash, so a lookup costs the same among 10 000 profiles.
pub struct ConfigFile {
    path: PathBuf,
    sections: Sections,
}

impl ConfigFile {
    /// Reads the text of the file at `path`. The path is not opened.
    ///
    /// # Errors
    /// The first line that breaks the grammar. As in aws-vault, one such line makes the file unusable:
    /// what follows it could belong to any profile.
    pub fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        Ok(Self { path: path.to_owned(), sections: lexer::read(path, text)? })
    }

    /// What a file that does not exist says.
    pub fn empty(path: &Path) -> Self {
        Self { path: path.to_owned(), sections: Sections::new() }
    }

    /// The file, as the client named it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A line of this file.
    pub fn place(&self, line: usize) -> Place {
        Place { path: self.path.clone(), line }
    }

    /// Profiles in file order, each once.
    ///
    /// `default` is among them if `[default]` sets a known key, or if there is a `[profile default]`, whose
    /// content is otherwise ignored (reference §1.5).
    pub fn profile_names(&self) -> impl Iterator<Item = &str> {
        let mut seen = HashSet::new();
        self.sections
            .iter()
            .filter_map(|section| match section.name.as_str() {
                "default" => {
                    self.profile("default").filter(ProfileSection::says_something).map(|_| "default")
                }
                name => name.strip_prefix("profile ").filter(|name| !name.is_empty()),
            })
            .filter(move |name| seen.insert(*name))
    }

    /// Whether `name` has a section that is read: `[profile NAME]`, or `[default]` for `default`.
    pub fn has_profile(&self, name: &str) -> bool {
        self.profile(name).is_some()
    }

    /// The section of profile `name`.
    pub fn profile(&self, name: &str) -> Option<ProfileSection<'_>> {
        let index = match name {
            "" => return None,
            "default" => self.sections.index_of(name)?,
            _ => self.sections.index_of(&format!("profile {name}"))?,
        };
        Some(ProfileSection { file: self, index })
    }

    /// Where `[profile default]` stands, which looks like the default profile and is not.
    pub fn misnamed_default(&self) -> Option<Place> {
        let index = self.sections.index_of("profile default")?;
        Some(self.place(self.sections.get(index).line))
    }

    /// The section `[sso-session NAME]`.
    pub fn sso_session(&self, name: &str) -> Option<SsoSessionSection<'_>> {
        let index = self.sections.index_of(&format!("sso-session {name}"))?;
        Some(SsoSessionSection { file: self, index })
    }
}

/// The path only: values may be secrets.
impl fmt::Debug for ConfigFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConfigFile").field("path", &self.path).finish_non_exhaustive()
    }
}

/// What one profile's own section says, dotted parents included, other profiles not.
#[derive(Debug, Clone, Copy)]
pub struct ProfileSection<'f> {
    file: &'f ConfigFile,
    index: usize,
}

impl ProfileSection<'_> {
    /// The value of `key`, references replaced. An empty value counts as unset.
    pub fn get(&self, key: Key) -> Option<Located<String>> {
        self.file.sections.value(self.index, key.name())
    }

    /// Where the section starts.
    pub fn place(&self) -> Place {
        self.file.place(self.section().line)
    }

    fn says_something(&self) -> bool {
        Key::ALL.iter().any(|key| self.get(*key).is_some())
    }

    fn section(&self) -> &Section {
        self.file.sections.get(self.index)
    }
}

/// What an `[sso-session]` section says.
#[derive(Debug, Clone, Copy)]
pub struct SsoSessionSection<'f> {
    file: &'f ConfigFile,
    index: usize,
}

impl SsoSessionSection<'_> {
    /// The value of `key`, references replaced. An empty value counts as unset.
    pub fn get(&self, key: SsoKey) -> Option<Located<String>> {
        self.file.sections.value(self.index, key.name())
    }

    /// Where the section starts.
    pub fn place(&self) -> Place {
        self.file.place(self.file.sections.get(self.index).line)
    }
}
