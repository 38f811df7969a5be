//! Faults are chosen by project id on the branch level too, by the same gate.

use serde_json::{Value, json};

use super::Place;

#[test]
fn every_operation_meets_the_fault_of_its_project() {
    let place = Place::at("fault-503", "br-a");
    for (n, it) in place.operations("nobody").iter().enumerate() {
        let answer = place.send(it, it.body.clone());
        assert_eq!(answer.status, 503, "{} {}", it.method, it.path);
        assert_eq!(place.simulator.requests_of("fault-503").len(), n + 1);
    }
}

#[test]
fn a_404_speaks_of_the_branch() {
    let place = Place::at("fault-404", "br-a");
    assert_eq!(
        place.refusal("GET", "/webhooks", Value::Null),
        (404, "Neon Auth integration not found for branch".into())
    );
}

#[test]
fn unknown_enum_values_and_odd_strings() {
    let place = Place::new();
    let get = |project, tail| place.call_at(project, "br-a", "GET", tail, Value::Null);
    let plugins = get("fault-extra", "/plugins").json();
    assert_eq!(plugins["organization"]["creator_role"], "founder");
    assert_eq!(
        plugins["email_and_password"]["email_verification_method"],
        "passkey"
    );
    assert_eq!(plugins["email_provider"]["type"], "dedicated");
    let events = get("fault-extra", "/webhooks").json()["enabled_events"].clone();
    assert_eq!(events, json!(["user.deleted"]));
    let nul = get("fault-json-nul", "/webhooks").json();
    for pointer in ["/id", "/name", "/webhook_url"] {
        assert_eq!(nul.pointer(pointer).unwrap(), "a\0b");
    }
}
