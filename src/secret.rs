//! Owns [`Secret`], the only type in which an API key, a client secret or a request body travels.
//! It knows nothing of where a secret comes from or goes to.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// What a hidden secret looks like to a reader.
pub const MASK: &str = "********";

/// A string that never shows itself: `Debug` and `Display` print [`MASK`].
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value itself. Every use is a place where a secret leaves its box: a search for this
    /// name finds them all.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether this is what a reader was shown in place of a secret.
    pub fn is_mask(&self) -> bool {
        self.0 == MASK
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

/// Serialization is for the wire, so it exposes the value; the text that comes out is itself kept
/// in a [`Secret`].
impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self)
    }
}

/// A value of the API with everything in it that is a secret replaced by [`MASK`].
pub fn mask(value: Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .into_iter()
            .map(|(name, value)| match value {
                Value::String(secret) if is_secret(&name) && !secret.is_empty() => {
                    (name, MASK.into())
                }
                value => (name, mask(value)),
            })
            .collect(),
        Value::Array(items) => items.into_iter().map(mask).collect(),
        value => value,
    }
}

/// Whether a field of that name holds a secret: `client_secret`, `password` and their like.
fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["secret", "password", "token", "private"]
        .iter()
        .any(|word| name.contains(word))
}

/// `text` with each secret, as it is or as JSON may escape it, replaced by [`MASK`].
pub fn blank_out<'a>(text: &str, secrets: impl IntoIterator<Item = &'a Secret>) -> String {
    // All of them are found before anything is replaced: a mask may hold a secret, of asterisks.
    let mut found: Vec<_> = secrets
        .into_iter()
        .flat_map(spellings)
        .flat_map(|spelling| {
            let places = text.match_indices(&spelling);
            let ranges = places.map(|(start, found)| start..start + found.len());
            ranges.collect::<Vec<_>>()
        })
        .collect();
    found.sort_by_key(|range| range.start);
    let mut blanked = String::with_capacity(text.len());
    let mut end = 0;
    for range in found {
        // One that overlaps with the one before goes under the same mask.
        if range.start >= end {
            blanked.push_str(&text[end..range.start]);
            blanked.push_str(MASK);
        }
        end = end.max(range.end);
    }
    blanked.push_str(&text[end..]);
    blanked
}

/// How a secret may stand in a text: itself, and in JSON as this crate, Go and PHP write it.
fn spellings(secret: &Secret) -> Vec<String> {
    if secret.0.is_empty() {
        return Vec::new();
    }
    let quoted = serde_json::Value::from(secret.0.as_str()).to_string();
    let quoted = &quoted[1..quoted.len() - 1];
    let go = quoted
        .replace('&', "\\u0026")
        .replace('<', "\\u003c")
        .replace('>', "\\u003e");
    let php = quoted.replace('/', "\\/");
    vec![secret.0.clone(), quoted.to_owned(), go, php]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_secret_shows_itself_nowhere() {
        let secret = Secret::new("napi_canary");
        assert_eq!(format!("{secret} {secret:?} {:?}", Some(&secret)), {
            "******** ******** Some(********)"
        });
    }

    #[test]
    fn secrets_are_blanked_out_of_messages() {
        let secrets = [Secret::new("s3"), Secret::new("a\"b"), Secret::new("")];
        let text = r#"Bearer s3, {"client_secret":"a\"b"}, a"b"#;
        assert_eq!(
            blank_out(text, &secrets),
            r#"Bearer ********, {"client_secret":"********"}, ********"#
        );
    }

    #[test]
    fn secrets_in_values_are_masked() {
        let value = json!({
            "host": "smtp.example.com",
            "password": "s3",
            "providers": [{"id": "google", "client_secret": "s4", "empty_secret": ""}],
            "email_and_password": {"enabled": true},
        });
        let masked = json!({
            "host": "smtp.example.com",
            "password": MASK,
            "providers": [{"id": "google", "client_secret": MASK, "empty_secret": ""}],
            "email_and_password": {"enabled": true},
        });
        assert_eq!(mask(value), masked);
    }

    #[test]
    fn secrets_that_overlap_or_look_like_the_mask() {
        let secrets = ["abc", "cdef", "*", "**"].map(Secret::new);
        assert_eq!(blank_out("xabcdefx*", &secrets), "x********x********");
        let long = "*".repeat(1000);
        assert!(blank_out(&long, &secrets).len() <= 8 * long.len());
    }

    #[test]
    fn a_secret_is_blanked_out_however_json_spells_it() {
        let secrets = [Secret::new("abcd"), Secret::new("abcd&<>/")];
        let text = r"abcd&<>/ abcd\u0026\u003c\u003e/ abcd&<>\/ abcd";
        let blanked = blank_out(text, &secrets);
        assert_eq!(blanked, "******** ******** ******** ********");
    }
}
