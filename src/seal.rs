//! Owns the seal of stored API keys: encryption with a secret of one database, together with what the
//! key is for. It knows nothing of where seals and secrets are kept.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::secret::Secret;

/// What a sealed text begins with; the rest is base64 of a nonce, the ciphertext and its tag.
const PREFIX: &str = "sealed:v1:";

/// What a secret is made of: 32 random bytes, in base64.
const SECRET_BYTES: usize = 32;

/// Longer than the seal of the longest key for the longest host and project.
const MAX_SEALED: usize = 4096;

/// A key, and what it is for. A call elsewhere must not get it.
#[derive(Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Sealed {
    pub api_key: Secret,
    pub purpose: Purpose,
}

/// Where a key may go, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Purpose {
    /// `host:port`, in lower case.
    pub place: String,
    /// The number of the role in its cluster; 0 for PUBLIC.
    pub role: u32,
    /// The only project, if the key was stored for one.
    pub project_id: Option<String>,
}

/// The secret of a database, ready for use. `Debug` shows nothing of it.
pub struct Seal(LessSafeKey);

/// The system has no randomness to give.
#[derive(Debug)]
pub struct NoRandomness;

/// A new secret, as [`Seal::new`] takes it.
pub fn new_secret() -> Result<Secret, NoRandomness> {
    let mut bytes = Zeroizing::new([0; SECRET_BYTES]);
    fill_with_randomness(bytes.as_mut())?;
    Ok(Secret::new(BASE64.encode(bytes.as_ref())))
}

/// Whether `text` is one that [`new_secret`] may have made.
pub fn is_secret(text: &str) -> bool {
    Seal::new(&Secret::new(text)).is_some()
}

/// Whether `text` has the form of a sealed key. Only its database knows whether it is one.
pub fn is_sealed(text: &str) -> bool {
    text.len() <= MAX_SEALED && cut(text).is_some_and(|body| BASE64.decode(body).is_ok())
}

/// Whether `text` claims to be sealed, if only by a later version, so that it is no key to be sent.
pub fn claims_to_be_sealed(text: &str) -> bool {
    text.starts_with("sealed:")
}

fn cut(text: &str) -> Option<&str> {
    text.strip_prefix(PREFIX)
}

impl Seal {
    /// `None` when the text is no secret.
    pub fn new(secret: &Secret) -> Option<Self> {
        let bytes = Zeroizing::new(BASE64.decode(secret.expose()).ok()?);
        let key = UnboundKey::new(&CHACHA20_POLY1305, &bytes).ok()?;
        Some(Self(LessSafeKey::new(key)))
    }

    /// The text to be stored in place of the key. Each is under a nonce of its own: a database seals
    /// some thousand keys in its life, far from where random ones of 96 bits would meet.
    pub fn seal(&self, sealed: &Sealed) -> Result<String, NoRandomness> {
        let mut nonce = [0; NONCE_LEN];
        fill_with_randomness(&mut nonce)?;
        let plain = serde_json::to_vec(sealed).expect("texts and a number serialize");
        let mut plain = Zeroizing::new(plain);
        let tag = self
            .0
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), aad(), &mut plain)
            .map_err(|_| NoRandomness)?;
        let body = [&nonce, plain.as_slice(), tag.as_ref()].concat();
        Ok(format!("{PREFIX}{}", BASE64.encode(body)))
    }

    /// What was sealed; `None` when it was sealed with another secret, or changed since.
    pub fn open(&self, text: &str) -> Option<Sealed> {
        let mut body = Zeroizing::new(BASE64.decode(cut(text)?).ok()?);
        let (nonce, rest) = body.split_at_mut_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let plain = self.0.open_in_place(nonce, aad(), rest).ok()?;
        serde_json::from_slice(plain).ok()
    }
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal")
    }
}

fn aad() -> Aad<&'static [u8]> {
    Aad::from(PREFIX.as_bytes())
}

fn fill_with_randomness(bytes: &mut [u8]) -> Result<(), NoRandomness> {
    SystemRandom::new().fill(bytes).map_err(|_| NoRandomness)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed() -> Sealed {
        Sealed {
            api_key: Secret::new("napi_canary"),
            purpose: Purpose {
                place: "console.neon.tech:443".into(),
                role: 16384,
                project_id: Some("quiet-bar-123456".into()),
            },
        }
    }

    fn seal() -> Seal {
        Seal::new(&new_secret().expect("randomness")).expect("a secret")
    }

    #[test]
    fn only_its_own_secret_opens_a_seal() {
        let own = seal();
        let text = own.seal(&sealed()).expect("sealed");
        assert!(is_sealed(&text), "{text}");
        assert!(!text.contains("napi_canary") && text.len() < 400, "{text}");
        assert_eq!(own.open(&text), Some(sealed()));
        assert_eq!(seal().open(&text), None, "the secret of another database");
        assert_ne!(own.seal(&sealed()).expect("sealed"), text, "a new nonce");
    }

    #[test]
    fn a_changed_text_is_not_opened() {
        let own = seal();
        let text = own.seal(&sealed()).expect("sealed");
        for at in PREFIX.len()..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).expect("ASCII");
            assert_eq!(own.open(&changed), None, "{at}");
        }
        for end in 0..text.len() {
            assert_eq!(own.open(&text[..end]), None, "{end}");
        }
        assert_eq!(own.open("napi_canary"), None);
    }

    #[test]
    fn the_longest_key_fits() {
        let own = seal();
        let longest = Sealed {
            api_key: Secret::new("\"".repeat(1024)),
            purpose: Purpose {
                place: format!("{}:65535", "h".repeat(253)),
                role: u32::MAX,
                project_id: Some("p".repeat(60)),
            },
        };
        let text = own.seal(&longest).expect("sealed");
        assert!(is_sealed(&text), "{} bytes", text.len());
        assert_eq!(own.open(&text), Some(longest));
    }

    #[test]
    fn secrets_are_told_from_other_texts() {
        assert!(is_secret(new_secret().expect("randomness").expose()));
        for bad in ["", "napi_canary", "AAAA", &"A".repeat(43 * 2)] {
            assert!(!is_secret(bad), "{bad}");
        }
        assert!(!is_sealed("sealed:v1:?") && !is_sealed("napi_canary"));
        assert!(claims_to_be_sealed("sealed:v2:x"));
    }

    #[test]
    fn a_seal_shows_nothing() {
        assert_eq!(format!("{:?}", seal()), "Seal");
        assert!(!format!("{:?}", sealed()).contains("canary"));
    }
}
