//! A certificate authority made at start and a server certificate signed by it. It knows nothing of
//! connections.

use std::io::{Error, Result};
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;

pub struct Identity {
    pub acceptor: TlsAcceptor,
    pub ca_pem: String,
}

/// Makes a CA and, signed by it, a certificate for `localhost` and `127.0.0.1`.
pub fn make() -> Result<Identity> {
    let mut ca = CertificateParams::default();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    ca.distinguished_name
        .push(DnType::CommonName, "neon_simulator CA");
    let ca_key = KeyPair::generate().map_err(Error::other)?;
    let ca_pem = ca.self_signed(&ca_key).map_err(Error::other)?.pem();

    let mut server = CertificateParams::new(["localhost".to_owned(), "127.0.0.1".to_owned()])
        .map_err(Error::other)?;
    server
        .distinguished_name
        .push(DnType::CommonName, "neon_simulator");
    // Strict verifiers, such as Python's, insist on both.
    server.use_authority_key_identifier_extension = true;
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let server_key = KeyPair::generate().map_err(Error::other)?;
    let certificate = server
        .signed_by(&server_key, &Issuer::new(ca, ca_key))
        .map_err(Error::other)?;

    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(Error::other)?
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivatePkcs8KeyDer::from(server_key.serialize_der()).into(),
        )
        .map_err(Error::other)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Identity {
        acceptor: TlsAcceptor::from(Arc::new(config)),
        ca_pem,
    })
}
