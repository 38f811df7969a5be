//! TLS: success, and the faults that end a call before its request is sent.

use neon_auth_admin::error::{Advice, ErrorKind};
use neon_auth_admin::neon::diagnosis::diagnose;
use neon_auth_admin::neon::{account, domains, integration};
use neon_simulator::TlsFault;

use crate::support::{World, is_unsent, trusting};

/// A server that is not who it should be, or does not speak TLS; what DETAIL says of it; and how
/// often it is tried.
pub const FAULTS: [(Option<TlsFault>, &str, u64); 7] = [
    (Some(TlsFault::Expired), "certificate expired", 1),
    (Some(TlsFault::WrongHost), "not valid for name", 1),
    (Some(TlsFault::SelfSigned), "UnknownIssuer", 1),
    (Some(TlsFault::Forged), "BadSignature", 1),
    // No fault, but an authority that the client does not know.
    (None, "UnknownIssuer", 1),
    (
        Some(TlsFault::PlainHttp),
        "TLS: received corrupt message",
        3,
    ),
    (Some(TlsFault::Reset), "connection reset by peer", 3),
];

#[test]
fn a_request_arrives() {
    let world = World::with_tls();
    world.create_user().expect("created");
    world.send(domains::list).expect("listed");
    let arrived = world.arrived();
    assert_eq!(arrived.len(), 2);
    assert!(
        arrived
            .iter()
            .all(|request| request.tls && request.connection == 1)
    );
}

#[test]
fn nothing_is_sent_to_a_stranger() {
    let known = World::with_tls();
    for (fault, reason, attempts) in FAULTS {
        let mut world = fault.map_or_else(World::with_tls, World::with_tls_fault);
        if fault.is_none() {
            world.http = trusting(&known.simulator);
        }
        for result in [
            world.create_user().map(drop),
            world.send(domains::list).map(drop),
        ] {
            let error = result.expect_err(reason);
            assert_eq!(error.kind, ErrorKind::Unreachable, "{fault:?}: {error:?}");
            let detail = error.detail.expect("a detail");
            assert!(is_unsent(&detail, ""), "{detail}");
            assert!(detail.contains(reason), "{fault:?}: {detail}");
            assert_eq!(detail.contains("after 3 attempts"), attempts == 3);
            let advice = match reason {
                "UnknownIssuer" => Advice::TrustAuthority,
                _ => Advice::CheckConnection,
            };
            assert_eq!(error.advice, Some(advice), "{fault:?}");
        }
        assert_eq!(world.simulator.connections(), 2 * attempts, "{fault:?}");
        let list = integration::list(&world.connection.target).expect("a request");
        let details = account::auth_details().expect("a request");
        let found = diagnose(&world.client(), &list, &details);
        let is_unknown = reason == "UnknownIssuer";
        assert_eq!((found[0].step, found[0].ok), ("TLS", Some(false)));
        assert_eq!(
            found[0].advice,
            is_unknown.then_some(Advice::TrustAuthority)
        );
        assert_eq!(world.simulator.requests().len(), 0, "{fault:?}");
    }
}

#[test]
fn a_certificate_is_no_reason_to_wait() {
    let world = World::with_tls_fault(TlsFault::Expired);
    world.create_user().expect_err("expired");
    // Whoever waits comes back.
    assert_eq!(world.simulator.connections(), 1);
}

#[test]
fn the_http_faults_mean_the_same() {
    let mut world = World::with_tls();
    let cases = [
        ("reset", ErrorKind::Disconnected, 3),
        ("close", ErrorKind::Disconnected, 3),
        ("cut", ErrorKind::BadResponse, 3),
        ("http09", ErrorKind::BadResponse, 1),
    ];
    for (fault, kind, count) in cases {
        world.project(&format!("fault-{fault}--read"));
        let error = world.send(domains::list).expect_err(fault);
        assert_eq!(
            (error.kind, world.arrived().len()),
            (kind, count),
            "{fault}"
        );
        world.project(&format!("fault-{fault}--write"));
        let error = world.create_user().expect_err(fault);
        assert_eq!(error.kind, ErrorKind::OutcomeUnknown, "{fault}");
        assert_eq!(world.arrived().len(), 1, "{fault}");
    }
}
