//! What each project-level operation sends, as the API's specification has it.

use std::fmt::Debug;

use neon_auth_admin::error::ErrorKind;
use neon_auth_admin::neon::oauth_providers::Credentials;
use neon_auth_admin::neon::request::{Method, Request};
use neon_auth_admin::neon::retry::Safety;
use neon_auth_admin::neon::{domains, email_server, integration, oauth_providers, users};
use neon_auth_admin::secret::Secret;
use serde_json::{Value, json};

use crate::support::scope;

fn parts<T>(request: Request<T>) -> (String, String, Value) {
    let body = request.body().map_or(Value::Null, |body| {
        serde_json::from_str(body.expose()).expect("bodies are JSON")
    });
    (request.method().to_string(), request.path(), body)
}

#[track_caller]
pub fn assert_sends<T>(request: Request<T>, method: &str, path: &str, body: Value) {
    let expected = (method.to_owned(), path.to_owned(), body);
    assert_eq!(parts(request), expected);
}

pub fn ok<T, E: Debug>(result: Result<T, E>) -> T {
    result.expect("a valid request")
}

#[test]
fn integrations() {
    let scope = scope();
    assert_sends(
        ok(integration::create(&scope, Some("br-1"), None, None)),
        "POST",
        "/projects/auth/create",
        json!({"auth_provider": "stack", "project_id": "quiet-bar-123456", "branch_id": "br-1"}),
    );
    assert_sends(
        ok(integration::create(
            &scope,
            Some("br-1"),
            Some("neondb"),
            Some("neondb_owner"),
        )),
        "POST",
        "/projects/auth/create",
        json!({
            "auth_provider": "stack",
            "project_id": "quiet-bar-123456",
            "branch_id": "br-1",
            "database_name": "neondb",
            "role_name": "neondb_owner",
        }),
    );
    assert_sends(
        integration::list(&scope),
        "GET",
        "/projects/quiet-bar-123456/auth/integrations",
        Value::Null,
    );
    let project = json!({"project_id": "quiet-bar-123456", "auth_provider": "stack"});
    assert_sends(
        ok(integration::create_sdk_keys(&scope)),
        "POST",
        "/projects/auth/keys",
        project.clone(),
    );
    assert_sends(
        ok(integration::transfer_ownership(&scope)),
        "POST",
        "/projects/auth/transfer_ownership",
        project,
    );
    for delete_data in [false, true] {
        assert_sends(
            integration::delete(&scope, delete_data),
            "DELETE",
            "/projects/quiet-bar-123456/auth/integration/stack",
            json!({"delete_data": delete_data}),
        );
    }
}

#[test]
fn users() {
    let scope = scope();
    assert_sends(
        ok(users::create(&scope, "ada@example.com", None)),
        "POST",
        "/projects/auth/user",
        json!({
            "project_id": "quiet-bar-123456",
            "auth_provider": "stack",
            "email": "ada@example.com",
        }),
    );
    assert_sends(
        ok(users::create(&scope, "ada@example.com", Some("A \"d\" ä"))),
        "POST",
        "/projects/auth/user",
        json!({
            "project_id": "quiet-bar-123456",
            "auth_provider": "stack",
            "email": "ada@example.com",
            "name": "A \"d\" ä",
        }),
    );
    assert_sends(
        ok(users::delete(&scope, "3f2a_B-9")),
        "DELETE",
        "/projects/quiet-bar-123456/auth/users/3f2a_B-9",
        Value::Null,
    );
}

#[test]
fn oauth_providers() {
    let scope = scope();
    let path = "/projects/quiet-bar-123456/auth/oauth_providers";
    let secret = Secret::new("s3cret");
    let all = Credentials {
        client_id: Some("id-1"),
        client_secret: Some(&secret),
        microsoft_tenant_id: Some("tenant-1"),
    };
    assert_sends(oauth_providers::list(&scope), "GET", path, Value::Null);
    assert_sends(
        ok(oauth_providers::add(
            &scope,
            "google",
            Credentials::default(),
        )),
        "POST",
        path,
        json!({"id": "google"}),
    );
    assert_sends(
        ok(oauth_providers::add(&scope, "microsoft", all)),
        "POST",
        path,
        json!({
            "id": "microsoft",
            "client_id": "id-1",
            "client_secret": "s3cret",
            "microsoft_tenant_id": "tenant-1",
        }),
    );
    assert_sends(
        ok(oauth_providers::update(&scope, "microsoft", all)),
        "PATCH",
        &format!("{path}/microsoft"),
        json!({
            "client_id": "id-1",
            "client_secret": "s3cret",
            "microsoft_tenant_id": "tenant-1",
        }),
    );
    assert_sends(
        ok(oauth_providers::delete(&scope, "github")),
        "DELETE",
        &format!("{path}/github"),
        Value::Null,
    );
}

#[test]
fn domains() {
    let scope = scope();
    let path = "/projects/quiet-bar-123456/auth/domains";
    assert_sends(domains::list(&scope), "GET", path, Value::Null);
    assert_sends(
        ok(domains::add(&scope, "https://a.example.com")),
        "POST",
        path,
        json!({"domain": "https://a.example.com", "auth_provider": "stack"}),
    );
    assert_sends(
        ok(domains::delete(&scope, "https://a.example.com")),
        "DELETE",
        path,
        json!({"auth_provider": "stack", "domains": [{"domain": "https://a.example.com"}]}),
    );
    let both = ["https://a.example.com", "https://b.example.com"].map(Some);
    assert_sends(
        ok(domains::delete_all(&scope, &both)),
        "DELETE",
        path,
        json!({
            "auth_provider": "stack",
            "domains": [
                {"domain": "https://a.example.com"},
                {"domain": "https://b.example.com"},
            ],
        }),
    );
}

#[test]
fn email_server() {
    let scope = scope();
    let path = "/projects/quiet-bar-123456/auth/email_server";
    assert_sends(email_server::get(&scope), "GET", path, Value::Null);
    let none = email_server::Fields::default();
    assert_sends(
        ok(email_server::update(&scope, "shared", none)),
        "PATCH",
        path,
        json!({"type": "shared"}),
    );
    let sender = email_server::Fields {
        sender_email: Some("no-reply@example.com"),
        sender_name: Some("Example"),
        ..none
    };
    assert_sends(
        ok(email_server::update(&scope, "shared", sender)),
        "PATCH",
        path,
        json!({
            "type": "shared",
            "sender_email": "no-reply@example.com",
            "sender_name": "Example",
        }),
    );
    let password = Secret::new("s3cret");
    let standard = email_server::Fields {
        host: Some("smtp.example.com"),
        port: Some(587),
        username: Some("mailer"),
        password: Some(&password),
        ..sender
    };
    assert_sends(
        ok(email_server::update(&scope, "standard", standard)),
        "PATCH",
        path,
        json!({
            "type": "standard",
            "host": "smtp.example.com",
            "port": 587,
            "username": "mailer",
            "password": "s3cret",
            "sender_email": "no-reply@example.com",
            "sender_name": "Example",
        }),
    );
}

#[test]
fn what_is_refused_before_it_is_sent() {
    let scope = scope();
    let mask = Secret::new("********");
    let masked = Credentials {
        client_secret: Some(&mask),
        ..Credentials::default()
    };
    let fields = email_server::Fields {
        host: Some("smtp.example.com"),
        ..email_server::Fields::default()
    };
    let kinds = [
        integration::create(&scope, None, None, None).map(drop),
        email_server::update(&scope, "standard", fields).map(drop),
        domains::delete_all(&scope, &[None]).map(drop),
        integration::create(&scope, Some("br/1"), None, None).map(drop),
        users::create(&scope, "ada", None).map(drop),
        users::create(&scope, "ada@example.com", Some("")).map(drop),
        users::delete(&scope, "..").map(drop),
        oauth_providers::add(&scope, "go/ogle", Credentials::default()).map(drop),
        oauth_providers::add(&scope, "google", masked).map(drop),
        oauth_providers::update(&scope, "google", masked).map(drop),
        domains::add(&scope, "example.com").map(drop),
        domains::delete(&scope, "example.com").map(drop),
        domains::delete_all(&scope, &[]).map(drop),
        domains::delete_all(&scope, &[Some("a")]).map(drop),
        oauth_providers::update(&scope, "google", Credentials::default()).map(drop),
        email_server::update(&scope, "shared", fields).map(drop),
        email_server::update(&scope, "smtp", fields).map(drop),
    ]
    .map(|result| result.expect_err("refused").kind);
    assert_eq!(kinds[..3], [ErrorKind::NullArgument; 3]);
    assert_eq!(kinds[3..], [ErrorKind::InvalidValue; 14]);
}

#[test]
fn only_reads_are_repeatable() {
    let scope = scope();
    let read = domains::list(&scope);
    let write = ok(users::delete(&scope, "u"));
    assert_eq!(
        (read.method(), read.safety()),
        (Method::Get, Safety::Repeatable)
    );
    assert_eq!(
        (write.method(), write.safety()),
        (Method::Delete, Safety::Once)
    );
}

#[test]
fn debug_shows_no_body() {
    let secret = Secret::new("s3cret");
    let credentials = Credentials {
        client_id: Some("id-1"),
        client_secret: Some(&secret),
        ..Credentials::default()
    };
    let request = ok(oauth_providers::add(&scope(), "google", credentials));
    assert_eq!(
        format!("{request:?} {credentials:?}"),
        "POST /projects/quiet-bar-123456/auth/oauth_providers \
         Credentials { client_id: Some(\"id-1\"), client_secret: Some(********), \
         microsoft_tenant_id: None }"
    );
}
