//! A certificate authority made at start, a server certificate signed by it, and what can be wrong
//! with TLS. It knows nothing of requests.

use std::io::{Error, Result};
use std::sync::Arc;

use clap::ValueEnum;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, date_time_ymd,
};
use tokio::io::{AsyncWriteExt, copy, sink};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;
use tokio_rustls::server::TlsStream;
use uuid::Uuid;

/// What is wrong with the HTTPS listener. (An unknown authority is the client's choice: it needs
/// only trust another one.)
#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
pub enum TlsFault {
    /// The certificate was valid until 2001.
    Expired,
    /// The certificate is for `elsewhere.example`.
    WrongHost,
    /// The certificate is signed by itself instead of the authority.
    SelfSigned,
    /// The certificate is signed by another authority of the same name.
    Forged,
    /// No answer to the client's hello, ever.
    Stalled,
    /// RST as soon as there is a connection.
    Reset,
    /// Plain HTTP is spoken on the port.
    PlainHttp,
}

#[derive(Clone)]
pub struct Tls {
    acceptor: TlsAcceptor,
    fault: Option<TlsFault>,
}

pub struct Identity {
    pub tls: Tls,
    pub ca_pem: String,
}

/// Makes a CA and, signed by it, a certificate for `localhost`, `127.0.0.1` and `more_names`.
pub fn make(fault: Option<TlsFault>, more_names: Vec<String>) -> Result<Identity> {
    let mut ca = CertificateParams::default();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    // No two authorities have the same name, or one would look like a forgery of the other.
    let name = format!("neon_simulator CA {}", Uuid::new_v4());
    ca.distinguished_name.push(DnType::CommonName, name);
    let mut ca_key = KeyPair::generate().map_err(Error::other)?;
    let ca_pem = ca.self_signed(&ca_key).map_err(Error::other)?.pem();
    if fault == Some(TlsFault::Forged) {
        ca_key = KeyPair::generate().map_err(Error::other)?;
    }

    let server_key = KeyPair::generate().map_err(Error::other)?;
    let certificate = certify(&server_key, &Issuer::new(ca, ca_key), fault, more_names)?;
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
    let acceptor = TlsAcceptor::from(Arc::new(config));
    Ok(Identity {
        tls: Tls { acceptor, fault },
        ca_pem,
    })
}

fn certify(
    key: &KeyPair,
    authority: &Issuer<KeyPair>,
    fault: Option<TlsFault>,
    mut names: Vec<String>,
) -> Result<Certificate> {
    match fault {
        Some(TlsFault::WrongHost) => names = vec!["elsewhere.example".to_owned()],
        _ => names.extend(["localhost".to_owned(), "127.0.0.1".to_owned()]),
    }
    let mut server = CertificateParams::new(names).map_err(Error::other)?;
    server
        .distinguished_name
        .push(DnType::CommonName, "neon_simulator");
    // Strict verifiers, such as Python's, insist on both.
    server.use_authority_key_identifier_extension = true;
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    if fault == Some(TlsFault::Expired) {
        server.not_before = date_time_ymd(2000, 1, 1);
        server.not_after = date_time_ymd(2001, 1, 1);
    }
    let certificate = match fault {
        Some(TlsFault::SelfSigned) => server.self_signed(key),
        _ => server.signed_by(key, authority),
    };
    certificate.map_err(Error::other)
}

impl Tls {
    /// `None` when there will never be a request: the handshake failed, or was not meant to succeed.
    pub async fn accept(self, mut tcp: TcpStream) -> Option<TlsStream<TcpStream>> {
        match self.fault {
            Some(TlsFault::Reset) => {
                // Whether it works or not, the connection ends here.
                let _ = tcp.set_zero_linger();
                None
            }
            Some(TlsFault::PlainHttp) => {
                let answer = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n";
                let _ = tcp.write_all(answer).await;
                let _ = copy(&mut tcp, &mut sink()).await;
                None
            }
            Some(TlsFault::Stalled) => {
                // Ends when the client goes.
                let _ = copy(&mut tcp, &mut sink()).await;
                None
            }
            _ => self.acceptor.accept(tcp).await.ok(),
        }
    }
}
