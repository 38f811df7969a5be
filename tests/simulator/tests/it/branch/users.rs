//! Users and their roles; what reaches a database is shown by the tests in `sessions`.

use serde_json::{Value, json};

use super::Place;

#[test]
fn users_come_and_go() {
    let place = Place::new();
    let create = |email: &str| place.call("POST", "/users", json!({"email": email, "name": "Zoë"}));
    let created = create("zoe@example.com");
    assert_eq!(created.status, 201);
    let id = created.json()["id"].as_str().unwrap().to_owned();
    let again = create("ZOE@example.com");
    assert_eq!(
        (again.status, again.message()),
        (409, "user already exists".into())
    );
    let elsewhere = place.call_at(
        "test-a",
        "br-b",
        "POST",
        "/users",
        json!({"email": "zoe@example.com"}),
    );
    assert_eq!(elsewhere.status, 201);

    let one = format!("/users/{id}");
    let role = format!("{one}/role");
    let roles = json!({"roles": ["admin", "member"]});
    let set = place.call("PUT", &role, roles.clone());
    assert_eq!((set.status, set.json()), (200, json!({ "id": id })));

    let deleted = place.call("DELETE", &one, Value::Null);
    assert_eq!((deleted.status, deleted.text.as_str()), (204, ""));
    for (method, tail, body) in [("DELETE", &one, Value::Null), ("PUT", &role, roles)] {
        let refusal = place.refusal(method, tail, body);
        assert_eq!(refusal, (404, "user not found".into()));
    }
    assert_eq!(create("zoe@example.com").status, 201);
}

#[test]
fn a_user_of_another_branch_is_not_there() {
    let place = Place::new();
    let body = json!({"email": "zoe@example.com"});
    let elsewhere = place.call_at("test-a", "br-b", "POST", "/users", body);
    let id = elsewhere.json()["id"].as_str().unwrap().to_owned();
    let refusal = place.refusal("DELETE", &format!("/users/{id}"), Value::Null);
    assert_eq!(refusal, (404, "user not found".into()));
}
