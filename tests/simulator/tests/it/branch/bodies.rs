//! Bodies of the branch level: what is refused in the name of which field, and what is ignored.

use serde_json::{Value, json};

use super::Place;
use crate::client::rows;

/// Method, what follows `.../auth`, body, and how the refusal begins.
const REFUSED: &str = r#"[
["POST", "", {}, "auth_provider: missing"],
["POST", "", {"auth_provider": "other"}, "auth_provider: unknown variant"],
["POST", "", {"auth_provider": 1}, "auth_provider: expected a string"],
["POST", "", {"auth_provider": "stack", "database_name": 1}, "database_name: expected a string"],
["DELETE", "", {"delete_data": "yes"}, "delete_data: expected a boolean"],
["PATCH", "/config", {}, "name: missing"],
["PATCH", "/config", {"name": ""}, "name: expected a string of 1 to 256"],
["PATCH", "/config", {"name": "<257>"}, "name: expected a string of 1 to 256"],
["POST", "/domains", {"domain": "https://a"}, "auth_provider: missing"],
["POST", "/domains", {"domain": "a.example", "auth_provider": "stack"}, "domain: expected a URI"],
["DELETE", "/domains", {"auth_provider": "stack", "domains": [{"domain": "https://a"}, {}]},
    "domains[1].domain: missing"],
["DELETE", "/domains", {"auth_provider": "stack", "domains": "https://a"}, "domains: expected a list"],
["POST", "/users", {"name": "Ada"}, "email: missing"],
["POST", "/users", {"email": "ada"}, "email: expected an e-mail address"],
["POST", "/users", {"email": "<256>@"}, "email: expected"],
["POST", "/users", {"email": "b@c", "name": ""}, "name: expected a string of 1"],
["POST", "/users", {"email": "b@c", "name": "<256>"}, "name: expected"],
["POST", "/users", {"email": "b@c", "name": null}, "name: expected a string"],
["PUT", "/users/{id}/role", {}, "roles: missing"],
["PUT", "/users/{id}/role", {"roles": []}, "roles: expected a list of at least 1"],
["PUT", "/users/{id}/role", {"roles": ["admin", 1]}, "roles[1]: expected a string"],
["POST", "/oauth_providers", {"id": "gitlab"}, "id: unknown variant"],
["PATCH", "/oauth_providers/google", {"client_id": 1}, "client_id: expected"],
["POST", "/send_test_email", {"recipient_email": "a@b"}, "host: missing"],
["POST", "/email_provider/test", {}, "recipient_email: missing"],
["POST", "/email_provider/test", {"recipient_email": "a"}, "recipient_email: exp"],
["PATCH", "/email_provider", {"host": "smtp.example"}, "type: missing"],
["PATCH", "/email_provider", {"type": "own"}, "type: unknown variant"],
["PATCH", "/email_provider", {"type": "standard", "port": 0}, "host: missing"],
["PATCH", "/email_provider", {"type": "standard", "host": "h", "port": 65536},
    "port: expected an integer from 1 to 65535"],
["PATCH", "/email_and_password", {"enabled": 1}, "enabled: expected a boolean"],
["PATCH", "/email_and_password", {"email_verification_method": "sms"},
    "email_verification_method: unknown variant"],
["PATCH", "/allow_localhost", {}, "allow_localhost: missing"],
["PATCH", "/plugins/organization", {"organization_limit": 0},
    "organization_limit: expected an integer from 1"],
["PATCH", "/plugins/organization", {"membership_limit": 2147483648}, "membership_limit: expected an integer"],
["PATCH", "/plugins/organization", {"creator_role": "x"}, "creator_role: unknown"],
["PATCH", "/plugins/magic-link", {"expires_in": 4}, "expires_in: expected"],
["PATCH", "/plugins/magic-link", {"expires_in": 1441}, "expires_in: expected"],
["PATCH", "/plugins/magic-link", {"expires_in": 5.5}, "expires_in: expected"],
["PATCH", "/plugins/phone-number", {"otp_expires_in": 59}, "otp_expires_in: exp"],
["PATCH", "/plugins/phone-number", {"otp_expires_in": 601}, "otp_expires_in: exp"],
["PATCH", "/plugins/oauth-provider", {"enabled": 1}, "enabled: expected a boolean"],
["PATCH", "/plugins/oauth-provider", {"login_page": "/sign-in"}, "login_page: expected a URI"],
["PATCH", "/plugins/oauth-provider", {"mcp": {"dynamic_registration": true}}, "mcp.resource: missing"],
["PATCH", "/plugins/oauth-provider", {"resources": {}}, "resources: expected a list"],
["POST", "/oauth-provider/clients", {"type": "public", "redirect_uris": ["https://a"], "resources": []},
    "name: missing"],
["POST", "/oauth-provider/clients", {"name": "A", "redirect_uris": ["https://a"], "resources": []},
    "type: missing"],
["POST", "/oauth-provider/clients", {"name": "A", "type": "secret"}, "type: unknown variant"],
["POST", "/oauth-provider/clients", {"name": "A", "type": "public", "resources": []}, "redirect_uris: missing"],
["POST", "/oauth-provider/clients", {"name": "A", "type": "public", "redirect_uris": ["https://a"]},
    "resources: missing"],
["PUT", "/webhooks", {"timeout_seconds": 5}, "enabled: missing"],
["PUT", "/webhooks", {"enabled": true, "timeout_seconds": 11},
    "timeout_seconds: expected an integer from 1 to 10"],
["PUT", "/webhooks", {"enabled": true, "enabled_events": ["user.created", "user.deleted"]},
    "enabled_events[1]: unknown variant"]
]"#;

#[test]
fn a_refusal_names_the_field() {
    let place = Place::new();
    let user = place.call("POST", "/users", json!({"email": "ada@example.com"}));
    let table = REFUSED.replace("{id}", user.json()["id"].as_str().unwrap());
    for (method, tail, body, reason) in rows::<(String, String, Value, String)>(&table) {
        let (status, message) = place.refusal(&method, &tail, body.clone());
        let expected = format!("invalid request body: {reason}");
        let is_so = status == 400 && message.starts_with(&expected);
        assert!(is_so, "{method} {tail} {body}: {status} {message}");
    }
}

#[test]
fn a_body_is_an_object() {
    let place = Place::new();
    for body in [json!([]), json!("x"), json!(1)] {
        let refusal = place.refusal("PATCH", "/email_and_password", body);
        assert_eq!(
            refusal,
            (400, "invalid request body: expected an object".into())
        );
    }
}

#[test]
fn unknown_fields_are_ignored() {
    let place = Place::new();
    let ada = place.call(
        "POST",
        "/users",
        json!({"email": "ada@example.com", "x": 1}),
    );
    for mut it in place.operations(ada.json()["id"].as_str().unwrap()) {
        let mut body = it.body.take();
        if let Some(fields) = body.as_object_mut() {
            fields.insert("x_future".to_owned(), json!({"y": null}));
        }
        let answer = place.send(&it, body);
        assert_eq!(answer.status, it.status, "{} {}", it.method, it.path);
    }
}
