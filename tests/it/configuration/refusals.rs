//! Documents that are wrong: each is refused with its path, and nothing is sent; what shows only beside what
//! Neon has is refused before anything is changed.

use neon_auth_admin::error::ErrorKind;
use serde_json::{Value, json};

use super::is_write;
use super::place::{Asked, Place};

fn path_of(message: &str) -> &str {
    message.split('"').nth(1).unwrap_or_default()
}

#[test]
fn what_no_neon_has_is_refused_before_anything_is_sent() {
    let (project, branch) = (Place::new(false), Place::new(true));
    for (place, document, path) in [
        (&branch, json!({"domain": []}), "domain"),
        (&branch, json!({"": []}), "''"),
        (&branch, json!({"a\"b\n": []}), "'a"),
        (&branch, json!({"domains": null}), "domains"),
        (&branch, json!({"domains": {}}), "domains"),
        (
            &branch,
            json!({"domains": ["https://a.example.com", null]}),
            "domains[1]",
        ),
        (&branch, json!({"domains": [5]}), "domains[0]"),
        (&branch, json!({"domains": ["example.com"]}), "domains[0]"),
        (
            &branch,
            json!({"domains": ["https://a.example", "https://A.example/"]}),
            "domains[1]",
        ),
        (
            &branch,
            json!({"allow_localhost": "true"}),
            "allow_localhost",
        ),
        (&branch, json!({"name": ""}), "name"),
        (&branch, json!({"name": "a\nb"}), "name"),
        (&branch, json!({"magic_link": []}), "magic_link"),
        (
            &branch,
            json!({"magic_link": {"enable": true}}),
            "magic_link.enable",
        ),
        (
            &branch,
            json!({"magic_link": {"enabled": null}}),
            "magic_link.enabled",
        ),
        (
            &branch,
            json!({"magic_link": {"expires_in": 4}}),
            "magic_link.expires_in",
        ),
        (
            &branch,
            json!({"magic_link": {"expires_in": 5.5}}),
            "magic_link.expires_in",
        ),
        (
            &branch,
            json!({"magic_link": {"expires_in": "5"}}),
            "magic_link.expires_in",
        ),
        (
            &branch,
            json!({"magic_link": {"expires_in": 1e300}}),
            "magic_link.expires_in",
        ),
        (
            &branch,
            json!({"webhooks": {"enabled_events": ["a", "a"]}}),
            "webhooks.enabled_events[1]",
        ),
        (
            &branch,
            json!({"webhooks": {"webhook_url": "x y"}}),
            "webhooks.webhook_url",
        ),
        (
            &branch,
            json!({"oauth_providers": {"../x": {}}}),
            "oauth_providers.'../x'",
        ),
        (
            &branch,
            json!({"oauth_providers": {"google": null}}),
            "oauth_providers.google",
        ),
        (
            &branch,
            json!({"oauth_providers": {"google": {"client_secret": null}}}),
            "oauth_providers.google.client_secret",
        ),
        (
            &branch,
            json!({"oauth_providers": {"google": {"client_secret": "s3cret-\n"}}}),
            "oauth_providers.google.client_secret",
        ),
        (
            &branch,
            json!({"oauth_providers": {"google": {"type": "shared", "client_id": "x"}}}),
            "oauth_providers.google.client_id",
        ),
        (
            &branch,
            json!({"email_server": {"type": "shared", "port": 25}}),
            "email_server.port",
        ),
        (
            &branch,
            json!({"email_server": {"port": 65536}}),
            "email_server.port",
        ),
        (
            &branch,
            json!({"email_server": {"sender_email": "ada"}}),
            "email_server.sender_email",
        ),
        (
            &branch,
            json!({"oauth_clients": {"https://x/../y": {}}}),
            "oauth_clients.'https://x/../y'",
        ),
        (
            &branch,
            json!({"oauth_clients": {"a": {"redirect_uris": ["x"]}}}),
            "oauth_clients.a.redirect_uris[0]",
        ),
        (
            &branch,
            json!({"oauth_clients": {"a": {"client_secret": "s3cret-1"}}}),
            "oauth_clients.a.client_secret",
        ),
        (
            &branch,
            json!({"oauth_server": {"mcp": "x"}}),
            "oauth_server.mcp",
        ),
        (
            &branch,
            json!({"oauth_server": {"resources": {}}}),
            "oauth_server.resources",
        ),
        (
            &project,
            json!({"domains": [], "magic_link": {}}),
            "magic_link",
        ),
        (&project, json!({"name": "App"}), "name"),
    ] {
        let error = place.plan(&document).expect_err(&document.to_string());
        assert_eq!(error.kind, ErrorKind::InvalidValue, "{document}");
        assert!(
            path_of(&error.message).starts_with(path),
            "{document}: {}",
            error.message
        );
        assert_eq!(place.apply(&document), Err(error));
    }
    for text in [
        Value::from("[]"),
        json!([]),
        json!("{}"),
        Value::Null,
        (0..1000).fold(json!({}), |inner, _| json!({ "domains": inner })),
        // Also where anything may stand.
        json!({"oauth_server": {"resources": (0..1000).fold(json!([]), |inner, _| json!([inner]))}}),
    ] {
        let error = branch.plan(&text).expect_err("no document");
        assert!(
            error.message.contains("\"configuration\""),
            "{}",
            error.message
        );
    }
    for (prune, document) in [
        ("domains", json!({})),
        ("email_server", json!({"email_server": {}})),
        ("users", json!({"domains": []})),
        ("integration", json!({"integration": {}})),
    ] {
        let asked = Asked {
            prune: vec![prune],
            ..Asked::default()
        };
        let error = branch.plan_with(&document, &asked).expect_err(prune);
        assert_eq!(path_of(&error.message), "prune[1]");
    }
    assert_eq!(branch.arrived().len() + project.arrived().len(), 0);
}

#[test]
fn what_does_not_fit_what_there_is_changes_nothing() {
    let standard = json!({"client_id": "id", "client_secret": "s3cret-1"});
    let state = json!({"oauth_providers": {"github": standard, "google": {}}});
    let email = json!({"email_server": {
        "type": "standard", "host": "smtp.example.com", "port": 25, "username": "", "password": "",
        "sender_email": "a@example.com", "sender_name": "A",
    }});
    let (project, branch) = (Place::new(false), Place::new(true));
    for place in [&project, &branch] {
        place.give(&state);
        place.give(&email);
    }
    branch.give(&json!({
        "oauth_server": {"resources": []},
        "oauth_clients": {"https://one.example.com/id": {
            "name": "One", "type": "confidential", "redirect_uris": ["https://one.example.com/back"],
            "resources": [], "skip_consent": false, "disabled": false,
        }},
    }));
    let secret = "oauth_providers.google.client_secret";
    use ErrorKind::{InvalidValue, NotFound, NotSupported};
    for (place, document, kind, path) in [
        (
            &branch,
            json!({"oauth_providers": {"github": {}}}),
            NotSupported,
            "oauth_providers.github",
        ),
        (
            &branch,
            json!({"integration": {"auth_provider": "stack"}}),
            NotSupported,
            "integration.auth_provider",
        ),
        (
            &branch,
            json!({"oauth_providers": {"google": {"client_id": "x", "client_secret": "••••"}}}),
            InvalidValue,
            secret,
        ),
        (
            &branch,
            json!({"oauth_providers": {"google": {"client_id": "x"}}}),
            InvalidValue,
            secret,
        ),
        (
            &project,
            json!({"oauth_providers": {"microsoft": standard}}),
            InvalidValue,
            "oauth_providers.microsoft.microsoft_tenant_id",
        ),
        (
            &branch,
            json!({"email_and_password": {"email_verification_method": "pigeon"}}),
            InvalidValue,
            "email_and_password.email_verification_method",
        ),
        (
            &branch,
            json!({"webhooks": {"enabled_events": ["user.created", "user.promoted"]}}),
            InvalidValue,
            "webhooks.enabled_events[1]",
        ),
        (
            &branch,
            json!({"oauth_clients": {"nobody": {}}}),
            NotFound,
            "oauth_clients.nobody",
        ),
        (
            &branch,
            json!({"oauth_clients": {"https://one.example.com/id": {"type": "public"}}}),
            NotSupported,
            "oauth_clients.'https://one.example.com/id'.type",
        ),
        (
            &branch,
            json!({"email_server": {"type": "sharp"}}),
            InvalidValue,
            "email_server.type",
        ),
        // Neon replaces the whole there, and an empty password is one that is not shown.
        (
            &project,
            json!({"email_server": {"port": 587}}),
            InvalidValue,
            "email_server.password",
        ),
    ] {
        let mut document = document;
        // It would be the first step.
        document["domains"] = json!(["https://first.example.com"]);
        let error = place.apply(&document).expect_err(&document.to_string());
        assert_eq!(
            (error.kind, path_of(&error.message)),
            (kind, path),
            "{error:?}"
        );
        assert_eq!(place.plan(&document), Err(error));
        assert!(!place.arrived().iter().any(is_write), "{document}");
    }
    let named = json!({"email_server": {"port": 587, "password": ""}});
    assert_eq!(project.apply(&named).expect("a relay").len(), 2);
}

/// Where a plugin is not in the answer, that does not mean that it is off.
#[test]
fn a_plugin_that_is_not_shown() {
    let place = Place::new(true);
    place.shows_no_plugins.set(true);
    for section in ["organization", "magic_link"] {
        let error = place.apply(&json!({section: {"enabled": false}}));
        let error = error.expect_err("nobody knows");
        assert_eq!(
            (error.kind, path_of(&error.message)),
            (ErrorKind::BadResponse, section)
        );
    }
    assert!(!place.arrived().iter().any(is_write));
    // The others have requests of their own.
    let wanted = json!({
        "allow_localhost": true,
        "email_and_password": {"enabled": true},
        "email_server": {"type": "shared"},
        "oauth_providers": {"google": {}},
        "phone_number": {"enabled": false},
    });
    assert_eq!(place.plan(&wanted), Ok(Vec::new()));
    assert_eq!(place.arrived().len(), 5);
}
