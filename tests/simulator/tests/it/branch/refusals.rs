//! Branches, paths and methods that are not there.

use serde_json::Value;

use super::Place;

#[test]
fn unknown_branches_paths_and_methods() {
    let place = Place::new();
    let refusal = |branch: &str, method: &str, tail: &str| {
        let answer = place.call_at("test-a", branch, method, tail, Value::Null);
        answer.refusal()
    };
    let there_is_none = Place::at("test-a", "br-missing-1");
    for it in there_is_none.operations("nobody") {
        let missing = there_is_none.send(&it, Value::Null);
        let missing = missing.refusal();
        assert_eq!(
            missing,
            (404, "branch not found".into()),
            "{} {}",
            it.method,
            it.path
        );
    }
    for branch in ["Br-a", "%2e%2e", "br_a", &"b".repeat(61)] {
        let invalid = refusal(branch, "GET", "");
        assert_eq!(invalid, (400, "invalid branch id".into()), "{branch}");
    }
    let nothing = (404, "this path does not exist".to_owned());
    assert_eq!(refusal("br-a", "GET", "/nothing"), nothing);
    assert_eq!(refusal("br-a", "GET", "/users/x/y"), nothing);
    for (method, tail) in [
        ("PUT", ""),
        ("GET", "/users"),
        ("POST", "/users/x/role"),
        ("GET", "/plugins/organization"),
        ("PATCH", "/webhooks"),
        ("GET", "/email_provider/test"),
    ] {
        let refused = refusal("br-a", method, tail);
        assert_eq!(
            refused,
            (405, "method not allowed".into()),
            "{method} {tail}"
        );
    }
    let project = place.call_at("nobody", "br-a", "GET", "", Value::Null);
    assert_eq!(project.refusal(), (404, "project not found".into()));
}
