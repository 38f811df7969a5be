//! What was blanked out is not there any more. An input is a text and its secrets, with a line `--`
//! between each two.

use neon_auth_admin::secret::{MASK, Secret, blank_out};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::{fuzz_text, text_of};

const SEPARATOR: &str = "\n--\n";

#[rustfmt::skip]
const WORDS: &[&str] = &[
    "\"", "\\", "\\\"", "\\u0000", "\n", "\r", "\u{7f}", "\u{2028}", "é", "𝄞", "napi_", "abcd",
    "aaaa", "*", "********", "{\"k\":\"", "\"}", "Bearer ", "\n--\n",
];

/// Secrets, and a text in which they stand whole, escaped, in parts, and into each other.
fn inputs() -> impl Strategy<Value = String> {
    let piece = (any::<Index>(), any::<Index>(), any::<Index>(), 0..4);
    (vec(text_of(WORDS), 1..4), vec(piece, 0..6), text_of(WORDS)).prop_map(
        |(secrets, pieces, filler)| {
            let mut text = String::new();
            for (which, from, to, how) in pieces {
                let secret = which.get(&secrets);
                let json = serde_json::to_string(secret).expect("a string");
                let chars: Vec<_> = secret.chars().collect();
                match how {
                    0 => text += secret,
                    1 => text += &json[1..json.len() - 1],
                    2 => text.extend(&chars[from.index(chars.len() + 1)..]),
                    _ => text.extend(&chars[..to.index(chars.len() + 1)]),
                }
                if how == 1 {
                    text += &filler;
                }
            }
            let secrets = secrets.join(SEPARATOR);
            format!("{text}{SEPARATOR}{secrets}")
        },
    )
}

#[test]
fn blanked_out_is_gone() {
    fuzz_text("secrets", WORDS, inputs(), |input| {
        let mut parts = input.split(SEPARATOR);
        let text = parts.next().expect("at least one part");
        let secrets: Vec<_> = parts.map(Secret::new).collect();
        let blanked = blank_out(text, &secrets);
        for secret in secrets.iter().map(Secret::expose) {
            // The mask may be a secret, or complete one; shorter secrets are in any sentence.
            if secret.chars().count() >= 4 && !secret.contains('*') {
                assert!(!blanked.contains(secret), "{secret:?} in {blanked:?}");
            }
        }
        let is_touched = secrets.iter().map(Secret::expose).any(|secret| {
            let json = serde_json::to_string(secret).expect("a string");
            !secret.is_empty() && (text.contains(secret) || text.contains(json.trim_matches('"')))
        });
        assert!(is_touched || blanked == text, "nothing else is changed");
        assert!(blanked == text || blanked.contains(MASK), "{blanked:?}");
        assert!(
            blanked.len() <= text.len() * MASK.len(),
            "at most a mask for each byte"
        );
    });
}
