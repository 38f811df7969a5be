//! A branch as an OAuth server, and its clients.

use serde_json::{Value, json};

use super::Place;

const SERVER: &str = "/plugins/oauth-provider";
const CLIENTS: &str = "/oauth-provider/clients";

fn client(name: &str) -> Value {
    json!({
        "name": name, "type": "confidential", "redirect_uris": ["https://a.example/callback"], "resources": [],
    })
}

/// The client that was created.
fn create(place: &Place, client: Value) -> Value {
    let created = place.call("POST", CLIENTS, client);
    assert_eq!(created.status, 201, "{}", created.text);
    created.json()
}

#[test]
fn an_update_keeps_what_it_leaves_out_and_replaces_lists() {
    let place = Place::new();
    let nothing = json!({"enabled": false, "resources": []});
    assert_eq!(place.get(SERVER), nothing);
    let mut expected = nothing;
    for (field, value) in [
        ("enabled", json!(true)),
        ("login_page", json!("https://a.example/sign-in")),
        ("consent_page", json!("https://a.example/consent")),
        ("mcp", json!({"resource": "https://mcp.example", "x": 1})),
        ("mcp", json!({"resource": "https://mcp.example"})),
        ("resources", json!(["https://a", {"id": "https://b"}])),
        ("resources", json!([])),
    ] {
        expected[field] = value.clone();
        let updated = place.call("PATCH", SERVER, json!({field: value}));
        assert_eq!((updated.status, updated.json()), (200, expected.clone()));
        assert_eq!(place.get(SERVER), expected);
    }
    let other = place.call_at("test-a", "br-b", "GET", SERVER, Value::Null);
    assert_eq!(other.json()["enabled"], false, "each branch has its own");
}

#[test]
fn only_the_root_branch_is_enabled() {
    let place = Place::at("test-a", "br-preview-1");
    let enabled = place.refusal("PATCH", SERVER, json!({"enabled": true}));
    let expected =
        "the OAuth provider plugin can only be enabled on the root branch of the project";
    assert_eq!(enabled, (400, expected.to_owned()));
    let disabled = place.call("PATCH", SERVER, json!({"enabled": false}));
    assert_eq!(disabled.status, 200);
}

#[test]
fn a_secret_is_seen_when_it_is_made() {
    let place = Place::new();
    let created = create(&place, client("App"));
    let id = created["client_id"].as_str().unwrap();
    let first = created["client_secret"].as_str().unwrap();
    let of_client = format!("{CLIENTS}/{id}");
    let updated = place.call("PATCH", &of_client, json!({"name": "B"}));
    assert_eq!(updated.json()["name"], "B");
    let rotate = format!("{of_client}/rotate_secret");
    let rotated = place.call("POST", &rotate, Value::Null);
    assert_eq!(rotated.status, 200);
    assert_eq!(rotated.json()["client_id"], id);
    let second = rotated.json()["client_secret"].clone();
    assert!(second.is_string() && second != first);
    for answer in [updated, place.call("GET", CLIENTS, Value::Null)] {
        assert!(!answer.text.contains("secret"), "{}", answer.text);
    }
    let removed = place.call("DELETE", &of_client, Value::Null);
    assert_eq!((removed.status, removed.text.as_str()), (204, ""));
    let gone = (404, "oauth client not found".to_owned());
    for (method, tail) in [
        ("DELETE", &of_client),
        ("PATCH", &of_client),
        ("POST", &rotate),
    ] {
        assert_eq!(place.refusal(method, tail, json!({})), gone, "{method}");
    }

    let mut public = client("Public");
    public["type"] = "public".into();
    let public = create(&place, public);
    assert_eq!(public["client_secret"], Value::Null);
    let id = public["client_id"].as_str().unwrap();
    let rotate = format!("{CLIENTS}/{id}/rotate_secret");
    let refused = place.refusal("POST", &rotate, Value::Null);
    assert_eq!(refused, (400, "a public client has no secret".into()));
}

#[test]
fn an_id_that_is_a_url_is_one_segment() {
    let place = Place::new();
    let created = create(&place, client("https://c.example/id"));
    assert_eq!(created["client_id"], "https://c.example/id");
    let again = place.refusal("POST", CLIENTS, client("https://c.example/id"));
    assert_eq!(again, (409, "oauth client already exists".into()));
    let plain = format!("{CLIENTS}/https://c.example/id");
    let nothing = (404, "this path does not exist".to_owned());
    assert_eq!(place.refusal("DELETE", &plain, Value::Null), nothing);
    let encoded = format!("{CLIENTS}/https%3A%2F%2Fc.example%2Fid");
    assert_eq!(place.call("DELETE", &encoded, Value::Null).status, 204);
}

#[test]
fn a_client_has_what_the_branch_allows() {
    let place = Place::new();
    let configured = json!({
        "mcp": {"resource": "https://mcp"}, "resources": ["https://a", {"id": "https://b"}],
    });
    place.call("PATCH", SERVER, configured);
    let mut of_all = client("https://c.example/id");
    of_all["resources"] = json!(["https://a", "https://b", "https://mcp"]);
    create(&place, of_all);
    let unknown = json!({"resources": ["https://a", "https://other"]});
    let update = format!("{CLIENTS}/https%3A%2F%2Fc.example%2Fid");
    let refused = place.refusal("PATCH", &update, unknown);
    let expected = "resource https://other is not configured on the OAuth provider plugin";
    assert_eq!(refused, (400, expected.to_owned()));

    let takes = |uri: &str| {
        let uris = json!({"redirect_uris": [uri]});
        place.call("PATCH", &update, uris).status == 200
    };
    let loopback = [
        "http://localhost:1/x",
        "http://127.0.0.1/",
        "http://[::1]:2",
    ];
    let never = ["http://a.example", "myapp://callback", "callback", ""];
    assert!(takes("https://a.example/x") && loopback.iter().all(|uri| takes(uri)));
    assert!(!never.iter().any(|uri| takes(uri)));
    let forbid = json!({"allow_localhost": false});
    place.call("PATCH", "/allow_localhost", forbid);
    assert!(takes("https://a.example/x") && !loopback.iter().any(|uri| takes(uri)));
    let kind = place.refusal("PATCH", &update, json!({"type": "public"}));
    let expected = "invalid request body: type: cannot be changed";
    assert_eq!(kind, (400, expected.to_owned()));
}

#[test]
fn a_conflict_has_two_dialects() {
    let user = || json!({"email": "ada@example.com"});
    for (project, status) in [("test-a", 409), ("test-better-a", 400)] {
        let place = Place::at(project, "br-a");
        place.call("POST", "/users", user());
        let taken = (status, "user already exists".to_owned());
        assert_eq!(place.refusal("POST", "/users", user()), taken);
        let missing = place.refusal("DELETE", "/users/nobody", Value::Null);
        assert_eq!(missing.0, 404, "all else is the same");
    }
}
