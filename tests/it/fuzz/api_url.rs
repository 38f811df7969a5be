//! An `api_url` that is accepted leads, for another reader of URLs, to an allowed host as well: it is
//! where the key goes.

use neon_auth_admin::error::ErrorKind;
use neon_auth_admin::neon::api_url::{ApiUrl, is_well_formed};
use proptest::prelude::*;
use ureq::http::Uri;

use super::{fuzz_text, text_of};

const ALLOWED: &str =
    "console.neon.tech, 127.0.0.1:*, localhost:4711 ,[::1]:8080, [::2]:*, example.org:8443";

/// The same list as data: a host, and its port if it is not any. Port 0 stands for the scheme's own.
const HOSTS: &[(&str, Option<u16>)] = &[
    ("console.neon.tech", Some(0)),
    ("127.0.0.1", None),
    ("localhost", Some(4711)),
    ("[::1]", Some(8080)),
    ("[::2]", None),
    ("example.org", Some(8443)),
];

#[rustfmt::skip]
const WORDS: &[&str] = &[
    "https://", "http://", "HTTPS://", "//", "console.neon.tech", "127.0.0.1", "localhost", "[::1]",
    "[::2]", "example.org", "evil.example", ":", ":443", ":80", ":8080", ":4711", ":8443", ":0",
    ":*", "*", "@", "/", "\\", "?", "#", "..", ".", "%2e", "%40", "[", "]", "api/v2", ",", "-", "_",
    " ", "\r\n", "\t", "\0", "\u{202e}", "\u{ff0e}", "\u{3002}", "\u{212a}", "user:pass@",
    "::ffff:",
];

/// URLs that are nearly right, each part from a few.
fn urls() -> impl Strategy<Value = String> {
    let url = "(https|http|HTTP|ftp)://(user@|a:b@)?\
               (console\\.neon\\.tech|127\\.0\\.0\\.1|localhost|\\[::1\\]|\\[::2\\]|example\\.org|evil\\.example)\
               [.@\\\\]?(:(443|80|8443|4711|8080|0|65536|[+]443|00443)?)?\
               (/(\\.|\\.\\.|[a-z0-9._%-]{0,6})){0,3}[?#]?";
    prop_oneof![url, text_of(WORDS)]
}

#[test]
fn keys_go_to_allowed_hosts_alone() {
    fuzz_text("api_url", WORDS, urls(), |text| {
        let parsed = ApiUrl::parse(text, ALLOWED);
        let refused = parsed.as_ref().err().map(|error| error.kind);
        assert_eq!(
            is_well_formed(text),
            refused != Some(ErrorKind::InvalidValue),
            "the two readings of the same grammar"
        );
        assert!(ApiUrl::parse(text, "").is_err(), "an empty list");
        let Ok(parsed) = parsed else {
            assert!(
                matches!(
                    refused,
                    Some(ErrorKind::InvalidValue | ErrorKind::Forbidden)
                ),
                "{refused:?}"
            );
            return;
        };
        let joined = parsed.join("/projects/p/auth/domains");
        let uri: Uri = joined.parse().expect("a URI");
        let authority = uri.authority().expect("an authority").as_str();
        assert!(!authority.contains('@'), "{authority}");
        assert_eq!(uri.scheme_str() == Some("https"), parsed.is_https());
        let host = uri.host().expect("a host");
        let is_loopback = ["127.0.0.1", "localhost", "[::1]"]
            .iter()
            .any(|name| host.eq_ignore_ascii_case(name));
        assert!(
            parsed.is_https() || is_loopback,
            "plain http to another machine: {host}"
        );
        let scheme_port = if parsed.is_https() { 443 } else { 80 };
        let port = uri.port_u16().unwrap_or(scheme_port);
        let is_allowed = HOSTS.iter().any(|(name, allowed)| {
            name.eq_ignore_ascii_case(host)
                && match allowed {
                    None => true,
                    Some(0) => port == scheme_port,
                    Some(one) => port == *one,
                }
        });
        assert!(is_allowed, "{host} and {port}");
        assert!(
            !joined.contains(['?', '#', '%', '\\']) && !joined.contains("/../"),
            "{joined}"
        );
        assert!(uri.path().ends_with("/projects/p/auth/domains"), "{joined}");
        assert_eq!(uri.query(), None);
    });
}
