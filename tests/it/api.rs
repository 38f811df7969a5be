//! What the client makes of the API's own refusals: words, waits, hints, secrets.

use std::time::Duration;

use neon_auth_admin::error::{Error, ErrorKind};
use neon_auth_admin::neon::oauth_providers::Credentials;
use neon_auth_admin::neon::{domains, email_server, integration, oauth_providers};
use neon_auth_admin::secret::Secret;

use crate::support::{KEY, World, timed};

fn detail(error: &Error) -> &str {
    error.detail.as_deref().expect("a detail")
}

fn hint(error: &Error) -> &str {
    error.hint.as_deref().expect("a hint")
}

#[test]
fn neons_words_are_quoted() {
    let mut world = World::new();
    for (status, words) in [
        (400, "request body does not match the schema"),
        (422, "request cannot be processed"),
        (404, "Neon Auth integration not found for project"),
    ] {
        world.project(&format!("fault-{status}--words"));
        let error = world.create_user().expect_err("refused");
        let expected = format!("answered {status} \"{words}\", request id ");
        assert!(detail(&error).contains(&expected), "{error:?}");
    }
}

#[test]
fn neons_words_are_cut_at_a_kilobyte() {
    let mut world = World::new();
    world.project("fault-long-message--words");
    let error = world.create_user().expect_err("refused");
    assert_eq!(error.kind, ErrorKind::InvalidValue);
    let quote = detail(&error).split('"').nth(1).expect("a quote");
    assert!(quote.starts_with("no such value; no such"), "{quote}");
    assert!((1000..=1024).contains(&quote.len()), "{}", quote.len());
    assert!(detail(&error).len() < 1300);
}

#[test]
fn hints_name_the_server_and_the_role() {
    let mut world = World::new();
    // A project that the key may not see, if there is one.
    let nowhere = (404, "nowhere-123456".to_owned());
    let faults = [401, 403, 409].map(|status| (status, format!("fault-{status}--hint")));
    for (status, project) in faults.into_iter().chain([nowhere]) {
        world.project(&project);
        let errors = [
            world.create_user().expect_err("refused"),
            world.send(domains::list).expect_err("refused"),
        ];
        for error in errors {
            let hint = hint(&error);
            assert!(hint.contains("neon") && hint.contains("\"app\""), "{hint}");
        }
        assert_eq!(world.arrived().len(), 2, "{status} is not tried again");
    }
}

#[test]
fn a_hint_says_how_to_create_the_integration_that_is_missing() {
    let mut world = World::new();
    let create = "SELECT neon_auth_admin.create_integration(";
    world.project("test-empty-hint");
    let error = world.send(domains::list).expect_err("no integration");
    let arguments = "branch_id => '...', server => 'neon');";
    assert!(
        hint(&error).ends_with(&format!("{create}{arguments}")),
        "{error:?}"
    );
    world.branch("test-hint", "br-empty-1");
    let error = world.send(domains::list).expect_err("no integration");
    assert!(
        hint(&error).ends_with(&format!("{create}server => 'neon');")),
        "{error:?}"
    );
}

#[test]
fn a_wrong_key_is_not_accepted() {
    let mut world = World::new();
    world.connection.api_key = Secret::new("napi_wrong");
    let error = world.send(domains::list).expect_err("refused");
    assert_eq!(error.kind, ErrorKind::Unauthenticated);
    assert!(
        hint(&error).contains("\"app\"") && hint(&error).contains("server => 'neon'"),
        "{error:?}"
    );
    world.connection.key_of_public = true;
    let error = world.send(domains::list).expect_err("refused");
    assert!(hint(&error).contains("role => 'public'"), "{error:?}");
    assert_eq!(world.arrived().len(), 2);
}

#[test]
fn a_busy_project_is_waited_for() {
    let mut world = World::new();
    world.project("fault-423-x2--write");
    world.create_user().expect("created at last");
    assert_eq!(world.arrived().len(), 3);
    world.project("fault-503-x1--write");
    world.create_user().expect("created at last");
    assert_eq!(world.arrived().len(), 2);
}

/// Retry-After, how long the call takes at least and at most in milliseconds, and what it becomes.
/// The first default back-off is at most 200 ms.
const RETRY_AFTER: [(&str, u64, u64, Option<ErrorKind>); 5] = [
    ("429-retry-1-x1", 1000, 2000, None),
    ("429-retry-3600-x1", 0, 500, Some(ErrorKind::RateLimited)),
    // A date has whole seconds only: 1 to 2 s ahead when it was sent.
    ("429-retry-date-x1", 900, 3000, None),
    ("429-retry-garbage-x1", 0, 900, None),
    ("429-x1", 0, 900, None),
];

#[test]
fn retry_after() {
    for (fault, at_least, at_most, kind) in RETRY_AFTER {
        let mut world = World::new();
        world.project(&format!("fault-{fault}--write"));
        let (result, took) = timed(|| world.create_user());
        let error = result.err();
        assert_eq!(error.as_ref().map(|error| error.kind), kind, "{fault}");
        let range = Duration::from_millis(at_least)..Duration::from_millis(at_most);
        assert!(range.contains(&took), "{fault}: {took:?}");
        let expected = if error.is_some() { 1 } else { 2 };
        assert_eq!(world.arrived().len(), expected, "{fault}");
        if let Some(error) = error {
            assert_eq!(hint(&error), "Try again in 3600 s.");
        }
    }
}

#[test]
fn a_server_fault_on_a_write_is_met_once() {
    let mut world = World::new();
    for status in [500, 502, 504] {
        world.project(&format!("fault-{status}-x1--write"));
        let error = world.create_user().expect_err("a server fault");
        assert_eq!(error.kind, ErrorKind::OutcomeUnknown);
        assert_eq!(world.arrived().len(), 1);
    }
}

#[test]
fn an_echoed_request_is_blanked_out() {
    let mut world = World::new();
    world.project("fault-echo--secret");
    let secret = Secret::new("s3\"cret");
    let credentials = Credentials {
        client_id: Some("id-1"),
        client_secret: Some(&secret),
        microsoft_tenant_id: None,
    };
    let standard = email_server::Fields {
        host: Some("id-1"),
        port: Some(587),
        username: Some("mailer"),
        password: Some(&secret),
        sender_email: Some("no-reply@example.com"),
        sender_name: Some("Example"),
    };
    let errors = [
        world
            .send(|s| oauth_providers::add(s, "google", credentials).expect("valid"))
            .map(drop),
        world
            .send(|s| oauth_providers::update(s, "google", credentials).expect("valid"))
            .map(drop),
        world
            .send(|s| email_server::update(s, "standard", standard).expect("valid"))
            .map(drop),
    ];
    for error in errors.map(|result| result.expect_err("refused")) {
        let all = [
            &error.message,
            detail(&error),
            error.hint.as_deref().unwrap_or(""),
        ]
        .join("\n");
        let echo = "with Authorization: Bearer ******** and body: ********\"";
        assert!(detail(&error).contains(echo), "{all}");
        assert!(!all.contains("id-1"), "{all}");
        assert!(!all.contains(KEY), "{all}");
        assert!(!all.contains("s3") && !all.contains("cret\\"), "{all}");
    }
}

#[test]
fn unknown_fields_and_values_are_accepted() {
    let mut world = World::new();
    world.project("fault-extra--all");
    let providers = world.send(oauth_providers::list).expect("listed");
    let types = providers.providers.iter().map(|it| it.r#type.as_str());
    assert!(types.clone().any(|it| it == "dedicated"), "{providers:?}");
    assert!(providers.providers.iter().any(|it| it.id == "gitlab"));
    let server = world.send(email_server::get).expect("got");
    assert_eq!(server.r#type, "dedicated");
    let integration = integration::get(&world.client()).expect("got");
    assert_eq!(integration.auth_provider, "future_auth");
    assert_eq!(world.arrived().len(), 3);
}
