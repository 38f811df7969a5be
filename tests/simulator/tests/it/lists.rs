//! Projects and branches: their pages, their search, and which key may ask for what.

use neon_simulator::Simulator;
use serde_json::Value;

use crate::client::{Answer, KEY, agent, call, send, simulator};

fn get(simulator: &Simulator, path: &str) -> Answer {
    call(simulator, "GET", path, Value::Null)
}

fn with_key(simulator: &Simulator, ending: &str, path: &str) -> Answer {
    let key = format!("{KEY}{ending}");
    send(&agent(), simulator.url(), "GET", path, &key, Value::Null).unwrap()
}

#[test]
fn pages_follow_each_other() {
    let simulator = simulator();
    for (list, named, path, ends) in [
        ("projects", "cursor", "/projects?org_id=org-projects-3", 3),
        ("branches", "next", "/projects/test-branches-3/branches?", 2),
    ] {
        let (mut path, mut sizes) = (format!("{path}&limit=2"), vec![]);
        let first = path.clone();
        loop {
            let page = get(&simulator, &path).json();
            sizes.push(page[list].as_array().unwrap().len());
            match page["pagination"][named].as_str() {
                Some(cursor) => path = format!("{first}&cursor={}", cursor.replace('/', "%2F")),
                None => break,
            }
        }
        assert_eq!(sizes, [2, 1, 0][..ends], "{list}");
        let refused = get(&simulator, &format!("{first}&cursor=x"));
        assert_eq!(refused.refusal(), (400, "invalid cursor".into()));
        let refused = get(&simulator, &first.replace("limit=2", "limit=0"));
        assert_eq!(refused.refusal(), (400, "invalid limit".into()));
        let found = get(&simulator, &first.replace("limit=2", "search=0002")).json();
        assert_eq!(found[list].as_array().unwrap().len(), 1, "{list}");
    }
}

#[test]
fn keys_are_of_three_kinds() {
    let simulator = simulator();
    let missing = "org_id is required, you can find it on your organization settings page";
    let asked = get(&simulator, "/projects");
    assert_eq!(asked.refusal(), (400, missing.into()));
    assert_eq!(
        get(&simulator, "/auth").json()["auth_method"],
        "api_key_user"
    );
    assert_eq!(with_key(&simulator, "_org", "/projects").status, 200);
    let details = with_key(&simulator, "_org", "/auth").json();
    assert_eq!(details["auth_method"], "api_key_org");
    for path in ["/auth", "/projects", "/projects?org_id=org-a"] {
        let refused = with_key(&simulator, "_project", path);
        assert_eq!(refused.status, 404);
        assert!(refused.message().contains("this key is scoped to"));
    }
    let branches = with_key(&simulator, "_project", "/projects/test-a/branches");
    assert_eq!(branches.status, 200);
    assert_eq!(with_key(&simulator, "_other", "/auth").status, 401);
    let gone = get(&simulator, "/projects?org_id=org-missing-1");
    assert_eq!(gone.refusal(), (404, "organization not found".into()));
}
