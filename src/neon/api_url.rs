//! Owns the address of the API and the allow-list of hosts that may be sent a key.
//! The grammar is strict on purpose: what it does not name (user info, a query, escapes, another
//! scheme) is refused, so that no two readers of the same URL can disagree about its host.

use std::net::IpAddr;
use std::sync::Arc;

use crate::error::Error;

/// Where Neon's management API lives.
pub const DEFAULT: &str = "https://console.neon.tech/api/v2";

/// The only host allowed unless the server's configuration says otherwise.
pub const DEFAULT_HOSTS: &str = "console.neon.tech";

/// As long as a name of DNS can be.
const MAX_HOST: usize = 253;

/// A base URL that passed the grammar and the allow-list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiUrl {
    base: Arc<str>,
    place: Arc<str>,
    https: bool,
}

impl ApiUrl {
    /// Checks `text` (`https://host[:port][/path]`) against `allowed`, a comma-separated list of
    /// `host` (its scheme's own port), `host:port` and `host:*` (any port).
    ///
    /// Errors: `InvalidValue` when it is not such a URL, `Forbidden` when its host is not in the
    /// list, or when it is plain http to anything but a loopback address.
    pub fn parse(text: &str, allowed: &str) -> Result<Self, Error> {
        let Parts {
            base,
            https,
            authority,
            host,
            port,
        } = Parts::of(text).ok_or_else(Error::invalid_api_url)?;
        let default_port = default_port(https);
        let is_allowed = allowed.split(',').any(|entry| {
            split_entry(entry.trim()).is_some_and(|(name, ports)| {
                name.eq_ignore_ascii_case(host)
                    && match ports {
                        Ports::Default => port == default_port,
                        Ports::One(one) => port == one,
                        Ports::Any => true,
                    }
            })
        });
        if !is_allowed {
            return Err(Error::host_not_allowed(authority));
        }
        if !https && !is_loopback(host) {
            return Err(Error::plain_http(host));
        }
        Ok(Self {
            base: base.into(),
            place: place_of(host, port).into(),
            https,
        })
    }

    /// The same, for calls through a proxy, which sees all that plain http carries, the key included.
    ///
    /// Errors: `Forbidden`.
    pub fn through_proxy(self) -> Result<Self, Error> {
        match self.https {
            true => Ok(self),
            false => Err(Error::plain_http_through_proxy(self.host())),
        }
    }

    /// The URL of `path`, which begins with a slash.
    pub fn join(&self, path: &str) -> String {
        [&self.base, path].concat()
    }

    pub fn is_https(&self) -> bool {
        self.https
    }

    /// See [`place`].
    pub fn place(&self) -> &str {
        &self.place
    }

    /// As in the URL: the host, and the port if it is there.
    pub fn authority(&self) -> &str {
        let (_, rest) = self.base.split_once("://").unwrap_or_default();
        rest.split('/').next().unwrap_or_default()
    }

    /// As in the URL: without a port, an IPv6 address in its brackets.
    pub fn host(&self) -> &str {
        let authority = self.authority();
        split_authority(authority).map_or(authority, |(host, _)| host)
    }
}

/// Whether `text` is such a URL, whatever its host.
pub fn is_well_formed(text: &str) -> bool {
    Parts::of(text).is_some()
}

/// Where a key goes that is sent to the API at `text`: `host:port` in lower case, whether or not the
/// host is allowed. `None` when `text` is no such URL.
pub fn place(text: &str) -> Option<String> {
    Parts::of(text).map(|parts| place_of(parts.host, parts.port))
}

fn place_of(host: &str, port: u16) -> String {
    format!("{}:{port}", host.to_ascii_lowercase())
}

/// What a base URL is made of.
struct Parts<'a> {
    /// Without a slash at its end.
    base: &'a str,
    https: bool,
    authority: &'a str,
    host: &'a str,
    port: u16,
}

impl<'a> Parts<'a> {
    fn of(text: &'a str) -> Option<Self> {
        let base = text.strip_suffix('/').unwrap_or(text);
        let (https, rest) = match base.split_once("://")? {
            ("https", rest) => (true, rest),
            ("http", rest) => (false, rest),
            _ => return None,
        };
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let path_is_plain = path
            .split('/')
            .all(|segment| !matches!(segment, "." | "..") && segment.chars().all(is_unreserved));
        let (host, port) = split_authority(authority)?;
        path_is_plain.then_some(Self {
            base,
            https,
            authority,
            host,
            port: port.unwrap_or(default_port(https)),
        })
    }
}

fn default_port(https: bool) -> u16 {
    if https { 443 } else { 80 }
}

fn is_unreserved(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}

/// `host` or `[ipv6]`, and a port if there is one.
pub fn split_authority(authority: &str) -> Option<(&str, Option<u16>)> {
    let host_ends = authority.find(']').map_or(0, |bracket| bracket + 1);
    let (host, port) = match authority[host_ends..].find(':') {
        Some(colon) => {
            let (host, port) = authority.split_at(host_ends + colon);
            (host, Some(parse_port(&port[1..])?))
        }
        None => (authority, None),
    };
    let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
    let is_host = match bare {
        Some(ipv6) => ipv6.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            (1..=MAX_HOST).contains(&host.len())
                && host.chars().all(|c| is_unreserved(c) && c != '_')
        }
    };
    is_host.then_some((host, port))
}

fn parse_port(text: &str) -> Option<u16> {
    let digits = text.chars().all(|c| c.is_ascii_digit());
    text.parse().ok().filter(|&port| digits && port > 0)
}

enum Ports {
    Default,
    One(u16),
    Any,
}

fn split_entry(entry: &str) -> Option<(&str, Ports)> {
    if let Some(host) = entry.strip_suffix(":*") {
        return Some((host, Ports::Any));
    }
    let (host, port) = split_authority(entry)?;
    Some((host, port.map_or(Ports::Default, Ports::One)))
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host
            .trim_matches(['[', ']'])
            .parse::<IpAddr>()
            .is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    const ALLOWED: &str = "console.neon.tech, 127.0.0.1:*, [::1]:8080, example.org:8443, *";

    #[test]
    fn allowed_urls() {
        for url in [
            DEFAULT,
            "https://console.neon.tech:443/api/v2/",
            "https://Console.Neon.Tech/api/v2",
            "http://127.0.0.1:4711/api/v2",
            "https://127.0.0.1:1",
            "http://[::1]:8080/api",
            "https://example.org:8443",
        ] {
            let parsed = ApiUrl::parse(url, ALLOWED).expect(url);
            assert_eq!(parsed.is_https(), url.starts_with("https"), "{url}");
        }
        let url = ApiUrl::parse("https://console.neon.tech/api/v2/", ALLOWED).expect("allowed");
        assert_eq!(
            url.join("/projects/p"),
            "https://console.neon.tech/api/v2/projects/p"
        );
    }

    #[test]
    fn a_place_is_host_and_port() {
        for (url, expected) in [
            ("https://Console.Neon.Tech/api/v2", "console.neon.tech:443"),
            ("https://console.neon.tech:443", "console.neon.tech:443"),
            ("http://127.0.0.1", "127.0.0.1:80"),
            ("http://[::1]:8080/api", "[::1]:8080"),
        ] {
            assert_eq!(place(url).as_deref(), Some(expected), "{url}");
        }
        let url = ApiUrl::parse("https://Console.neon.tech", ALLOWED).expect("allowed");
        assert_eq!(url.place(), "console.neon.tech:443");
        assert_eq!(place("console.neon.tech"), None);
    }

    #[test]
    fn other_hosts_are_refused() {
        for url in [
            "https://console.neon.tech.evil.example/api/v2",
            "https://evil.example/console.neon.tech",
            "https://console.neon.tech./api/v2",
            "https://console.neon.tech:8443/api/v2",
            "https://example.org",
            "http://[::1]:8081",
            "http://localhost:4711",
            "http://127.0.0.2:4711",
            "http://example.org:8443",
            "http://console.neon.tech",
            "https://52.0.0.1/api/v2",
        ] {
            let error = ApiUrl::parse(url, ALLOWED).expect_err(url);
            assert_eq!(error.kind, ErrorKind::Forbidden, "{url}");
        }
    }

    #[test]
    fn other_grammars_are_refused() {
        for url in [
            "",
            "console.neon.tech",
            "ftp://console.neon.tech",
            "HTTPS://console.neon.tech",
            "https://",
            "https://user@console.neon.tech",
            "https://console.neon.tech@evil.example",
            "https://console.neon.tech\\@evil.example",
            "https://console.neon.tech#@evil.example",
            "https://console.neon.tech?x",
            "https://console.neon.tech/a/../b",
            "https://console.neon.tech/%2e%2e",
            "https://console.neon.tech:0",
            "https://console.neon.tech:+443",
            "https://console.neon.tech:65536",
            "https://[::1",
            "https://[evil]",
            "https://console.neon.tech/\r\nx",
            "https://console.neon.tech\u{202e}",
        ] {
            let error = ApiUrl::parse(url, ALLOWED).expect_err(url);
            assert_eq!(error.kind, ErrorKind::InvalidValue, "{url}");
        }
    }

    #[test]
    fn a_host_is_no_longer_than_a_name_can_be() {
        let url = |length| format!("https://{}/api/v2", "h".repeat(length));
        assert!(is_well_formed(&url(253)));
        assert!(!is_well_formed(&url(254)));
    }

    #[test]
    fn an_empty_list_allows_nothing() {
        assert!(ApiUrl::parse(DEFAULT, "").is_err());
        assert!(ApiUrl::parse(DEFAULT, DEFAULT_HOSTS).is_ok());
    }

    #[test]
    fn plain_http_is_for_loopback() {
        let allowed = "example.org:*,127.0.0.1:*";
        assert!(ApiUrl::parse("http://127.0.0.1:80", allowed).is_ok());
        let error = ApiUrl::parse("http://example.org", allowed).expect_err("plain http");
        assert_eq!(
            error.message,
            Error::plain_http("example.org").message,
            "the host is allowed, the scheme is not"
        );
    }
}
