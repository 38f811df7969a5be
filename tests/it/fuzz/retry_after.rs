//! Retry-After is a number of seconds, a date, or nothing: as the parser reads it, and as it shows in
//! the advice of a 429.

use std::time::Duration;

use jiff::{Timestamp, fmt::rfc2822};
use neon_auth_admin::error::Advice;
use neon_auth_admin::neon::domains;
use neon_auth_admin::neon::http::retry_after::parse;
use proptest::prelude::*;

use super::server::{Server, Then};
use super::{fuzz_text, text_of};
use crate::support::target;

#[rustfmt::skip]
const WORDS: &[&str] = &[
    "0", "1", "00", "3600", "18446744073709551615", "18446744073709551616", "-1", "+1", "1.5",
    "1e3", " ", "\t", ",", ":", "Sun, 06 Nov 1994 08:49:37 GMT", "Fri, 31 Dec 9999 23:59:59 GMT",
    "GMT", "+9959", "-0000", "Mon", "Feb", "29", "30", "1900", "2100", "(((", ")", "23:59:60",
    "soon", "é",
];

fn values() -> impl Strategy<Value = String> {
    let now = Timestamp::now();
    let date = (-4_000_000_i64..400_000_000).prop_map(move |seconds| {
        let date = now + Duration::from_secs(8_000_000) + jiff::SignedDuration::from_secs(seconds);
        rfc2822::DateTimePrinter::new()
            .timestamp_to_rfc9110_string(&date)
            .expect("a date of these centuries")
    });
    prop_oneof![
        any::<u64>().prop_map(|seconds| seconds.to_string()),
        date,
        text_of(WORDS),
        "[ -~]{0,40}",
    ]
}

/// The parser's own promises, by the thousand: no connection is made.
#[test]
fn later_there_is_less_to_wait() {
    let now = Timestamp::now();
    fuzz_text("retry_after", WORDS, values(), |value| {
        let Some(wait) = parse(value, now) else {
            for later in [1, 1 << 32] {
                let later = now + Duration::from_secs(later);
                assert_eq!(parse(value, later), None, "what is no wait stays none");
            }
            return;
        };
        assert_eq!(parse(&format!(" {value}\t"), now), Some(wait));
        let is_number = value.trim().parse() == Ok(wait.as_secs());
        for passed in [1, 60, 1 << 32].map(Duration::from_secs) {
            let expected = if is_number {
                wait
            } else {
                wait.saturating_sub(passed)
            };
            assert_eq!(parse(value, now + passed), Some(expected), "{value:?}");
        }
    });
}

#[test]
fn retry_after_is_read_or_ignored() {
    // Long enough for no wait to fit: it is the advice that is looked at.
    let server = Server::new(Duration::from_secs(1), 1, Then::Close);
    let list = domains::list(&target()).expect("valid");
    fuzz_text("retry_after", WORDS, values(), |value| {
        let value = value.replace(['\r', '\n', '\0', '@'], "");
        let answer = format!("HTTP/1.1 429 Slow\r\nRetry-After: {value}\r\n\r\n");
        let error = server
            .call(answer.as_bytes(), &list)
            .result
            .expect_err("429");
        let seconds = match error.advice {
            Some(Advice::SlowDown(wait)) => wait.map(|wait| wait.as_secs().max(1)),
            _ => None,
        };

        let trimmed = value.trim_matches([' ', '\t']);
        let is_digits = !trimmed.is_empty() && trimmed.bytes().all(|b| b.is_ascii_digit());
        if is_digits {
            let expected = trimmed.parse().ok().map(|seconds: u64| seconds.max(1));
            assert_eq!(seconds, expected, "{value}");
        }
        if let Some(date) = http_date(trimmed) {
            let left = date.duration_since(Timestamp::now()).as_secs().max(1);
            let seconds = seconds.expect("a date is read");
            assert!(seconds.abs_diff(left as u64) <= 2, "{seconds}, not {left}");
        }
        if !trimmed.bytes().any(|b| b.is_ascii_digit()) {
            assert_eq!(seconds, None, "nothing to read in {value:?}");
        }
    });
}

/// The only form of a date that HTTP still allows to send (`Sun, 06 Nov 1994 08:49:37 GMT`).
fn http_date(text: &str) -> Option<Timestamp> {
    let date = jiff::fmt::strtime::parse("%a, %d %b %Y %H:%M:%S GMT", text).ok()?;
    let date = date.to_datetime().ok()?;
    let date = jiff::tz::TimeZone::UTC.to_timestamp(date).ok()?;
    let printed = rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&date);
    // Other spellings of the same date may be refused.
    printed.is_ok_and(|printed| printed == text).then_some(date)
}
