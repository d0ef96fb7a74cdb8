//! The limits that every parameter of an API must keep, and AWS's way of listing those that are broken.
//!
//! All broken constraints are reported at once, in the words of the service. What a value means is not looked at here.

use super::aws_error::AwsError;

/// The characters a text may consist of.
#[derive(Clone, Copy)]
pub(super) struct Pattern {
    /// The regular expression AWS documents, for the message.
    pub(super) regex: &'static str,
    /// The same as a test of one character.
    pub(super) allows: fn(char) -> bool,
}

/// Names of sessions and source identities.
pub(super) const NAME: Pattern =
    Pattern { regex: r"[\w+=,.@-]*", allows: |c| word(c) || "+=,.@-".contains(c) };
/// External ids.
pub(super) const EXTERNAL_ID: Pattern =
    Pattern { regex: r"[\w+=,.@:\/-]*", allows: |c| word(c) || "+=,.@:/-".contains(c) };
/// MFA serial numbers.
pub(super) const SERIAL: Pattern =
    Pattern { regex: r"[\w+=/:,.@-]*", allows: |c| word(c) || "+=/:,.@-".contains(c) };
/// One-time codes.
pub(super) const DIGITS: Pattern = Pattern { regex: r"[\d]*", allows: |c| c.is_ascii_digit() };
/// ARNs and tokens: any printable text.
pub(super) const PRINTABLE: Pattern = Pattern {
    regex: r"[\u0009\u000A\u000D\u0020-\u007E\u0085\u00A0-\uD7FF\uE000-\uFFFD\u10000-\u10FFFF]+",
    allows: |c| !c.is_control() || "\t\n\r\u{85}".contains(c),
};
/// Session policies.
pub(super) const POLICY: Pattern = Pattern {
    regex: r"[\u0009\u000A\u000D\u0020-\u00FF]+",
    allows: |c| "\t\n\r".contains(c) || (' '..='\u{ff}').contains(&c),
};
/// Keys and values of tags.
pub(super) const TAG: Pattern = Pattern {
    regex: r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*",
    allows: |c| c.is_alphanumeric() || " _.:/=+-@".contains(c),
};

/// Collects the constraints that a request breaks.
#[derive(Default)]
pub(super) struct Constraints {
    violations: Vec<String>,
}

impl Constraints {
    /// A text that may be absent, of `min` to `max` characters.
    pub(super) fn text(
        &mut self,
        name: &str,
        value: Option<&str>,
        (min, max): (usize, usize),
        pattern: Pattern,
    ) {
        let Some(value) = value else { return };
        let length = value.chars().count();
        if length < min {
            self.broken(
                Some(value),
                name,
                &format!("Member must have length greater than or equal to {min}"),
            );
        }
        if length > max {
            self.broken(Some(value), name, &format!("Member must have length less than or equal to {max}"));
        }
        if !value.chars().all(pattern.allows) {
            let rule = format!("Member must satisfy regular expression pattern: {}", pattern.regex);
            self.broken(Some(value), name, &rule);
        }
    }

    /// The same for a text that must be there; absent, it is returned empty and the violation is kept.
    pub(super) fn required(
        &mut self,
        name: &str,
        value: Option<&str>,
        limits: (usize, usize),
        pattern: Pattern,
    ) -> String {
        if value.is_none() {
            self.broken(None, name, "Member must not be null");
        }
        self.text(name, value, limits, pattern);
        value.unwrap_or_default().to_owned()
    }

    /// A number that may be absent, of `min` to `max`.
    pub(super) fn number(&mut self, name: &str, value: Option<&str>, (min, max): (i64, i64)) -> Option<i64> {
        let text = value?;
        let number = text.parse().ok();
        match number {
            None => self.broken(value, name, "Member must be an integer"),
            Some(number) if number < min => {
                self.broken(value, name, &format!("Member must have value greater than or equal to {min}"));
            }
            Some(number) if number > max => {
                self.broken(value, name, &format!("Member must have value less than or equal to {max}"));
            }
            Some(_) => {}
        }
        number
    }

    /// A list of at most `max` members.
    pub(super) fn at_most(&mut self, name: &str, count: usize, max: usize) {
        if count > max {
            let rule = format!("Member must have length less than or equal to {max}");
            self.broken(Some(&format!("[{count} members]")), name, &rule);
        }
    }

    /// `ValidationError` with everything that is wrong, or nothing.
    pub(super) fn check(self) -> Result<(), AwsError> {
        let count = self.violations.len();
        if count == 0 {
            return Ok(());
        }
        let errors = if count == 1 { "error" } else { "errors" };
        let list = self.violations.join("; ");
        Err(AwsError::validation(format!("{count} validation {errors} detected: {list}")))
    }

    fn broken(&mut self, value: Option<&str>, name: &str, rule: &str) {
        let value = value.map_or("null".to_owned(), |value| format!("'{value}'"));
        self.violations.push(format!("Value {value} at '{name}' failed to satisfy constraint: {rule}"));
    }
}

fn word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_broken_constraint_is_listed() {
        let mut constraints = Constraints::default();
        constraints.required("roleSessionName", Some("a b"), (2, 64), NAME);
        constraints.required("roleArn", None, (20, 2048), PRINTABLE);
        constraints.number("durationSeconds", Some("899"), (900, 43_200));
        let error = constraints.check().unwrap_err();
        assert_eq!((error.status, error.code.as_str()), (400, "ValidationError"));
        assert_eq!(
            error.message,
            r"3 validation errors detected: Value 'a b' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w+=,.@-]*; Value null at 'roleArn' failed to satisfy constraint: Member must not be null; Value '899' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900"
        );
    }

    #[test]
    fn a_good_request_passes() {
        let mut constraints = Constraints::default();
        constraints.text("tokenCode", Some("123456"), (6, 6), DIGITS);
        constraints.text("externalId", None, (2, 1224), EXTERNAL_ID);
        constraints.at_most("tags", 50, 50);
        assert_eq!(constraints.check(), Ok(()));
    }
}
