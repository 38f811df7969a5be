//! Where an integration is, and how it comes and goes.

use serde_json::{Value, json};

use super::Place;

const MISSING: &str = "Neon Auth integration not found for branch";
const SCHEMA_EXISTS: &str = "The `neon_auth` schema already exists and cannot be automatically \
    provisioned. Please drop the existing `neon_auth` schema before provisioning Neon Auth.";

fn provider(provider: &str) -> Value {
    json!({ "auth_provider": provider })
}

#[test]
fn a_branch_begins_with_better_auth() {
    let place = Place::at("quiet-bar-123456", "br-preview-1");
    let integration = place.get("");
    assert_eq!(integration["auth_provider"], "better_auth");
    assert_eq!(integration["branch_id"], "br-preview-1");
    assert_eq!(integration["db_name"], "neondb");
    let base_url = integration["base_url"].as_str().unwrap();
    assert!(base_url.contains("br-preview-1"));
    assert_eq!(
        integration["jwks_url"],
        format!("{base_url}/.well-known/jwks.json")
    );
    assert_eq!(integration["name"], Value::Null, "nobody has named it");
    assert_eq!(place.get(""), integration);
}

#[test]
fn without_an_integration_every_call_is_404() {
    for (project, branch) in [("test-a", "br-empty-1"), ("test-empty-1", "br-a")] {
        let place = Place::at(project, branch);
        for it in place.operations("nobody") {
            if it.function == "create_integration" {
                continue;
            }
            for body in [it.body.clone(), json!({"enabled": "what?"})] {
                let answer = place.send(&it, body);
                let refusal = answer.refusal();
                assert_eq!(
                    refusal,
                    (404, MISSING.to_owned()),
                    "{} {}",
                    it.method,
                    it.path
                );
            }
        }
    }
}

#[test]
fn it_is_enabled_and_disabled() {
    let place = Place::at("test-a", "br-empty-1");
    let mut body = provider("better_auth");
    body["database_name"] = "app".into();
    let enabled = place.call("POST", "", body.clone());
    assert_eq!(enabled.status, 201);
    let integration = place.get("");
    assert_eq!(integration["db_name"], "app");
    for field in [
        "auth_provider",
        "auth_provider_project_id",
        "jwks_url",
        "base_url",
    ] {
        assert_eq!(integration[field], enabled.json()[field]);
    }
    assert_eq!(
        place.refusal("POST", "", body.clone()),
        (409, "neon auth integration already exists".into())
    );

    place.call(
        "PATCH",
        "/allow_localhost",
        json!({"allow_localhost": false}),
    );
    let disabled = place.call("DELETE", "", json!({"delete_data": true}));
    assert_eq!((disabled.status, disabled.text.as_str()), (200, ""));
    assert_eq!(place.refusal("GET", "", Value::Null), (404, MISSING.into()));
    let again = place.call("POST", "", body.clone());
    assert_eq!(again.status, 201);
    assert_ne!(
        again.json()["auth_provider_project_id"],
        enabled.json()["auth_provider_project_id"]
    );
    assert_eq!(
        place.get("/allow_localhost"),
        json!({"allow_localhost": true})
    );
}

#[test]
fn a_schema_that_was_left_behind_is_in_the_way() {
    for body in [Value::Null, json!({}), json!({"delete_data": false})] {
        let place = Place::new();
        assert_eq!(place.call("DELETE", "", body).status, 200);
        for _ in 0..2 {
            let refusal = place.refusal("POST", "", provider("better_auth"));
            assert_eq!(refusal, (409, SCHEMA_EXISTS.into()));
        }
        assert_eq!(
            place.refusal("DELETE", "", Value::Null),
            (404, MISSING.into())
        );
    }
}

#[test]
fn stack_auth_has_keys_and_no_base_url() {
    let place = Place::at("test-a", "br-empty-1");
    let keys = place.call("POST", "", provider("stack")).json();
    assert_eq!(keys["auth_provider"], "stack");
    for key in ["pub_client_key", "secret_server_key"] {
        assert!(!keys[key].as_str().unwrap().is_empty());
    }
    assert_eq!(keys["base_url"], Value::Null);
    assert_eq!(place.get("")["auth_provider"], "stack");
}

#[test]
fn branches_projects_and_levels_have_states_of_their_own() {
    let place = Place::at("test-a", "br-main-000001");
    let body = json!({"domain": "https://a.example", "auth_provider": "better_auth"});
    let add = |project, branch| {
        let added = place.call_at(project, branch, "POST", "/domains", body.clone());
        assert_eq!(added.status, 201, "{project} {branch}");
    };
    add("test-a", "br-main-000001");
    add("test-a", "br-b");
    add("test-b", "br-b");
    place.call("DELETE", "", Value::Null);
    let count = |project: &str, tail: &str| {
        let path = format!("/projects/{project}{tail}/auth/domains");
        let listed = crate::client::call(&place.simulator, "GET", &path, Value::Null);
        listed.json()["domains"].as_array().map(Vec::len)
    };
    assert_eq!(count("test-a", "/branches/br-main-000001"), None);
    assert_eq!(count("test-a", "/branches/br-b"), Some(1));
    assert_eq!(count("test-b", "/branches/br-b"), Some(1));
    assert_eq!(count("test-b", "/branches/br-c"), Some(0));
    assert_eq!(count("test-a", ""), Some(0), "the project level");
}
