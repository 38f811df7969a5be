//! Owns why there is no answer: the kinds of failure, and words for them. It knows nothing of what was
//! asked.

use std::{fmt, io};

use rustls::{CertificateError, Error as TlsError};

/// Why there is no [`Response`](super::Response).
#[derive(Debug)]
pub struct Failure {
    pub cause: Cause,
    /// Whether any byte of the request may have left.
    pub sent: bool,
    /// A clause for people, without secrets.
    pub reason: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Name resolution, connection, TLS, or a connection that was lost before an answer.
    Connection,
    /// The other side is not who it should be.
    Certificate,
    /// Nor may it be, for all that is known here: who signed its certificate is not trusted.
    UnknownAuthority,
    /// The budget, or the part of it that is for connecting, is spent.
    Timeout,
    /// The answer's body ended early.
    CutShort,
    /// Not HTTP.
    Malformed,
    /// A longer body than is wanted.
    TooLarge,
    /// Headers without end.
    LargeHead,
    /// The transport was told to stop: see [`interrupted`].
    Interrupted,
}

pub fn io_failure(error: &io::Error) -> (Cause, String) {
    let inner = error.get_ref();
    match inner.and_then(|inner| inner.downcast_ref::<TlsError>()) {
        Some(error) => tls_failure(error),
        None => (Cause::Connection, in_words(error)),
    }
}

/// For people. "Connection refused (os error 111)": the number helps nobody.
pub fn in_words(error: &io::Error) -> String {
    if let Some(inner) = error.get_ref() {
        return inner.to_string();
    }
    if error.raw_os_error().is_none() {
        return error.kind().to_string();
    }
    let text = error.to_string();
    let words = text.split(" (os error").next().unwrap_or_default();
    words.to_lowercase()
}

pub fn tls_failure(error: &TlsError) -> (Cause, String) {
    let cause = match error {
        TlsError::InvalidCertificate(CertificateError::UnknownIssuer) => Cause::UnknownAuthority,
        TlsError::InvalidCertificate(_) => Cause::Certificate,
        _ => Cause::Connection,
    };
    (cause, format!("TLS: {error}"))
}

/// What a transport or resolver returns when its wait was ended from outside. Its kind is never
/// `ErrorKind::Interrupted`: std and rustls would try again.
pub fn interrupted() -> ureq::Error {
    io::Error::other(Interrupted).into()
}

pub fn is_interrupted(error: &ureq::Error) -> bool {
    matches!(error, ureq::Error::Io(error) if error.get_ref().is_some_and(|inner| inner.is::<Interrupted>()))
}

#[derive(Debug)]
struct Interrupted;

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("interrupted")
    }
}

impl std::error::Error for Interrupted {}
