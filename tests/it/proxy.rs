//! Calls through an HTTP CONNECT proxy, and past the one that the environment names.

use std::io::{self, BufRead, BufReader, Write, copy};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use neon_auth_admin::error::ErrorKind;
use neon_auth_admin::neon::http::{Http, Settings};
use neon_auth_admin::neon::{domains, users};

use crate::alone::is_alone;
use crate::support::{World, is_unsent, settings};

/// Serves one connection with `answer`, and forwards what follows when that is a 200.
fn proxy(answer: &'static str) -> (SocketAddr, thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound");
    let served = thread::spawn(move || {
        let (client, _) = listener.accept().expect("a client");
        let mut reader = BufReader::new(client.try_clone().expect("a copy"));
        let mut request = String::new();
        while !request.ends_with("\r\n\r\n") {
            reader.read_line(&mut request).expect("a CONNECT");
        }
        let mut to_client = client;
        to_client.write_all(answer.as_bytes()).expect("an answer");
        let target = request.split(' ').nth(1).expect("a target").to_owned();
        if answer.contains(" 200 ") {
            let to_server = TcpStream::connect(&target).expect("the target");
            let mut from_server = to_server.try_clone().expect("a copy");
            thread::spawn(move || copy(&mut from_server, &mut to_client));
            // Ends with the client; what was forwarded is counted by the simulator.
            let _ = copy(&mut reader, &mut &to_server);
        }
        request
    });
    (address, served)
}

fn through(address: SocketAddr, world: &mut World, ca: Settings) {
    let settings = Settings {
        proxy: Some(format!("http://{address}")),
        ..ca
    };
    world.http = Http::blocking(&settings).expect("an agent");
}

#[test]
fn a_proxy_forwards() {
    let mut world = World::new();
    let (address, served) = proxy("HTTP/1.1 200 OK\r\n\r\n");
    through(address, &mut world, settings());
    world.send(domains::list).expect("listed");
    assert_eq!(world.arrived().len(), 1);
    drop(world);
    let connect = served.join().expect("served");
    assert!(connect.starts_with("CONNECT 127.0.0.1:"), "{connect}");
    assert!(!connect.contains("napi_"), "the proxy sees no key");
}

#[test]
fn a_proxy_that_refuses_leaves_nothing_sent() {
    let mut world = World::new();
    let (address, served) = proxy("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
    through(address, &mut world, settings());
    world.connection.max_attempts = 1;
    let error = world
        .send(|scope| users::create(scope, "ada@example.com", None).expect("valid"))
        .map(drop)
        .expect_err("refused");
    assert_eq!(error.kind, ErrorKind::Unreachable, "{error:?}");
    let detail = error.detail.expect("a detail");
    assert!(is_unsent(&detail, "proxy server responded 407"), "{detail}");
    assert_eq!(world.arrived().len(), 0);
    served.join().expect("served");

    // Gone, so that nobody listens where it was.
    let error = world.create_user().expect_err("no proxy");
    let detail = error.detail.expect("a detail");
    let why = "on the way through the proxy, connection refused";
    assert!(is_unsent(&detail, why), "{detail}");
}

#[test]
fn a_proxy_is_a_url() {
    let settings = Settings {
        proxy: Some("::".into()),
        ..settings()
    };
    let error = Http::blocking(&settings).err().expect("no proxy");
    assert_eq!(error.kind, ErrorKind::NotConfigured);
}

/// All the names under which programs look for a proxy.
const VARIABLES: [&str; 6] = [
    "ALL_PROXY",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "all_proxy",
    "https_proxy",
    "http_proxy",
];

#[test]
fn proxies_of_the_environment_are_ignored() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let variables = VARIABLES.map(|name| (name, url.clone()));
    if is_alone("proxy::proxies_of_the_environment_are_ignored", &variables) {
        for world in [World::new(), World::with_tls()] {
            world.send(domains::list).expect("listed");
            assert_eq!(world.arrived().len(), 1);
        }
        // ureq's own default, to show that the variables are such as can be followed.
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(Duration::from_millis(200)))
            .build();
        let followed = config.new_agent().get("http://127.0.0.1:9/").call();
        followed.expect_err("no answer");
        return;
    }
    listener.set_nonblocking(true).expect("a socket option");
    listener.accept().expect("ureq's own default came here");
    let other = listener.accept().map(drop).map_err(|error| error.kind());
    assert_eq!(other, Err(io::ErrorKind::WouldBlock), "nobody else came");
}
