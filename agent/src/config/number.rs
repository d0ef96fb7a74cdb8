//! `duration_seconds`: the one value of the file that is a number.

use std::time::Duration;

/// STS takes the seconds as a signed 32-bit number; a longer life cannot be asked for.
const MAX_SECONDS: u64 = i32::MAX as u64;

/// Reads `3600`, `0x0e10`, `07020` (octal, as Go reads it) or `1h`. Zero means unset, as in aws-vault.
///
/// `None` is a value to ignore with a word about it: a sign, another unit, or more than STS can be asked for.
/// The duration form is an extension: it makes aws-vault crash (reference Q21), so no file depends on it.
pub fn duration_seconds(text: &str) -> Option<Duration> {
    let seconds =
        unsigned(text).or_else(|| Some(aws_vault_protocol::duration::parse(text).ok()?.as_secs()))?;
    (seconds <= MAX_SECONDS).then(|| Duration::from_secs(seconds))
}

fn unsigned(text: &str) -> Option<u64> {
    let lower = text.to_ascii_lowercase();
    let (digits, radix) = match lower.strip_prefix('0') {
        None | Some("") => (lower.as_str(), 10),
        Some(rest) => match rest.split_at_checked(1) {
            Some(("x", digits)) => (digits, 16),
            Some(("o", digits)) => (digits, 8),
            Some(("b", digits)) => (digits, 2),
            _ => (rest, 8),
        },
    };
    // `from_str_radix` takes a plus sign, Go does not.
    if digits.starts_with('+') { None } else { u64::from_str_radix(digits, radix).ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_numbers_as_go_does_and_durations_as_people_do() {
        for (text, seconds) in [
            ("3600", Some(3600)),
            ("0x0E10", Some(3600)),
            ("07020", Some(3600)),
            ("0o7020", Some(3600)),
            ("0", Some(0)),
            ("1h", Some(3600)),
            ("1h30m", Some(5400)),
            ("2147483647", Some(2_147_483_647)),
            ("2147483648", None),
            ("-3600", None),
            ("+3600", None),
            ("08", None),
            ("0x", None),
            ("", None),
            ("an hour", None),
            ("99999999999999999999999", None),
            ("0é", None),
        ] {
            assert_eq!(duration_seconds(text), seconds.map(Duration::from_secs), "{text}");
        }
    }
}
