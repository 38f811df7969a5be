//! What the client makes of the API's own refusals: words, waits, hints, secrets.

use std::time::Duration;

use neon_auth_admin::error::{Advice, Error, ErrorKind};
use neon_auth_admin::neon::email_server::EmailServer;
use neon_auth_admin::neon::endpoint::Endpoint;
use neon_auth_admin::neon::oauth_providers::Credentials;
use neon_auth_admin::neon::{domains, email_server, integration, oauth_providers, users};
use neon_auth_admin::secret::Secret;

use crate::support::{KEY, World, email_server as of_ones_own, email_server_of, timed};

fn detail(error: &Error) -> &str {
    error.detail.as_deref().expect("a detail")
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
fn each_refusal_comes_with_an_advice() {
    let mut world = World::new();
    // A project that the key may not see, if there is one.
    let nowhere = ("nowhere-123456".to_owned(), Advice::CheckIds);
    let advice = [Advice::StoreKey, Advice::GrantAccess];
    let faults = [401, 403].map(|status| format!("fault-{status}--hint"));
    for (project, advice) in faults.into_iter().zip(advice).chain([nowhere]) {
        world.project(&project);
        let errors = [
            world.create_user().expect_err("refused"),
            world.send(domains::list).expect_err("refused"),
        ];
        for error in errors {
            assert_eq!(error.advice.as_ref(), Some(&advice), "{error:?}");
        }
        assert_eq!(world.arrived().len(), 2, "{project} is not tried again");
    }
}

#[test]
fn what_is_there_already_is_taken_by_another_function_if_there_is_one() {
    let mut world = World::new();
    world.project("fault-409--hint");
    let target = world.connection.target.clone();
    let created = world.create_user().expect_err("refused");
    let ensured = users::ensure(&target, "ada@example.com", None).expect("a request");
    let ensured = world.send(|_| Ok(ensured)).expect_err("refused");
    let advice = |name| Some(Advice::LookAround(name));
    assert_eq!(created.advice, advice(Some("ensure_user")));
    assert_eq!(ensured.advice, advice(None));
    let ensuring = [
        (&domains::ADD_DOMAIN, Some("ensure_domain")),
        (
            &oauth_providers::ADD_OAUTH_PROVIDER,
            Some("ensure_oauth_provider"),
        ),
        (&users::SET_USER_ROLES, None),
    ];
    for (endpoint, name) in ensuring {
        assert_eq!(Endpoint::ensuring(endpoint), name, "{endpoint:?}");
    }
}

#[test]
fn an_integration_that_is_missing_can_be_created() {
    let mut world = World::new();
    world.project("test-empty-hint");
    let error = world.send(domains::list).expect_err("no integration");
    assert_eq!(error.advice, Some(Advice::CreateIntegration));
    world.branch("test-hint", "br-empty-1");
    let error = world.send(domains::list).expect_err("no integration");
    assert_eq!(error.advice, Some(Advice::CreateIntegration));
}

#[test]
fn a_wrong_key_is_not_accepted() {
    let mut world = World::new();
    world.connection.api_key = Secret::new("napi_wrong");
    let error = world.send(domains::list).expect_err("refused");
    assert_eq!(error.kind, ErrorKind::Unauthenticated);
    assert_eq!(error.advice, Some(Advice::StoreKey));
    assert_eq!(world.arrived().len(), 1);
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
/// The first default back-off is at most 200 ms; the call's own time is 5 s.
const RETRY_AFTER: [(&str, u64, u64, Option<ErrorKind>); 5] = [
    ("429-retry-1-x1", 1000, 4900, None),
    ("429-retry-3600-x1", 0, 4900, Some(ErrorKind::RateLimited)),
    // A date has whole seconds only: 1 to 2 s ahead when it was sent.
    ("429-retry-date-x1", 900, 4900, None),
    ("429-retry-garbage-x1", 0, 4900, None),
    ("429-x1", 0, 4900, None),
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
            let hour = Some(Duration::from_secs(3600));
            assert_eq!(error.advice, Some(Advice::SlowDown(hour)));
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
    let standard = EmailServer {
        host: Some("id-1".to_owned()),
        ..email_server_of("standard", of_ones_own("s3\"cret"))
    };
    let errors = [
        world
            .send(|s| oauth_providers::add(s, "google", credentials))
            .map(drop),
        world
            .send(|s| oauth_providers::update(s, "google", credentials))
            .map(drop),
        world.send(|s| email_server::update(s, &standard)).map(drop),
    ];
    for error in errors.map(|result| result.expect_err("refused")) {
        let all = [&error.message, detail(&error)].join("\n");
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
    assert_eq!(server.r#type.as_deref(), Some("dedicated"));
    let integrations = world.send(integration::get).expect("got");
    let integration = integrations.only().expect("one");
    assert_eq!(integration.auth_provider, "future_auth");
    assert_eq!(world.arrived().len(), 3);
}
