//! What a failure leaves behind: whatever happens at whatever step, applying it again ends in the wanted
//! configuration, and no write is made twice.

use neon_auth_admin::error::{Error, ErrorKind};
use neon_auth_admin::neon::domains;
use neon_auth_admin::neon::oauth_providers::{self, Credentials};
use neon_auth_admin::secret::Secret;
use serde_json::{Value, json};

use super::place::{Asked, Fault, Place};
use super::{counted, full_email_server, line};
use crate::support::World;

/// A write in each stage.
fn wanted() -> Value {
    json!({
        "name": "App",
        "domains": ["https://a.example.com", "https://b.example.com"],
        "allow_localhost": false,
        "oauth_providers": {
            "google": {"client_id": "id", "client_secret": "s3cret-1"},
            "vercel": {"client_id": "id", "client_secret": "s3cret-2"},
        },
        "email_server": full_email_server(),
        "email_and_password": {"require_email_verification": true},
        "organization": {"enabled": false},
        "magic_link": {"enabled": true},
        "phone_number": {"enabled": true},
        "webhooks": {"enabled": true, "webhook_url": "https://hooks.example.com"},
        "oauth_server": {"enabled": true, "resources": ["https://new.example.com"]},
        "oauth_clients": {
            "https://one.example.com/id": {"resources": ["https://new.example.com"]},
        },
    })
}

fn state() -> Value {
    let client = json!({
        "name": "One", "type": "public", "redirect_uris": ["https://one.example.com/back"],
        "resources": ["https://old.example.com"], "skip_consent": false, "disabled": false,
    });
    json!({
        "domains": ["https://old.example.com"],
        "oauth_server": {"resources": ["https://old.example.com"]},
        "oauth_clients": {"https://one.example.com/id": client, "https://two.example.com/id": client},
    })
}

fn everything() -> Asked {
    Asked {
        prune: vec!["domains", "oauth_providers", "oauth_clients"],
        ..Asked::default()
    }
}

fn place() -> Place {
    let place = Place::new(true);
    place.give(&state());
    place
}

fn failure(kind: ErrorKind) -> Error {
    Error::new(kind, "it failed").with_detail("It did.")
}

#[test]
fn at_any_step_a_second_one_ends_in_what_is_wanted() {
    let (wanted, options) = (wanted(), everything());
    let whole = place();
    let steps = whole.apply_with(&wanted, &options).expect("applied");
    let steps = super::steps(&steps).len();
    assert!(steps > 16, "{steps}");
    let expected = whole.export();
    use ErrorKind::{Busy, Interrupted, OutcomeUnknown};
    for n in 0..steps {
        for (kind, is_sent) in [
            (Busy, false),
            (OutcomeUnknown, false),
            (OutcomeUnknown, true),
            (Interrupted, true),
        ] {
            let place = place();
            let error = failure(kind);
            let fault = match is_sent {
                true => Fault::Sent(error),
                false => Fault::NotSent(error),
            };
            *place.fault.borrow_mut() = Some((n, fault));
            let error = place.apply_with(&wanted, &options).expect_err("it failed");
            assert_eq!(error.kind, kind);
            let detail = error.detail.unwrap_or_default();
            let (made, not_tried) = detail.split_once(" Not tried: ").expect("both");
            let made = made
                .strip_prefix("It did. Made before it: ")
                .expect("it says so");
            let made = made.trim_end_matches('.');
            let not_tried = not_tried.trim_end_matches('.');
            assert_eq!(count(made), n, "{detail}");
            assert_eq!(count(not_tried), steps - n - 1, "{detail}");
            *place.fault.borrow_mut() = None;
            place.apply_with(&wanted, &options).expect("the rest");
            assert_eq!(place.export(), expected);
            for (write, times) in counted(&place.arrived()) {
                assert_eq!(times, 1, "{write}");
            }
        }
    }
}

fn count(list: &str) -> usize {
    let more = list
        .rsplit_once(" and ")
        .and_then(|(_, more)| more.strip_suffix(" more"));
    match (list, more) {
        ("nothing", _) => 0,
        (list, more) => {
            let more: usize = more.map_or(0, |more| more.parse().expect("a number"));
            list.split(", ").count() + more
        }
    }
}

fn domain(world: &World) {
    world.add_domain("https://a.example.com").expect("added");
}

fn provider(world: &World) {
    let secret = Secret::new("s3cret-9");
    let credentials = Credentials {
        client_id: Some("of somebody else"),
        client_secret: Some(&secret),
        microsoft_tenant_id: None,
    };
    let added = world.send(|target| oauth_providers::add(target, "vercel", credentials));
    added.expect("added");
}

fn no_provider(world: &World) {
    let deleted = world.send(|target| oauth_providers::delete(target, "github"));
    deleted.expect("deleted");
}

fn no_domain(world: &World) {
    let old = ["https://old.example.com"];
    world
        .send(|target| domains::delete_all(target, &old))
        .expect("deleted");
}

/// The step's summary, and what comes of it.
#[test]
fn somebody_else_was_faster() {
    let (wanted, options) = (wanted(), everything());
    let whole = place();
    let rows = whole.apply_with(&wanted, &options).expect("applied");
    let expected = whole.export();
    type Other = fn(&World);
    let others: [(&str, Other, bool); 4] = [
        ("create redirect domain https://a.example.com", domain, true),
        ("create OAuth provider vercel", provider, true),
        ("delete OAuth provider github", no_provider, true),
        (
            "delete redirect domain https://old.example.com",
            no_domain,
            false,
        ),
    ];
    for (summary, other, is_noted) in others {
        let step = rows.iter().find(|row| line(row).starts_with(summary));
        let step = step.and_then(|row| row.step).expect(summary);
        let place = place();
        let fault = Fault::After(Box::new(other));
        *place.fault.borrow_mut() = Some((step as usize - 1, fault));
        let rows = place.apply_with(&wanted, &options).expect(summary);
        assert_eq!(place.export(), expected);
        let heard = place.heard.borrow();
        let noted = format!("{summary} (somebody else was faster)");
        assert_eq!(heard.contains(&noted), is_noted, "{heard:?}");
        if summary.ends_with("vercel") {
            let rows: Vec<_> = rows.iter().map(line).collect();
            let update = r#"update OAuth provider vercel client_id: "of somebody else" -> "id""#;
            assert!(rows.contains(&update.to_owned()), "{rows:?}");
        }
        *place.fault.borrow_mut() = None;
        assert_eq!(place.plan_with(&wanted, &options), Ok(Vec::new()));
    }
}

/// A write that there is no time for is not begun.
#[test]
fn no_time_left() {
    let mut place = place();
    place.world.timeout = std::time::Duration::from_millis(400);
    let error = place.apply(&json!({"name": "App"})).expect_err("no time");
    assert_eq!(error.kind, ErrorKind::Unreachable);
    let detail = error.detail.unwrap_or_default();
    assert!(detail.ends_with("Not tried: update name."), "{detail}");
}
