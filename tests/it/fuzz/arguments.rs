//! Checks of arguments accept what they say and nothing else, and never show what they refuse.

use neon_auth_admin::error::Error;
use neon_auth_admin::neon::argument;
use neon_auth_admin::neon::target::is_auth_provider;
use neon_auth_admin::secret::{MASK, Secret};
use proptest::prelude::*;

use super::{fuzz_text, text_of};

#[rustfmt::skip]
const WORDS: &[&str] = &[
    "@", "ada", "example.com", "://", ":", "https", "myapp", "+", "-", ".", " ", "\t", "\r\n", "\0",
    "\u{85}", "\u{a0}", "\u{2028}", "\u{202e}", "\u{feff}", "é", "𝄞", "********", "*", "587", "-1",
    "0", "65536", "quiet-bar-1", "_", "A",
];

fn values() -> impl Strategy<Value = String> {
    // Around the limits of 60, 255, 256, 1024, 2048 and 4096 characters.
    let long = (
        prop::sample::select(&["a", "é", "𝄞", "-"][..]),
        prop::sample::select(&[60_usize, 255, 256, 1024, 2048, 4096][..]),
        0_usize..=2,
        prop::sample::select(&["", "@", "a@", "https://", "x://"][..]),
    )
        .prop_map(|(letter, limit, more, prefix)| {
            let length = limit + more - 1 - prefix.len();
            format!("{prefix}{}", letter.repeat(length))
        });
    prop_oneof![long, text_of(WORDS)]
}

/// `^[SET]{1,max}$`, the form of every name of Neon's.
fn is_name(value: &str, set: fn(char) -> bool, max: usize) -> bool {
    (1..=max).contains(&value.chars().count()) && value.chars().all(set)
}

#[test]
fn checks_accept_what_they_say() {
    fuzz_text("arguments", WORDS, values(), |value| {
        let count = value.chars().count();
        let is_free_text = |max| count <= max && !value.chars().any(char::is_control);
        let is_text = |max| !value.is_empty() && is_free_text(max);
        let is_seen = !value.contains(argument::is_unseen);
        for max in [1, 60, 255] {
            agrees(value, |v| argument::text("x", v, 1..=max), is_text(max));
        }
        agrees(value, |v| argument::any_text("x", v), is_text(4096));
        agrees(value, |v| argument::free_text("x", v), is_free_text(4096));

        let at = value.find('@');
        let is_email =
            is_text(256) && is_seen && at.is_some_and(|at| 0 < at && at + 1 < value.len());
        agrees(value, |v| argument::email("x", v), is_email);

        let colon = value.find(':');
        let is_uri = is_text(2048)
            && is_seen
            && colon.is_some_and(|colon| {
                let scheme = &value[..colon];
                scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                    && is_name(
                        scheme,
                        |c| c.is_ascii_alphanumeric() || "+-.".contains(c),
                        2048,
                    )
            });
        agrees(value, |v| argument::uri("x", v), is_uri);
        agrees(
            value,
            |v| argument::empty_or(argument::uri)("x", v),
            value.is_empty() || is_uri,
        );

        let is_neon_id = is_name(value, |c| matches!(c, 'a'..='z' | '0'..='9' | '-'), 60);
        agrees(value, |v| argument::neon_id("x", v), is_neon_id);
        assert_eq!(argument::is_neon_id(value), is_neon_id);
        let is_provider = is_name(value, |c| matches!(c, 'a'..='z' | '0'..='9' | '_'), 60);
        assert_eq!(is_auth_provider(value), is_provider);

        let secret = Secret::new(value);
        let is_secret = value != MASK && is_free_text(4096);
        match argument::secret("x", &secret) {
            Ok(same) => assert_eq!(same.expose(), value),
            Err(error) => assert_eq!(
                error,
                if value == MASK {
                    Error::masked_secret("x")
                } else {
                    argument::free_text("x", "\n").expect_err("a control character")
                }
            ),
        }
        assert_eq!(argument::secret("x", &secret).is_ok(), is_secret);
        let is_key = value != MASK && is_name(value, |c| matches!(c, '!'..='~'), 1024);
        assert_eq!(argument::is_api_key(&secret), is_key);

        if let Ok(port) = value.parse::<i32>() {
            let accepted = argument::port("x", port).ok().map(i32::from);
            assert_eq!(accepted, (1..=65535).contains(&port).then_some(port));
        }
    });
}

#[track_caller]
fn agrees(value: &str, check: impl Fn(&str) -> Result<&str, Error>, expected: bool) {
    match check(value) {
        Ok(same) => {
            assert!(expected, "accepted");
            assert_eq!(same, value);
        }
        Err(error) => {
            assert!(!expected, "refused: {error:?}");
            // The same words for every value show none; but for one character that nobody would see.
            let (words, unseen) = parts(&error);
            let other = check("\n").expect_err("refused");
            assert_eq!((&error.message, words), (&other.message, parts(&other).0));
            let mut said = value.chars().zip(1..).map(|(c, n)| {
                format!("{n} of it is U+{:04X}, which cannot be seen.", u32::from(c))
            });
            assert!(unseen.is_none_or(|unseen| said.any(|it| it == unseen)));
        }
    }
}

/// Of the detail: what is expected, and perhaps why the value is not that.
fn parts(error: &Error) -> (&str, Option<&str>) {
    let detail = error.detail.as_deref().unwrap_or_default();
    match detail.split_once(", and character ") {
        Some((expected, unseen)) => (expected, Some(unseen)),
        None => (detail.trim_end_matches('.'), None),
    }
}
