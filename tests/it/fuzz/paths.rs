//! Ids and options become path segments, or are refused: they never change the path's shape. And what a
//! caller says of a path leads to no other place.

use neon_auth_admin::neon::any_operation::{self, CALL_POST};
use neon_auth_admin::neon::oauth_providers::Credentials;
use neon_auth_admin::neon::target::Target;
use neon_auth_admin::neon::{integration, oauth_clients, oauth_providers, users};
use ureq::http::Uri;
use url::Url;

use super::{fuzz_text, text_of};
use crate::support::target;

const WORDS: &[&str] = &[
    "/", "..", ".", "#", "?", "%2e", "%2F", "\\", ";", ":", "@", "a", "Z9", "_", "-", " ", "\r\n",
    "\0", "é", "\u{202e}", "\u{ff0f}", "id",
];

#[test]
fn ids_are_segments_or_refused() {
    fuzz_text("segments", WORDS, text_of(WORDS), |text| {
        let mut paths = Vec::new();
        let target = target();
        if let Ok(request) = users::delete(&target, text) {
            paths.push((request.path().to_owned(), 5));
        }
        if let Ok(request) = oauth_providers::delete(&target, text) {
            paths.push((request.path().to_owned(), 5));
        }
        let change = Credentials {
            client_id: Some("c"),
            ..Credentials::default()
        };
        if let Ok(request) = oauth_providers::update(&target, text, change) {
            paths.push((request.path().to_owned(), 5));
        }
        let is_id = (1..=128).contains(&text.chars().count())
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "_-".contains(c));
        assert_eq!(paths.len(), if is_id { 3 } else { 0 });
        if let Ok(target) = Target::new(text, None, None) {
            let request = integration::delete(&target, true).expect("valid");
            paths.push((request.path().to_owned(), 5));
        }
        if let Ok(target) = Target::new("p", None, Some(text)) {
            let request = integration::delete(&target, true).expect("valid");
            paths.push((request.path().to_owned(), 5));
        }
        for (path, segments) in paths {
            assert_is_path(&path, segments);
        }
    });
}

/// Whatever one is, it is one segment, and the whole of it.
#[test]
fn ids_of_clients_are_one_segment_or_refused() {
    let branch = Target::new("p", Some("br-1"), None).expect("valid ids");
    fuzz_text("client_ids", WORDS, text_of(WORDS), |text| {
        let Ok(request) = oauth_clients::rotate_secret(&branch, text) else {
            return;
        };
        let path = request.path();
        assert_eq!(path.split('/').count(), 10, "{path}");
        let id = path.rsplit('/').nth(1).expect("a segment");
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~%".contains(c);
        assert!(id.chars().all(is_plain), "{path}");
        assert!(!matches!(id, "" | "." | ".."), "{path}");
        let decoded = percent_encoding::percent_decode_str(id).decode_utf8();
        assert_eq!(decoded.as_deref(), Ok(text));
        let uri: Uri = format!("https://host{path}").parse().expect("a URI");
        assert_eq!((uri.path(), uri.query()), (path, None));
    });
}

#[track_caller]
fn assert_is_path(path: &str, segments: usize) {
    assert!(
        path.chars()
            .all(|c| c.is_ascii_alphanumeric() || "_/-".contains(c)),
        "{path}"
    );
    let parts: Vec<_> = path.split('/').collect();
    assert_eq!(parts.len(), segments + 1, "{path}");
    assert!(
        parts[0].is_empty() && !parts[1..].contains(&""),
        "a slash before each segment: {path}"
    );
    let uri: Uri = format!("https://host{path}").parse().expect("a URI");
    assert_eq!((uri.path(), uri.query()), (path, None));
}

const OF_PATHS: &[&str] = &[
    "/",
    "..",
    ".",
    "%2e",
    "%2F",
    "%5c",
    "%25",
    "2e",
    "2F",
    "?",
    "=",
    "&",
    "+",
    ",",
    "a",
    "Z9",
    "_",
    "-",
    "~",
    "#",
    ";",
    "%3B",
    ":",
    "@",
    "//",
    "\\",
    " ",
    "%20",
    "\r\n",
    "%0d",
    "\0",
    "%00",
    "%c0%ae",
    "%C3%A9",
    "é",
    "\u{ff0e}",
    "%EF%BC%8E",
    "%",
    "https://x/",
    "auth",
    "future/a-1",
];

#[test]
fn what_a_caller_says_of_a_path_stays_below_auth() {
    const AUTH: &str = "/projects/quiet-bar-123456/auth/";
    fuzz_text("relative_paths", OF_PATHS, text_of(OF_PATHS), |text| {
        let Ok(request) = any_operation::call(&CALL_POST, &target(), text, None) else {
            return;
        };
        let whole = request.path();
        assert_eq!(whole, format!("{AUTH}{text}"));
        let uri: Uri = format!("https://host{whole}").parse().expect("a URI");
        assert_eq!(uri.path_and_query().map(|it| it.as_str()), Some(whole));
        assert_eq!(uri.host(), Some("host"));
        // As browsers and proxies read it, which take `%2e` for a dot and a backslash for a slash.
        let mut path = whole.to_owned();
        for _ in 0..5 {
            let url = Url::parse(&format!("https://host{path}")).expect("a URL");
            let (path_of_it, is_plain) = (url.path(), url.fragment().is_none());
            assert!(path_of_it.starts_with(AUTH) && is_plain, "{path_of_it}");
            assert_eq!(url.host_str(), Some("host"));
            // And what is before a semicolon alone, as others do.
            let cut: Vec<_> = path_of_it
                .split('/')
                .map(|it| it.split(';').next())
                .collect();
            assert!(
                cut.iter().all(|it| !matches!(it, Some("." | ".."))),
                "{cut:?}"
            );
            path = decoded(path_of_it);
        }
    });
}

/// Each escape that can be shown, once.
fn decoded(text: &str) -> String {
    let mut parts = text.split('%');
    let mut decoded = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let byte = part
            .get(..2)
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match byte.filter(u8::is_ascii_graphic) {
            // From there on it would be no path.
            Some(b'?' | b'#') => return decoded,
            Some(byte) => decoded.extend([char::from(byte).to_string().as_str(), &part[2..]]),
            None => decoded.extend(["%", part]),
        }
    }
    decoded
}
