//! Durations as people type them: Go's syntax plus `d` (24 hours) and `w` (7 days), and as Go prints them.
//!
//! Both ends need it: the client for `--duration`, the agent for the `*_TTL` variables and for labels.
//! Source of the rules: Go's `time.ParseDuration` and `time.Duration.String`.

use std::time::Duration;

/// Why a text is not a duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// Nothing, or a unit without a number before it.
    #[error("a number is missing; write a duration such as 90m, 1h30m or 1d")]
    MissingNumber,
    /// A number without a unit behind it. A bare `0` is allowed.
    #[error("the unit is missing; write a duration such as 90m, 1h30m or 1d")]
    MissingUnit,
    /// A unit that is none of `ns us ms s m h d w`.
    #[error("unknown unit {0:?}; use s, m, h, d or w")]
    UnknownUnit(String),
    /// Below zero: AWS has no such lifetime.
    #[error("a duration must not be negative")]
    Negative,
    /// More than a duration can hold.
    #[error("the duration is too large")]
    TooLarge,
}

/// Reads a duration such as `90m`, `1h30m`, `1d`, `1.5h` or `0`.
pub fn parse(text: &str) -> Result<Duration, DurationError> {
    let text = text.trim();
    if text.starts_with('-') {
        return Err(DurationError::Negative);
    }
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest == "0" {
        return Ok(Duration::ZERO);
    }
    let mut total = Duration::ZERO;
    loop {
        let number_end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, tail) = rest.split_at(number_end);
        let value: f64 = number.parse().map_err(|_| DurationError::MissingNumber)?;
        let unit_end = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, next) = tail.split_at(unit_end);
        let part =
            Duration::try_from_secs_f64(value * seconds_in(unit)?).map_err(|_| DurationError::TooLarge)?;
        total = total.checked_add(part).ok_or(DurationError::TooLarge)?;
        if next.is_empty() {
            return Ok(total);
        }
        rest = next;
    }
}

/// Writes whole seconds the way Go prints a duration: `59m58s`, `1h0m0s`, `45s`, `-1m5s`.
pub fn to_go_string(seconds: i64) -> String {
    let sign = if seconds < 0 { "-" } else { "" };
    let total = seconds.unsigned_abs();
    let (hours, minutes, seconds) = (total / 3600, total / 60 % 60, total % 60);
    match (hours, minutes) {
        (0, 0) => format!("{sign}{seconds}s"),
        (0, _) => format!("{sign}{minutes}m{seconds}s"),
        _ => format!("{sign}{hours}h{minutes}m{seconds}s"),
    }
}

fn seconds_in(unit: &str) -> Result<f64, DurationError> {
    Ok(match unit {
        "" => return Err(DurationError::MissingUnit),
        "ns" => 1e-9,
        "us" | "µs" | "μs" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        "w" => 604_800.0,
        other => return Err(DurationError::UnknownUnit(other.to_owned())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_aws_vault_users_type() {
        for (text, seconds) in [("90m", 5400), ("1h30m", 5400), ("1d", 86_400), ("1w2d", 777_600), ("0", 0)] {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        assert_eq!(parse("1.5h"), Ok(Duration::from_secs(5400)));
    }

    #[test]
    fn names_what_is_wrong() {
        assert_eq!(parse("3600"), Err(DurationError::MissingUnit));
        assert_eq!(parse(""), Err(DurationError::MissingNumber));
        assert_eq!(parse("h"), Err(DurationError::MissingNumber));
        assert_eq!(parse("1h5"), Err(DurationError::MissingUnit));
        assert_eq!(parse("-1h"), Err(DurationError::Negative));
        assert_eq!(parse("1y"), Err(DurationError::UnknownUnit("y".into())));
        assert_eq!(parse("99999999999999999999w"), Err(DurationError::TooLarge));
    }

    #[test]
    fn prints_as_go_does() {
        for (seconds, text) in
            [(3598, "59m58s"), (3600, "1h0m0s"), (45, "45s"), (0, "0s"), (-65, "-1m5s"), (28_800, "8h0m0s")]
        {
            assert_eq!(to_go_string(seconds), text);
        }
    }
}
