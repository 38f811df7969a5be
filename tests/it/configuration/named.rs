//! What a document names is read, and nothing else; what is written is in an order that locks nobody out.

use std::collections::BTreeSet;

use neon_auth_admin::neon::configuration::{ConfigurationChange, Way, section::Section};
use serde_json::{Value, json};

use super::is_write;
use super::place::{Asked, Place};

/// The last words of the paths that were read, and how often something was written.
fn read(place: &Place) -> Vec<String> {
    let arrived = place.arrived();
    assert!(!arrived.iter().any(is_write), "{arrived:?}");
    let last = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    arrived.iter().map(|it| last(&it.path)).collect()
}

#[test]
fn each_section_is_read_with_its_own_request() {
    for (is_branch, sections) in [
        (
            false,
            &[
                ("integration", "integrations"),
                ("domains", "domains"),
                ("oauth_providers", "oauth_providers"),
                ("email_server", "email_server"),
            ][..],
        ),
        (
            true,
            &[
                ("integration", "auth"),
                ("name", "auth"),
                ("domains", "domains"),
                ("allow_localhost", "plugins"),
                ("oauth_providers", "plugins"),
                ("email_server", "plugins"),
                ("email_and_password", "plugins"),
                ("organization", "plugins"),
                ("magic_link", "plugins"),
                ("phone_number", "plugins"),
                ("webhooks", "webhooks"),
                ("oauth_server", "oauth-provider"),
                ("oauth_clients", "clients"),
            ][..],
        ),
    ] {
        let place = Place::new(is_branch);
        let named: BTreeSet<_> = sections.iter().map(|(section, _)| *section).collect();
        let all = Section::ALL
            .into_iter()
            .filter(|it| it.is_at(place.target()));
        assert_eq!(named, all.map(|it| it.shape().name).collect());
        let wanted = |section: &str| match section {
            "name" => json!("One"),
            "domains" => json!([]),
            "allow_localhost" => json!(true),
            _ => json!({}),
        };
        for (section, request) in sections {
            place
                .plan(&json!({*section: wanted(section)}))
                .expect("a plan");
            assert_eq!(read(&place), [*request], "{section}");
        }
        let all = sections
            .iter()
            .map(|(section, _)| ((*section).to_owned(), wanted(section)));
        place.plan(&Value::Object(all.collect())).expect("a plan");
        let mut requests: Vec<_> = sections.iter().map(|(_, request)| *request).collect();
        requests.dedup();
        assert_eq!(requests.len(), if is_branch { 6 } else { 4 });
        assert_eq!(read(&place), requests);
        place.plan(&json!({})).expect("a plan");
        assert_eq!(read(&place), [""; 0]);
    }
}

#[test]
fn who_signs_in_meanwhile_is_not_locked_out() {
    let place = Place::new(true);
    let client = json!({
        "name": "One", "type": "public", "redirect_uris": ["https://old.example.com/back"],
        "resources": ["https://old.example.com"], "skip_consent": false, "disabled": false,
    });
    place.give(&json!({
        "domains": ["https://old.example.com"],
        "allow_localhost": false,
        "oauth_server": {"resources": ["https://old.example.com"]},
        "oauth_clients": {"https://one.example.com/id": client, "https://two.example.com/id": client},
    }));
    let all = Asked {
        prune: vec!["domains", "oauth_providers", "oauth_clients"],
        ..Asked::default()
    };
    let mut wanted = json!({
        "name": "App",
        "domains": ["https://new.example.com"],
        "allow_localhost": true,
        "email_server": super::full_email_server(),
        "email_and_password": {"require_email_verification": true},
        "oauth_providers": {"vercel": {"client_id": "id", "client_secret": "s3cret-2"}},
        "organization": {"enabled": false},
        "webhooks": {"enabled": true, "webhook_url": "https://hooks.example.com"},
        "oauth_server": {"enabled": true, "login_page": "https://new.example.com/in", "resources": ["https://new.example.com"]},
        "oauth_clients": {"https://one.example.com/id": {"resources": ["https://new.example.com"]}},
    });
    let taken = |wanted: &Value| {
        let rows = place.apply_with(wanted, &all).expect("applied");
        let step = |row: &ConfigurationChange| {
            let field = row.field.as_deref().unwrap_or_default();
            format!("{} {} {field}", row.action, row.object)
                .trim_end()
                .to_owned()
        };
        rows.iter().map(step).collect::<Vec<_>>()
    };
    let mut steps = taken(&wanted);
    steps.retain(|step| !step.starts_with("update email server ") || step.ends_with(" host"));
    assert_eq!(
        steps,
        [
            "update name name",
            "create redirect domain https://new.example.com",
            "update localhost allow_localhost",
            "update email server host",
            "update OAuth server enabled",
            "update OAuth server login_page",
            // With what clients still have.
            "update OAuth server resources",
            "create OAuth provider vercel client_id",
            "create OAuth provider vercel client_secret",
            "update e-mail and password require_email_verification",
            "update OAuth client https://one.example.com/id resources",
            "update webhooks enabled",
            "update webhooks webhook_url",
            "update organization plugin enabled",
            "delete OAuth client https://two.example.com/id",
            "update OAuth server resources",
            "delete OAuth provider github",
            "delete OAuth provider google",
            "delete redirect domain https://old.example.com",
        ]
    );
    wanted["oauth_server"]["enabled"] = false.into();
    wanted["email_and_password"]["enabled"] = false.into();
    wanted["oauth_providers"]["google"] = json!({});
    wanted["allow_localhost"] = false.into();
    wanted["domains"] = json!([]);
    assert_eq!(
        taken(&wanted),
        [
            "create OAuth provider google type",
            "update e-mail and password enabled",
            "update OAuth server enabled",
            "delete redirect domain https://new.example.com",
            "update localhost allow_localhost",
        ]
    );
}

/// Neon's next version has more than this one knows.
#[test]
fn what_is_written_whole_keeps_what_nobody_knows() {
    let place = Place::of("fault-extra--configuration", Some("br-a"));
    let wanted = json!({"webhooks": {"enabled_events": ["user.created"], "timeout_seconds": 7}});
    place.apply(&wanted).expect("applied");
    let arrived = place.arrived();
    let write = arrived.iter().find(|it| is_write(it)).expect("a write");
    assert_eq!(
        write.body,
        json!({
            "enabled": false, "enabled_events": ["user.created"], "timeout_seconds": 7,
            "x_future": {"nested": [1, null, "x"]}, "x_future_secret": "hush",
        })
    );
}
