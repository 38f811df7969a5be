//! Operations that the caller names himself: what is refused, what arrives, what is shown and what is not.

use neon_auth_admin::error::{Advice, Error, ErrorKind};
use neon_auth_admin::neon::any_operation::{ApiAnswer, call, endpoint};
use neon_auth_admin::neon::endpoint::Look;
use neon_auth_admin::neon::request::Request;
use neon_auth_admin::neon::target::Target;
use neon_auth_admin::secret::Secret;
use serde_json::{Value, json};

use crate::support::{World, target};

fn request(
    target: &Target,
    method: &str,
    path: &str,
    body: Option<Value>,
) -> Result<Request<ApiAnswer>, Error> {
    let body = body.map(|body| Secret::json(&body));
    call(endpoint("method", method)?, target, path, body)
}

fn send(world: &World, method: &str, path: &str, body: Option<Value>) -> Result<ApiAnswer, Error> {
    world.send(|target| request(target, method, path, body))
}

#[test]
fn methods() {
    for method in ["GET", "post", "Put", "PATCH", "delete"] {
        let found = endpoint("method", method).expect(method);
        assert_eq!(found.method.to_string(), method.to_uppercase());
    }
    for method in [
        "",
        "HEAD",
        "OPTIONS",
        "CONNECT",
        "TRACE",
        " GET",
        "GET\r\n",
        "POST /x",
        "ＧＥＴ",
    ] {
        let error = endpoint("method", method).expect_err(method);
        assert_eq!(error.kind, ErrorKind::InvalidValue);
        assert_eq!(error.message, "invalid value for argument \"method\"");
    }
}

#[test]
fn bodies_that_are_refused() {
    let deep = |levels| {
        let text = "[".repeat(levels) + &"]".repeat(levels);
        call(
            endpoint("method", "POST").expect("a method"),
            &target(),
            "future",
            Some(Secret::new(text)),
        )
    };
    assert!(deep(100).is_ok());
    let post = |body| request(&target(), "POST", "future", Some(body));
    for (refused, message) in [
        (
            request(&target(), "GET", "future", Some(json!({}))),
            "invalid value",
        ),
        (post(json!(["x".repeat(64 * 1024)])), "invalid value"),
        (deep(200), "invalid value"),
        (
            post(json!({"a": [{"client_secret": "********"}]})),
            "is a masked secret",
        ),
    ] {
        let error = refused.expect_err("refused");
        assert_eq!(error.kind, ErrorKind::InvalidValue);
        assert!(error.message.contains("argument \"body\""), "{error:?}");
        assert!(error.message.contains(message), "{error:?}");
    }
}

/// No library on the way changes anything about a path, and an encoded slash stays encoded.
#[test]
fn a_path_arrives_as_it_is() {
    for branch in [None, Some("br-main-000001")] {
        let mut world = World::new();
        world.connection.target = Target::new("test-paths", branch, None).expect("valid ids");
        let auth = match branch {
            Some(_) => "/projects/test-paths/branches/br-main-000001/auth",
            None => "/projects/test-paths/auth",
        };
        let paths = [
            "future/https%3A%2F%2Fapp.example.com%2Fa%2520b%3Fc%23d",
            "future/a%2f..b%5C..c%7E~",
            "future/a?x=1&y=a+b,%C3%A9&z",
            "future/a?x=..%2F..",
            "future/%F0%9F%90%98",
        ];
        for path in paths {
            let answer = send(&world, "GET", path, None).expect(path);
            assert_eq!(answer.status, 200);
        }
        let arrived = world.arrived().into_iter().map(|it| it.path);
        let expected = paths.map(|path| format!("{auth}/{path}"));
        assert_eq!(Vec::from_iter(arrived), expected);
    }
}

#[test]
fn an_answer_may_have_no_body() {
    let mut world = World::new();
    world.project("test-bodies");
    let answer = send(&world, "DELETE", "future/a", None).expect("deleted");
    assert_eq!((answer.status, answer.body), (204, None));
    let created = send(&world, "POST", "future", Some(json!({"n": 1}))).expect("created");
    assert_eq!(created.status, 201);
    assert_eq!(created.body.expect("a body")["n"], 1);
    let unknown = send(&world, "GET", "past", None).expect_err("no such operation");
    assert_eq!(unknown.kind, ErrorKind::NotFound);
    assert_eq!(unknown.message, "could not call the API: not found");
}

/// Numbers too: no other type reads and writes them on the way.
#[test]
fn a_body_goes_as_it_is_written() {
    let text = r#"{"n": 12345678901234567890.10, "s": "x"}"#;
    let post = endpoint("method", "POST").expect("a method");
    let request = call(post, &target(), "future", Some(Secret::new(text))).expect("valid");
    assert_eq!(request.body().map(Secret::expose), Some(text));
}

#[test]
fn nothing_of_a_body_or_a_query_is_in_a_message() {
    let mut world = World::new();
    world.project("fault-echo--any-operation");
    let secrets = ["canary-1", "canary-2", "canary-3", "zq4"];
    let body = json!({
        "client_secret": secrets[0], "deep": [{"note": secrets[1]}, {"token": {"value": secrets[3]}}],
        "type": "standard",
    });
    let path = "future?search=canary-3";
    let error = send(&world, "POST", path, Some(body)).expect_err("refused");
    let said = format!("{error:?}");
    for secret in secrets {
        assert!(!said.contains(secret), "{said}");
    }
    let is_named =
        said.contains("POST /projects/fault-echo--any-operation/auth/future answered 400");
    assert!(is_named, "{said}");
    // Alone as well: what is repeated need not be the whole body.
    let requested = request(
        &target(),
        "POST",
        path,
        Some(json!({"a": "canary-1", "pin_token": "zq4"})),
    );
    let hidden = requested.expect("valid").secrets().to_vec();
    let hidden: Vec<_> = hidden.iter().map(Secret::expose).collect();
    assert_eq!(hidden, ["canary-3", "canary-1", "zq4"]);
}

#[test]
fn a_write_is_sent_once_and_a_read_again() {
    let mut world = World::new();
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        world.project(&format!("fault-reset--any-{}", method.to_lowercase()));
        let error = send(&world, method, "future/a", None).expect_err("lost");
        assert_eq!(error.kind, ErrorKind::OutcomeUnknown, "{method}");
        assert_eq!(error.advice, Some(Advice::LookBefore(Look::Anywhere)));
        assert_eq!(world.arrived().len(), 1, "{method}");
    }
    world.project("fault-reset-x1--any-get");
    send(&world, "GET", "future/a", None).expect("at the second attempt");
    assert_eq!(world.arrived().len(), 2);
}
