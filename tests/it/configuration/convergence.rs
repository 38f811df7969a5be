//! That a configuration becomes what a document says, and nothing else, whatever it was: from made states
//! and made documents.

use std::collections::BTreeSet;

use neon_auth_admin::error::ErrorKind;
use neon_auth_admin::neon::configuration::{Way, section::Section};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::{Value, json};

use super::documents::{Extent, document};
use super::overlay::{origin, overlaid};
use super::place::{Asked, Place};
use super::{is_write, steps};

/// The most reads that a document takes.
const READS: [(bool, usize); 2] = [(false, 4), (true, 6)];
const LISTS: [&str; 3] = ["domains", "oauth_providers", "oauth_clients"];

fn run(strategy: impl Strategy<Value = (Value, Value)>, test: impl Fn(&Value, &Value)) {
    let config = Config {
        cases: Config::default().cases.div_ceil(8),
        failure_persistence: None,
        ..Config::default()
    };
    let tried = TestRunner::new(config).run(&strategy, |(one, other)| {
        test(&one, &other);
        Ok::<_, TestCaseError>(())
    });
    if let Err(error) = tried {
        panic!("{error}");
    }
}

/// Which requests read a section.
fn reads_of(section: &str) -> &'static [&'static str] {
    match section {
        "name" => &["auth"],
        "domains" => &["domains"],
        "webhooks" => &["webhooks"],
        "oauth_server" => &["oauth-provider"],
        "oauth_clients" => &["clients"],
        "oauth_providers" => &["plugins", "oauth_providers"],
        "email_server" => &["plugins", "email_server"],
        _ => &["plugins"],
    }
}

#[test]
fn a_state_has_every_section() {
    for is_branch in [false, true] {
        let place = Place::new(is_branch);
        let all = Section::ALL
            .into_iter()
            .filter(|it| it.is_at(place.target()));
        let mut all: BTreeSet<_> = all.map(|it| it.shape().name).collect();
        all.remove("integration");
        let mut runner = TestRunner::deterministic();
        let state = document(is_branch, Extent::All).new_tree(&mut runner);
        let state = state.expect("a state").current();
        let made = state.as_object().expect("a document").keys();
        assert_eq!(made.map(String::as_str).collect::<BTreeSet<_>>(), all);
    }
}

fn is_read_of(path: &str, document: &Value) -> bool {
    let last = path.rsplit('/').next().unwrap_or_default();
    let mut sections = document.as_object().expect("a document").keys();
    sections.any(|section| reads_of(section).contains(&last))
}

#[test]
fn what_is_named_becomes_so_and_nothing_else() {
    for (is_branch, most) in READS {
        let state = document(is_branch, Extent::All);
        let wanted = document(is_branch, Extent::Part);
        run((state, wanted), |state, wanted| {
            let place = Place::new(is_branch);
            place.give(state);
            let before = place.export();
            // Of the name there is no more than that.
            let mut unnamed: Vec<_> = state.as_object().expect("a document").keys().collect();
            unnamed.retain(|it| *it != "name" && wanted.get(it).is_none());
            let shown = || -> Vec<_> { unnamed.iter().map(|it| place.shown(it)).collect() };
            let untouched = shown();
            place.arrived();
            let planned = place.plan(wanted);
            let read = place.arrived();
            assert!(!read.iter().any(is_write), "a plan only reads");
            let applied = place.apply(wanted);
            let arrived = place.arrived();
            let (writes, reads): (Vec<_>, Vec<_>) = arrived.iter().partition(|it| is_write(it));
            assert!(reads.len() <= most, "{reads:?}");
            for request in &reads {
                assert!(is_read_of(&request.path, wanted), "{}", request.path);
            }
            let rows = match (planned, applied) {
                (Ok(planned), Ok(applied)) => {
                    assert_eq!(planned, applied);
                    applied
                }
                (Err(planned), Err(applied)) => {
                    use ErrorKind::{InvalidValue, NotSupported};
                    assert_eq!(planned, applied);
                    assert!(
                        matches!(planned.kind, InvalidValue | NotSupported),
                        "{planned:?}"
                    );
                    assert_eq!(writes.len(), 0, "{planned:?}");
                    return;
                }
                (planned, applied) => panic!("{planned:?}, {applied:?}"),
            };
            assert_eq!(steps(&rows).len(), writes.len(), "{rows:?}");
            assert_eq!(place.heard.borrow().len(), writes.len());
            assert_eq!(place.plan(wanted), Ok(Vec::new()));
            assert_eq!(place.apply(wanted), Ok(Vec::new()));
            assert!(!place.arrived().iter().any(is_write), "it is so already");
            assert_eq!(place.export(), overlaid(&before, wanted));
            assert_eq!(shown(), untouched, "to the last secret");
        });
    }
}

#[test]
fn what_is_pruned_has_no_more_than_the_document() {
    for (is_branch, _) in READS {
        let state = document(is_branch, Extent::All);
        let wanted = document(is_branch, Extent::Part);
        run((state, wanted), |state, wanted| {
            let place = Place::new(is_branch);
            place.give(state);
            let named = LISTS.into_iter().filter(|it| wanted.get(it).is_some());
            let prune = Asked {
                prune: named.collect(),
                ..Asked::default()
            };
            place.arrived();
            if place.apply_with(wanted, &prune).is_err() {
                assert!(!place.arrived().iter().any(is_write), "refused as a whole");
                return;
            }
            let after = place.export();
            if let Some(wanted) = wanted.get("domains") {
                assert_eq!(origins(&after["domains"]), origins(wanted));
            }
            for list in ["oauth_providers", "oauth_clients"] {
                if let Some(wanted) = wanted.get(list) {
                    let ids = |it: &Value| it.as_object().expect("ids").keys().cloned().collect();
                    let (after, wanted): (Vec<_>, Vec<_>) = (ids(&after[list]), ids(wanted));
                    assert_eq!(after, wanted);
                }
            }
            assert_eq!(place.plan_with(wanted, &prune), Ok(Vec::new()));
        });
    }
}

fn origins(domains: &Value) -> Vec<usize> {
    let domains = domains.as_array().expect("a list").iter().map(origin);
    let mut domains: Vec<_> = domains.collect();
    domains.sort_unstable();
    domains
}

/// Arrays are sets, but for the members of what they are of.
fn sort(value: &mut Value) {
    match value {
        Value::Array(items) => items.sort_by_key(Value::to_string),
        Value::Object(members) => members.values_mut().for_each(sort),
        _ => {}
    }
}

/// With secrets in the place of masks, and what no export has.
fn completed(mut exported: Value) -> Value {
    let document = exported.as_object_mut().expect("a document");
    document.remove("integration");
    let providers = document["oauth_providers"].as_object_mut();
    for (id, provider) in providers.expect("an object") {
        if provider["type"] == "standard" {
            provider["client_secret"] = "s3cret-7".into();
        }
        if id == "microsoft" {
            provider["microsoft_tenant_id"] = "common".into();
        }
    }
    if document["email_server"]["type"] == "standard" {
        document["email_server"]["password"] = "s3cret-8".into();
    }
    exported
}

#[test]
fn what_is_exported_changes_nothing_here_and_can_be_copied_elsewhere() {
    for (is_branch, _) in READS {
        let state = || document(is_branch, Extent::All);
        run((state(), state()), |state, other| {
            let (place, elsewhere) = (Place::new(is_branch), Place::new(is_branch));
            place.give(state);
            elsewhere.give(other);
            let exported = place.export();
            let lists = LISTS.into_iter().filter(|it| exported.get(it).is_some());
            let everything = Asked {
                prune: lists.collect(),
                unmanaged: true,
                resend: true,
            };
            assert_eq!(place.plan_with(&exported, &everything), Ok(Vec::new()));
            match elsewhere.apply_with(&completed(exported.clone()), &everything) {
                Err(error) if error.kind == ErrorKind::NotSupported => return,
                applied => drop(applied.expect("copied")),
            }
            let mut copied = elsewhere.export();
            assert_eq!(origins(&copied["domains"]), origins(&exported["domains"]));
            copied["domains"] = exported["domains"].clone();
            copied["integration"] = exported["integration"].clone();
            let (mut copied, mut exported) = (copied, exported);
            sort(&mut copied);
            sort(&mut exported);
            assert_eq!(copied, exported);
        });
    }
}

/// Somebody has added one origin in two spellings, which no document may name.
#[test]
fn what_is_there_twice_is_exported_once() {
    for (is_branch, _) in READS {
        let place = Place::new(is_branch);
        let twice = ["https://a.example.com", "https://A.example.com/"];
        place.give(&json!({ "domains": twice }));
        let exported = place.export();
        assert_eq!(exported["domains"], json!(twice[..1]));
        let mut prune = Asked {
            prune: vec!["domains"],
            unmanaged: true,
            ..Asked::default()
        };
        assert_eq!(place.plan_with(&exported, &prune), Ok(Vec::new()));
        prune.unmanaged = false;
        let rows = place.apply_with(&json!({"domains": []}), &prune);
        assert_eq!(rows.expect("applied").len(), 2);
        assert_eq!(place.export()["domains"], json!([]));
    }
}

/// What this version does not know stays as it is.
#[test]
fn what_is_exported_beside_what_nobody_knows_changes_nothing() {
    for (is_branch, _) in READS {
        let branch = is_branch.then_some("br-a");
        let place = Place::of("fault-extra--export", branch);
        let exported = place.export();
        assert_eq!(place.plan(&exported), Ok(Vec::new()), "{exported}");
    }
}

#[test]
fn one_domain_of_a_thousand_is_one_write() {
    let place = Place::new(true);
    let domains: Vec<_> = (0..1000)
        .map(|n| format!("https://app-{n}.example.com"))
        .collect();
    place.give(&json!({ "domains": domains }));
    let mut wanted = domains.clone();
    wanted[500] = "https://new.example.com".into();
    let rows = place.apply(&json!({ "domains": wanted })).expect("applied");
    assert_eq!(rows.len(), 1);
    let arrived = place.arrived();
    assert_eq!(arrived.len(), 2, "one read, one write");
    let prune = Asked {
        prune: vec!["domains"],
        ..Asked::default()
    };
    let rows = place.apply_with(&json!({"domains": []}), &prune);
    let rows = rows.expect("applied");
    assert_eq!((rows.len(), steps(&rows).len()), (1001, 1));
    assert_eq!(place.arrived().len(), 2);
}

/// What there will be, Neon knows alone, and shows when it is there.
#[test]
fn an_integration_is_created_and_the_rest_compared_then() {
    let mut place = Place::new(true);
    let project = place
        .world
        .connection
        .target
        .project_id()
        .expect("a project")
        .to_owned();
    place.world.branch(&project, "br-empty-a");
    let wanted = json!({
        "integration": {"auth_provider": "better_auth", "database_name": "app"},
        "oauth_providers": {"google": {}},
        "magic_link": {"enabled": true, "expires_in": 5},
        "domains": ["https://app.example.com"],
    });
    let planned = place.plan(&wanted).expect("a plan");
    assert_eq!(place.arrived().len(), 1);
    let notes = planned.iter().filter(|row| row.note.is_some()).count();
    assert_eq!(notes, planned.len() - 2, "{planned:?}");
    let rows = place.apply(&wanted).expect("applied");
    // Google and 5 minutes come with the integration.
    let fields: Vec<_> = rows.iter().map(super::line).collect();
    assert_eq!(
        fields,
        [
            r#"create integration auth_provider: null -> "better_auth""#,
            r#"create integration database_name: null -> "app""#,
            r#"create redirect domain https://app.example.com: null -> "https://app.example.com""#,
            "update magic link plugin enabled: false -> true",
        ]
    );
    assert_eq!(place.apply(&wanted), Ok(Vec::new()));
    let error = place.plan(&json!({"integration": {"database_name": "other"}}));
    assert_eq!(error.expect_err("fixed").kind, ErrorKind::NotSupported);
    let empty = Place::new(true);
    let project = empty
        .world
        .connection
        .target
        .project_id()
        .expect("a project")
        .to_owned();
    let mut empty = empty;
    empty.world.branch(&project, "br-empty-b");
    assert_eq!(empty.export(), json!({}));
    let error = empty.plan(&json!({"name": "App"})).expect_err("none");
    assert_eq!(error.kind, ErrorKind::NotFound);
}
