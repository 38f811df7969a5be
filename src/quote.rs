//! Owns how a text that somebody else has written stands in a message: escaped, and cut. It knows nothing of
//! what the text is, or of the message.

/// What is not for printing, as Rust writes it.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            ' '..='~' => escaped.push(c),
            c => escaped.extend(c.escape_debug()),
        }
    }
    escaped
}

/// The first `max` characters of it, escaped.
pub fn shortened(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        Some((end, _)) => escape(&text[..end]) + "...",
        None => escape(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_of_a_text() {
        assert_eq!(shortened("a\r\n\u{feff}\"é", 9), r#"a\r\n\u{feff}"é"#);
        assert_eq!(shortened("ééé", 2), "éé...");
        assert_eq!(shortened("éé", 2), "éé");
    }
}
