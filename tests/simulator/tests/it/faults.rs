//! The faults that arrive as HTTP.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use ureq::Error;

use crate::client::{Answer, KEY, agent, call, raw, read_until, send, simulator, until};
use neon_simulator::Simulator;

fn get(simulator: &Simulator, project: &str) -> Answer {
    let path = format!("/projects/{project}/auth/oauth_providers");
    call(simulator, "GET", &path, Value::Null)
}

#[test]
fn statuses() {
    let simulator = simulator();
    for status in [
        400, 401, 403, 404, 409, 422, 423, 429, 500, 502, 503, 504, 524,
    ] {
        let answer = get(&simulator, &format!("fault-{status}"));
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("retry-after"), "");
        if [502, 504, 524].contains(&status) {
            assert!(answer.text.starts_with("<!DOCTYPE html>"));
        } else {
            assert_eq!(answer.json()["request_id"], "request-of-the-test");
            assert!(!answer.message().is_empty());
        }
        assert_eq!(simulator.requests().last().unwrap().status, Some(status));
    }
    let typo = get(&simulator, "fault-resett");
    assert_eq!(typo.status, 400);
}

#[test]
fn only_the_first_n_requests_fail() {
    let simulator = simulator();
    let statuses = |project: &str| [(); 4].map(|()| get(&simulator, project).status);
    assert_eq!(statuses("fault-423-x2--a"), [423, 423, 200, 200]);
    assert_eq!(statuses("fault-423-x2--b"), [423, 423, 200, 200]);
    let body = json!({
        "project_id": "fault-503-x1", "auth_provider": "stack", "email": "a@b"
    });
    let post = || call(&simulator, "POST", "/projects/auth/user", body.clone()).status;
    assert_eq!([post(), post(), post()], [503, 201, 409]);
}

#[test]
fn retry_after() {
    let simulator = simulator();
    let after = |kind: &str| {
        let answer = get(&simulator, &format!("fault-429-retry-{kind}"));
        assert_eq!(answer.status, 429);
        answer.header("retry-after").to_owned()
    };
    assert_eq!(after("1"), "1");
    assert_eq!(after("3600"), "3600");
    assert_eq!(after("garbage"), "soon, -1; maybe");
    let date = httpdate::parse_http_date(&after("date")).unwrap();
    let ahead = date
        .duration_since(std::time::SystemTime::now())
        .unwrap_or_default();
    assert!(ahead <= Duration::from_secs(2));
}

#[test]
fn slow_and_silent() {
    let simulator = simulator();
    let start = Instant::now();
    assert_eq!(get(&simulator, "fault-slow-150").status, 200);
    assert!(start.elapsed() >= Duration::from_millis(150));

    let stream = raw(&simulator, "fault-silent");
    until("the request arrived", || simulator.requests().len() == 2);
    assert_eq!(simulator.requests()[1].status, None);
    assert_eq!(simulator.open_connections(), 1);
    drop(stream);
    until("the task ended", || simulator.open_connections() == 0);
}

#[test]
fn bodies_that_are_not_what_is_due() {
    let simulator = simulator();
    let html = get(&simulator, "fault-html");
    assert_eq!(html.status, 200);
    assert!(html.text.contains("<html>"));
    let empty = get(&simulator, "fault-empty");
    assert_eq!((empty.status, empty.text.as_str()), (200, ""));
    assert_eq!(empty.header("content-length"), "0");
    assert_eq!(get(&simulator, "fault-204").status, 204);
    let bad = get(&simulator, "fault-badjson");
    assert!(serde_json::from_str::<Value>(&bad.text).is_err());
    assert_eq!(bad.header("content-type"), "application/json");
    let deep = get(&simulator, "fault-deepjson");
    assert_eq!(deep.text.matches('[').count(), 10_000);
    assert_eq!(deep.text.matches(']').count(), 10_000);
    let gzip = get(&simulator, "fault-gzip--headers");
    assert_eq!(gzip.header("content-encoding"), "gzip");
    assert!(!gzip.text.contains("providers"));
    let bomb = get(&simulator, "fault-gzip-bomb");
    assert_eq!(bomb.header("content-encoding"), "gzip");
    assert!(bomb.text.len() > 100 * 1024);
}

#[test]
fn many_headers() {
    let simulator = simulator();
    let head = read_until(&mut raw(&simulator, "fault-headers-many"), "\r\n\r\n");
    assert!(head.lines().count() > 200 && head.len() < 8 * 1024);
}

#[test]
fn a_message_may_be_long() {
    let simulator = simulator();
    let answer = get(&simulator, "fault-long-message");
    assert_eq!(answer.status, 400);
    assert!(answer.message().len() > 10 * 1024);
}

#[test]
fn strings_that_cannot_be_kept() {
    let simulator = simulator();
    let text = |kind| get(&simulator, &format!("fault-json-{kind}")).text;
    assert!(text("utf8").contains('\u{fffd}'));
    assert!(serde_json::from_str::<Value>(&text("surrogate")).is_err());
    let nul: Value = serde_json::from_str(&text("nul")).unwrap();
    for pointer in ["/id", "/url", "/domains/0/domain", "/providers/0/client_id"] {
        assert_eq!(nul.pointer(pointer).unwrap(), "a\0b");
    }
    assert_eq!(text("duplicate").matches(r#""url""#).count(), 2);
}

#[test]
fn unknown_fields_and_enum_values() {
    let simulator = simulator();
    let providers = get(&simulator, "fault-extra").json();
    assert_eq!(providers["providers"][0]["type"], "dedicated");
    assert_eq!(providers["providers"][2]["id"], "gitlab");
    assert!(providers["providers"][0]["x_future"].is_object());
    let path = "/projects/fault-extra/auth/integrations";
    let integrations = call(&simulator, "GET", path, Value::Null).json();
    assert_eq!(integrations["data"][0]["owned_by"], "organization");
    assert_eq!(integrations["data"][0]["transfer_status"], "paused");
}

#[test]
fn endless_bodies_end_with_the_connection() {
    let simulator = simulator();
    for project in ["fault-huge", "fault-huge-length"] {
        let path = format!("/projects/{project}/auth/domains");
        let answer = send(&agent(), simulator.url(), "GET", &path, KEY, Value::Null);
        let limited = matches!(answer, Err(Error::BodyExceedsLimit(_)));
        assert!(limited, "{project}");
    }
    until("the tasks ended", || simulator.open_connections() == 0);
}

#[test]
fn redirects_lead_to_a_route_that_records() {
    let simulator = simulator();
    for status in [301, 302, 303, 307, 308] {
        let answer = get(&simulator, &format!("fault-redirect-{status}"));
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("location"), "/api/v2/elsewhere");
    }
    assert_eq!(simulator.requests().len(), 5);
    let followed = call(&simulator, "POST", "/elsewhere", json!({"email": "a@b"}));
    assert_eq!(followed.status, 200);
    let last = simulator.requests().pop().unwrap();
    assert_eq!((last.path.as_str(), last.authorized), ("/elsewhere", true));
}

#[test]
fn an_echo_repeats_secrets() {
    let simulator = simulator();
    let path = "/projects/fault-echo/auth/oauth_providers";
    let body = json!({"id": "google", "client_id": "c", "client_secret": "canary"});
    let answer = call(&simulator, "POST", path, body);
    assert_eq!(answer.status, 400);
    assert!(answer.message().contains(&format!("Bearer {KEY}")));
    assert!(answer.message().contains("canary"));
}
