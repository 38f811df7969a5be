//! Owns what is looked for in the text of an answer before anything is made of it. It knows JSON, and
//! nothing of what operations answer.

/// Thirty times what a thousand redirect domains have. As `jsonb` is made of it, a value of two bytes
/// takes up to 600 for a moment.
pub const MAX_VALUES: usize = 100_000;

/// Why an answer is none.
#[derive(Debug)]
pub enum Unusable {
    /// No JSON, or not the JSON that the operation answers.
    Malformed,
    /// More than [`MAX_VALUES`].
    TooManyValues,
}

impl From<serde_json::Error> for Unusable {
    fn from(_: serde_json::Error) -> Self {
        Self::Malformed
    }
}

/// Refuses a text with a NUL character in it, which Postgres' text cannot hold, and one with too many
/// values: each element of an array or object counts, and each that has none. What is no JSON may pass;
/// it will be refused where it is parsed.
pub fn check(json: &[u8]) -> Result<(), Unusable> {
    let mut values = 0;
    let mut is_in_string = false;
    let mut is_escaped = false;
    for (n, byte) in json.iter().enumerate() {
        match byte {
            b'u' if is_escaped && json[n..].starts_with(b"u0000") => {
                return Err(Unusable::Malformed);
            }
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = is_in_string,
            b'"' => is_in_string = !is_in_string,
            b'[' | b'{' | b',' if !is_in_string => values += 1,
            _ => {}
        }
    }
    if values > MAX_VALUES {
        return Err(Unusable::TooManyValues);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has_nul(json: &str) -> bool {
        matches!(check(json.as_bytes()), Err(Unusable::Malformed))
    }

    fn has_too_many(json: &str) -> bool {
        matches!(check(json.as_bytes()), Err(Unusable::TooManyValues))
    }

    #[test]
    fn an_escaped_nul_is_found() {
        assert!(has_nul(r#"{"id":"a\u0000"}"#));
        assert!(has_nul(r#"{"id":"\\\u0000b"}"#));
        assert!(!has_nul(r#"{"id":"\\u0000"}"#), "an escaped backslash");
        assert!(!has_nul(r#"{"id":"u0000"}"#));
        assert!(!has_nul(""));
    }

    #[test]
    fn values_are_counted() {
        for (item, values) in [
            ("1", 1),
            ("\"\"", 1),
            ("[]", 2),
            ("{}", 2),
            ("{\"a\": 1}", 2),
            ("[[\"a\"]]", 3),
        ] {
            let list = |items| format!("[{}]", vec![item; items].join(","));
            let most = MAX_VALUES / values;
            assert!(!has_too_many(&list(most)), "{item}");
            assert!(has_too_many(&list(most + 1)), "{item}");
        }
    }

    #[test]
    fn what_is_in_a_string_is_no_value() {
        let text = "[{,".repeat(MAX_VALUES);
        for json in [format!(r#"["{text}"]"#), format!(r#"["\"{text}\\", 1]"#)] {
            assert!(!has_too_many(&json));
        }
        assert!(has_too_many(&format!(r#"["\\",{text}"#)));
    }
}
