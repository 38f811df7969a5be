//! Owns [`Secret`], the only type in which an API key, a client secret or a request body travels.
//! It knows nothing of where a secret comes from or goes to.

use std::fmt;
use std::io;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use zeroize::{Zeroize, Zeroizing};

/// What a hidden secret looks like to a reader.
pub const MASK: &str = "********";

/// A string that never shows itself: `Debug` and `Display` print [`MASK`]. Its memory is wiped when
/// it is dropped.
///
/// So is that of an argument, of a request's body and of an answer. What is out of reach: the buffers
/// of ureq and rustls, which are written over by the next message and freed with their connection; the
/// `Authorization` header on its way there; the scratch of the JSON parser for escaped strings; and
/// what Postgres holds, in the message of the client, its catalog caches and the rows of a result.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// A value, which may have secrets in it, as JSON.
    pub fn json(value: &impl Serialize) -> Self {
        // Measured first: a text that grows leaves its beginning where it was.
        let mut length = Length(0);
        write_json(&mut length, value);
        let mut text = Vec::with_capacity(length.0);
        write_json(&mut text, value);
        Self(String::from_utf8(text).expect("JSON is UTF-8"))
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

fn write_json(to: impl io::Write, value: &impl Serialize) {
    serde_json::to_writer(to, value).expect("structs of strings and numbers serialize");
}

/// How many bytes are written.
struct Length(usize);

impl io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
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

/// A value of the API with every secret in it replaced by [`MASK`]: the strings below a name that
/// looks like one, however deep. Numbers and booleans say nothing that must be hidden.
pub fn mask(mut value: Value) -> Value {
    mask_below(false, &mut value);
    value
}

fn mask_below(is_in_secret: bool, value: &mut Value) {
    match value {
        Value::String(text) if is_in_secret && !text.is_empty() => {
            text.zeroize();
            text.push_str(MASK);
        }
        Value::Object(fields) => {
            for (name, value) in fields {
                mask_below(is_in_secret || is_secret(name), value);
            }
        }
        Value::Array(items) => {
            for item in items {
                mask_below(is_in_secret, item);
            }
        }
        _ => {}
    }
}

/// What the name of a secret has in it, in lower case and without `_` and `-`: the names of Neon, and
/// those of Better Auth's configuration and of its providers.
const SECRET_WORDS: [&str; 14] = [
    "authorization",
    "bearer",
    "connectionstring",
    "connectionuri",
    "credential",
    "jwt",
    "passcode",
    "passphrase",
    "passwd",
    "password",
    "private",
    "pwd",
    "secret",
    "token",
];

/// Whether a field of that name holds a secret: `client_secret`, `apiKey` and their like. Rather one
/// too many: what is hidden can be asked for.
pub fn is_secret(name: &str) -> bool {
    let name: String = name
        .chars()
        .filter(|c| c.is_alphanumeric())
        .map(|c| c.to_ascii_lowercase())
        .collect();
    // A way to sign in, whose settings are no secrets.
    if name == "emailandpassword" {
        return false;
    }
    // A key is one, but for its public half; `key_id` is the name of one.
    let is_key = name.ends_with("key") || name.ends_with("keys");
    let is_public = ["pubclient", "public", "publishable"]
        .iter()
        .any(|word| name.starts_with(word));
    is_key && !is_public
        || name.ends_with("pass")
        || name == "dsn"
        || SECRET_WORDS.iter().any(|word| name.contains(word))
}

/// `text` with each secret, as it is or as JSON may escape it, replaced by [`MASK`].
pub fn blank_out<'a>(text: &str, secrets: impl IntoIterator<Item = &'a Secret>) -> String {
    // All of them are found before anything is replaced: a mask may hold a secret, of asterisks.
    let mut found: Vec<_> = secrets
        .into_iter()
        .flat_map(spellings)
        .flat_map(|spelling| {
            let places = text.match_indices(spelling.as_str());
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
fn spellings(secret: &Secret) -> Vec<Zeroizing<String>> {
    if secret.0.is_empty() {
        return Vec::new();
    }
    let json = Secret::json(secret);
    let quoted = &json.0[1..json.0.len() - 1];
    let replace = |text: &str, from: char, to: &str| Zeroizing::new(text.replace(from, to));
    let go = replace(quoted, '&', "\\u0026");
    let go = replace(&go, '<', "\\u003c");
    let go = replace(&go, '>', "\\u003e");
    let php = replace(quoted, '/', "\\/");
    let plain = Zeroizing::new(secret.0.clone());
    vec![plain, Zeroizing::new(quoted.to_owned()), go, php]
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
    fn everything_below_the_name_of_a_secret_is_masked() {
        let value = json!({
            "client_secret": {"value": "s1", "version": 3, "rotated": false, "previous": ["s2", null, ""]},
            "tokens": ["s3", {"issuer": "s4"}],
            "deep": [[{"headers": [{"Authorization": "Bearer s5"}]}]],
            "email_and_password": {"enabled": true, "email_verification_method": "link"},
        });
        let masked = json!({
            "client_secret": {"value": MASK, "version": 3, "rotated": false, "previous": [MASK, null, ""]},
            "tokens": [MASK, {"issuer": MASK}],
            "deep": [[{"headers": [{"Authorization": MASK}]}]],
            "email_and_password": {"enabled": true, "email_verification_method": "link"},
        });
        assert_eq!(mask(value), masked);
    }

    #[test]
    fn names_of_secrets() {
        for name in [
            "client_secret",
            "clientSecret",
            "CLIENT-SECRET",
            "secret_id",
            "webhook_secret",
            "password",
            "smtp_password",
            "passwordHash",
            "passwd",
            "passphrase",
            "token",
            "auth_token",
            "accessToken",
            "refresh_tokens",
            "private_key",
            "api_key",
            "apiKey",
            "APIKEY",
            "x-api-key",
            "api_keys",
            "secret_server_key",
            "signing_key",
            "encryptionKey",
            "credentials",
            "Authorization",
            "proxy_authorization",
            "jwt",
            "connection_uri",
            "pass",
            "smtp_pass",
            "pwd",
            "dsn",
            "publisher_api_key",
        ] {
            assert!(is_secret(name), "{name}");
        }
        for name in [
            "id",
            "key_id",
            "keyId",
            "public_key",
            "pub_client_key",
            "publishableKey",
            "jwks_url",
            "host",
            "username",
            "client_id",
            "sender_email",
            "otp_expires_in",
            "email_and_password",
            "emailAndPassword",
            "keyboard",
            "",
        ] {
            assert!(!is_secret(name), "{name}");
        }
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
