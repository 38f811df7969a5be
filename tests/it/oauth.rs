//! The OAuth server and its clients: what is kept of answers that nobody here has seen, what becomes of a
//! secret that is shown once, and ids that are URLs.

use neon_auth_admin::error::{Advice, Error, ErrorKind};
use neon_auth_admin::neon::endpoint::Look;
use neon_auth_admin::neon::oauth_clients::{self, Registration};
use neon_auth_admin::neon::oauth_server::{self, Update};
use neon_auth_admin::neon::plugins;
use neon_auth_admin::secret::Secret;
use serde_json::{Value, json};

use crate::support::World;

const ID: &str = "https://client.example.com/a/b?c=d&e#f%2F";

fn world(project: &str) -> World {
    let mut world = World::new();
    world.branch(project, "br-main-000001");
    world
}

fn client(name: &str) -> Registration {
    Registration {
        name: name.to_owned(),
        redirect_uris: vec!["https://client.example.com/callback".to_owned()],
        r#type: "confidential".to_owned(),
        resources: Vec::new(),
        skip_consent: None,
    }
}

#[test]
fn an_id_that_is_a_url_is_one_segment_on_its_way() {
    let world = world("test-oauth-url");
    let created = world.send(|at| oauth_clients::create(at, &client(ID)));
    let created = created.expect("created");
    assert_eq!(created.client_id.as_deref(), Some(ID));
    let rotated = world.send(|at| oauth_clients::rotate_secret(at, ID));
    let rotated = rotated.expect("rotated");
    assert_eq!(rotated.client_id.as_deref(), Some(ID));
    let secret = |secret: Option<Secret>| secret.expect("a secret").expose().to_owned();
    assert_ne!(secret(created.client_secret), secret(rotated.client_secret));
    world
        .send(|at| oauth_clients::delete(at, ID))
        .expect("deleted");
    let arrived = world.arrived();
    let id = "https%3A%2F%2Fclient.example.com%2Fa%2Fb%3Fc%3Dd%26e%23f%252F";
    let path = &arrived.last().expect("a request").path;
    assert!(path.ends_with(&format!("/clients/{id}")), "{path}");
    let list = world.send(oauth_clients::list).expect("listed");
    assert!(list.clients.is_empty());
}

#[test]
fn fields_that_are_not_known_are_kept() {
    let world = world("fault-extra--oauth");
    let other = json!({"x_future": {"nested": [1, null, "x"]}, "x_future_secret": "hush"});
    let other = other.as_object();
    let update = Update {
        mcp: Some(r#"{"resource": "https://mcp.example.com", "cimd": [1]}"#),
        ..Update::default()
    };
    let updated = world.send(|at| oauth_server::update(at, &update));
    let updated = updated.expect("updated");
    assert_eq!(updated.other.as_ref(), other);
    let mcp: Value = serde_json::from_str(updated.mcp.expect("its JSON").get()).expect("JSON");
    assert_eq!(mcp["cimd"], json!([1]));
    let got = world.send(oauth_server::get).expect("got");
    assert_eq!(got.other.as_ref(), other);
    let created = world.send(|at| oauth_clients::create(at, &client("App")));
    let created = created.expect("created");
    assert_eq!(created.other.as_ref(), other);
    let id = created.client_id.expect("an id");
    let rotated = world.send(|at| oauth_clients::rotate_secret(at, &id));
    assert_eq!(rotated.expect("rotated").other.as_ref(), other);
    let list = world.send(oauth_clients::list).expect("listed");
    let [listed] = &list.clients[..] else {
        panic!("{list:?}");
    };
    assert_eq!(listed.other.as_ref(), other);
    assert_eq!(listed.r#type.as_deref(), Some("dedicated"));
    let plugins = world.send(plugins::get).expect("got");
    assert_eq!(plugins.other.as_ref(), other);
}

/// Which status of success they have was not seen.
#[test]
fn an_answer_without_a_body_is_success_where_none_was_seen() {
    let world = world("fault-204--oauth");
    let update = Update {
        enabled: Some(true),
        ..Update::default()
    };
    let updated = world.send(|at| oauth_server::update(at, &update));
    assert_eq!(updated.expect("updated").enabled, None);
    world
        .send(|at| oauth_clients::delete(at, "c"))
        .expect("deleted");
    let error = world.send(|at| oauth_clients::rotate_secret(at, "c"));
    let error = error.expect_err("a secret that nobody has seen");
    assert_eq!(error.kind, ErrorKind::OutcomeUnknown);
}

#[test]
fn a_secret_that_got_lost_can_be_replaced() {
    let errors = |fault: &str| -> [Error; 2] {
        let world = world(&format!("fault-{fault}--oauth"));
        [
            world
                .send(|at| oauth_clients::create(at, &client("App")))
                .map(drop),
            world
                .send(|at| oauth_clients::rotate_secret(at, "c"))
                .map(drop),
        ]
        .map(|result| result.expect_err(fault))
    };
    let looks = [Look::NewClient, Look::ClientSecret];
    for fault in ["reset", "504", "cut", "huge"] {
        for (error, look) in errors(fault).into_iter().zip(looks) {
            assert_eq!(error.kind, ErrorKind::OutcomeUnknown, "{fault}");
            assert_eq!(error.advice, Some(Advice::LookBefore(look)), "{fault}");
            assert!(error.if_it_may_be_done().is_some(), "{fault}");
        }
    }
    for fault in ["html", "badjson", "empty"] {
        for (error, look) in errors(fault).into_iter().zip(looks) {
            assert_eq!(error.advice, Some(Advice::LookAtResult(look)), "{fault}");
        }
    }
}

#[test]
fn whoever_is_interrupted_hears_of_the_secret_that_got_lost() {
    let world = world("test-oauth-interrupt");
    let target = &world.connection.target;
    let create = oauth_clients::create(target, &client("App")).expect("a request");
    let error = Error::done_before_interrupt(&create, "id-1");
    assert_eq!(error.advice, Some(Advice::LookAtResult(Look::NewClient)));
    let delete = oauth_clients::delete(target, "c").expect("a request");
    let error = Error::done_before_interrupt(&delete, "id-1");
    assert_eq!(error.advice, None);
}

#[test]
fn what_is_refused_before_it_is_sent() {
    let world = world("test-oauth-refused");
    let at = &world.connection.target;
    let json = |mcp, resources| Update {
        mcp,
        resources,
        ..Update::default()
    };
    let refused = [
        json(None, None),
        json(Some("[]"), None),
        json(Some("{"), None),
        json(Some(r#"{"client_secret": "********"}"#), None),
        json(None, Some("{}")),
        json(None, Some("null")),
        json(None, Some(r#"["********"]"#)),
        Update {
            login_page: Some("/sign-in"),
            ..Update::default()
        },
    ];
    for update in refused {
        let error = oauth_server::update(at, &update).expect_err("refused");
        assert_eq!(error.kind, ErrorKind::InvalidValue, "{update:?}");
    }
    for id in [
        "",
        ".",
        "..",
        "a/../b",
        "https://a/./b",
        "a\\..\\b",
        "a b",
        "a\0",
    ] {
        let error = oauth_clients::delete(at, id).expect_err(id);
        assert_eq!(error.kind, ErrorKind::InvalidValue);
    }
    let nothing = oauth_clients::Update::default();
    let error = oauth_clients::update(at, "c", &nothing).expect_err("nothing");
    assert_eq!(error.kind, ErrorKind::InvalidValue);
}
