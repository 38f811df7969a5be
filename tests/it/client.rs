//! What the client makes of answers and faults, and how often it asks.

use std::time::{Duration, Instant};

use neon_auth_admin::error::{Error, ErrorKind};
use neon_auth_admin::neon::api_url::ApiUrl;
use neon_auth_admin::neon::oauth_providers::Credentials;
use neon_auth_admin::neon::{domains, email_server, integration, oauth_providers, users};
use neon_auth_admin::secret::Secret;
use serde_json::{Value, json};

use crate::support::{KEY, World};

fn create_user(world: &World) -> Result<String, Error> {
    world
        .send(|scope| users::create(scope, "ada@example.com", Some("Ada")).expect("valid"))
        .map(|created| created.id)
}

/// A fault, and what a read and a write make of it: the kind of error, `None` for success, and how
/// many requests arrived.
type Case = (
    &'static str,
    (Option<ErrorKind>, usize),
    (Option<ErrorKind>, usize),
);

#[test]
fn faults() {
    use ErrorKind as K;
    let same = |fault, kind, count| (fault, (Some(kind), count), (Some(kind), count));
    let mut cases: Vec<Case> = vec![
        same("400", K::InvalidValue, 1),
        same("401", K::Unauthenticated, 1),
        same("403", K::Forbidden, 1),
        same("404", K::NotFound, 1),
        same("409", K::AlreadyExists, 1),
        same("422", K::InvalidValue, 1),
        same("423", K::Busy, 3),
        same("429", K::RateLimited, 3),
        same("429-retry-3600", K::RateLimited, 1),
        same("500", K::ServerFault, 1),
        same("503", K::ServerFault, 3),
        same("html", K::BadResponse, 1),
        same("empty", K::BadResponse, 1),
        same("204", K::BadResponse, 1),
        same("badjson", K::BadResponse, 1),
        same("deepjson", K::BadResponse, 1),
        same("huge", K::BadResponse, 1),
        same("huge-length", K::BadResponse, 1),
        same("headers", K::BadResponse, 1),
        same("gzip", K::BadResponse, 1),
        same("echo", K::InvalidValue, 1),
        same("json-utf8", K::BadResponse, 1),
        same("json-surrogate", K::BadResponse, 1),
        same("json-nul", K::BadResponse, 1),
        same("json-duplicate", K::BadResponse, 1),
        ("extra", (None, 1), (None, 1)),
        // What is certainly not done is sent again.
        ("423-x2", (None, 3), (None, 3)),
        ("429-x1", (None, 2), (None, 2)),
        ("429-retry-1-x1", (None, 2), (None, 2)),
        ("429-retry-garbage-x1", (None, 2), (None, 2)),
        ("503-x1", (None, 2), (None, 2)),
        // What may be done is sent again only when that does no harm.
        ("502-x1", (None, 2), (Some(K::OutcomeUnknown), 1)),
        ("504-x1", (None, 2), (Some(K::OutcomeUnknown), 1)),
        (
            "524",
            (Some(K::ServerFault), 1),
            (Some(K::OutcomeUnknown), 1),
        ),
        (
            "502",
            (Some(K::ServerFault), 3),
            (Some(K::OutcomeUnknown), 1),
        ),
        ("reset-x1", (None, 2), (Some(K::OutcomeUnknown), 1)),
        ("close-x1", (None, 2), (Some(K::OutcomeUnknown), 1)),
        (
            "reset",
            (Some(K::Disconnected), 3),
            (Some(K::OutcomeUnknown), 1),
        ),
        (
            "cut",
            (Some(K::BadResponse), 3),
            (Some(K::OutcomeUnknown), 1),
        ),
        (
            "http09",
            (Some(K::BadResponse), 1),
            (Some(K::OutcomeUnknown), 1),
        ),
    ];
    for status in [301, 302, 303, 307, 308] {
        let fault: &'static str = format!("redirect-{status}").leak();
        cases.push(same(fault, K::BadResponse, 1));
    }

    let mut world = World::new();
    for (fault, read, write) in cases {
        world.project(&format!("fault-{fault}--read"));
        let error = world.send(domains::list).err();
        let seen = (error.map(|error| error.kind), world.arrived().len());
        assert_eq!(seen, read, "reading with {fault}");

        world.project(&format!("fault-{fault}--write"));
        let error = create_user(&world).err();
        let seen = (
            error.as_ref().map(|error| error.kind),
            world.arrived().len(),
        );
        assert_eq!(seen, write, "writing with {fault}: {error:?}");
        if let Some(error) = error {
            assert_names_the_request(&world, &error);
        }
    }
    let elsewhere = world.simulator.requests();
    assert!(elsewhere.iter().all(|request| request.path != "/elsewhere"));
}

/// The id in the error is the one that every attempt carried.
#[track_caller]
fn assert_names_the_request(world: &World, error: &Error) {
    let detail = error.detail.as_deref().expect("a detail");
    assert!(detail.contains("POST /projects/auth/user "), "{detail}");
    for request in world.arrived() {
        let id = request.request_id.expect("an X-Request-ID");
        assert!(detail.contains(&id), "{detail} does not name {id}");
    }
}

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
    let user = create_user(&world).expect("created");
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
    world.send(integration::create_sdk_keys).expect("created");
    world.send(integration::transfer_ownership).expect("begun");
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
    create_user(&world).expect("created");
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
fn an_echoed_secret_is_blanked_out() {
    let mut world = World::new();
    world.project("fault-echo--secret");
    let secret = Secret::new("s3\"cret");
    let credentials = Credentials {
        client_id: Some("id-1"),
        client_secret: Some(&secret),
        microsoft_tenant_id: None,
    };
    let error = world
        .send(|s| oauth_providers::add(s, "google", credentials).expect("valid"))
        .map(drop)
        .expect_err("refused");
    let detail = error.detail.expect("a detail");
    assert!(detail.contains("Bearer ********"), "{detail}");
    assert!(detail.contains("id-1"), "{detail}");
    assert!(
        !detail.contains(KEY) && !detail.contains("cret\\\""),
        "{detail}"
    );
    assert!(!detail.contains("s3"), "{detail}");
}

#[test]
fn a_wrong_key_is_not_accepted() {
    let mut world = World::new();
    world.connection.api_key = Secret::new("napi_wrong");
    let error = world.send(domains::list).expect_err("refused");
    assert_eq!(error.kind, ErrorKind::Unauthenticated);
    let hint = error.hint.expect("a hint");
    assert!(
        hint.contains("\"app\"") && hint.contains("server => 'neon'"),
        "{hint}"
    );
    world.connection.key_of_public = true;
    let error = world.send(domains::list).expect_err("refused");
    let hint = error.hint.expect("a hint");
    assert!(hint.contains("role => 'public'"), "{hint}");
    assert_eq!(world.arrived().len(), 2);
}

#[test]
fn the_budget_holds() {
    let mut world = World::new();
    world.connection.timeout = Duration::from_millis(500);
    let cases = [
        ("fault-silent--read", ErrorKind::Disconnected),
        ("fault-drip--read", ErrorKind::Disconnected),
        ("fault-slow-3000--read", ErrorKind::Disconnected),
    ];
    for (project, kind) in cases {
        let started = Instant::now();
        let error = world
            .project(project)
            .send(domains::list)
            .expect_err(project);
        assert_eq!(error.kind, kind, "{project}");
        let took = started.elapsed();
        assert!(took >= Duration::from_millis(490), "{project}: {took:?}");
        assert!(took < Duration::from_secs(3), "{project}: {took:?}");
    }
    world.project("fault-silent--write");
    let error = create_user(&world).expect_err("no answer");
    assert_eq!(error.kind, ErrorKind::OutcomeUnknown);
    let hint = error.hint.expect("a hint");
    assert!(hint.starts_with("Look into neon_auth.users_sync"), "{hint}");
    assert_eq!(world.arrived().len(), 1);
}

#[test]
fn nothing_listens() {
    let mut world = World::new();
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a free port")
        .port();
    let url = format!("http://127.0.0.1:{port}");
    world.connection.api_url = ApiUrl::parse(&url, "127.0.0.1:*").expect("an allowed URL");
    let error = create_user(&world).expect_err("unreachable");
    assert_eq!(error.kind, ErrorKind::Unreachable);
    let detail = error.detail.expect("a detail");
    assert!(
        detail.contains("was not sent: connection refused after 3 attempts"),
        "{detail}"
    );
}

#[test]
fn tls() {
    let world = World::with_tls("tls");
    create_user(&world).expect("created");
    world.send(domains::list).expect("listed");
    let arrived = world.arrived();
    assert!(
        arrived
            .iter()
            .all(|request| request.tls && request.connection == 1)
    );
}

#[test]
fn an_unknown_authority_is_not_tried_again() {
    let mut world = World::with_tls("known");
    let other = World::with_tls("unknown");
    world.connection.api_url = other.connection.api_url.clone();
    let error = create_user(&world).expect_err("untrusted");
    assert_eq!(error.kind, ErrorKind::Unreachable);
    let detail = error.detail.expect("a detail");
    assert!(
        detail.contains("was not sent: TLS: invalid peer certificate"),
        "{detail}"
    );
    assert!(!detail.contains("attempts"), "{detail}");
    assert_eq!(other.arrived().len(), 0);
}

#[test]
fn a_closed_connection_is_not_used_again() {
    let mut world = World::new();
    world.project("fault-keepalive-close--writes");
    for n in 1..=5 {
        world
            .send(|s| domains::add(s, &format!("https://{n}.example.com")).expect("valid"))
            .expect("added");
        // The server closes 50 ms after its answer.
        let deadline = Instant::now() + Duration::from_secs(5);
        while world.simulator.open_connections() > 0 {
            assert!(Instant::now() < deadline, "the simulator closes");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    assert_eq!(world.arrived().len(), 5);
    assert_eq!(world.simulator.connections(), 5);
}

#[test]
fn the_only_integration() {
    let mut world = World::new();
    world.project("test-empty-integration");
    let error = integration::get(&world.client()).expect_err("none");
    assert_eq!(error.kind, ErrorKind::NotFound);
    assert_eq!(world.arrived()[0].body, Value::Null);
}
