//! Owns the checks of arguments, with the API's own limits. It knows names and values of arguments,
//! and nothing of the requests they go into.

mod elements;
mod json;

use std::ops::RangeInclusive;

use crate::error::Error;
use crate::secret::Secret;

pub use elements::{each, number_of_elements};
pub use json::{JsonKind, json};

/// Longer than any value the API takes, short enough to never matter.
const MAX_TEXT: usize = 4096;

/// Text of so many characters, without control characters.
pub fn text<'a>(
    name: &str,
    value: &'a str,
    length: RangeInclusive<usize>,
) -> Result<&'a str, Error> {
    let (min, max) = (*length.start(), *length.end());
    // Bytes first: a huge argument is refused without walking it.
    let fits = value.len() <= max * 4 && length.contains(&value.chars().count());
    if fits && !value.chars().any(char::is_control) {
        return Ok(value);
    }
    let range = match min {
        0 => format!("at most {max}"),
        _ => format!("{min} to {max}"),
    };
    let expected = format!("text of {range} characters, without control characters");
    Err(Error::invalid_argument(name, &expected))
}

/// Text whose limit the API does not name, and that is never empty.
pub fn any_text<'a>(name: &str, value: &'a str) -> Result<&'a str, Error> {
    text(name, value, 1..=MAX_TEXT)
}

/// A part of a name or an id.
pub fn search<'a>(name: &str, value: &'a str) -> Result<&'a str, Error> {
    text(name, value, 1..=256)
}

/// Text for which the API names no length at all: an empty one is a value like any other.
pub fn free_text<'a>(name: &str, value: &'a str) -> Result<&'a str, Error> {
    text(name, value, 0..=MAX_TEXT)
}

/// The same, where a text that is not empty is looked at more closely.
pub fn empty_or<'a>(
    check: impl FnOnce(&str, &'a str) -> Result<&'a str, Error>,
) -> impl FnOnce(&str, &'a str) -> Result<&'a str, Error> {
    |name, value| match value {
        "" => Ok(value),
        value => check(name, value),
    }
}

/// A check applied to an optional argument.
pub fn optional<T, U>(
    name: &str,
    value: Option<T>,
    check: impl FnOnce(&str, T) -> Result<U, Error>,
) -> Result<Option<U>, Error> {
    value.map(|value| check(name, value)).transpose()
}

/// A secret that is not the mask a reader was shown in its place.
pub fn secret<'a>(name: &str, value: &'a Secret) -> Result<&'a Secret, Error> {
    not_masked(name, value)?;
    free_text(name, value.expose()).map(|_| value)
}

/// Any secret, or text that may be one, but that mask.
pub fn not_masked(name: &str, value: &Secret) -> Result<(), Error> {
    match value.is_mask() {
        true => Err(Error::masked_secret(name)),
        false => Ok(()),
    }
}

/// 1 to 256 characters with an `@` that has something on both sides.
pub fn email<'a>(name: &str, value: &'a str) -> Result<&'a str, Error> {
    let is_shaped = |value: &str| {
        value
            .split_once('@')
            .is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty())
    };
    let expected = "an e-mail address of at most 256 characters";
    shaped(name, value, 256, is_shaped, expected)
}

/// A URI: a scheme, a colon, and anything; `myapp://` is one, and so is `myapp:`.
pub fn uri<'a>(name: &str, value: &'a str) -> Result<&'a str, Error> {
    let is_shaped = |value: &str| {
        value.split_once(':').is_some_and(|(scheme, _)| {
            scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                && scheme
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
        })
    };
    let expected = "a URI such as https://app.example.com, of at most 2048 characters";
    shaped(name, value, 2048, is_shaped, expected)
}

/// Text of 1 to `max` characters and of some shape, all of which can be seen; the length is looked at first.
fn shaped<'a>(
    name: &str,
    value: &'a str,
    max: usize,
    is_shaped: impl FnOnce(&str) -> bool,
    expected: &str,
) -> Result<&'a str, Error> {
    let fits = value.len() <= max * 4 && value.chars().count() <= max;
    let unseen = || value.chars().zip(1..).find(|(c, _)| is_unseen(*c));
    if let Some((c, n)) = fits.then(unseen).flatten() {
        return Err(Error::unseen_character(name, expected, n, c));
    }
    match fits && is_shaped(value) {
        true => Ok(value),
        false => Err(Error::invalid_argument(name, expected)),
    }
}

/// Blanks, control characters, and what Unicode calls Default_Ignorable_Code_Point: what text that was
/// copied or exported from elsewhere has in it, and nobody sees.
pub fn is_unseen(c: char) -> bool {
    let is_ignorable = matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fff8}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    );
    is_ignorable || c.is_whitespace() || c.is_control()
}

/// A whole number from `min` to `max`.
pub fn number(name: &str, value: i32, min: i32, max: i32) -> Result<i32, Error> {
    if (min..=max).contains(&value) {
        Ok(value)
    } else {
        let expected = match max {
            i32::MAX => format!("at least {min}"),
            max => format!("a number from {min} to {max}"),
        };
        Err(Error::invalid_argument(name, &expected))
    }
}

pub fn port(name: &str, value: i32) -> Result<u16, Error> {
    u16::try_from(value)
        .ok()
        .filter(|&port| port > 0)
        .ok_or_else(|| Error::invalid_argument(name, "a port from 1 to 65535"))
}

/// An id that may be part of a path: `^[A-Za-z0-9_-]{1,128}$`.
pub fn id<'a>(name: &str, value: &'a str) -> Result<&'a str, Error> {
    let is_id = (1..=128).contains(&value.len())
        && value
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    if is_id {
        Ok(value)
    } else {
        Err(Error::invalid_argument(
            name,
            "an id of 1 to 128 letters, digits, hyphens and underscores",
        ))
    }
}

/// An id of an OAuth client, which may be a URL. Encoded it is one segment of a path, whatever is in it; but
/// what decodes a path before it is looked at must not find a way up in it.
pub fn client_id<'a>(name: &str, value: &'a str) -> Result<&'a str, Error> {
    let is_shaped = |value: &str| {
        let mut parts = value.split(['/', '\\']);
        !value.is_empty() && parts.all(|part| !matches!(part, "." | ".."))
    };
    let expected =
        "the id of a client, at most 2048 characters and without . and .. between slashes";
    shaped(name, value, 2048, is_shaped, expected)
}

/// What [`is_neon_id`] asks for; completes "It must be ...".
pub const NEON_ID: &str = "1 to 60 lower-case letters, digits and hyphens";

/// Whether `value` is an id of the kind Neon gives projects and branches: `^[a-z0-9-]{1,60}$`.
pub fn is_neon_id(value: &str) -> bool {
    (1..=60).contains(&value.len())
        && value
            .bytes()
            .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

pub fn neon_id<'a>(name: &str, value: &'a str) -> Result<&'a str, Error> {
    if is_neon_id(value) {
        Ok(value)
    } else {
        Err(Error::invalid_argument(name, NEON_ID))
    }
}

/// What [`is_api_key`] asks for; completes "It must be ...".
pub const API_KEY: &str = "1 to 1024 visible ASCII characters, and not a masked secret";

/// Whether `key` can stand in an Authorization header: 1 to 1024 visible ASCII characters.
pub fn is_api_key(key: &Secret) -> bool {
    if key.is_mask() {
        return false;
    }
    let key = key.expose();
    (1..=1024).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn refused<T>(result: Result<T, Error>) -> bool {
        result.is_err_and(|error| error.kind == ErrorKind::InvalidValue)
    }

    #[test]
    fn text_has_bounds() {
        assert!(text("name", &"é".repeat(255), 1..=255).is_ok());
        assert!(refused(text("name", &"é".repeat(256), 1..=255)));
        assert!(refused(text("name", "", 1..=255)));
        assert!(refused(text("name", "a\nb", 1..=255)));
        assert!(free_text("name", "").is_ok());
        assert!(refused(free_text("name", "\n")));
        assert!(empty_or(email)("email", "").is_ok());
        assert!(refused(empty_or(email)("email", "ada")));
        assert!(refused(any_text("name", &"x".repeat(10 << 20))));
    }

    #[test]
    fn emails() {
        assert!(email("email", "ada@example.com").is_ok());
        let long = format!("{}@example.com", "a".repeat(250));
        for bad in ["", "ada", "@example.com", "ada@", "a b@c", &long] {
            assert!(refused(email("email", bad)), "{bad}");
        }
    }

    #[test]
    fn what_cannot_be_seen_is_named() {
        for (value, reason) in [
            ("\u{feff}ada@example.com", "character 1 of it is U+FEFF"),
            ("ada@exam\u{200b}ple.com", "character 9 of it is U+200B"),
            ("ada@example.com ", "character 16 of it is U+0020"),
            ("ada@example.com\r", "character 16 of it is U+000D"),
            ("ada\u{202e}@example.com", "character 4 of it is U+202E"),
            ("ada@example.com\u{e0041}", "character 16 of it is U+E0041"),
        ] {
            for check in [email, uri] {
                let detail = check("x", value).expect_err(value).detail;
                let detail = detail.unwrap_or_default();
                assert!(detail.contains(reason), "{value:?}: {detail}");
            }
        }
        // What is combined with another can be.
        assert!(email("email", "ame\u{301}lie@example.com").is_ok());
    }

    #[test]
    fn uris() {
        for good in [
            "https://example.com",
            "https://*.example.com",
            "https://[2001:db8::1]:3000/x?y#z",
            "myapp://callback",
            "myapp://",
            "myapp:",
            "com.example.app:/callback",
            "exp+slug://x",
            "localhost:3000",
        ] {
            assert!(uri("domain", good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "example.com",
            "://x",
            ":",
            "1a://b",
            "my app://",
            "https://a b",
            "https://a\u{a0}b",
        ] {
            assert!(refused(uri("domain", bad)), "{bad}");
        }
    }

    #[test]
    fn ports() {
        assert_eq!(port("port", 587), Ok(587));
        for bad in [0, -1, 65536] {
            assert!(refused(port("port", bad)), "{bad}");
        }
    }

    #[test]
    fn secrets() {
        assert!(secret("client_secret", &Secret::new("s3cret")).is_ok());
        assert!(refused(secret("client_secret", &Secret::new("********"))));
        assert!(secret("client_secret", &Secret::new("")).is_ok());
        for bad in ["", "a\r\nb", "é", " ", "********", &"k".repeat(5000)] {
            assert!(!is_api_key(&Secret::new(bad)), "{bad}");
        }
        assert!(is_api_key(&Secret::new("napi_0")));
    }
}
