//! The configuration as a document, against the simulator: at either level, from states that are made up.

mod convergence;
mod documents;
mod failures;
mod named;
mod overlay;
mod place;
mod refusals;
mod schema;

use std::collections::{BTreeMap, BTreeSet};

use neon_auth_admin::neon::configuration::ConfigurationChange;
use neon_simulator::Recorded;
use serde_json::{Value, json};

use self::place::{Asked, Place};

fn is_write(request: &Recorded) -> bool {
    request.method != "GET"
}

fn steps(rows: &[ConfigurationChange]) -> BTreeSet<i32> {
    rows.iter().filter_map(|row| row.step).collect()
}

/// A row in one line.
fn line(row: &ConfigurationChange) -> String {
    let json = |value: &Option<Value>| value.clone().unwrap_or_default();
    let mut line = format!("{} {}", row.action, row.object);
    if let Some(field) = &row.field {
        line += &format!(" {field}");
    }
    line += &format!(": {} -> {}", json(&row.current), json(&row.wanted));
    match &row.note {
        Some(note) => format!("{line} ({note})"),
        None => line,
    }
}

fn lines(rows: &[ConfigurationChange]) -> Vec<String> {
    rows.iter().map(line).collect()
}

/// The worked examples of what a plan says.
#[test]
fn what_a_plan_says() {
    let project = Place::new(false);
    project.give(&json!({"domains": ["https://app.example.com", "https://old.example.com"]}));
    let branch = Place::new(true);
    branch.give(&json!({
        "domains": ["https://app.example.com", "https://old.example.com"],
        "oauth_providers": {"google": {"client_id": "old", "client_secret": "s3cret-1"}},
        "email_server": full_email_server(),
        "webhooks": {
            "enabled": true, "webhook_url": "https://hooks.example.com",
            "enabled_events": ["send.otp", "user.created"], "timeout_seconds": 5,
        },
    }));
    let domains = json!({
        "domains": ["https://App.example.com/", "https://admin.example.com"],
        "allow_localhost": false,
    });
    let rows = branch.plan(&domains).expect("a plan");
    let adds =
        r#"create redirect domain https://admin.example.com: null -> "https://admin.example.com""#;
    let forbids = "update localhost allow_localhost: true -> false";
    assert_eq!(lines(&rows), [adds, forbids]);
    let prune = Asked {
        prune: vec!["domains"],
        ..Asked::default()
    };
    let rows = branch.plan_with(&domains, &prune).expect("a plan");
    let deletes =
        r#"delete redirect domain https://old.example.com: "https://old.example.com" -> null"#;
    assert_eq!(lines(&rows), [adds, deletes, forbids]);
    let unmanaged = Asked {
        unmanaged: true,
        ..Asked::default()
    };
    let rows = branch.plan_with(&domains, &unmanaged).expect("a plan");
    let stays = "unmanaged redirect domain https://old.example.com: \"https://old.example.com\" -> null \
                 (not in the document; deleted if prune names its section)";
    assert_eq!(lines(&rows), [adds, forbids, stays]);

    let said = |document: Value| lines(&branch.plan(&document).expect("a plan"));
    let google = json!({"client_id": "new", "client_secret": "********"});
    assert_eq!(
        said(json!({"oauth_providers": {"google": google}})),
        [r#"update OAuth provider google client_id: "old" -> "new""#]
    );
    let google = json!({"client_secret": "s3cret-2"});
    assert_eq!(
        said(json!({"oauth_providers": {"google": google}})),
        [
            r#"update OAuth provider google client_secret: "********" -> "********" (differs, and is shown to nobody)"#
        ]
    );
    assert_eq!(
        said(json!({"email_server": {"port": 25, "password": "s3cret-3"}})),
        [
            "update email server port: 587 -> 25",
            r#"update email server password: "********" -> "********" (cannot be compared: Neon does not show it)"#,
        ]
    );
    let password = json!({"email_server": {"password": "s3cret-3"}});
    assert_eq!(said(password.clone()), [""; 0]);
    let resend = Asked {
        resend: true,
        ..Asked::default()
    };
    let rows = branch.apply_with(&password, &resend).expect("sent");
    assert_eq!(rows.len(), 1);
    assert_eq!(
        said(json!({"webhooks": {"enabled_events": ["user.created"]}})),
        [r#"update webhooks enabled_events: ["send.otp","user.created"] -> ["user.created"]"#]
    );

    branch.give(&json!({"oauth_server": {
        "mcp": {"resource": "https://mcp.example.com", "new": 5}, "resources": ["https://a.example.com"],
    }}));
    // What clients may still have goes last, and what is not named of what is replaced stays.
    let server = json!({"oauth_server": {
        "mcp": {"resource": "https://mcp.example.com", "dynamic_registration": false},
        "resources": ["https://b.example.com"],
    }});
    assert_eq!(
        said(server.clone()),
        [
            r#"update OAuth server mcp: {"new":5,"resource":"https://mcp.example.com"} -> {"dynamic_registration":false,"resource":"https://mcp.example.com"}"#,
            r#"update OAuth server resources: ["https://a.example.com"] -> ["https://a.example.com","https://b.example.com"] (for as long as clients may have them)"#,
            r#"update OAuth server resources: ["https://a.example.com","https://b.example.com"] -> ["https://b.example.com"]"#,
        ]
    );
    branch.apply(&server).expect("applied");
    assert_eq!(said(server), [""; 0]);
    assert_eq!(
        said(json!({"oauth_server": {"mcp": {"new": 5.0}}})),
        [""; 0]
    );

    let refused = json!({"email_server": {"type": "standard", "port": 587}});
    let error = project.plan(&refused).expect_err("the rest is needed");
    let message = "invalid configuration at \"email_server.host\"";
    assert_eq!(error.message, message);
    assert_eq!(branch.plan(&refused), Ok(Vec::new()));
}

fn full_email_server() -> Value {
    json!({
        "type": "standard", "host": "smtp.example.com", "port": 587, "username": "mailer",
        "password": "s3cret-0", "sender_email": "no-reply@example.com", "sender_name": "Example",
    })
}

/// How many times each write arrived.
fn counted(requests: &[Recorded]) -> BTreeMap<String, usize> {
    let mut counted = BTreeMap::new();
    for request in requests.iter().filter(|it| is_write(it)) {
        let write = format!("{} {} {}", request.method, request.path, request.body);
        *counted.entry(write).or_default() += 1;
    }
    counted
}
