//! Every operation of both levels answers as the table has it; and what those of the project level do
//! to the state.

use serde_json::{Value, json};

use self::table::operations;
use crate::client::{call, simulator};

#[path = "../../../operations.rs"]
pub mod table;

#[test]
fn every_operation_answers_as_documented() {
    for branch in [None, Some("br-main-000001")] {
        let simulator = simulator();
        let of_user = |user: &str| operations("test-a", branch, user);
        let create = of_user("")
            .into_iter()
            .find(|it| it.function == "create_user");
        let mut create = create.unwrap();
        create.body["email"] = "ada@example.com".into();
        let user = call(&simulator, &create.method, &create.path, create.body);
        let operations = of_user(user.json()["id"].as_str().unwrap());
        for it in &operations {
            let answer = call(&simulator, &it.method, &it.path, it.body.clone());
            let what = format!("{} {}: {}", it.method, it.path, answer.text);
            assert_eq!(answer.status, it.status, "{what}");
            match &it.answer {
                Value::Null => assert_eq!(answer.text, "", "{what}"),
                expected => assert!(is(&answer.json(), expected), "{what}, not {expected}"),
            }
        }
        let arrived = simulator.requests().into_iter().skip(1);
        let arrived = arrived.map(|it| (it.method, it.path, it.body, it.status));
        let sent = operations.iter().map(|it| {
            let (method, path) = (it.method.clone(), it.path.clone());
            (method, path, it.masked_body(), Some(it.status))
        });
        assert!(arrived.eq(sent));
    }
}

/// Whether a value is the expected one, where `"any"` is any text that is not empty.
fn is(value: &Value, expected: &Value) -> bool {
    match (value, expected) {
        (Value::String(text), Value::String(any)) if any == "any" => !text.is_empty(),
        (Value::Array(values), Value::Array(expected)) => {
            let mut pairs = values.iter().zip(expected);
            values.len() == expected.len() && pairs.all(|(value, expected)| is(value, expected))
        }
        (Value::Object(fields), Value::Object(expected)) => {
            fields.len() == expected.len()
                && expected
                    .iter()
                    .all(|(name, it)| fields.get(name).is_some_and(|value| is(value, it)))
        }
        _ => value == expected,
    }
}

fn keys(project: &str) -> Value {
    json!({"project_id": project, "auth_provider": "stack"})
}

#[test]
fn an_integration_lives_and_dies() {
    let simulator = simulator();
    let create = json!({
        "auth_provider": "better_auth", "project_id": "test-empty-1", "branch_id": "br-a-1",
        "database_name": "app", "role_name": "ignored",
    });
    let created = call(&simulator, "POST", "/projects/auth/create", create.clone());
    assert_eq!(created.status, 201);
    let created = created.json();
    assert_eq!(created["auth_provider"], "better_auth");
    assert_eq!(created["schema_name"], "neon_auth");
    assert_eq!(created["table_name"], "users_sync");
    assert!(created["base_url"].is_string());

    let again = call(&simulator, "POST", "/projects/auth/create", create);
    assert_eq!(
        again.refusal(),
        (409, "neon auth integration already exists".into())
    );

    let path = "/projects/test-empty-1/auth/integrations";
    let listed = call(&simulator, "GET", path, Value::Null);
    assert_eq!(listed.status, 200);
    let listed = &listed.json()["data"][0];
    assert_eq!(listed["branch_id"], "br-a-1");
    assert_eq!(listed["db_name"], "app");
    assert_eq!(listed["owned_by"], "neon");
    assert_eq!(
        listed["auth_provider_project_id"],
        created["auth_provider_project_id"]
    );

    let path_of_one = "/projects/test-empty-1/auth/integration/better_auth";
    let body = json!({"delete_data": true});
    let deleted = call(&simulator, "DELETE", path_of_one, body.clone());
    assert_eq!((deleted.status, deleted.text.as_str()), (200, ""));
    assert_eq!(simulator.requests().last().unwrap().body, body);
    let gone = call(&simulator, "GET", path, Value::Null);
    assert_eq!(
        gone.refusal(),
        (404, "Neon Auth integration not found for project".into())
    );
    let gone = call(&simulator, "DELETE", path_of_one, Value::Null);
    assert_eq!(gone.status, 404);
}

#[test]
fn keys_are_fresh_and_the_transfer_has_a_url() {
    let simulator = simulator();
    let path = "/projects/auth/keys";
    let first = call(&simulator, "POST", path, keys("test-a"));
    assert_eq!(first.status, 201);
    let second = call(&simulator, "POST", path, keys("test-a"));
    assert_ne!(
        first.json()["secret_server_key"],
        second.json()["secret_server_key"]
    );
    let transfer = call(
        &simulator,
        "POST",
        "/projects/auth/transfer_ownership",
        keys("test-a"),
    );
    assert_eq!(transfer.status, 200);
    let url = transfer.json()["url"].as_str().unwrap().to_owned();
    assert!(url.starts_with("https://app.stack-auth.com/"));
}

/// At either level.
#[test]
fn users_come_and_go() {
    let simulator = simulator();
    let by_name = |branch, user: &str, function: &str| {
        let operations = operations("test-a", branch, user);
        operations.into_iter().find(|it| it.function == function)
    };
    for branch in [None, Some("br-a"), Some("br-b")] {
        let create = |email: &str| {
            let mut it = by_name(branch, "", "create_user").unwrap();
            it.body["email"] = email.into();
            call(&simulator, &it.method, &it.path, it.body)
        };
        let created = create("zoe@example.com");
        assert_eq!(created.status, 201);
        let taken = (409, "user already exists".to_owned());
        assert_eq!(create("ZOE@example.com").refusal(), taken);
        let id = created.json()["id"].as_str().unwrap().to_owned();
        let missing = |branch, function| match by_name(branch, &id, function) {
            None => true,
            Some(it) => {
                let answer = call(&simulator, &it.method, &it.path, it.body);
                answer.status == 404 && answer.message() == "user not found"
            }
        };
        assert!(missing(Some("br-elsewhere"), "delete_user"));
        assert!(!missing(branch, "delete_user"));
        assert!(missing(branch, "delete_user") && missing(branch, "set_user_roles"));
        assert_eq!(create("zoe@example.com").status, 201);
    }
}

#[test]
fn oauth_providers_have_both_credentials_or_none() {
    let simulator = simulator();
    let path = "/projects/test-a/auth/oauth_providers";
    let google = "/projects/test-a/auth/oauth_providers/google";
    let shared = json!({"id": "google", "type": "shared"});
    let listed = call(&simulator, "GET", path, Value::Null).json();
    assert_eq!(listed["providers"][0], shared);
    let both = json!({"client_id": "c", "client_secret": "s"});
    let standard = json!({
        "id": "google", "type": "standard", "client_id": "c", "client_secret": "s"
    });
    assert_eq!(call(&simulator, "PATCH", google, both).json(), standard);
    for (update, id, secret) in [
        (json!({"client_id": "d"}), "d", "s"),
        (json!({"client_secret": "t"}), "d", "t"),
    ] {
        let updated = call(&simulator, "PATCH", google, update).json();
        let given = [&updated["client_id"], &updated["client_secret"]];
        assert_eq!(given, [id, secret]);
    }
    let again = call(&simulator, "POST", path, json!({"id": "google"}));
    assert_eq!(again.status, 409);
    assert_eq!(call(&simulator, "DELETE", google, Value::Null).status, 200);
    let gone = call(&simulator, "DELETE", google, Value::Null);
    assert_eq!(gone.refusal(), (404, "oauth provider not found".into()));
    assert_eq!(
        call(&simulator, "POST", path, json!({"id": "google"})).json(),
        shared
    );
}

#[test]
fn domains_are_there_once_and_deleted_if_they_are_there() {
    let simulator = simulator();
    let path = "/projects/test-a/auth/domains";
    let add = |domain: &str| {
        let body = json!({"domain": domain, "auth_provider": "stack"});
        call(&simulator, "POST", path, body)
    };
    for domain in [
        "https://a.example",
        "https://*.b.example",
        "myapp://callback",
    ] {
        assert_eq!(add(domain).status, 201, "{domain}");
    }
    assert_eq!(
        add("https://a.example").refusal(),
        (409, "domain already exists".into())
    );
    let body = json!({"auth_provider": "stack", "domains": [
        {"domain": "https://a.example"}, {"domain": "myapp://callback"}, {"domain": "https://no"}
    ]});
    assert_eq!(call(&simulator, "DELETE", path, body).status, 200);
    assert_eq!(
        call(&simulator, "GET", path, Value::Null).json(),
        json!({"domains": [{"domain": "https://*.b.example", "auth_provider": "stack"}]})
    );
}
