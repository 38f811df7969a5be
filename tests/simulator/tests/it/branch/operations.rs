//! Every operation once, with its method, path, status and answer.

use serde_json::{Value, json};

use super::Place;

/// Method, what follows `.../auth`, body, status, answer; a null body or answer is none at all. The
/// strings in `ANY` stand for any that are not empty.
pub type Operation = (&'static str, String, Value, u16, Value);

const ANY: &str = "any";

/// In an order in which all of them succeed on a branch that has the user `user`.
pub fn operations(user: &str) -> Vec<Operation> {
    let google = json!({"id": "google", "type": "shared"});
    let github =
        json!({"id": "github", "type": "standard", "client_id": "d", "client_secret": "s"});
    let microsoft =
        json!({"id": "microsoft", "type": "standard", "client_id": "c", "client_secret": "s"});
    let email_and_password = json!({
        "enabled": true, "email_verification_method": "otp", "require_email_verification": false,
        "auto_sign_in_after_verification": true, "send_verification_email_on_sign_up": false,
        "send_verification_email_on_sign_in": false, "disable_sign_up": true,
    });
    let organization = json!({
        "enabled": true, "organization_limit": 3, "membership_limit": 100,
        "creator_role": "owner", "send_invitation_email": false,
    });
    let magic_link = json!({"enabled": true, "expires_in": 5, "disable_sign_up": false});
    let phone_number = json!({"enabled": false, "otp_expires_in": 60});
    let webhooks = json!({
        "enabled": true, "webhook_url": "https://a.example/hook",
        "enabled_events": ["user.created", "send.otp"], "timeout_seconds": 10,
    });
    let standard = |password: &str| {
        json!({
            "type": "standard", "host": "smtp.example", "port": 587, "username": "u",
            "password": password, "sender_email": "a@b", "sender_name": "A",
        })
    };
    let mut test_email = standard("p");
    test_email["recipient_email"] = "ada@example.com".into();
    let domain = json!({"domain": "https://a.example", "auth_provider": "better_auth"});
    let domains = json!({"domains": [domain]});
    let no_domains = json!({
        "domains": [{"domain": "https://a.example"}], "auth_provider": "better_auth",
    });
    let integration = json!({
        "auth_provider": "better_auth", "auth_provider_project_id": ANY, "branch_id": ANY,
        "db_name": "neondb", "created_at": ANY, "owned_by": "neon", "jwks_url": ANY,
        "base_url": ANY, "name": "App",
    });
    let keys = json!({
        "auth_provider": "better_auth", "auth_provider_project_id": ANY, "pub_client_key": "",
        "secret_server_key": "", "jwks_url": ANY, "schema_name": "neon_auth",
        "table_name": "users_sync", "base_url": ANY,
    });
    let plugins = json!({
        "organization": organization, "magic_link": magic_link, "phone_number": phone_number,
        "email_provider": standard(""), "email_and_password": email_and_password,
        "oauth_providers": [google, github, microsoft], "allow_localhost": false,
    });
    let none = Value::Null;
    let one_user = format!("/users/{user}");
    vec![
        (
            "PATCH",
            "/config".into(),
            json!({"name": "App"}),
            200,
            json!({"name": "App"}),
        ),
        ("GET", "".into(), none.clone(), 200, integration),
        ("POST", "/domains".into(), domain, 201, none.clone()),
        ("GET", "/domains".into(), none.clone(), 200, domains),
        ("DELETE", "/domains".into(), no_domains, 200, none.clone()),
        (
            "POST",
            "/users".into(),
            json!({"email": "bob@example.com", "name": "Bob"}),
            201,
            json!({"id": ANY}),
        ),
        (
            "PUT",
            format!("{one_user}/role"),
            json!({"roles": ["admin"]}),
            200,
            json!({"id": user}),
        ),
        ("DELETE", one_user, none.clone(), 204, none.clone()),
        (
            "POST",
            "/oauth_providers".into(),
            json!({
                "id": "microsoft", "client_id": "c", "client_secret": "s",
                "microsoft_tenant_id": "t",
            }),
            200,
            microsoft.clone(),
        ),
        (
            "PATCH",
            "/oauth_providers/github".into(),
            json!({"client_id": "d", "client_secret": "s"}),
            200,
            github.clone(),
        ),
        (
            "GET",
            "/oauth_providers".into(),
            none.clone(),
            200,
            json!({"providers": [google, github, microsoft]}),
        ),
        (
            "POST",
            "/send_test_email".into(),
            test_email,
            200,
            json!({"success": true}),
        ),
        (
            "PATCH",
            "/email_and_password".into(),
            json!({"disable_sign_up": true}),
            200,
            email_and_password.clone(),
        ),
        (
            "GET",
            "/email_and_password".into(),
            none.clone(),
            200,
            email_and_password,
        ),
        (
            "PATCH",
            "/email_provider".into(),
            standard("p"),
            200,
            standard(""),
        ),
        (
            "GET",
            "/email_provider".into(),
            none.clone(),
            200,
            standard(""),
        ),
        (
            "POST",
            "/email_provider/test".into(),
            json!({"recipient_email": "ada@example.com"}),
            200,
            json!({"success": true}),
        ),
        (
            "PATCH",
            "/allow_localhost".into(),
            json!({"allow_localhost": false}),
            200,
            json!({"allow_localhost": false}),
        ),
        (
            "GET",
            "/allow_localhost".into(),
            none.clone(),
            200,
            json!({"allow_localhost": false}),
        ),
        (
            "PATCH",
            "/plugins/organization".into(),
            json!({"organization_limit": 3}),
            200,
            organization,
        ),
        (
            "PATCH",
            "/plugins/magic-link".into(),
            json!({"enabled": true}),
            200,
            magic_link,
        ),
        (
            "PATCH",
            "/plugins/phone-number".into(),
            json!({"otp_expires_in": 60}),
            200,
            phone_number.clone(),
        ),
        (
            "GET",
            "/plugins/phone-number".into(),
            none.clone(),
            200,
            phone_number,
        ),
        ("GET", "/plugins".into(), none.clone(), 200, plugins),
        (
            "PUT",
            "/webhooks".into(),
            webhooks.clone(),
            200,
            webhooks.clone(),
        ),
        ("GET", "/webhooks".into(), none.clone(), 200, webhooks),
        (
            "DELETE",
            "/oauth_providers/github".into(),
            none.clone(),
            200,
            none.clone(),
        ),
        ("DELETE", "".into(), json!({"delete_data": true}), 200, none),
        (
            "POST",
            "".into(),
            json!({"auth_provider": "better_auth"}),
            201,
            keys,
        ),
    ]
}

#[test]
fn every_operation_answers_as_documented() {
    let place = Place::new();
    let ada = place.call("POST", "/users", json!({"email": "ada@example.com"}));
    let ada = ada.json()["id"].as_str().unwrap().to_owned();
    let operations = operations(&ada);
    assert_eq!(operations.len(), 29);
    for (method, tail, body, status, expected) in &operations {
        let answer = place.call(method, tail, body.clone());
        assert_eq!(answer.status, *status, "{method} {tail}: {}", answer.text);
        if expected.is_null() {
            assert_eq!(answer.text, "", "{method} {tail}");
            continue;
        }
        let mut actual = answer.json();
        let expected_fields = expected.as_object().unwrap();
        for (name, _) in expected_fields.iter().filter(|(_, value)| *value == ANY) {
            let value = actual[name].as_str().unwrap();
            assert!(!value.is_empty(), "{method} {tail}: {name}");
            actual[name] = ANY.into();
        }
        assert_eq!(&actual, expected, "{method} {tail}");
    }

    let arrived = place.simulator.requests_of(place.project);
    let arrived = arrived
        .iter()
        .skip(1)
        .map(|it| (it.method.clone(), it.path.clone(), it.status));
    let sent = operations.into_iter().map(|(method, tail, _, status, _)| {
        let path = format!("/projects/test-a/branches/br-a/auth{tail}");
        (method.to_owned(), path, Some(status))
    });
    assert!(arrived.eq(sent));
}
