//! Environments: the one this process was given, and the one a command started by `exec` gets. Pure: the
//! first is read once, in `lib.rs`; nothing here looks at the process.

use std::ffi::{OsStr, OsString};
use std::fmt;

use aws_vault_protocol::message::Credentials;
use aws_vault_protocol::timestamp;

/// Set by `exec` to the profile's name; tells a nested aws-vault that it is one.
pub const VAULT_VARIABLE: &str = "AWS_VAULT";

/// What a child of `exec` never inherits (compat §1.7): it would win over, or contradict, what is given.
const REMOVED: &[&str] = &[
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_CREDENTIAL_FILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_PROFILE",
    "AWS_SDK_LOAD_CONFIG",
];

/// Words that Go's `strconv.ParseBool` takes.
const YES: &[&str] = &["1", "t", "T", "TRUE", "true", "True"];
const NO: &[&str] = &["0", "f", "F", "FALSE", "false", "False"];

/// Variables, as a process has them: names and values need not be text.
#[derive(Default, Clone)]
pub struct Environment(Vec<(OsString, OsString)>);

/// How a child gets at the credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// The credentials themselves.
    Keys,
    /// `--profile-env`: only the profile's name.
    ProfileName,
}

/// A variable whose value is no boolean.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name}={value:?}: write 1, t, true, 0, f or false")]
pub struct NotABoolean {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

impl Environment {
    /// Takes names and values.
    pub fn new(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        Self(variables.into_iter().collect())
    }

    /// A variable's value, if it is text. An empty one counts as unset.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.get_raw(name).and_then(OsStr::to_str).filter(|value| !value.is_empty())
    }

    /// A variable's value, be it empty.
    pub fn get_raw(&self, name: &str) -> Option<&OsStr> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_os_str())
    }

    /// A variable's value as Go reads booleans; unset is `None`.
    pub fn get_bool(&self, name: &str) -> Result<Option<bool>, NotABoolean> {
        match self.get(name) {
            None => Ok(None),
            Some(value) if YES.contains(&value) => Ok(Some(true)),
            Some(value) if NO.contains(&value) => Ok(Some(false)),
            Some(value) => Err(NotABoolean { name: name.to_owned(), value: value.to_owned() }),
        }
    }

    /// All names and values that are text.
    pub fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().filter_map(|(name, value)| Some((name.to_str()?, value.to_str()?)))
    }

    /// All names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.0.iter().map(|(name, value)| (name.as_os_str(), value.as_os_str()))
    }

    /// The environment of a command started for a profile (compat §1.7).
    #[must_use]
    pub fn for_child(&self, profile: &str, credentials: &Credentials, delivery: Delivery) -> Self {
        let given = given(profile, credentials, delivery);
        let is_replaced = |name: &OsStr| {
            REMOVED.iter().any(|removed| name == *removed) || given.iter().any(|(set, _)| name == *set)
        };
        let kept = self.0.iter().filter(|(name, _)| !is_replaced(name)).cloned();
        let given = given.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
        Self(kept.chain(given).collect())
    }
}

/// Names only: a value may be a secret.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

/// What a child gets beyond what it inherits.
fn given(profile: &str, credentials: &Credentials, delivery: Delivery) -> Vec<(&'static str, String)> {
    let mut given = vec![(VAULT_VARIABLE, profile.to_owned())];
    let text = |value: &Option<String>| value.clone().filter(|text| !text.is_empty());
    if let Some(region) = text(&credentials.region) {
        given.push(("AWS_REGION", region.clone()));
        given.push(("AWS_DEFAULT_REGION", region));
    }
    given.extend(text(&credentials.endpoint_url).map(|url| ("AWS_ENDPOINT_URL", url)));
    match delivery {
        Delivery::ProfileName => given.push(("AWS_PROFILE", profile.to_owned())),
        Delivery::Keys => {
            given.push(("AWS_ACCESS_KEY_ID", credentials.access_key_id.clone()));
            given.push(("AWS_SECRET_ACCESS_KEY", credentials.secret_access_key.expose().to_owned()));
            let token = credentials.session_token.as_ref().filter(|token| !token.is_empty());
            given.extend(token.map(|token| ("AWS_SESSION_TOKEN", token.expose().to_owned())));
            let expiration = credentials.expiration.map(timestamp::to_rfc3339);
            given.extend(expiration.map(|expiration| ("AWS_CREDENTIAL_EXPIRATION", expiration)));
        }
    }
    given
}

#[cfg(test)]
mod tests {
    use aws_vault_protocol::secret::{SecretAccessKey, SessionToken};

    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> Environment {
        Environment::new(pairs.iter().map(|(name, value)| (name.into(), value.into())))
    }

    fn temporary() -> Credentials {
        Credentials {
            profile: "p".into(),
            access_key_id: "ASIA".into(),
            secret_access_key: SecretAccessKey::copy_from("secret"),
            session_token: Some(SessionToken::copy_from("token")),
            expiration: Some(1_767_323_045),
            region: Some("eu-west-1".into()),
            endpoint_url: Some("http://localhost:4566".into()),
            from_memory: false,
        }
    }

    fn long_term() -> Credentials {
        Credentials {
            session_token: None,
            expiration: None,
            region: None,
            endpoint_url: Some(String::new()),
            access_key_id: "AKIA".into(),
            ..temporary()
        }
    }

    fn child(parent: &[(&str, &str)], credentials: &Credentials, delivery: Delivery) -> String {
        let child = environment(parent).for_child("p", credentials, delivery);
        let mut lines: Vec<String> = child.texts().map(|(name, value)| format!("{name}={value}")).collect();
        lines.sort();
        lines.join(" ")
    }

    #[test]
    fn a_child_gets_what_the_table_says() {
        let all = "AWS_ACCESS_KEY_ID=ASIA AWS_CREDENTIAL_EXPIRATION=2026-01-02T03:04:05Z \
                   AWS_DEFAULT_REGION=eu-west-1 AWS_ENDPOINT_URL=http://localhost:4566 AWS_REGION=eu-west-1 \
                   AWS_SECRET_ACCESS_KEY=secret AWS_SESSION_TOKEN=token AWS_VAULT=p";
        assert_eq!(child(&[], &temporary(), Delivery::Keys), all);
        let keys = "AWS_ACCESS_KEY_ID=AKIA AWS_SECRET_ACCESS_KEY=secret AWS_VAULT=p";
        assert_eq!(child(&[], &long_term(), Delivery::Keys), keys);
        assert_eq!(child(&[], &long_term(), Delivery::ProfileName), "AWS_PROFILE=p AWS_VAULT=p");
    }

    #[test]
    fn a_child_inherits_what_the_table_does_not_remove() {
        let removed: Vec<(&str, &str)> = REMOVED.iter().map(|name| (*name, "old")).collect();
        let keys = "AWS_ACCESS_KEY_ID=AKIA AWS_SECRET_ACCESS_KEY=secret AWS_VAULT=p";
        assert_eq!(child(&removed, &long_term(), Delivery::Keys), keys);
        let kept = [
            ("AWS_REGION", "us-east-1"),
            ("AWS_CREDENTIAL_EXPIRATION", "then"),
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://x"),
            ("AWS_VAULT", ""),
            ("PATH", "/bin"),
        ];
        let expected = "AWS_CONTAINER_CREDENTIALS_FULL_URI=http://x AWS_CREDENTIAL_EXPIRATION=then AWS_PROFILE=p \
                        AWS_REGION=us-east-1 AWS_VAULT=p PATH=/bin";
        assert_eq!(child(&kept, &long_term(), Delivery::ProfileName), expected);
        let replaced = [("AWS_REGION", "old"), ("AWS_SESSION_TOKEN", "old"), ("AWS_ENDPOINT_URL", "old")];
        let child = child(&replaced, &temporary(), Delivery::Keys);
        assert!(!child.contains("old"), "{child}");
    }

    #[test]
    fn reads_booleans_as_go_does() {
        let environment = environment(&[("A", "T"), ("B", "False"), ("C", "yes"), ("D", "")]);
        assert_eq!(environment.get_bool("A"), Ok(Some(true)));
        assert_eq!(environment.get_bool("B"), Ok(Some(false)));
        assert_eq!(environment.get_bool("D"), Ok(None));
        assert_eq!(environment.get_bool("E"), Ok(None));
        let error = environment.get_bool("C").unwrap_err();
        assert_eq!(error.to_string(), "C=\"yes\": write 1, t, true, 0, f or false");
    }

    #[test]
    fn debug_shows_no_values() {
        assert_eq!(
            format!("{:?}", environment(&[("AWS_SECRET_ACCESS_KEY", "hunter2")])),
            r#"{"AWS_SECRET_ACCESS_KEY"}"#
        );
    }
}
