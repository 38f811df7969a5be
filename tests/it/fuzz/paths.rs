//! Ids and options become path segments, or are refused: they never change the path's shape.

use neon_auth_admin::neon::oauth_providers::Credentials;
use neon_auth_admin::neon::request::{Look, Method, Request, Segment, Texts};
use neon_auth_admin::neon::scope::Scope;
use neon_auth_admin::neon::{integration, oauth_providers, users};
use ureq::http::Uri;

use super::{fuzz_text, text_of};
use crate::support::scope;

const WORDS: &[&str] = &[
    "/", "..", ".", "#", "?", "%2e", "%2F", "\\", ";", ":", "@", "a", "Z9", "_", "-", " ", "\r\n",
    "\0", "é", "\u{202e}", "\u{ff0f}", "id",
];

#[test]
fn ids_are_segments_or_refused() {
    fuzz_text("segments", WORDS, text_of(WORDS), |text| {
        let texts = Texts {
            purpose: "fuzz",
            noun: "path",
            look: Look::Table("neon_auth.users_sync"),
        };
        let mut paths = Vec::new();
        if let Ok(segment) = Segment::id("id", text) {
            let path = vec![Segment::fixed("a"), segment.clone(), segment];
            paths.push((Request::empty(Method::Get, path, texts).path(), 3));
        }
        let scope = scope();
        if let Ok(request) = users::delete(&scope, text) {
            paths.push((request.path(), 5));
        }
        if let Ok(request) = oauth_providers::delete(&scope, text) {
            paths.push((request.path(), 5));
        }
        let change = Credentials {
            client_id: Some("c"),
            ..Credentials::default()
        };
        if let Ok(request) = oauth_providers::update(&scope, text, change) {
            paths.push((request.path(), 5));
        }
        let is_id = (1..=128).contains(&text.chars().count())
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "_-".contains(c));
        assert_eq!(paths.len(), if is_id { 4 } else { 0 });
        if let Ok(scope) = Scope::new(text, None, None) {
            paths.push((integration::delete(&scope, true).path(), 5));
        }
        if let Ok(scope) = Scope::new("p", None, Some(text)) {
            paths.push((integration::delete(&scope, true).path(), 5));
        }
        for (path, segments) in paths {
            assert_is_path(&path, segments);
        }
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
