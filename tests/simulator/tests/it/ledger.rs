//! The ledger, over HTTP and as methods.

use neon_simulator::Recorded;
use serde_json::{Value, json};

use crate::client::{agent, call, simulator};

#[test]
fn requests_are_kept_in_order_with_secrets_masked() {
    let simulator = simulator();
    let path = "/projects/test-a/auth/oauth_providers?x=1";
    let body = json!({"id": "google", "client_id": "c", "client_secret": "canary"});
    call(&simulator, "POST", path, body);
    call(
        &simulator,
        "GET",
        "/projects/test-b/auth/domains",
        Value::Null,
    );

    let root = simulator.url().strip_suffix("/api/v2").unwrap();
    let get = |path: &str| {
        let mut response = agent().get(format!("{root}{path}")).call().unwrap();
        response.body_mut().read_to_string().unwrap()
    };
    let text = get("/_requests");
    assert!(!text.contains("canary") && !text.contains("napi_simulator"));
    let entries: Vec<Recorded> = serde_json::from_str(&text).unwrap();
    assert_eq!(json!(entries), json!(simulator.requests()));
    let first = &entries[0];
    assert_eq!((first.n, first.method.as_str()), (1, "POST"));
    assert_eq!(first.path, path);
    assert_eq!(first.project.as_deref(), Some("test-a"));
    assert!(first.authorized && !first.tls);
    assert_eq!(first.api_key, Some(0));
    assert!(first.user_agent.as_ref().unwrap().starts_with("ureq"));
    assert_eq!(first.request_id.as_deref(), Some("request-of-the-test"));
    assert_eq!(first.headers["content-type"], "application/json");
    assert_eq!(
        first.body,
        json!({"id": "google", "client_id": "c", "client_secret": "********"})
    );
    assert_eq!(first.status, Some(200));
    assert_eq!(entries[1].body, Value::Null);

    let of_b: Vec<Recorded> = serde_json::from_str(&get("/_requests?project=test-b")).unwrap();
    assert_eq!(json!(of_b), json!(entries[1..]));
    assert_eq!(json!(of_b), json!(simulator.requests_of("test-b")));

    let cleared = agent().delete(format!("{root}/_requests")).call().unwrap();
    assert_eq!(cleared.status(), 204);
    assert_eq!(get("/_requests"), "[]");
}

#[test]
fn the_project_of_a_body_is_found() {
    let simulator = simulator();
    let body = json!({"project_id": "test-c", "auth_provider": "stack"});
    call(&simulator, "POST", "/projects/auth/keys", body);
    assert_eq!(simulator.requests_of("test-c").len(), 1);
    simulator.clear();
    assert!(simulator.requests().is_empty());
}
