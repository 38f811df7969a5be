//! What arrives when the client calls: every operation, its headers, its body, and nothing else.

use neon_auth_admin::error::ErrorKind;
use neon_auth_admin::neon::oauth_providers::Credentials;
use neon_auth_admin::neon::{domains, email_server, integration, oauth_providers, users};
use neon_auth_admin::secret::Secret;
use serde_json::{Value, json};

use crate::support::World;

#[test]
fn every_operation_arrives_as_it_was_made() {
    let mut world = World::new();
    world.project("test-ledger");
    let secret = Secret::new("s3cret");
    let credentials = Credentials {
        client_id: Some("id-1"),
        client_secret: Some(&secret),
        microsoft_tenant_id: None,
    };
    let standard = email_server::Fields {
        host: Some("smtp.example.com"),
        port: Some(587),
        username: Some("mailer"),
        password: Some(&secret),
        sender_email: Some("no-reply@example.com"),
        sender_name: Some("Example"),
    };
    let domain = "https://a.example.com";
    let user = world.create_user().expect("created");
    world
        .send(|s| users::delete(s, &user).expect("valid"))
        .expect("deleted");
    world.send(oauth_providers::list).expect("listed");
    world
        .send(|s| oauth_providers::add(s, "microsoft", credentials).expect("valid"))
        .expect("added");
    world
        .send(|s| oauth_providers::update(s, "microsoft", credentials).expect("valid"))
        .expect("updated");
    world
        .send(|s| oauth_providers::delete(s, "microsoft").expect("valid"))
        .expect("deleted");
    world
        .send(|s| domains::add(s, domain).expect("valid"))
        .expect("added");
    let listed = world.send(domains::list).expect("listed");
    assert_eq!(listed.domains[0].domain, domain);
    world
        .send(|s| domains::delete(s, domain).expect("valid"))
        .expect("deleted");
    let server = world.send(email_server::get).expect("got");
    assert_eq!(server.r#type, "shared");
    let server = world
        .send(|s| email_server::update(s, "standard", standard).expect("valid"))
        .expect("updated");
    assert_eq!(
        (server.r#type.as_str(), server.port),
        ("standard", Some(587))
    );
    world
        .send(|s| integration::create_sdk_keys(s).expect("valid"))
        .expect("created");
    world
        .send(|s| integration::transfer_ownership(s).expect("valid"))
        .expect("begun");
    assert_eq!(
        integration::get(&world.client())
            .expect("one")
            .auth_provider,
        "stack"
    );
    world
        .send(|s| integration::delete(s, true))
        .expect("deleted");
    world
        .send(|s| integration::create(s, Some("br-main-000001"), None, None).expect("valid"))
        .expect("created");

    let path = |tail: &str| format!("/projects/test-ledger/auth/{tail}");
    let arrived: Vec<_> = world
        .arrived()
        .into_iter()
        .map(|r| (r.method, r.path, r.status.unwrap_or_default(), r.authorized))
        .collect();
    let expected = [
        ("POST", "/projects/auth/user".to_owned(), 201),
        ("DELETE", path(&format!("users/{user}")), 204),
        ("GET", path("oauth_providers"), 200),
        ("POST", path("oauth_providers"), 200),
        ("PATCH", path("oauth_providers/microsoft"), 200),
        ("DELETE", path("oauth_providers/microsoft"), 200),
        ("POST", path("domains"), 201),
        ("GET", path("domains"), 200),
        ("DELETE", path("domains"), 200),
        ("GET", path("email_server"), 200),
        ("PATCH", path("email_server"), 200),
        ("POST", "/projects/auth/keys".to_owned(), 201),
        ("POST", "/projects/auth/transfer_ownership".to_owned(), 200),
        ("GET", path("integrations"), 200),
        ("DELETE", path("integration/stack"), 200),
        ("POST", "/projects/auth/create".to_owned(), 201),
    ];
    let expected = expected.map(|(method, path, status)| (method.to_owned(), path, status, true));
    assert_eq!(arrived, expected);
    assert_eq!(world.simulator.connections(), 1, "one connection for all");
}

#[test]
fn headers() {
    let mut world = World::new();
    world.project("test-headers");
    world.create_user().expect("created");
    let request = &world.arrived()[0];
    let header = |name: &str| request.headers.get(name).map(String::as_str);
    assert_eq!(header("accept"), Some("application/json"));
    assert_eq!(header("accept-encoding"), Some("identity"));
    assert_eq!(header("content-type"), Some("application/json"));
    assert_eq!(header("user-agent"), Some("neon_auth_admin tests"));
    assert_eq!(
        request.body,
        json!({
            "project_id": "test-headers",
            "auth_provider": "stack",
            "email": "ada@example.com",
            "name": "Ada",
        })
    );
}

#[test]
fn the_only_integration() {
    let mut world = World::new();
    world.project("test-empty-integration");
    let error = integration::get(&world.client()).expect_err("none");
    assert_eq!(error.kind, ErrorKind::NotFound);
    assert_eq!(world.arrived()[0].body, Value::Null);
}
