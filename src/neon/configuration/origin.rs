//! Owns when two redirect domains are the same: as browsers compare origins. It knows nothing of lists, nor
//! of how Neon spells them.

use crate::neon::api_url::split_authority;

/// Equal for domains that are the same: scheme and host in lower case, a host's letters as DNS has them,
/// without the scheme's own port and without a slash at the end. Whatever has more than an origin after its
/// authority keeps that byte for byte; a pattern and a custom scheme are as they are.
pub fn key(domain: &str) -> String {
    origin(domain).unwrap_or_else(|| domain.to_owned())
}

fn origin(domain: &str) -> Option<String> {
    let (scheme, rest) = domain.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    let own_port = match scheme.as_str() {
        "http" => 80,
        "https" => 443,
        _ => return None,
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    if authority.contains(['*', '@']) {
        return None;
    }
    let (ascii, port) = host_and_port(authority)?;
    let port = port.filter(|port| *port != own_port);
    let port = port.map_or(String::new(), |port| format!(":{port}"));
    let path = if path == "/" { "" } else { path };
    Some(format!("{scheme}://{ascii}{port}{path}"))
}

fn host_and_port(authority: &str) -> Option<(String, Option<u16>)> {
    if authority.starts_with('[') {
        let (host, port) = split_authority(authority)?;
        return Some((host.to_ascii_lowercase(), port));
    }
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, Some(port.parse().ok()?)),
        None => (authority, None),
    };
    Some((idna::domain_to_ascii(host).ok()?, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_origin() {
        for (one, other) in [
            ("https://App.Example.com/", "https://app.example.com"),
            ("HTTPS://app.example.com:443", "https://app.example.com"),
            ("http://localhost:80/", "http://localhost"),
            ("https://BÜCHER.example", "https://xn--bcher-kva.example"),
            ("https://[2001:DB8::1]:443", "https://[2001:db8::1]"),
            ("https://App.example.com/a?b", "https://app.example.com/a?b"),
        ] {
            assert_eq!(key(one), key(other), "{one}");
        }
    }

    #[test]
    fn different_domains() {
        for (one, other) in [
            ("https://app.example.com", "http://app.example.com"),
            ("https://app.example.com", "https://app.example.com:8443"),
            ("https://app.example.com:80", "https://app.example.com"),
            ("https://app.example.com//", "https://app.example.com"),
            ("https://app.example.com/a", "https://app.example.com/A"),
            ("https://app.example.com/a/", "https://app.example.com/a"),
            ("https://*.example.com", "https://*.Example.com"),
            ("myapp://X", "myapp://x"),
            ("myapp://", "myapp:"),
            ("https://user@a.example", "https://USER@a.example"),
        ] {
            assert_ne!(key(one), key(other), "{one}");
        }
    }
}
