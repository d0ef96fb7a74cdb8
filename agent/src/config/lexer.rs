//! Config text to sections of raw values, by the rules of the reference, §3.2 (the dialect of Go's ini
//! package).
//!
//! One pass over the lines, each read once. Never interprets a value: interpolation and inheritance are
//! [`super::lookup`]'s, meaning is the plan's.

use std::path::Path;

use super::error::{ConfigError, Place};
use super::lookup::Sections;

/// Keys whose values are secrets. Nothing here reads them, so they are not even kept.
const NEVER_KEPT: [&str; 3] = ["aws_access_key_id", "aws_secret_access_key", "aws_session_token"];

/// Reads a whole file.
pub(super) fn read(path: &Path, text: &str) -> Result<Sections, ConfigError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = Lines { path, rest: text.split('\n'), number: 0 };
    let mut sections = Sections::new();
    let mut current = Sections::HEADERLESS;
    // Below a key without a value, indented lines are a block of another tool's (`s3 =`).
    let mut in_nested_block = false;
    while let Some(line) = lines.next() {
        if in_nested_block && line.starts_with([' ', '\t']) {
            continue;
        }
        let line = line.trim_start();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        let number = lines.number;
        if let Some(header) = line.strip_prefix('[') {
            current = sections.open(lines.section_name(header)?, number);
            in_nested_block = false;
            continue;
        }
        let (key, rest) = lines.key(line)?;
        let value = lines.value(&key, rest)?;
        in_nested_block = value.is_empty();
        if !NEVER_KEPT.contains(&key.as_str()) {
            sections.set(current, key, value, number);
        }
    }
    Ok(sections)
}

struct Lines<'t> {
    path: &'t Path,
    rest: std::str::Split<'t, char>,
    /// Of the line last taken, counted from 1.
    number: usize,
}

impl<'t> Lines<'t> {
    fn next(&mut self) -> Option<&'t str> {
        let line = self.rest.next()?;
        self.number += 1;
        Some(line)
    }

    fn place(&self) -> Place {
        Place { path: self.path.to_owned(), line: self.number }
    }

    /// Everything up to the last `]`, untrimmed; what follows is a comment.
    fn section_name(&self, header: &'t str) -> Result<&'t str, ConfigError> {
        match header.rsplit_once(']') {
            None => Err(ConfigError::UnclosedHeader { place: self.place() }),
            Some(("", _)) => Err(ConfigError::EmptyHeader { place: self.place() }),
            Some((name, _)) => Ok(name),
        }
    }

    /// The key in lower case, and what follows the delimiter.
    fn key(&self, line: &'t str) -> Result<(String, &'t str), ConfigError> {
        match line.split_once(['=', ':']) {
            None => Err(ConfigError::MissingDelimiter { place: self.place() }),
            Some(("", _)) => Err(ConfigError::EmptyKey { place: self.place() }),
            Some((key, rest)) => Ok((key.trim().to_lowercase(), rest)),
        }
    }

    fn value(&mut self, key: &str, rest: &str) -> Result<String, ConfigError> {
        let start = rest.trim_start();
        for quote in ["\"\"\"", "`"] {
            if let Some(quoted) = start.strip_prefix(quote) {
                return self.quoted(key, quoted, quote);
            }
        }
        let start = start.trim_end();
        if let Some(head) = start.strip_suffix('\\') {
            return Ok(self.continued(head));
        }
        Ok(unwrapped(without_comment(start)).to_owned())
    }

    /// Up to the last closing quote of the line that has one.
    fn quoted(&mut self, key: &str, first: &str, quote: &str) -> Result<String, ConfigError> {
        let place = self.place();
        if let Some((inside, _comment)) = first.rsplit_once(quote) {
            return Ok(inside.to_owned());
        }
        let mut value = first.to_owned();
        while let Some(line) = self.next() {
            value.push('\n');
            if let Some((inside, _comment)) = line.rsplit_once(quote) {
                value.push_str(inside);
                return Ok(value);
            }
            value.push_str(line);
        }
        Err(ConfigError::UnclosedValue { key: key.to_owned(), place })
    }

    /// Joins lines for as long as they end in a backslash. Comments and quotes mean nothing in there.
    fn continued(&mut self, head: &str) -> String {
        let mut value = head.to_owned();
        while let Some(line) = self.next() {
            let line = line.trim();
            let Some(more) = line.strip_suffix('\\') else {
                value.push_str(line);
                break;
            };
            value.push_str(more);
        }
        value
    }
}

/// A comment needs a space before it, so that `https://host/start#/` stays whole. ` ;` counts only without `
/// #`.
fn without_comment(value: &str) -> &str {
    match value.find(" #").or_else(|| value.find(" ;")) {
        Some(comment) => value[..comment].trim_end(),
        None => value,
    }
}

/// Takes off one pair of quotes around the whole value, unless the same quote occurs inside.
fn unwrapped(value: &str) -> &str {
    for quote in ['\'', '"'] {
        let inside = value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
        if let Some(inside) = inside.filter(|inside| !inside.contains(quote)) {
            return inside;
        }
    }
    value
}
