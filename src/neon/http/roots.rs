//! Owns where trust in TLS certificates comes from: a PEM file, or the system.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use ureq::tls::{Certificate, PemItem, RootCerts, parse_pem};

use super::in_words;
use crate::error::Error;

/// The certificates in `ca_file`, or the system's.
pub fn load(ca_file: Option<&Path>) -> Result<RootCerts, Error> {
    let certificates: Vec<_> = match ca_file {
        Some(path) => {
            let unreadable = |why: &dyn fmt::Display| {
                Error::unreadable_roots(&format!("Could not read \"{}\": {why}.", path.display()))
            };
            let pem = std::fs::read(path).map_err(|error| unreadable(&in_words(&error)))?;
            let items: Result<Vec<_>, _> = parse_pem(&pem).collect();
            items
                .map_err(|error| unreadable(&error))?
                .into_iter()
                .filter_map(|item| match item {
                    PemItem::Certificate(certificate) => Some(certificate),
                    _ => None,
                })
                .collect()
        }
        // A single broken file among the system's must not take the others down with it.
        None => rustls_native_certs::load_native_certs()
            .certs
            .iter()
            .map(|der| Certificate::from_der(der).to_owned())
            .collect(),
    };
    if certificates.is_empty() {
        return Err(Error::unreadable_roots("There is no certificate in them."));
    }
    Ok(RootCerts::Specific(Arc::new(certificates)))
}
