//! HTTPS: whom it lets in, and what can be wrong with it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use neon_simulator::{Options, Simulator, TlsFault};
use serde_json::Value;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, Error};

use crate::client::{KEY, send, until};

fn trusting(ca_pem: &str) -> Agent {
    let ca = Certificate::from_pem(ca_pem.as_bytes()).unwrap();
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::Specific(Arc::new(vec![ca])))
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .build();
    Agent::config_builder()
        .tls_config(tls)
        .proxy(None)
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(10)))
        .build()
        .new_agent()
}

#[test]
fn tls_is_trusted_through_its_own_ca_only() {
    let options = || Options {
        tls: true,
        ..Options::default()
    };
    let simulator = Simulator::start(options()).unwrap();
    let other = Simulator::start(options()).unwrap();
    let url = simulator.https_url().unwrap();
    let get = |agent: &Agent, url: &str, project: &str| {
        let path = format!("/projects/{project}/auth/domains");
        send(agent, url, "GET", &path, KEY, Value::Null)
    };
    let agent = trusting(simulator.ca_pem().unwrap());
    assert_eq!(get(&agent, url, "test-a").unwrap().status, 200);
    let by_address = url.replace("localhost", "127.0.0.1");
    assert_eq!(get(&agent, &by_address, "test-a").unwrap().status, 200);
    assert!(simulator.requests().iter().all(|entry| entry.tls));

    for fault in ["fault-reset", "fault-close", "fault-cut"] {
        let error = get(&agent, url, fault).map(|answer| answer.status);
        assert!(error.is_err(), "{fault}: {error:?}");
    }
    let stranger = trusting(other.ca_pem().unwrap());
    assert!(matches!(
        get(&stranger, url, "test-a"),
        Err(Error::Rustls(_) | Error::Io(_))
    ));
    assert_eq!(simulator.requests_of("test-a").len(), 2);
}

fn faulty(fault: TlsFault) -> Simulator {
    Simulator::start(Options {
        tls: true,
        tls_fault: Some(fault),
        ..Options::default()
    })
    .unwrap()
}

#[test]
fn wrong_certificates() {
    for (fault, reason) in [
        (TlsFault::Expired, "certificate expired"),
        (
            TlsFault::WrongHost,
            "only valid for DnsName(\"elsewhere.example\")",
        ),
        (TlsFault::SelfSigned, "UnknownIssuer"),
        (TlsFault::Forged, "BadSignature"),
    ] {
        let simulator = faulty(fault);
        let agent = trusting(simulator.ca_pem().unwrap());
        let path = "/projects/test-a/auth/domains";
        let url = simulator.https_url().unwrap();
        let error = send(&agent, url, "GET", path, KEY, Value::Null).err();
        let error = error.unwrap().to_string();
        assert!(error.contains(reason), "{error}");
        assert_eq!(simulator.requests().len(), 0);
        // Plain HTTP is as ever.
        let answer = send(&agent, simulator.url(), "GET", path, KEY, Value::Null);
        assert_eq!(answer.unwrap().status, 200);
    }
}

#[test]
fn no_handshake() {
    let connect = |simulator: &Simulator| {
        let url = simulator.https_url().unwrap();
        let authority = url["https://".len()..].split('/').next().unwrap();
        TcpStream::connect(authority).unwrap()
    };
    let simulator = faulty(TlsFault::Stalled);
    let mut stream = connect(&simulator);
    stream.write_all(b"hello").unwrap();
    let wait = Some(Duration::from_millis(100));
    stream.set_read_timeout(wait).unwrap();
    let error = stream.read(&mut [0]).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
    drop(stream);
    until("the task ended", || simulator.open_connections() == 0);

    let simulator = faulty(TlsFault::Reset);
    let error = connect(&simulator).read(&mut [0]).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);

    let simulator = faulty(TlsFault::PlainHttp);
    let mut answer = [0; 12];
    connect(&simulator).read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 400");
}
