//! Looks for secrets where none may be: plain, in base64 at any alignment, in hex, and URL-encoded.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::process::contains;
use crate::world::World;

/// Texts shorter than this, such as one-time codes, can stand by chance inside a longer number: they count only as a
/// word of their own, and only plain.
const LONG_ENOUGH: usize = 12;

/// Fails if any of the canaries stands in what the clients of a world printed, in the arguments or the environment of
/// its agents, or in any file or file name of its home: log, socket directory, store, config.
///
/// # Panics
/// If one does, naming the place and never the secret.
pub fn assert_no_secrets(world: &World, canaries: &[String]) {
    let needles: Vec<Needle> = canaries.iter().flat_map(|canary| forms(canary)).collect();
    let mut found = Vec::new();
    for (place, bytes) in world.papers() {
        found.extend(find(&needles, &bytes).map(|form| format!("{place}: {form}")));
    }
    visit(world.home(), &mut |path, bytes| {
        let place = path.display();
        found.extend(find(&needles, bytes).map(|form| format!("{place}: {form}")));
    });
    assert!(found.is_empty(), "secrets where none may be:\n{}", found.join("\n"));
}

/// A secret in one of its forms.
struct Needle {
    form: &'static str,
    bytes: Vec<u8>,
    word: bool,
}

fn forms(canary: &str) -> Vec<Needle> {
    let needle = |form, text: String| Needle { form, bytes: text.into_bytes(), word: false };
    if canary.len() < LONG_ENOUGH {
        return vec![Needle { form: "plain", bytes: canary.as_bytes().to_vec(), word: true }];
    }
    let mut needles = vec![
        needle("plain", canary.to_owned()),
        needle("hex", hex::encode(canary)),
        needle("URL-encoded", utf8_percent_encode(canary, NON_ALPHANUMERIC).to_string()),
    ];
    for before in 0..3 {
        // What stands before it shifts the alignment; the characters that mix with its neighbours are cut off.
        let shifted = [&vec![0; before][..], canary.as_bytes()].concat();
        let whole = shifted.len() / 3 * 4;
        let skip = if before == 0 { 0 } else { 4 };
        needles.push(needle("base64", STANDARD_NO_PAD.encode(&shifted)[skip..whole].to_owned()));
        needles.push(needle("base64", URL_SAFE_NO_PAD.encode(&shifted)[skip..whole].to_owned()));
    }
    needles
}

fn find<'a>(needles: &'a [Needle], bytes: &[u8]) -> Option<&'a str> {
    let is_there = |needle: &&Needle| {
        if needle.word { contains_word(bytes, &needle.bytes) } else { contains(bytes, &needle.bytes) }
    };
    needles.iter().find(is_there).map(|needle| needle.form)
}

/// Whether `word` stands there with no letter, digit or point beside it: a log's fractions of a second have six digits.
fn contains_word(bytes: &[u8], word: &[u8]) -> bool {
    let is_part = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'.');
    bytes.windows(word.len()).enumerate().any(|(start, window)| {
        let before = start.checked_sub(1).and_then(|index| bytes.get(index));
        window == word && !is_part(before) && !is_part(bytes.get(start + word.len()))
    })
}

/// Every file below a directory, by content, and every name.
fn visit(directory: &Path, look: &mut impl FnMut(&Path, &[u8])) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        look(&path, path.as_os_str().as_encoded_bytes());
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => visit(&path, look),
            Ok(kind) if kind.is_file() => look(&path, &fs::read(&path).unwrap_or_default()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    fn found(text: impl AsRef<[u8]>) -> bool {
        find(&forms(SECRET), text.as_ref()).is_some()
    }

    #[test]
    fn finds_a_secret_in_every_form() {
        assert!(found(format!("key={SECRET};")));
        assert!(found(hex::encode(SECRET)));
        assert!(found(utf8_percent_encode(SECRET, NON_ALPHANUMERIC).to_string()));
        for before in ["", "a", "ab", "abc"] {
            let json = format!("{before}{SECRET}\"}}");
            assert!(found(STANDARD_NO_PAD.encode(&json)), "{before:?}");
            assert!(found(URL_SAFE_NO_PAD.encode(&json)), "{before:?}");
        }
        assert!(!found("wJalrXUtnFEMI"));
    }

    #[test]
    fn finds_a_code_only_as_a_word() {
        let found = |text: &str| find(&forms("123456"), text.as_bytes()).is_some();
        assert!(found("code 123456"));
        assert!(found("code=123456\n"));
        assert!(!found("12:00:01.123456Z"));
        assert!(!found("AKIA1234567"));
    }
}
