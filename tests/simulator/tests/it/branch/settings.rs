//! Settings: their defaults, and what an update leaves as it was.

use serde_json::{Value, json};

use super::Place;
use crate::client::rows;

/// Method, what follows `.../auth`, the default, and another value for each field.
const SETTINGS: &str = r#"[
["PATCH", "/email_and_password",
    {"enabled": true, "email_verification_method": "otp", "require_email_verification": false,
     "auto_sign_in_after_verification": true, "send_verification_email_on_sign_up": false,
     "send_verification_email_on_sign_in": false, "disable_sign_up": false},
    {"enabled": false, "email_verification_method": "link", "require_email_verification": true,
     "auto_sign_in_after_verification": false, "send_verification_email_on_sign_up": true,
     "send_verification_email_on_sign_in": true, "disable_sign_up": true}],
["PATCH", "/plugins/organization",
    {"enabled": true, "organization_limit": 10, "membership_limit": 100, "creator_role": "owner",
     "send_invitation_email": false},
    {"enabled": false, "organization_limit": 1, "membership_limit": 2147483647, "creator_role": "admin",
     "send_invitation_email": true}],
["PATCH", "/plugins/magic-link",
    {"enabled": false, "expires_in": 5, "disable_sign_up": false},
    {"enabled": true, "expires_in": 1440, "disable_sign_up": true}],
["PATCH", "/plugins/phone-number",
    {"enabled": false, "otp_expires_in": 300}, {"enabled": true, "otp_expires_in": 600}],
["PATCH", "/allow_localhost", {"allow_localhost": true}, {"allow_localhost": false}]
]"#;

fn settings() -> Vec<(String, String, Value, Value)> {
    rows(SETTINGS)
}

/// Field by field, because a field that goes into another one's place must not pass unseen.
#[test]
fn an_update_changes_what_it_says_and_nothing_else() {
    let place = Place::new();
    for (method, tail, mut expected, changed) in settings() {
        if tail != "/allow_localhost" {
            let untouched = place.call(&method, &tail, json!({}));
            assert_eq!(
                (untouched.status, untouched.json()),
                (200, expected.clone())
            );
        }
        for (name, value) in changed.as_object().unwrap() {
            expected[name] = value.clone();
            let updated = place.call(&method, &tail, json!({ name: value }));
            assert_eq!(updated.status, 200, "{tail} {name}");
            assert_eq!(updated.json(), expected, "{tail} {name}");
        }
        assert_eq!(expected, changed);
    }
}

#[test]
fn an_update_with_a_fault_in_it_changes_nothing() {
    let place = Place::new();
    let before = place.get("/email_and_password");
    let body = json!({"enabled": false, "disable_sign_up": "yes"});
    assert_eq!(place.call("PATCH", "/email_and_password", body).status, 400);
    assert_eq!(place.get("/email_and_password"), before);
}

#[test]
fn plugins_show_the_settings_as_they_are_now() {
    let place = Place::new();
    let field = |tail: &str| match tail {
        "/email_and_password" => "email_and_password",
        "/plugins/organization" => "organization",
        "/plugins/magic-link" => "magic_link",
        "/plugins/phone-number" => "phone_number",
        _ => "allow_localhost",
    };
    let shown = |value: &Value| value.get("allow_localhost").unwrap_or(value).clone();
    for (method, tail, default, changed) in settings() {
        assert_eq!(place.get("/plugins")[field(&tail)], shown(&default));
        place.call(&method, &tail, changed.clone());
        assert_eq!(place.get("/plugins")[field(&tail)], shown(&changed));
    }
    assert_eq!(
        place.get("/plugins")["email_provider"],
        json!({"type": "shared"})
    );
}

#[test]
fn webhooks_are_replaced() {
    let place = Place::new();
    let default = json!({"enabled": false, "enabled_events": [], "timeout_seconds": 5});
    assert_eq!(place.get("/webhooks"), default);
    let all = json!({
        "enabled": true, "webhook_url": "https://a.example/hook", "timeout_seconds": 1,
        "enabled_events": [
            "user.before_create", "user.created", "send.otp", "send.magic_link",
            "organization.invitation.created", "organization.invitation.accepted",
            "phone_number.verified",
        ],
    });
    for (body, expected) in [(all.clone(), all), (json!({"enabled": false}), default)] {
        let answer = place.call("PUT", "/webhooks", body);
        assert_eq!((answer.status, answer.json()), (200, expected.clone()));
        assert_eq!(place.get("/webhooks"), expected);
    }
}

#[test]
fn the_name_is_the_integrations() {
    let place = Place::new();
    for name in ["App", "Zoë's"] {
        let answer = place.call("PATCH", "/config", json!({ "name": name }));
        assert_eq!(
            (answer.status, answer.json()),
            (200, json!({ "name": name }))
        );
        assert_eq!(place.get("")["name"], name);
    }
}
