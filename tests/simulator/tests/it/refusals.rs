//! What the service refuses, and in which form.

use serde_json::{Value, json};

use crate::client::{KEY, agent, call, rows, send, simulator};

#[test]
fn a_missing_or_wrong_key_is_401() {
    let simulator = simulator();
    for key in ["", "wrong", "napi_simulator2"] {
        let path = "/projects/test-a/auth/domains";
        let answer = send(&agent(), simulator.url(), "GET", path, key, Value::Null).unwrap();
        assert_eq!(answer.status, 401);
        assert_eq!(
            answer.json(),
            json!({
                "request_id": "request-of-the-test", "code": "",
                "message": "supplied credentials do not pass authentication"
            })
        );
        assert_eq!(
            answer.header("x-neon-ret-request-id"),
            "request-of-the-test"
        );
    }
    assert!(simulator.requests().iter().all(|entry| !entry.authorized));
}

/// Method, path below `/projects`, status and message.
const NOT_THERE: &str = r#"[
["GET", "nobody/auth/domains", 404, "project not found"],
["GET", "Test-a/auth/domains", 400, "invalid project id"],
["GET", "%2e%2e/auth/domains", 400, "invalid project id"],
["GET", "<56>-test/auth/domains", 400, "invalid project id"],
["GET", "test-a/auth/nothing", 404, "this path does not exist"],
["PATCH", "test-a/auth/domains", 405, "method not allowed"]
]"#;

#[test]
fn unknown_projects_paths_and_methods() {
    let simulator = simulator();
    for (method, path, status, message) in rows::<(String, String, u16, String)>(NOT_THERE) {
        let path = format!("/projects/{path}");
        let answer = call(&simulator, &method, &path, Value::Null);
        assert_eq!(answer.refusal(), (status, message), "{path}");
    }
}

/// Method, path below `/projects`, and body.
const INVALID: &str = r#"[
["POST", "test-a/auth/domains", {"domain": "https://a.example"}],
["POST", "test-a/auth/domains", {"domain": "a.example", "auth_provider": "stack"}],
["POST", "test-a/auth/domains", {"domain": "https://a", "auth_provider": "other"}],
["POST", "test-a/auth/domains", {"domain": "https://a", "auth_provider": "stack", "x": 1}],
["POST", "test-a/auth/oauth_providers", {"id": "gitlab"}],
["POST", "test-a/auth/oauth_providers", {"id": "google", "client_id": "c"}],
["PATCH", "test-a/auth/oauth_providers/google", {"client_id": "c"}],
["PATCH", "test-a/auth/email_server", {"type": "standard", "host": "smtp.example"}],
["PATCH", "test-a/auth/email_server", {"host": "smtp.example"}],
["POST", "auth/user", {"project_id": "test-a", "auth_provider": "stack", "email": "zoe", "name": "Zoë"}],
["POST", "auth/user", {"project_id": "test-a", "auth_provider": "stack", "email": "", "name": "Zoë"}],
["POST", "auth/user", {"project_id": "test-a", "auth_provider": "stack", "email": "<256>@", "name": "Zoë"}],
["POST", "auth/user", {"project_id": "test-a", "auth_provider": "stack", "email": "a@b", "name": ""}],
["POST", "auth/user", {"project_id": "test-a", "auth_provider": "stack", "email": "a@b", "name": "<256>"}],
["POST", "auth/keys", {"auth_provider": "stack"}],
["POST", "auth/keys", {"project_id": "test-a", "auth_provider": "x"}],
["POST", "auth/keys", "<1048576>"],
["DELETE", "test-a/auth/integration/other", null]
]"#;

#[test]
fn invalid_bodies_are_400() {
    let simulator = simulator();
    for (method, path, body) in rows::<(String, String, Value)>(INVALID) {
        let answer = call(&simulator, &method, &format!("/projects/{path}"), body);
        assert_eq!(answer.status, 400, "{method} {path} {}", answer.text);
        assert_eq!(answer.json()["code"], "");
    }
    let providers = "/projects/test-a/auth/oauth_providers";
    let vercel = call(&simulator, "POST", providers, json!({"id": "vercel"}));
    assert_eq!(vercel.status, 400);
    assert_eq!(vercel.json()["code"], "INVALID_SHARED_OAUTH_PROVIDER");
}

#[test]
fn a_body_must_be_json_and_say_so() {
    let simulator = simulator();
    let url = format!("{}/projects/test-a/auth/domains", simulator.url());
    for (content_type, body) in [
        (
            "text/plain",
            r#"{"domain": "https://a", "auth_provider": "stack"}"#,
        ),
        ("application/json", "{"),
    ] {
        let answer = agent()
            .post(&url)
            .header("authorization", format!("Bearer {KEY}"))
            .content_type(content_type)
            .send(body)
            .unwrap();
        assert_eq!(answer.status(), 400);
    }
}

#[test]
fn what_is_not_there_is_404() {
    let simulator = simulator();
    let create = json!({
        "auth_provider": "stack", "project_id": "test-empty-1", "branch_id": "main"
    });
    let answer = call(&simulator, "POST", "/projects/auth/create", create);
    assert_eq!(answer.refusal(), (404, "branch not found".into()));
    for path in ["microsoft", "gitlab"] {
        let path = format!("/projects/test-a/auth/oauth_providers/{path}");
        let answer = call(&simulator, "PATCH", &path, json!({}));
        assert_eq!(answer.refusal(), (404, "oauth provider not found".into()));
    }
    for path in ["domains", "oauth_providers", "email_server", "integrations"] {
        let path = format!("/projects/test-empty-1/auth/{path}");
        let answer = call(&simulator, "GET", &path, Value::Null);
        assert_eq!(
            answer.message(),
            "Neon Auth integration not found for project"
        );
    }
}
