//! What goes wrong before a request is sent, and redirects, which lead away from where it should be.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use neon_auth_admin::error::{Advice, Error, ErrorKind};
use neon_auth_admin::neon::http::{self, Http};
use neon_auth_admin::neon::oauth_providers::Credentials;
use neon_auth_admin::neon::{domains, oauth_providers};
use neon_simulator::TlsFault;
use socket2::{Domain, SockRef, Socket, Type};
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{NextTimeout, TcpConnector};

use crate::support::{World, is_unsent, settings, timed, trusting_agent};

/// A server below HTTP, which does the same with every connection, and counts them. It ends with
/// the process.
struct Server {
    address: SocketAddr,
    peers: Arc<Mutex<Vec<SocketAddr>>>,
}

impl Server {
    fn start(meet: impl Fn(TcpStream) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound");
        let peers = Arc::new(Mutex::new(vec![]));
        let seen = peers.clone();
        thread::spawn(move || {
            while let Ok((stream, peer)) = listener.accept() {
                seen.lock().expect("no panic").push(peer);
                meet(stream);
            }
        });
        Self { address, peers }
    }

    /// How many connections there have been: all before one of our own, because they are accepted
    /// in their order.
    fn accepted(&self) -> usize {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        let any: SocketAddr = "127.0.0.1:0".parse().expect("an address");
        socket.bind(&any.into()).expect("a free port");
        let own = socket.local_addr().expect("bound");
        let own = own.as_socket().expect("an IP socket");
        match socket.connect(&self.address.into()) {
            // A server that resets may do so before we see that we were connected.
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {}
            connected => connected.expect("a connection"),
        }
        loop {
            let mut peers = self.peers.lock().expect("no panic");
            if let Some(before) = peers.iter().position(|&peer| peer == own) {
                peers.remove(before);
                return before;
            }
            drop(peers);
            thread::yield_now();
        }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

#[track_caller]
fn assert_not_sent(error: &Error, reason: &str) {
    assert_eq!(error.kind, ErrorKind::Unreachable, "{error:?}");
    let detail = error.detail.as_deref().expect("a detail");
    assert!(is_unsent(detail, reason), "{detail}");
    assert_eq!(error.advice, Some(Advice::CheckConnection));
}

#[test]
fn a_name_that_does_not_resolve() {
    let mut world = World::with_tls();
    world.at("https://no-such-host.invalid");
    let (result, took) = timed(|| world.create_user());
    let error = result.expect_err("no such host");
    assert_not_sent(&error, "");
    // Where a resolver is slow to say no, the budget ends the call before the third attempt.
    let detail = error.detail.expect("a detail");
    assert!(detail.contains(" attempts, request id "), "{detail}");
    assert!(took < world.timeout * 2, "{took:?}");
}

/// A resolver whose name server is silent.
#[derive(Debug)]
struct Silent;

impl Resolver for Silent {
    fn resolve(
        &self,
        _: &Uri,
        _: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        thread::sleep(*timeout.after);
        Err(ureq::Error::Timeout(timeout.reason))
    }
}

/// A resolver for a host with two addresses: the first takes no connections, and is silent about it.
#[derive(Debug)]
struct SilentFirst([SocketAddr; 2]);

impl Resolver for SilentFirst {
    fn resolve(
        &self,
        _: &Uri,
        _: &Config,
        _: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let mut found = self.empty();
        self.0.into_iter().for_each(|address| found.push(address));
        Ok(found)
    }
}

/// A listener whose queue is full: the kernel drops further attempts, which then wait.
fn full_listener() -> (SocketAddr, Socket, Vec<TcpStream>) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    let any: SocketAddr = "127.0.0.1:0".parse().expect("an address");
    socket.bind(&any.into()).expect("a free port");
    socket.listen(0).expect("a listener");
    let address = socket.local_addr().expect("bound");
    let address = address.as_socket().expect("an IP socket");
    let impatience = Duration::from_millis(200);
    let mut held = vec![];
    while let Ok(stream) = TcpStream::connect_timeout(&address, impatience) {
        held.push(stream);
    }
    (address, socket, held)
}

/// Its handshake has the time that is left of connecting, and not less.
#[test]
fn an_address_that_hangs_before_one_with_tls() {
    let mut world = World::with_tls();
    let url: Uri = world
        .simulator
        .https_url()
        .expect("TLS")
        .parse()
        .expect("a URL");
    let there = SocketAddr::from(([127, 0, 0, 1], url.port_u16().expect("a port")));
    let (hangs, _listener, _held) = full_listener();
    world.http = trusting_agent(&world.simulator, settings(), |settings| {
        let resolver = SilentFirst([hangs, there]);
        Http::new(settings, TcpConnector::default(), resolver)
    });
    world.timeout = Duration::from_secs(20);
    world.connection.max_attempts = 1;
    let (result, took) = timed(|| world.create_user());
    result.expect("created at the second address");
    assert!(
        took >= Duration::from_secs(3),
        "the first was tried: {took:?}"
    );
}

/// A resolver whose wait is ended from outside, as Postgres does for a cancelled query.
#[derive(Debug)]
struct Interrupted(Arc<AtomicUsize>);

impl Resolver for Interrupted {
    fn resolve(
        &self,
        _: &Uri,
        _: &Config,
        _: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Err(http::interrupted())
    }
}

#[test]
fn a_silent_name_server_ends_at_the_budget() {
    let mut world = World::with_tls();
    world.http = Http::new(&settings(), TcpConnector::default(), Silent).expect("an agent");
    world.timeout = Duration::from_millis(500);
    let (result, took) = timed(|| world.create_user());
    assert_not_sent(&result.expect_err("no address"), "the time was up");
    assert!(took >= Duration::from_millis(490), "{took:?}");
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert_eq!(world.simulator.connections(), 0);
}

#[test]
fn an_interrupt_while_a_name_is_resolved_is_the_end() {
    let mut world = World::with_tls();
    let asked = Arc::new(AtomicUsize::new(0));
    let resolver = Interrupted(asked.clone());
    world.http = Http::new(&settings(), TcpConnector::default(), resolver).expect("an agent");
    let error = world.create_user().expect_err("interrupted");
    assert_eq!(error.kind, ErrorKind::Interrupted);
    assert_eq!(error.advice, None, "nothing was sent");
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[test]
fn nothing_listens() {
    let mut world = World::new();
    // A port that was free a moment ago may be another test's by now.
    world.at("http://127.0.0.1:1");
    world.timeout = Duration::from_secs(30);
    let (result, took) = timed(|| world.create_user());
    let error = result.expect_err("refused");
    assert_not_sent(&error, "connection refused after 3 attempts");
    assert!(took < Duration::from_secs(10), "{took:?}");
}

#[test]
fn a_reset_right_after_connecting() {
    let world = World::with_tls_fault(TlsFault::Reset);
    for result in [
        world.create_user().map(drop),
        world.send(domains::list).map(drop),
    ] {
        let error = result.expect_err("reset");
        assert_not_sent(&error, "");
        let detail = error.detail.expect("a detail");
        assert!(detail.contains("after 3 attempts"), "{detail}");
    }
    assert_eq!(world.simulator.connections(), 6);
    assert_eq!(world.simulator.requests().len(), 0);
}

/// Without a handshake, the client may have sent its request before it learns of the reset. It must
/// not say then that nothing was sent, and must not send a write again.
#[test]
fn a_reset_right_after_connecting_without_tls() {
    let server = Server::start(|stream| {
        let linger = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
        linger.expect("a socket option");
    });
    let mut world = World::new();
    world.at(&server.url());
    for _ in 0..4 {
        let before = server.accepted();
        let error = world.create_user().expect_err("reset");
        let connections = server.accepted() - before;
        match error.kind {
            // An attempt that learnt of the reset in time may have come before it.
            ErrorKind::OutcomeUnknown => assert!((1..=3).contains(&connections)),
            kind => assert_eq!((kind, connections), (ErrorKind::Unreachable, 3)),
        }
        let error = world.send(domains::list).expect_err("reset");
        assert!(
            matches!(error.kind, ErrorKind::Disconnected | ErrorKind::Unreachable),
            "{error:?}"
        );
        assert_eq!(server.accepted() - before - connections, 3);
    }
}

type Call = fn(&World) -> Result<(), Error>;

const CREDENTIALS: Credentials = Credentials {
    client_id: Some("id-1"),
    client_secret: None,
    microsoft_tenant_id: None,
};

const VERBS: [(&str, Call); 5] = [
    ("GET", |world| world.send(domains::list).map(drop)),
    ("POST", |world| world.create_user().map(drop)),
    ("PATCH", |world| {
        world
            .send(|s| oauth_providers::update(s, "google", CREDENTIALS))
            .map(drop)
    }),
    ("DELETE", |world| {
        world.send(|s| oauth_providers::delete(s, "google"))
    }),
    ("DELETE", |world| {
        world.send(|s| domains::delete(s, "https://a.example.com"))
    }),
];

#[test]
fn redirects_are_followed_by_no_verb() {
    let mut world = World::new();
    for status in [301, 302, 303, 307, 308] {
        for (n, (verb, call)) in VERBS.into_iter().enumerate() {
            world.project(&format!("fault-redirect-{status}--{n}"));
            let error = call(&world).expect_err("a redirect");
            assert_eq!(error.kind, ErrorKind::BadResponse, "{verb} {status}");
            let detail = error.detail.expect("a detail");
            assert!(detail.contains(&format!("answered {status}")), "{detail}");
            let arrived = world.arrived();
            assert_eq!(arrived.len(), 1, "{verb} {status}");
            assert_eq!(arrived[0].method, verb);
        }
    }
    let all = world.simulator.requests();
    assert_eq!(all.len(), 25);
    assert!(all.iter().all(|request| request.path != "/elsewhere"));
}

#[test]
fn a_redirect_to_another_host_brings_nobody_the_key() {
    let thief = Server::start(drop);
    for status in [301, 302, 303, 307, 308] {
        let location = thief.url();
        let server = Server::start(move |mut stream| {
            let _ = stream.read(&mut [0; 4096]);
            let answer = format!(
                "HTTP/1.1 {status} Elsewhere\r\nlocation: {location}/\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
            );
            let _ = stream.write_all(answer.as_bytes());
            // The rest of the request is read, so that no RST can overtake the answer.
            let _ = stream.shutdown(Shutdown::Write);
            let _ = stream.read_to_end(&mut vec![]);
        });
        let mut world = World::new();
        world.at(&server.url());
        for (verb, call) in VERBS {
            let error = call(&world).expect_err("a redirect");
            assert_eq!(error.kind, ErrorKind::BadResponse, "{verb} {status}");
        }
        assert_eq!(server.accepted(), VERBS.len());
    }
    assert_eq!(thief.accepted(), 0);
}

#[test]
fn every_verb_that_writes_is_sent_once() {
    let mut world = World::new();
    for fault in ["reset", "cut", "http09", "502"] {
        for (n, (verb, call)) in VERBS.into_iter().enumerate().skip(1) {
            world.project(&format!("fault-{fault}--{n}"));
            let error = call(&world).expect_err(fault);
            assert_eq!(error.kind, ErrorKind::OutcomeUnknown, "{verb} {fault}");
            assert!(error.advice.is_some(), "{verb} {fault}");
            assert_eq!(world.arrived().len(), 1, "{verb} {fault}");
        }
    }
}
