//! What arrives when the client calls, beside the table of operations: headers, the operations that are
//! more than one request, and what becomes of a branch that has no integration or does not exist.

use neon_auth_admin::error::ErrorKind;
use neon_auth_admin::neon::webhooks::{Fields, Webhooks};
use neon_auth_admin::neon::{domains, integration, webhooks};
use serde_json::{Value, json};

use crate::support::World;

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
    let none = world.send(integration::get).expect("a list").only();
    assert_eq!(none.expect_err("none").kind, ErrorKind::NotFound);
    assert_eq!(world.arrived()[0].body, Value::Null);
    world.project("test-integration");
    let only = world.send(integration::get).expect("a list").only();
    assert_eq!(only.expect("one").auth_provider, "stack");
}

#[test]
fn a_branch_without_an_integration() {
    let mut world = World::new();
    world.branch("test-branch", "br-empty-a");
    let listed = world.send(integration::list).expect("an empty list");
    assert_eq!(listed.data.len(), 0);
    let error = world.send(integration::get).expect_err("none");
    assert_eq!(error.kind, ErrorKind::NotFound);
    let detail = error.detail.expect("a detail");
    assert!(detail.contains("not found for branch"), "{detail}");
    let error = world.send(domains::list).expect_err("none");
    assert_eq!(error.kind, ErrorKind::NotFound, "other lists are not empty");
    let paths: Vec<_> = world.arrived().into_iter().map(|r| r.path).collect();
    let auth = "/projects/test-branch/branches/br-empty-a/auth";
    assert_eq!(paths, [auth, auth, &format!("{auth}/domains")]);
}

#[test]
fn a_branch_that_does_not_exist() {
    let mut world = World::new();
    world.branch("test-branch", "br-missing-a");
    let error = world.send(integration::list).expect_err("no branch");
    assert_eq!(error.kind, ErrorKind::NotFound);
    let error = world.send(integration::get).expect_err("no branch");
    assert_eq!(error.kind, ErrorKind::NotFound);
    assert_eq!(world.arrived().len(), 2);
}

#[test]
fn webhooks_keep_what_an_update_does_not_name() {
    let mut world = World::new();
    world.branch("fault-extra--webhooks", "br-a");
    // The answer to GET has an event and a field that nobody knows yet.
    let change = |update: Webhooks| {
        let current = world.send(webhooks::get::<Fields>)?;
        world.send(|target| webhooks::replace(target, current, &update))
    };
    let update = Webhooks {
        enabled: Some(true),
        enabled_events: Some(vec!["user.created".to_owned()]),
        ..Webhooks::default()
    };
    let updated = change(update).expect("updated");
    let shown = (updated.enabled, updated.timeout_seconds);
    assert_eq!(shown, (Some(true), Some(5)));
    let url = Webhooks {
        webhook_url: Some("https://hooks.example.com".to_owned()),
        ..Webhooks::default()
    };
    change(url).expect_err("the simulator knows no such event");
    let nothing = Webhooks::default().check().expect_err("nothing");
    assert_eq!(nothing.kind, ErrorKind::InvalidValue);

    let future = json!({"nested": [1, null, "x"]});
    let none = Value::Null;
    let arrived = world.arrived().into_iter();
    let arrived: Vec<_> = arrived.map(|it| (it.method, it.body)).collect();
    let expected = [
        ("GET", none.clone()),
        (
            "PUT",
            json!({
                "enabled": true, "enabled_events": ["user.created"], "timeout_seconds": 5,
                "x_future": future, "x_future_secret": "hush",
            }),
        ),
        ("GET", none),
        (
            "PUT",
            json!({
                "enabled": true, "webhook_url": "https://hooks.example.com",
                "enabled_events": ["user.created", "user.deleted"], "timeout_seconds": 5,
                "x_future": future, "x_future_secret": "hush",
            }),
        ),
    ];
    let expected = expected.map(|(method, body)| (method.to_owned(), body));
    assert_eq!(arrived, expected);
}
