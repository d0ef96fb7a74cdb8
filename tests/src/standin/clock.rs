//! The stand-in's clock and the ways AWS writes a moment.
//!
//! Everything the stand-in decides by time (signatures, expirations, one-time codes) asks the world for its `now`,
//! in Unix seconds, and passes it on as a number, so that a test can move the clock instead of waiting. Nothing but
//! [`system_now`] may read the machine's clock.

use std::time::{SystemTime, UNIX_EPOCH};

use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

const BASIC: &[BorrowedFormatItem<'static>] =
    format_description!("[year][month][day]T[hour][minute][second]Z");
const EXTENDED: &[BorrowedFormatItem<'static>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
const HTTP: &[BorrowedFormatItem<'static>] =
    format_description!("[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT");

/// The machine's clock, in Unix seconds.
pub(super) fn system_now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("the machine's clock is after 1970");
    i64::try_from(since.as_secs()).expect("the seconds since 1970 fit 63 bits")
}

/// `20150830T123600Z`: the form of `X-Amz-Date` and of the signature errors.
pub(super) fn basic(unix: i64) -> String {
    format(unix, BASIC)
}

/// `2015-08-30T12:36:00Z`: the form of `Expiration` in STS answers.
pub(super) fn extended(unix: i64) -> String {
    format(unix, EXTENDED)
}

/// `Sun, 30 Aug 2015 12:36:00 GMT`: the form of the `Date` header, which SDKs read to correct their own clock.
pub(super) fn http(unix: i64) -> String {
    format(unix, HTTP)
}

/// Reads the form of `X-Amz-Date`; `None` if the text is anything else.
pub(super) fn parse_basic(text: &str) -> Option<i64> {
    PrimitiveDateTime::parse(text, BASIC).ok().map(|moment| moment.assume_utc().unix_timestamp())
}

fn format(unix: i64, form: &[BorrowedFormatItem<'static>]) -> String {
    OffsetDateTime::from_unix_timestamp(unix)
        .expect("tests stay within the years 0 to 9999")
        .format(&form)
        .expect("the formats above only use fields that every moment has")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_and_reads_the_forms_of_aws() {
        let unix = parse_basic("20150830T123600Z").unwrap();
        assert_eq!(unix, 1_440_938_160);
        assert_eq!(basic(unix), "20150830T123600Z");
        assert_eq!(extended(unix), "2015-08-30T12:36:00Z");
        assert_eq!(http(unix), "Sun, 30 Aug 2015 12:36:00 GMT");
        assert_eq!(parse_basic("2015-08-30T12:36:00Z"), None);
    }
}
