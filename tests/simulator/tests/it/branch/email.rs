//! The email provider, and test e-mails.

use serde_json::{Value, json};

use super::Place;

fn standard() -> Value {
    json!({
        "type": "standard", "host": "smtp.example", "port": 587, "username": "u",
        "password": "canary", "sender_email": "a@b", "sender_name": "A",
    })
}

#[test]
fn better_auth_keeps_what_an_update_leaves_out() {
    let place = Place::new();
    let update = |body| {
        let answer = place.call("PATCH", "/email_provider", body);
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(place.get("/email_provider"), answer.json());
        answer.json()
    };
    let mut expected = standard();
    expected["password"] = "".into();
    assert_eq!(update(standard()), expected);
    expected["port"] = 25.into();
    assert_eq!(update(json!({"type": "standard", "port": 25})), expected);
    expected["sender_name"] = "B".into();
    let secret = json!({"type": "standard", "sender_name": "B", "password": "canary"});
    assert_eq!(update(secret), expected);

    let shared = json!({"type": "shared", "sender_name": "C"});
    assert_eq!(
        update(shared),
        json!({"type": "shared", "sender_name": "C"})
    );
    let both = json!({"type": "shared", "sender_name": "C", "sender_email": "c@d"});
    assert_eq!(
        update(json!({"type": "shared", "sender_email": "c@d"})),
        both
    );
    // Of another type nothing is kept.
    assert_eq!(
        place.refusal(
            "PATCH",
            "/email_provider",
            json!({"type": "standard", "port": 25})
        ),
        (400, "invalid request body: host: missing".into())
    );
    assert_eq!(place.get("/email_provider"), both);
}

#[test]
fn stack_auth_wants_all_of_it() {
    let place = Place::at("test-a", "br-empty-1");
    place.call("POST", "", json!({"auth_provider": "stack"}));
    assert_eq!(
        place.call("PATCH", "/email_provider", standard()).status,
        200
    );
    for name in [
        "host",
        "port",
        "username",
        "password",
        "sender_email",
        "sender_name",
    ] {
        let mut body = standard();
        body.as_object_mut().unwrap().remove(name);
        let message = format!("invalid request body: {name}: missing");
        assert_eq!(
            place.refusal("PATCH", "/email_provider", body),
            (400, message)
        );
    }
}

#[test]
fn no_answer_has_the_password() {
    let place = Place::new();
    for (method, tail, body) in [
        ("PATCH", "/email_provider", standard()),
        ("GET", "/email_provider", Value::Null),
        ("GET", "/plugins", Value::Null),
    ] {
        let answer = place.call(method, tail, body);
        assert!(answer.text.contains(r#""password":"""#), "{}", answer.text);
        assert!(!answer.text.contains("canary"));
    }
    let ledger = format!("{:?}", place.simulator.requests());
    assert!(!ledger.contains("canary"));
}

#[test]
fn a_test_email_fails_when_host_or_recipient_say_so() {
    let place = Place::new();
    let send = |host: &str, recipient: &str| {
        let mut body = standard();
        body["host"] = host.into();
        body["recipient_email"] = recipient.into();
        let one_off = place.call("POST", "/send_test_email", body.clone());
        place.call("PATCH", "/email_provider", body.clone());
        let stored = place.call("POST", "/email_provider/test", body);
        assert_eq!((one_off.status, stored.status), (200, 200));
        assert_eq!(one_off.json(), stored.json());
        one_off.json()
    };
    assert_eq!(
        send("smtp.example", "ada@example.com"),
        json!({"success": true})
    );
    for (host, recipient) in [
        ("smtp.fail.example", "ada@example.com"),
        ("smtp.example", "fail@example.com"),
    ] {
        let answer = send(host, recipient);
        assert_eq!(answer["success"], false);
        assert!(!answer["error_message"].as_str().unwrap().is_empty());
    }
}

#[test]
fn the_shared_server_fails_for_its_recipient_only() {
    let place = Place::new();
    let send = |recipient: &str| {
        let body = json!({ "recipient_email": recipient });
        place.call("POST", "/email_provider/test", body).json()["success"].clone()
    };
    assert_eq!(send("ada@example.com"), true);
    assert_eq!(send("fail@example.com"), false);
}
