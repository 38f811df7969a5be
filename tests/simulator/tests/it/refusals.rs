//! What the service refuses, and in which form.

use serde_json::{Value, json};

use crate::client::{KEY, agent, call, send, simulator};

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

#[test]
fn unknown_projects_paths_and_methods() {
    let simulator = simulator();
    for (method, path, status, message) in [
        (
            "GET",
            "/projects/nobody/auth/domains",
            404,
            "project not found",
        ),
        (
            "GET",
            "/projects/Test-a/auth/domains",
            400,
            "invalid project id",
        ),
        (
            "GET",
            "/projects/%2e%2e/auth/domains",
            400,
            "invalid project id",
        ),
        (
            "GET",
            "/projects/test-a/auth/nothing",
            404,
            "this path does not exist",
        ),
        (
            "PATCH",
            "/projects/test-a/auth/domains",
            405,
            "method not allowed",
        ),
    ] {
        let answer = call(&simulator, method, path, Value::Null);
        assert_eq!(
            (answer.status, answer.message()),
            (status, message.into()),
            "{path}"
        );
    }
    let long = format!("/projects/test-{}/auth/domains", "a".repeat(56));
    assert_eq!(call(&simulator, "GET", &long, Value::Null).status, 400);
}

#[test]
fn invalid_bodies_are_400() {
    let simulator = simulator();
    let domains = "/projects/test-a/auth/domains";
    let providers = "/projects/test-a/auth/oauth_providers";
    let email_server = "/projects/test-a/auth/email_server";
    let user = |email: &str, name: &str| {
        let mut user = json!({"project_id": "test-a", "auth_provider": "stack"});
        user["email"] = email.into();
        user["name"] = name.into();
        user
    };
    let long = "a".repeat(256) + "@";
    for (method, path, body) in [
        ("POST", domains, json!({"domain": "https://a.example"})),
        (
            "POST",
            domains,
            json!({"domain": "a.example", "auth_provider": "stack"}),
        ),
        (
            "POST",
            domains,
            json!({"domain": "https://a", "auth_provider": "other"}),
        ),
        (
            "POST",
            domains,
            json!({"domain": "https://a", "auth_provider": "stack", "x": 1}),
        ),
        ("POST", providers, json!({"id": "gitlab"})),
        ("POST", providers, json!({"id": "google", "client_id": "c"})),
        (
            "PATCH",
            "/projects/test-a/auth/oauth_providers/google",
            json!({"client_id": "c"}),
        ),
        (
            "PATCH",
            email_server,
            json!({"type": "standard", "host": "smtp.example"}),
        ),
        ("PATCH", email_server, json!({"host": "smtp.example"})),
        ("POST", "/projects/auth/user", user("zoe", "Zoë")),
        ("POST", "/projects/auth/user", user("", "Zoë")),
        ("POST", "/projects/auth/user", user(&long, "Zoë")),
        ("POST", "/projects/auth/user", user("a@b", "")),
        ("POST", "/projects/auth/user", user("a@b", &long)),
        (
            "POST",
            "/projects/auth/keys",
            json!({"auth_provider": "stack"}),
        ),
        (
            "POST",
            "/projects/auth/keys",
            json!({"project_id": "test-a", "auth_provider": "x"}),
        ),
        (
            "POST",
            "/projects/auth/keys",
            json!("a".repeat(1024 * 1024)),
        ),
        (
            "DELETE",
            "/projects/test-a/auth/integration/other",
            Value::Null,
        ),
    ] {
        let answer = call(&simulator, method, path, body.clone());
        assert_eq!(answer.status, 400, "{method} {path} {}", answer.text);
        assert_eq!(answer.json()["code"], "");
    }
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
    assert_eq!(
        (answer.status, answer.message()),
        (404, "branch not found".into())
    );
    for path in ["microsoft", "gitlab"] {
        let path = format!("/projects/test-a/auth/oauth_providers/{path}");
        let answer = call(&simulator, "PATCH", &path, json!({}));
        assert_eq!(
            (answer.status, answer.message()),
            (404, "oauth provider not found".into())
        );
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
