//! What a failure leaves behind: whatever happens at whatever step, applying it again ends in the wanted
//! configuration, and no write is made twice.

use neon_auth_admin::error::{Error, ErrorKind};
use neon_auth_admin::neon::oauth_providers::{self, Credentials};
use neon_auth_admin::neon::plugins::{self, MagicLink};
use neon_auth_admin::neon::target::Target;
use neon_auth_admin::neon::{domains, integration};
use neon_auth_admin::secret::Secret;
use neon_simulator::Recorded;
use serde_json::{Value, json};

use super::place::{Asked, Fault, Place};
use super::{counted, full_email_server, is_write, line};
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

/// A plan whose every request meets every failure.
struct Long {
    branch: &'static str,
    state: Value,
    wanted: Value,
    options: Asked,
}

impl Long {
    /// A project of that id may be a fault.
    fn place(&self, project: &str) -> Place {
        let mut place = Place::of(project, Some(self.branch));
        place.world.connection.max_attempts = 1;
        place.give(&self.state);
        place
    }

    /// What fails when so many steps were made, and so many are left if that is known; a second one ends in
    /// what is wanted.
    fn assert_fails(
        &self,
        place: &Place,
        made: usize,
        left: Option<usize>,
        expected: &Value,
    ) -> ErrorKind {
        let error = place.apply_with(&self.wanted, &self.options);
        let error = error.expect_err("it fails");
        let detail = error.detail.unwrap_or_default();
        let (_, progress) = detail.split_once("Made before it: ").expect(&detail);
        let (before, after) = progress.split_once(" Not tried: ").expect(&detail);
        assert_eq!(count(before.trim_end_matches('.')), made, "{detail}");
        let not_tried = count(after.trim_end_matches('.'));
        assert_eq!(not_tried, left.unwrap_or(not_tried), "{detail}");
        *place.fault.borrow_mut() = None;
        let rest = place.apply_with(&self.wanted, &self.options);
        rest.expect("the rest");
        let mut arrived = place.arrived();
        let is_done = |it: &Recorded| it.status.is_some_and(|status| status < 300);
        arrived.retain(is_done);
        for (write, times) in counted(&arrived) {
            assert_eq!(times, 1, "{write}");
        }
        assert_eq!(place.export(), *expected);
        error.kind
    }

    fn assert_every_failure(&self, least: usize) {
        use ErrorKind::{AlreadyExists, Busy, Interrupted, NotFound, OutcomeUnknown};
        let whole = self.place("test-whole");
        let applied = whole.apply_with(&self.wanted, &self.options);
        applied.expect("applied");
        let arrived = whole.arrived();
        let expected = whole.export();
        let steps = arrived.iter().filter(|it| is_write(it)).count();
        assert!(steps >= least, "{steps}");
        let mut made = 0;
        for request in arrived.iter().skip_while(|it| !is_write(it)) {
            let place = |fault: &str| {
                let before = request.n - 1;
                self.place(&format!("fault-{fault}-after{before}-x1"))
            };
            if !is_write(request) {
                self.assert_fails(&place("500"), made, None, &expected);
                continue;
            }
            // What comes with an integration is known when it is there.
            let left = (self.state != json!({}) || made > 0).then(|| steps - made - 1);
            for (fault, kind) in [
                // What is not so, whatever Neon says.
                ("409", AlreadyExists),
                ("404", NotFound),
                ("423", Busy),
                ("500", OutcomeUnknown),
                ("cut", OutcomeUnknown),
            ] {
                let failed = self.assert_fails(&place(fault), made, left, &expected);
                assert_eq!(failed, kind, "{request:?}");
            }
            for fault in [Fault::NotSent, Fault::Sent] {
                let place = self.place("test-interrupted");
                let error = Error::new(Interrupted, "it failed").with_detail("It did.");
                *place.fault.borrow_mut() = Some((made, fault(error)));
                let failed = self.assert_fails(&place, made, left, &expected);
                assert_eq!(failed, Interrupted);
            }
            made += 1;
        }
    }
}

#[test]
fn at_any_step_a_second_one_ends_in_what_is_wanted() {
    let long = Long {
        branch: "br-a",
        state: state(),
        wanted: wanted(),
        options: everything(),
    };
    long.assert_every_failure(17);
}

#[test]
fn at_any_step_from_the_integration_on() {
    let long = Long {
        branch: "br-empty-a",
        state: json!({}),
        wanted: json!({
            "integration": {"auth_provider": "better_auth"},
            "domains": ["https://a.example.com"],
            "oauth_providers": {"vercel": {"client_id": "id", "client_secret": "s3cret-2"}},
            "magic_link": {"enabled": true},
        }),
        options: Asked::default(),
    };
    long.assert_every_failure(4);
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

/// What comes with the integration of somebody else is seen before anything else is made.
#[test]
fn somebody_else_made_the_integration() {
    let place = Place::of("test-configuration-faster", Some("br-empty-a"));
    let other = |world: &World| {
        let create = |target: &Target| integration::create(target, None, None, None);
        world.send(create).expect("created");
        world
            .send(|target| {
                plugins::update_magic_link(
                    target,
                    &MagicLink {
                        enabled: Some(true),
                        ..MagicLink::default()
                    },
                )
            })
            .expect("enabled");
    };
    *place.fault.borrow_mut() = Some((0, Fault::After(Box::new(other))));
    let wanted = json!({"integration": {}, "magic_link": {"enabled": true}, "name": "App"});
    let rows = place.apply(&wanted).expect("applied");
    let rows: Vec<_> = rows.iter().map(line).collect();
    assert_eq!(
        rows,
        [
            r#"create integration auth_provider: null -> "better_auth" (somebody else was faster)"#,
            r#"update name name: null -> "App""#,
        ]
    );
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
