//! Connections: which are used again, and which never.

use std::time::Duration;

use neon_auth_admin::error::ErrorKind;
use neon_auth_admin::neon::http::{Http, MAX_IDLE, Settings};
use neon_auth_admin::neon::{domains, email_server};

use crate::support::{World, settings, trusting};

/// Far more calls than could go well by chance.
const WRITES: usize = 1000;

#[track_caller]
fn assert_nothing_is_lost_or_doubled(mut world: World) {
    world.project("fault-keepalive-close-0--writes");
    let domain = |n: usize| format!("https://{n}.example.com");
    for n in 0..WRITES {
        world.add_domain(&domain(n)).expect("not ambiguous");
        world.wait_until_closed();
    }
    let arrived = world.arrived();
    assert_eq!(arrived.len(), WRITES, "none twice");
    for (n, request) in arrived.iter().enumerate() {
        let seen = (&request.body["domain"], request.status);
        assert_eq!(seen, (&domain(n).into(), Some(201)));
    }
    assert_eq!(world.simulator.connections(), WRITES as u64);
}

#[test]
fn a_thousand_writes_while_idle_connections_are_closed() {
    assert_nothing_is_lost_or_doubled(World::new());
}

#[test]
fn a_thousand_writes_over_tls_while_idle_connections_are_closed() {
    assert_nothing_is_lost_or_doubled(World::with_tls());
}

#[test]
fn a_connection_that_is_closed_later_is_not_used_again() {
    let mut world = World::new();
    // The server closes 50 ms after its answer: the client has taken the connection back by then.
    world.project("fault-keepalive-close--writes");
    for n in 1..=5 {
        let domain = format!("https://{n}.example.com");
        world.add_domain(&domain).expect("added");
        world.wait_until_closed();
    }
    assert_eq!(world.arrived().len(), 5);
    assert_eq!(world.simulator.connections(), 5);
}

#[test]
fn one_connection_is_enough_for_many_calls() {
    for mut world in [World::new(), World::with_tls()] {
        world.project("test-many");
        for n in 1..=50 {
            let domain = format!("https://{n}.example.com");
            world.add_domain(&domain).expect("added");
            world.send(domains::list).expect("listed");
            world.send(email_server::get).expect("got");
        }
        assert_eq!(world.arrived().len(), 150);
        assert_eq!(world.simulator.connections(), 1);
    }
}

/// With a limit that a test can wait for: the agent of a backend differs only in the number.
#[test]
fn a_connection_that_was_idle_for_too_long_is_not_used_again() {
    let max_idle = Duration::from_secs(2);
    let mut world = World::new();
    let settings = Settings {
        max_idle,
        ..settings()
    };
    world.http = Http::blocking(&settings).expect("an agent");
    for _ in 0..10 {
        world.send(domains::list).expect("listed");
    }
    assert_eq!(world.simulator.connections(), 1);
    std::thread::sleep(max_idle);
    world.send(domains::list).expect("listed");
    assert_eq!(world.simulator.connections(), 2, "a new one");
    world.wait_until_open(1);
    world.send(domains::list).expect("listed");
    assert_eq!(world.simulator.connections(), 2, "which is used again");
}

#[test]
fn the_documentation_says_how_long_a_connection_may_be_idle() {
    let page = include_str!("../../docs/time-and-retries.md");
    let sentence = format!(
        "A session uses its connection to Neon again when the next call comes within {} s.",
        MAX_IDLE.as_secs()
    );
    assert!(page.contains(&sentence), "{sentence}");
}

#[test]
fn an_error_leaves_the_connection_usable() {
    let mut world = World::new();
    for project in ["fault-409--a", "fault-503-x1--a", "fault-html--a", "test-a"] {
        // What comes of it is told elsewhere.
        let _ = world.project(project).add_domain("https://a.example.com");
    }
    assert_eq!(world.simulator.requests().len(), 5);
    assert_eq!(world.simulator.connections(), 1);
}

#[test]
fn a_connection_with_a_rest_is_not_used_again() {
    let mut world = World::new();
    let rests = [
        "overrun",
        "huge",
        "huge-length",
        "length-short",
        "chunks",
        "cut",
    ];
    for (n, fault) in (1..).zip(rests) {
        // What comes of it is told elsewhere; a rest taken for the next answer would be told here.
        let _ = world
            .project(&format!("fault-{fault}--rest"))
            .add_domain("https://a.example.com");
        world.project(&format!("test-after-{fault}"));
        world.add_domain("https://b.example.com").expect(fault);
        let listed = world.send(domains::list).expect(fault);
        assert_eq!(listed.domains.len(), 1, "{fault}");
        assert_eq!(world.arrived().len(), 2, "{fault}");
        assert!(world.simulator.connections() > n, "{fault}");
    }
}

#[test]
fn another_host_gets_another_connection() {
    let mut world = World::with_tls();
    let here = world.simulator.https_url().expect("TLS").to_owned();
    let there = here.replace("localhost", "127.0.0.1");
    let plain = world.simulator.url().to_owned();
    for _ in 0..3 {
        for url in [&here, &there, &plain] {
            world.at(url).send(domains::list).expect("listed");
        }
    }
    let arrived = world.arrived();
    let numbers: Vec<_> = arrived.iter().map(|request| request.connection).collect();
    assert_eq!(numbers, [1, 2, 3, 1, 2, 3, 1, 2, 3]);
}

#[test]
fn other_tls_settings_get_another_connection() {
    let mut world = World::with_tls();
    let stranger = World::with_tls();
    world.send(domains::list).expect("listed");
    assert_eq!(world.simulator.open_connections(), 1);
    let first = std::mem::replace(&mut world.http, trusting(&stranger.simulator));
    let error = world.send(domains::list).expect_err("untrusted");
    assert_eq!(error.kind, ErrorKind::Unreachable);
    world.http = first;
    world.send(domains::list).expect("listed");
    let arrived = world.arrived();
    let numbers: Vec<_> = arrived.iter().map(|request| request.connection).collect();
    assert_eq!(numbers, [1, 1], "the open one served nobody else");
    assert_eq!(world.simulator.connections(), 2);
}
