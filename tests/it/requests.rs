//! Requests as values beside the table of operations: what is refused before it is sent, what is not
//! sent twice, what is not shown.

use neon_auth_admin::error::{Error, ErrorKind};
use neon_auth_admin::neon::email_server::EmailServer;
use neon_auth_admin::neon::oauth_providers::Credentials;
use neon_auth_admin::neon::plugins::Organization;
use neon_auth_admin::neon::request::Method;
use neon_auth_admin::neon::retry::Safety;
use neon_auth_admin::neon::target::Target;
use neon_auth_admin::neon::{domains, email_server, integration, oauth_providers, plugins, users};
use neon_auth_admin::secret::Secret;

use crate::support::target;

#[test]
fn what_is_refused_before_it_is_sent() {
    let project = target();
    let branch = Target::new("p", Some("br-1"), None).expect("valid ids");
    let host = |kind: &str| EmailServer {
        r#type: Some(kind.to_owned()),
        host: Some("smtp.example.com".to_owned()),
        ..EmailServer::default()
    };
    let kinds = [
        integration::create(&project, None, None, None).map(drop),
        email_server::update(&project, &host("standard")).map(drop),
        users::delete(&project, "..").map(drop),
        users::set_roles(&branch, "u/1", &["admin"]).map(drop),
        oauth_providers::delete(&project, "a/b").map(drop),
        oauth_providers::update(&project, "google", Credentials::default()).map(drop),
        domains::delete_all(&project, &[]).map(drop),
        email_server::update(&project, &host("shared")).map(drop),
        integration::create(&branch, Some("br-other"), None, None).map(drop),
        integration::create(&branch, None, None, Some("neondb_owner")).map(drop),
        plugins::update_organization(&branch, &Organization::default()).map(drop),
    ]
    .map(|result: Result<(), Error>| result.expect_err("refused").kind);
    assert_eq!(kinds[..2], [ErrorKind::NullArgument; 2]);
    assert_eq!(kinds[2..], [ErrorKind::InvalidValue; 9]);
    integration::create(&branch, Some("br-1"), None, None).expect("the branch of the server");
    // Better Auth keeps what is left out, Stack Auth does not.
    email_server::update(&branch, &host("standard")).expect("a part of it");
    let stack = Target::new("p", Some("br-1"), Some("stack")).expect("valid ids");
    let part = email_server::update(&stack, &host("standard")).expect_err("a part of it");
    assert_eq!(part.kind, ErrorKind::NullArgument);
    // Which ids of providers there are, Neon knows.
    let apple = oauth_providers::add(&branch, "apple", Credentials::default()).expect("an id");
    let body = apple.body().map(Secret::expose);
    assert_eq!(body, Some(r#"{"id":"apple"}"#));
    oauth_providers::delete(&branch, "apple").expect("an id");
    let bad = Target::new("p", Some("br/1"), None).expect_err("no branch");
    assert_eq!(bad.message, "invalid value for option \"branch_id\"");
}

#[test]
fn only_reads_are_repeatable() {
    let target = target();
    let read = domains::list(&target).expect("a valid request");
    let write = users::delete(&target, "u").expect("a valid request");
    assert_eq!(
        (read.method(), read.safety()),
        (Method::Get, Safety::Repeatable)
    );
    assert_eq!(
        (write.method(), write.safety()),
        (Method::Delete, Safety::Once)
    );
}

/// DETAIL names the address that an error is about, if it looks like one.
#[test]
fn an_address_that_is_shown() {
    let shown = |address: &str| {
        let request = users::create(&target(), address, None).expect("a valid request");
        request.subject().map(str::to_owned)
    };
    let ada = "The e-mail address is \"ada@example.com\".";
    assert_eq!(shown("ada@example.com").as_deref(), Some(ada));
    assert_eq!(shown("postgres://ada:s3cret@example.com"), None);
    let refused = |address: &str| {
        let error = users::create(&target(), address, Some("")).map(drop);
        let error = error.expect_err("an empty name, or no address");
        assert!(!error.message.contains("example.com"), "{error:?}");
        error.detail.unwrap_or_default()
    };
    assert!(refused("ada@example.com").ends_with(ada));
    assert!(refused("ada@example.com\r").ends_with("is \"ada@example.com\\r\"."));
    let cut = format!(" is \"{}...\".", "a".repeat(100));
    assert!(refused(&("a".repeat(101) + "@example.com")).ends_with(&cut));
    assert!(!refused("napi_1").contains("napi"));
}

#[test]
fn debug_shows_no_body() {
    let secret = Secret::new("s3cret");
    let credentials = Credentials {
        client_id: Some("id-1"),
        client_secret: Some(&secret),
        ..Credentials::default()
    };
    let request = oauth_providers::add(&target(), "google", credentials).expect("a valid request");
    assert_eq!(
        format!("{request:?} {credentials:?}"),
        "POST /projects/quiet-bar-123456/auth/oauth_providers \
         Credentials { client_id: Some(\"id-1\"), client_secret: Some(********), \
         microsoft_tenant_id: None }"
    );
}
