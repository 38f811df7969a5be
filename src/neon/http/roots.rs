//! Owns where trust in TLS certificates comes from: a PEM file, or the system. Of what is in a file it
//! says in its own words what it is, and never repeats any of it: it may be a private key.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject};
use ureq::tls::{Certificate, RootCerts};

use super::in_words;
use crate::error::Error;

/// Ten times the certificates of a system.
const MAX_FILE: u64 = 4 << 20;

const NO_LINES: &str = "line breaks are missing: each BEGIN and END needs a line of its own";

/// The certificates in `ca_file`, or the system's.
pub fn load(ca_file: Option<&Path>) -> Result<RootCerts, Error> {
    let certificates = match ca_file {
        Some(path) => read(path)
            .and_then(|file| Ok(parse(&file)?))
            .map_err(|why| Error::unusable_ca_file(path, &why))?,
        // A single broken file among the system's must not take the others down with it.
        None => rustls_native_certs::load_native_certs().certs,
    };
    if certificates.is_empty() {
        return Err(Error::no_roots());
    }
    let certificates = certificates.iter();
    let certificates = certificates.map(|der| Certificate::from_der(der).to_owned());
    Ok(RootCerts::Specific(Arc::new(certificates.collect())))
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let about = fs::metadata(path).map_err(|error| in_words(&error))?;
    if about.is_dir() {
        return Err("it is a directory".into());
    }
    // To open a pipe would be to wait for somebody who writes into it.
    if !about.is_file() {
        return Err("it is not a regular file".into());
    }
    if about.len() > MAX_FILE {
        return Err("it is larger than 4 MB".into());
    }
    fs::read(path).map_err(|error| in_words(&error))
}

/// The certificates in a PEM file; or what it is instead, to follow "...: ".
fn parse(file: &[u8]) -> Result<Vec<CertificateDer<'static>>, &'static str> {
    if let Some(why) = what_else(file) {
        return Err(why);
    }
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(file).collect();
    // Their own words have the content in them.
    let certificates = certificates.map_err(|error| match error {
        pem::Error::MissingSectionEnd { end_marker } if !end_marker.contains(&b'-') => {
            "a section has no END line: the file was cut off"
        }
        pem::Error::MissingSectionEnd { .. } | pem::Error::IllegalSectionStart { .. } => NO_LINES,
        pem::Error::Base64Decode(_) => "a section is not base64: the file is damaged",
        _ => "it is not PEM",
    })?;
    if certificates.is_empty() {
        return Err(what_instead(file));
    }
    let mut store = rustls::RootCertStore::empty();
    match store.add_parsable_certificates(certificates.iter().cloned()) {
        (_, 0) => Ok(certificates),
        _ => Err("a section CERTIFICATE holds none: the file is damaged"),
    }
}

/// What no PEM file begins with.
fn what_else(file: &[u8]) -> Option<&'static str> {
    Some(match file {
        [] => "it is empty",
        [0xEF, 0xBB, 0xBF, ..] => "it begins with a byte order mark: save it as UTF-8 without one",
        [0xFE, 0xFF, ..] | [0xFF, 0xFE, ..] => "it is in UTF-16: save it as plain ASCII",
        // A SEQUENCE that says in two bytes or more how long it is.
        [0x30, 0x80..=0x84, ..] => {
            "it is in DER (or PKCS #12), not in PEM: convert it with openssl x509 -inform der"
        }
        _ => return None,
    })
}

/// What is in a file without certificates.
fn what_instead(file: &[u8]) -> &'static str {
    let has = |label: &str| {
        file.windows(label.len())
            .any(|part| part == label.as_bytes())
    };
    if has("BEGIN TRUSTED CERTIFICATE") {
        "it holds TRUSTED certificates, which only OpenSSL reads: convert them with openssl x509"
    } else if has("BEGIN X509 CERTIFICATE") {
        "its label is X509 CERTIFICATE: name it CERTIFICATE"
    } else if has("PRIVATE KEY-----") {
        "it holds a private key and no certificate"
    } else if has("BEGIN PKCS7") {
        "it is in PKCS #7: convert it with openssl pkcs7 -print_certs"
    } else if has("-----BEGIN CERTIFICATE-----") {
        NO_LINES
    } else if has("-----BEGIN ") {
        "it holds no section CERTIFICATE"
    } else {
        "it is not PEM, whose certificates begin with a line -----BEGIN CERTIFICATE-----"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CANARY: &str = "canaryCANARYcanary";

    fn section(label: &str, body: &str) -> String {
        format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
    }

    #[test]
    fn what_a_file_is_instead() {
        let body = CANARY.repeat(20);
        let certificate = section("CERTIFICATE", &body);
        let cases: [(&str, Vec<u8>); 17] = [
            ("empty", b"".into()),
            ("byte order mark", format!("\u{feff}{certificate}").into()),
            ("UTF-16", b"\xff\xfe-\0-\0-\0-\0-\0".into()),
            ("DER", [b"\x30\x82\x01\x0a", body.as_bytes()].concat()),
            ("TRUSTED", section("TRUSTED CERTIFICATE", &body).into()),
            ("X509", section("X509 CERTIFICATE", &body).into()),
            ("private key", section("PRIVATE KEY", &body).into()),
            ("private key", section("RSA PRIVATE KEY", &body).into()),
            (
                "private key",
                section("ENCRYPTED PRIVATE KEY", &body).into(),
            ),
            ("PKCS #7", section("PKCS7", &body).into()),
            (
                "no section CERTIFICATE",
                section("CERTIFICATE REQUEST", &body).into(),
            ),
            ("not PEM", body.clone().into()),
            ("line breaks", certificate.replace('\n', "").into()),
            (
                "line breaks",
                section("PRIVATE KEY", &body).replace('\n', " ").into(),
            ),
            ("line breaks", format!("x {certificate}").into()),
            ("cut off", certificate[..200].into()),
            (
                "not base64",
                section("CERTIFICATE", &format!("{body}!")).into(),
            ),
        ];
        for (expected, file) in cases {
            let why = parse(&file).expect_err(expected);
            assert!(why.contains(expected), "{expected}: {why}");
        }
        let why = parse(certificate.as_bytes()).expect_err("not a certificate");
        assert!(why.contains("damaged"), "{why}");
    }
}
