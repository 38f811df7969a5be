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
        let arrived = simulator.requests_of("test-a").into_iter().skip(1);
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
    assert_eq!(again.status, 409);
    assert_eq!(again.message(), "neon auth integration already exists");

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
    assert_eq!(gone.status, 404);
    assert_eq!(
        gone.message(),
        "Neon Auth integration not found for project"
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

#[test]
fn users_come_and_go() {
    let simulator = simulator();
    let create = |email: &str| {
        let body = json!({
            "project_id": "test-a", "auth_provider": "stack", "email": email, "name": "Zoë"
        });
        call(&simulator, "POST", "/projects/auth/user", body)
    };
    let created = create("zoe@example.com");
    assert_eq!(created.status, 201);
    let id = created.json()["id"].as_str().unwrap().to_owned();
    let again = create("ZOE@example.com");
    assert_eq!(
        (again.status, again.message()),
        (409, "user already exists".into())
    );
    let path = format!("/projects/test-a/auth/users/{id}");
    let deleted = call(&simulator, "DELETE", &path, Value::Null);
    assert_eq!((deleted.status, deleted.text.as_str()), (204, ""));
    let gone = call(&simulator, "DELETE", &path, Value::Null);
    assert_eq!(
        (gone.status, gone.message()),
        (404, "user not found".into())
    );
    assert_eq!(create("zoe@example.com").status, 201);
}

#[test]
fn oauth_providers_are_added_changed_and_deleted() {
    let simulator = simulator();
    let path = "/projects/test-a/auth/oauth_providers";
    let google = "/projects/test-a/auth/oauth_providers/google";
    let standard = json!({
        "id": "google", "type": "standard", "client_id": "c", "client_secret": "s"
    });
    assert_eq!(
        call(&simulator, "GET", path, Value::Null).json(),
        json!({"providers": [
            {"id": "google", "type": "shared"}, {"id": "github", "type": "shared"}
        ]})
    );
    let both = json!({"client_id": "c", "client_secret": "s"});
    let updated = call(&simulator, "PATCH", google, both);
    assert_eq!((updated.status, updated.json()), (200, standard));
    let updated = call(&simulator, "PATCH", google, json!({"client_id": "d"}));
    assert_eq!(updated.json()["client_id"], "d");
    assert_eq!(updated.json()["client_secret"], "s");

    let again = call(&simulator, "POST", path, json!({"id": "google"}));
    assert_eq!(again.status, 409);
    let shared = call(&simulator, "POST", path, json!({"id": "github"}));
    assert_eq!(shared.json(), json!({"id": "github", "type": "shared"}));
    let microsoft = json!({
        "id": "microsoft", "client_id": "c", "client_secret": "s", "microsoft_tenant_id": "t"
    });
    let added = call(&simulator, "POST", path, microsoft);
    assert_eq!(added.status, 200);
    assert_eq!(
        added.json(),
        json!({"id": "microsoft", "type": "standard", "client_id": "c", "client_secret": "s"})
    );
    let deleted = call(&simulator, "DELETE", google, Value::Null);
    assert_eq!((deleted.status, deleted.text.as_str()), (200, ""));
    let gone = call(&simulator, "DELETE", google, Value::Null);
    assert_eq!(
        (gone.status, gone.message()),
        (404, "oauth provider not found".into())
    );
}

#[test]
fn domains_are_listed_added_and_deleted() {
    let simulator = simulator();
    let path = "/projects/test-a/auth/domains";
    let add = |domain: &str| {
        let body = json!({"domain": domain, "auth_provider": "stack"});
        call(&simulator, "POST", path, body)
    };
    let listed = || call(&simulator, "GET", path, Value::Null).json();
    assert_eq!(listed(), json!({"domains": []}));
    for domain in [
        "https://a.example",
        "https://*.b.example",
        "myapp://callback",
    ] {
        let added = add(domain);
        assert_eq!((added.status, added.text.as_str()), (201, ""), "{domain}");
    }
    let again = add("https://a.example");
    assert_eq!(
        (again.status, again.message()),
        (409, "domain already exists".into())
    );
    let body = json!({"auth_provider": "stack", "domains": [
        {"domain": "https://a.example"}, {"domain": "myapp://callback"}, {"domain": "https://no"}
    ]});
    let deleted = call(&simulator, "DELETE", path, body);
    assert_eq!((deleted.status, deleted.text.as_str()), (200, ""));
    assert_eq!(
        listed(),
        json!({"domains": [{"domain": "https://*.b.example", "auth_provider": "stack"}]})
    );
}

#[test]
fn the_email_server_is_shared_or_standard() {
    let simulator = simulator();
    let path = "/projects/test-a/auth/email_server";
    let get = || call(&simulator, "GET", path, Value::Null).json();
    assert_eq!(get(), json!({"type": "shared"}));
    for body in [
        json!({
            "type": "standard", "host": "smtp.example", "port": 587, "username": "u",
            "password": "p", "sender_email": "a@b", "sender_name": "A"
        }),
        json!({"type": "shared", "sender_name": "A"}),
    ] {
        let updated = call(&simulator, "PATCH", path, body.clone());
        assert_eq!((updated.status, updated.json()), (200, body.clone()));
        assert_eq!(get(), body);
    }
}
