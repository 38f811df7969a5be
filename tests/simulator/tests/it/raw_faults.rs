//! The faults that are written on the raw connection.

use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::{KEY, agent, call, raw, read_all, read_until, send, simulator, until};

#[test]
fn reset_and_close() {
    let simulator = simulator();
    let mut stream = raw(&simulator, "fault-reset");
    let error = stream.read(&mut [0]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    let mut stream = raw(&simulator, "fault-close");
    assert_eq!(read_all(&mut stream), "");
    let statuses: Vec<_> = simulator.requests().iter().map(|it| it.status).collect();
    assert_eq!(statuses, [None, None]);
}

#[test]
fn a_reset_post_has_arrived_once_and_done_nothing() {
    let simulator = simulator();
    let body = json!({
        "project_id": "fault-reset-x1", "auth_provider": "stack", "email": "a@b"
    });
    let post = || {
        let path = "/projects/auth/user";
        send(&agent(), simulator.url(), "POST", path, KEY, body.clone())
    };
    assert!(post().is_err());
    assert_eq!(simulator.requests_of("fault-reset-x1").len(), 1);
    assert_eq!(post().unwrap().status, 201);
}

#[test]
fn half_a_body() {
    let simulator = simulator();
    let text = read_all(&mut raw(&simulator, "fault-cut"));
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"));
    assert!(head.contains("content-length: 14"));
    assert_eq!(body, r#"{"domai"#);
    assert_eq!(simulator.requests()[0].status, Some(200));

    let path = "/projects/fault-cut/auth/domains";
    let body = json!({"domain": "https://a", "auth_provider": "stack"});
    assert!(send(&agent(), simulator.url(), "POST", path, KEY, body).is_err());
}

/// The status of the answer, and what there is in its frame.
const ODD_FRAMES: [(&str, &str, &str); 11] = [
    ("status-99", "99", "content-length: 2\r\n"),
    ("status-999", "999", "content-length: 2\r\n"),
    ("chunks", "200", "\r\n\r\n17\r\n"),
    ("chunks-cut", "200", "\r\n\r\n17\r\n"),
    ("chunks-overflow", "200", "\r\n10000000000000000\r\n"),
    ("length-short", "200", "content-length: 11\r\n"),
    ("length-long", "200", "content-length: 24\r\n"),
    ("length-garbage", "200", "content-length: many\r\n"),
    ("length-twice", "200", "content-length: 10\r\n"),
    ("early-hints", "103", "content-length: 23\r\n"),
    ("overrun", "200", "content-length: 23\r\n"),
];

/// The document in it is whole, but where the status is what is wrong.
#[test]
fn answers_that_are_not_http() {
    let simulator = simulator();
    for (kind, status, frame) in ODD_FRAMES {
        let text = read_all(&mut raw(&simulator, &format!("fault-{kind}")));
        assert!(text.starts_with(&format!("HTTP/1.1 {status} ")), "{text}");
        assert!(text.contains(frame), "{text}");
        let is_whole = text.contains(r#"{"id":"x","domains":[]}"#);
        assert_eq!(is_whole, !kind.starts_with("status"), "{text}");
    }
    let page = read_all(&mut raw(&simulator, "fault-http09"));
    assert!(page.starts_with("<html>"), "{page}");
    let path = "/projects/fault-chunks/auth/domains";
    assert!(send(&agent(), simulator.url(), "GET", path, KEY, Value::Null).is_err());
}

#[test]
fn a_huge_header() {
    let simulator = simulator();
    let mut stream = raw(&simulator, "fault-headers");
    let mut seen = vec![0; 1024 * 1024];
    stream.read_exact(&mut seen).unwrap();
    assert!(!String::from_utf8(seen).unwrap().contains("\r\n\r\n"));
}

#[test]
fn headers_without_end() {
    let simulator = simulator();
    let mut stream = raw(&simulator, "fault-headers-endless");
    let mut seen = vec![0; 4 * 1024 * 1024];
    stream.read_exact(&mut seen).unwrap();
    assert!(!String::from_utf8(seen).unwrap().contains("\r\n\r\n"));
    drop(stream);
    until("the task ended", || simulator.open_connections() == 0);
}

#[test]
fn a_drip_may_begin_with_the_body() {
    let simulator = simulator();
    let mut stream = raw(&simulator, "fault-drip-body");
    read_until(&mut stream, "\r\n\r\n");
    let start = Instant::now();
    stream.read_exact(&mut [0; 4]).unwrap();
    assert!(start.elapsed() >= Duration::from_millis(250));
}

#[test]
fn a_drip_is_a_byte_every_tenth_of_a_second() {
    let simulator = simulator();
    let start = Instant::now();
    let mut stream = raw(&simulator, "fault-drip");
    let mut seen = [0; 8];
    stream.read_exact(&mut seen).unwrap();
    assert_eq!(&seen, b"HTTP/1.1");
    assert!(start.elapsed() >= Duration::from_millis(700));
    drop(stream);
    until("the task ended", || simulator.open_connections() == 0);
}

#[test]
fn an_idle_connection_is_closed() {
    let simulator = simulator();
    let start = Instant::now();
    let text = read_all(&mut raw(&simulator, "fault-keepalive-close"));
    assert!(start.elapsed() >= Duration::from_millis(50));
    assert!(text.ends_with(r#"{"domains":[]}"#));
    assert!(!text.to_lowercase().contains("connection: close"));

    let text = read_all(&mut raw(&simulator, "fault-keepalive-close-0"));
    assert!(text.ends_with(r#"{"domains":[]}"#));
    assert!(!text.to_lowercase().contains("connection: close"));
}

#[test]
fn a_normal_connection_stays_open_for_the_next_request() {
    let simulator = simulator();
    let mut stream = raw(&simulator, "test-a");
    read_until(&mut stream, "[]}");
    write!(
        stream,
        "GET /api/v2/projects/fault-close/auth/domains HTTP/1.1\r\nHost: x\r\n\r\n"
    )
    .unwrap();
    assert_eq!(read_all(&mut stream), "");
    assert_eq!(simulator.connections(), 1);
    assert_eq!(call(&simulator, "GET", "/x", Value::Null).status, 404);
}
