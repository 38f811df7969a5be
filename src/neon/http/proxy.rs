//! Owns what a proxy is: where it is, and who asks it. It knows nothing of how one is talked to.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use ureq::ProxyProtocol;

use super::in_words;
use crate::error::Error;
use crate::neon::api_url::split_authority;
use crate::secret::Secret;

/// More than names and passwords are, and less than a request's head may be.
const MAX_CREDENTIAL: usize = 1024;

/// An HTTP CONNECT proxy.
#[derive(Clone, Debug)]
pub struct ProxySettings {
    /// `http://host:port`, and nothing else: past a SOCKS proxy ureq would connect directly.
    pub url: String,
    pub user: Option<String>,
    /// The password of that user is its first line.
    pub password_file: Option<PathBuf>,
}

pub struct Proxy {
    pub ureq: ureq::Proxy,
    /// To be kept out of messages.
    pub password: Option<Secret>,
}

impl Proxy {
    pub fn new(settings: &ProxySettings) -> Result<Self, Error> {
        if settings.url.contains('@') {
            return Err(Error::proxy_with_user_info());
        }
        let authority = settings.url.strip_prefix("http://");
        let authority = authority.map(|rest| rest.strip_suffix('/').unwrap_or(rest));
        let (host, port) = authority
            .and_then(split_authority)
            .ok_or_else(Error::invalid_proxy)?;
        let mut proxy = ureq::Proxy::builder(ProxyProtocol::Http).host(host);
        if let Some(port) = port {
            proxy = proxy.port(port);
        }
        let password = match (&settings.user, &settings.password_file) {
            (None, None) => None,
            (Some(user), Some(file)) => {
                // The colon ends a name in what is sent.
                if user.contains(':') || !is_credential(user) {
                    return Err(Error::invalid_proxy_user());
                }
                let password = read_password(file)?;
                proxy = proxy.username(user).password(password.expose());
                Some(password)
            }
            _ => return Err(Error::half_of_proxy_credentials()),
        };
        let ureq = proxy.build().map_err(|_| Error::invalid_proxy())?;
        Ok(Self { ureq, password })
    }
}

fn is_credential(text: &str) -> bool {
    (1..=MAX_CREDENTIAL).contains(&text.len()) && !text.chars().any(char::is_control)
}

/// No error shows anything of the file.
fn read_password(file: &Path) -> Result<Secret, Error> {
    let unusable = |why: &str| Error::unusable_proxy_password(&file.display().to_string(), why);
    let unreadable = |error| unusable(&in_words(&error));
    let metadata = fs::metadata(file).map_err(unreadable)?;
    // Others would never end.
    if !metadata.is_file() {
        return Err(unusable("it is not a file"));
    }
    // As for Postgres' own private keys.
    if metadata.mode() & 0o037 != 0 {
        return Err(unusable("its permissions must be u=rw,g=r (0640) or less"));
    }
    let mut text = Vec::new();
    let most = MAX_CREDENTIAL as u64 + 2; // and a line break
    let file = File::open(file).map_err(unreadable)?;
    file.take(most).read_to_end(&mut text).map_err(unreadable)?;
    let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    match std::str::from_utf8(line) {
        Ok("") => Err(unusable("its first line is empty")),
        Ok(line) if is_credential(line) => Ok(Secret::new(line)),
        _ => Err(unusable(
            "its first line must be text of at most 1024 bytes without control characters",
        )),
    }
}
