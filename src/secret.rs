//! Owns [`Secret`], the only type in which an API key, a client secret or a request body travels.
//! It knows nothing of where a secret comes from or goes to.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

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

/// `text` with each secret, as it is or as JSON would escape it, replaced by [`MASK`].
pub fn blank_out<'a>(text: &str, secrets: impl IntoIterator<Item = &'a Secret>) -> String {
    let mut blanked = text.to_owned();
    for secret in secrets {
        if secret.0.is_empty() {
            continue;
        }
        let quoted = serde_json::Value::from(secret.0.as_str()).to_string();
        blanked = blanked.replace(&quoted[1..quoted.len() - 1], MASK);
        blanked = blanked.replace(&secret.0, MASK);
    }
    blanked
}

#[cfg(test)]
mod tests {
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
}
