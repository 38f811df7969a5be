//! Owns what a caller may say of a path: the words that follow `.../auth`, and a query. It knows nothing
//! of operations, nor of what comes before these words.
//! The grammar is strict on purpose: whatever a server, a proxy or a library might take for the way to
//! another place is refused, before and after each decoding that it might do.

use crate::error::Error;
use crate::neon::argument::is_unseen;

/// What servers take in the first line of a request is twice that, or more.
const MAX_LENGTH: usize = 4096;

/// What may stand in a query besides what may stand in a segment.
const OF_A_QUERY: [char; 4] = ['=', '&', '+', ','];

/// `segment/segment?query` from the argument `name`. A segment and a query are made of `A-Za-z0-9-._~` and
/// of percent-encoded bytes, a query of `=&+,` too. A segment is never empty, and an encoded slash stays as
/// it is: it is data.
pub fn check<'a>(name: &str, value: &'a str) -> Result<&'a str, Error> {
    let refuse = |why: String| Err(Error::invalid_path(name, &why));
    if value.len() > MAX_LENGTH {
        return refuse(format!("It is longer than {MAX_LENGTH} bytes."));
    }
    let (path, query) = match value.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (value, None),
    };
    let start_of_query = path.chars().count() + 2;
    let of_path = |c| is_of_segment(c) || c == '/';
    let of_query = |c| is_of_segment(c) || OF_A_QUERY.contains(&c);
    let strange = first_not(path, 1, of_path)
        .or_else(|| first_not(query.unwrap_or_default(), start_of_query, of_query));
    if let Some((n, c)) = strange {
        let code = u32::from(c);
        return refuse(format!(
            "Character {n} of it is U+{code:04X}, which cannot stand there as it is."
        ));
    }
    if !has_whole_escapes(value) {
        return refuse("It has a percent sign without two hexadecimal digits.".to_owned());
    }
    for (segment, n) in path.split('/').zip(1..) {
        if segment.is_empty() {
            return refuse(format!("Segment {n} of it is empty."));
        }
        if !stays_within(segment) {
            return refuse(format!(
                "Segment {n} of it is made of dots, or has such a part, before or after it is decoded."
            ));
        }
        if !is_text(segment) {
            return refuse(format!(
                "Segment {n} of it has a control character, or is no UTF-8, after it is decoded."
            ));
        }
    }
    match query {
        Some("") => refuse("Its query is empty.".to_owned()),
        Some(query) if !is_text(query) => refuse(
            "Its query has a control character, or is no UTF-8, after it is decoded.".to_owned(),
        ),
        _ => Ok(value),
    }
}

/// The values in the query of such a path, as they are and decoded.
pub fn values(path: &str) -> impl Iterator<Item = String> {
    let query = path.split_once('?').map_or("", |(_, query)| query);
    let values = query.split('&').map(|field| match field.split_once('=') {
        Some((_, value)) => value,
        None => field,
    });
    values.flat_map(|value| {
        let decoded = decoded(&value.replace('+', " ").into_bytes());
        let decoded = decoded.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        [Some(value.to_owned()), decoded].into_iter().flatten()
    })
}

fn is_of_segment(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~' | '%')
}

/// The first character that is none of those, and which one of the value it is.
fn first_not(text: &str, start: usize, is_allowed: impl Fn(char) -> bool) -> Option<(usize, char)> {
    let mut chars = (start..).zip(text.chars());
    chars.find(|(_, c)| !is_allowed(*c))
}

fn has_whole_escapes(text: &str) -> bool {
    let after = text.split('%').skip(1);
    let mut after = after.map(str::as_bytes);
    after.all(|rest| rest.len() >= 2 && rest[..2].iter().all(u8::is_ascii_hexdigit))
}

/// Whether no reader takes it, or a part of it, for `.` or `..`, however often he decodes it, and whatever
/// else than `/` he takes for the end of a segment.
fn stays_within(segment: &str) -> bool {
    decodings(segment).iter().all(|bytes| {
        let text = String::from_utf8_lossy(bytes);
        text.split(['/', '\\']).all(|part| {
            let part = part.split([';', '?', '#']).next().unwrap_or_default();
            let part = part.trim_matches(is_unseen);
            part.is_empty() || part.chars().any(|c| c != '.')
        })
    })
}

/// Whether it is UTF-8 without control characters, however often it is decoded.
fn is_text(text: &str) -> bool {
    let is_plain = |bytes: &Vec<u8>| {
        str::from_utf8(bytes).is_ok_and(|text| !text.chars().any(char::is_control))
    };
    decodings(text).iter().all(is_plain)
}

/// The text as it is, decoded, and decoded again until nothing changes.
fn decodings(text: &str) -> Vec<Vec<u8>> {
    let mut all = vec![text.as_bytes().to_vec()];
    while let Some(next) = all.last().and_then(|last| decoded(last)) {
        all.push(next);
    }
    all
}

/// `None` if there is nothing to decode.
fn decoded(text: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, others @ ..] = rest {
        let escape = match rest {
            [b'%', high, low, ..] => digit(*high).zip(digit(*low)),
            _ => None,
        };
        (rest, _) = match escape {
            Some((high, low)) => (&rest[3..], decoded.push(16 * high + low)),
            None => (others, decoded.push(*first)),
        };
    }
    (decoded.len() < text.len()).then_some(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_follow() {
        for path in [
            "plugins",
            "plugins/magic-link",
            "oauth-clients/https%3A%2F%2Fapp.example.com%2Fmcp.json",
            "oauth-clients/https%3A%2F%2Fapp.example.com%2Fa%2520b",
            "users/caf%C3%A9",
            "users?search=ada%40example.com&limit=10",
            "users?cursor=a+b,c%2F..%2Fd",
            ".well-known/x",
            "a..b/...c/~",
            "%2Fa",
        ] {
            assert_eq!(check("path", path).ok(), Some(path));
        }
        assert!(check("path", &"a".repeat(4096)).is_ok());
    }

    #[test]
    fn the_ways_out() {
        let long = "a".repeat(4097);
        for (path, why) in [
            ("", "Segment 1 of it is empty"),
            ("/", "Segment 1 of it is empty"),
            ("/users", "Segment 1 of it is empty"),
            ("users/", "Segment 2 of it is empty"),
            ("users//x", "Segment 2 of it is empty"),
            ("//host/x", "Segment 1 of it is empty"),
            ("?x=1", "Segment 1 of it is empty"),
            ("users?", "Its query is empty"),
            ("users?a?b", "Character 8 of it is U+003F"),
            (".", "Segment 1 of it is made of dots"),
            ("..", "Segment 1 of it is made of dots"),
            ("users/../../x", "Segment 2 of it is made of dots"),
            ("users/./x", "Segment 2 of it is made of dots"),
            ("users/...", "Segment 2 of it is made of dots"),
            ("%2e%2E", "Segment 1 of it is made of dots"),
            (".%2e/x", "Segment 1 of it is made of dots"),
            ("%252e%252e", "Segment 1 of it is made of dots"),
            ("%25252e%25252e", "Segment 1 of it is made of dots"),
            ("%25%32%65.", "Segment 1 of it is made of dots"),
            ("x%2F..%2F..%2Fy", "Segment 1 of it is made of dots"),
            ("x%2f%2e%2e", "Segment 1 of it is made of dots"),
            ("x%5C..%5Cy", "Segment 1 of it is made of dots"),
            ("x%252F..", "Segment 1 of it is made of dots"),
            ("..%3B", "Segment 1 of it is made of dots"),
            ("..%3Bx=y", "Character 7 of it is U+003D"),
            ("..%3F", "Segment 1 of it is made of dots"),
            ("..%23x", "Segment 1 of it is made of dots"),
            ("..%20", "Segment 1 of it is made of dots"),
            ("%E2%80%8B..", "Segment 1 of it is made of dots"),
            ("%c0%ae%c0%ae", "is no UTF-8"),
            ("a%00", "has a control character"),
            ("a%2500", "has a control character"),
            ("a%0d%0aHost:x", "Character 12 of it is U+003A"),
            ("a%0d%0aHost", "has a control character"),
            ("a%7f", "has a control character"),
            ("a%C2%85", "has a control character"),
            ("users?x=%0d%0a", "Its query has a control character"),
            ("users?x=%ff", "Its query has a control character"),
            ("a%", "percent sign"),
            ("a%2", "percent sign"),
            ("a%zz", "percent sign"),
            ("a%u002e", "percent sign"),
            ("users?x=%", "percent sign"),
            ("\\x", "Character 1 of it is U+005C"),
            ("..\\x", "Character 3 of it is U+005C"),
            ("https://host/x", "Character 6 of it is U+003A"),
            ("x@host", "Character 2 of it is U+0040"),
            ("x:1", "Character 2 of it is U+003A"),
            ("x#y", "Character 2 of it is U+0023"),
            ("x;y", "Character 2 of it is U+003B"),
            ("users?x#y", "Character 8 of it is U+0023"),
            ("users?x=a b", "Character 10 of it is U+0020"),
            ("x y", "Character 2 of it is U+0020"),
            (" x", "Character 1 of it is U+0020"),
            ("x\t", "Character 2 of it is U+0009"),
            ("x\r\nHost: y", "Character 2 of it is U+000D"),
            ("x\0", "Character 2 of it is U+0000"),
            ("é", "Character 1 of it is U+00E9"),
            ("\u{ff0e}\u{ff0e}/x", "Character 1 of it is U+FF0E"),
            ("x\u{2215}y", "Character 2 of it is U+2215"),
            ("{id}", "Character 1 of it is U+007B"),
            ("*", "Character 1 of it is U+002A"),
            (&long, "longer than 4096 bytes"),
        ] {
            let error = check("path", path).expect_err(path);
            assert_eq!(error.message, "invalid value for argument \"path\"");
            let detail = error.detail.unwrap_or_default();
            assert!(detail.contains(why), "{path:?}: {detail}");
        }
    }
}
