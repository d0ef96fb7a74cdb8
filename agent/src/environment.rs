//! The part of a client's environment that travelled with its request.
//!
//! The agent serves many terminals, so its own environment says nothing about the one that asks: every rule
//! that reads a variable reads it here. Never looks at the agent's own environment, and never prints a value.

use std::collections::HashMap;
use std::fmt;

/// Variables of the calling client, already reduced to the names it may send.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Environment(HashMap<String, String>);

impl Environment {
    /// Takes name and value pairs; of several with the same name the last one counts.
    pub fn new(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(variables.into_iter().collect())
    }

    /// The value of `name`. An empty value counts as unset, as aws-vault and the AWS tools treat it.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Every variable, for programs that run in the client's place.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// Names only: a value may be a passphrase.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names: Vec<&str> = self.0.keys().map(String::as_str).collect();
        names.sort_unstable();
        f.debug_set().entries(names).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> Environment {
        Environment::new(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }

    #[test]
    fn empty_counts_as_unset() {
        let environment = environment(&[("AWS_REGION", ""), ("AWS_DEFAULT_REGION", "eu-west-1")]);
        assert_eq!(environment.get("AWS_REGION"), None);
        assert_eq!(environment.get("AWS_DEFAULT_REGION"), Some("eu-west-1"));
        assert_eq!(environment.get("HOME"), None);
    }

    #[test]
    fn debug_shows_names_only() {
        let environment = environment(&[("B_SECRET", "hunter2"), ("A", "1")]);
        assert_eq!(format!("{environment:?}"), r#"{"A", "B_SECRET"}"#);
    }
}
