//! Connections, the rate limit, latency, and the end.

use std::time::{Duration, Instant};

use neon_simulator::{Options, Simulator};
use serde_json::Value;

use crate::client::{KEY, agent, call, raw, read_all, send, simulator, until};

const DOMAINS: &str = "/projects/test-a/auth/domains";

#[test]
fn connections_are_kept_alive_and_counted() {
    let simulator = simulator();
    let agent = agent();
    let get = |path| send(&agent, simulator.url(), "GET", path, KEY, Value::Null).unwrap();
    for _ in 0..3 {
        assert_eq!(get(DOMAINS).status, 200);
    }
    assert_eq!(simulator.connections(), 1);
    call(&simulator, "GET", DOMAINS, Value::Null);
    assert_eq!(simulator.connections(), 2);
    let numbers: Vec<u64> = simulator
        .requests()
        .iter()
        .map(|entry| entry.connection)
        .collect();
    assert_eq!(numbers, [1, 1, 1, 2]);
    until("the second is closed", || simulator.open_connections() == 1);
    let root = simulator.url().strip_suffix("/api/v2").unwrap();
    let answer = send(&agent, root, "GET", "/_connections", "", Value::Null).unwrap();
    assert_eq!(answer.text, r#"{"accepted":2,"open":[1]}"#);
}

#[test]
fn the_rate_limit_is_per_route() {
    let simulator = Simulator::start(Options {
        rate_limit: Some(1.0),
        ..Options::default()
    })
    .unwrap();
    let agent = agent();
    let get = |path| send(&agent, simulator.url(), "GET", path, KEY, Value::Null).unwrap();
    let limited = (0..1000).map(|_| get(DOMAINS)).find(|it| it.status != 200);
    let limited = limited.expect("a thousand calls take less than a minute");
    assert_eq!(limited.status, 429);
    assert_eq!(limited.header("retry-after"), "1");
    assert_eq!(limited.message(), "rate limit exceeded");
    assert_eq!(get("/projects/test-a/auth/email_server").status, 200);
}

#[test]
fn options_are_heeded() {
    let simulator = Simulator::start(Options {
        api_keys: vec!["one".to_owned(), "two".to_owned()],
        projects: vec!["my-project-1".to_owned()],
        latency: Duration::from_millis(60),
        ..Options::default()
    })
    .unwrap();
    let start = Instant::now();
    for (key, status) in [("one", 200), ("two", 200), (KEY, 401)] {
        let path = "/projects/my-project-1/auth/domains";
        let answer = send(&agent(), simulator.url(), "GET", path, key, Value::Null).unwrap();
        assert_eq!(answer.status, status);
    }
    assert!(start.elapsed() >= Duration::from_millis(180));
}

#[test]
fn dropping_the_simulator_ends_its_connections() {
    let simulator = simulator();
    let mut stream = raw(&simulator, "fault-silent");
    until("the request arrived", || simulator.requests().len() == 1);
    drop(simulator);
    assert_eq!(read_all(&mut stream), "");
}

#[test]
fn an_unreadable_database_url_is_not_repeated() {
    let started = Simulator::start(Options {
        database_url: Some("postgres://u:canary@h:port/d".to_owned()),
        ..Options::default()
    });
    let error = started.err().unwrap().to_string();
    assert_eq!(error, "the database URL cannot be read");
}
