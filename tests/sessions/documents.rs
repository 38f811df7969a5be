//! The configuration as a document, from SQL: two sessions at once, interrupts, documents of any size. What
//! documents say and do is in `tests/it/configuration`.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::thread;

use postgres::NoTls;
use postgres::error::SqlState;
use serde_json::Value;

use crate::backend::Backend;
use crate::calls::{CLIENT_SECRET, PASSWORD};
use crate::oracle::{Canaries, Witness, logged};
use crate::support::{
    Database, Statements, arrived, config, ledger, one, sqlstate, variable, wait_for,
};

fn database(name: &str, project: &str) -> Database {
    let database = Database::new(name);
    let url = variable("NEON_SIMULATOR_URL");
    database.add_server("neon", project, &url, ", branch_id 'br-a'");
    database
}

/// Method and last word of the path of each request.
fn requests(project: &str) -> Vec<String> {
    let ledger = ledger(project);
    let requests = ledger.as_array().expect("a list").iter();
    let word = |it: &Value| it.as_str().unwrap_or_default().to_owned();
    requests
        .map(|it| {
            let path = word(&it["path"]);
            let last = path.rsplit('/').next().unwrap_or_default();
            format!("{} {last}", word(&it["method"]))
        })
        .collect()
}

#[test]
fn two_at_once_end_as_if_one_after_the_other() {
    // What is read is late: whoever reads meanwhile reads the same.
    let project = "fault-slow-200--documents";
    let database = database("it_documents", project);
    thread::scope(|scope| {
        for document in [
            r#"{"webhooks": {"timeout_seconds": 9}, "domains": ["https://a.example.com"]}"#,
            r#"{"webhooks": {"enabled": true}, "domains": ["https://a.example.com"]}"#,
        ] {
            let mut session = database.session();
            let apply = format!("SELECT neon_auth_admin.apply('{document}')");
            scope.spawn(move || session.query(&apply, &[]).expect("applied"));
        }
        let mut session = database.session();
        let update = "SELECT neon_auth_admin.update_webhooks(webhook_url => 'https://example.com')";
        scope.spawn(move || session.query(update, &[]).expect("updated"));
    });
    let requests = requests(project);
    let count = |what: &str| requests.iter().filter(|it| *it == what).count();
    assert_eq!(count("POST domains"), 1, "{requests:?}");
    let of_webhooks: Vec<_> = requests
        .iter()
        .filter(|it| it.ends_with("webhooks"))
        .collect();
    assert_eq!(of_webhooks, ["GET webhooks", "PUT webhooks"].repeat(3));
    let row = one(
        &mut database.session(),
        "SELECT enabled, timeout_seconds, webhook_url FROM neon_auth_admin.get_webhooks()",
    );
    let row = (row.get(0), row.get(1), row.get(2));
    assert_eq!(row, (true, 9, "https://example.com"));
}

/// Each step that was made was a notice; a WARNING says what was not tried, and a second one does it.
#[test]
fn an_interrupted_one_says_how_far_it_came() {
    let project = "fault-slow-300--interrupted-document";
    let database = database("it_documents_interrupt", project);
    let heard = Arc::new(Mutex::new(Vec::<(String, String)>::new()));
    let listener = Arc::clone(&heard);
    let mut session = config(&database.name, &database.name)
        .notice_callback(move |notice| {
            let detail = notice.detail().unwrap_or_default().to_owned();
            let mut heard = listener.lock().expect("no panic");
            heard.push((notice.message().to_owned(), detail));
        })
        .connect(NoTls)
        .expect("a session");
    let domains: Vec<_> = (1..=12)
        .map(|n| format!("\"https://app-{n}.example.com\""))
        .collect();
    let document = format!("{{\"domains\": [{}]}}", domains.join(","));
    let apply = format!("SELECT * FROM neon_auth_admin.apply('{document}')");
    let cancel = session.cancel_token();
    thread::scope(|scope| {
        let call = scope.spawn(|| session.query(&apply, &[]).map(drop));
        wait_for("three are sent", || requests(project).len() >= 4);
        cancel.cancel_query(NoTls).expect("cancelled");
        let error = call.join().expect("no panic").expect_err("interrupted");
        assert_eq!(sqlstate(&error), SqlState::QUERY_CANCELED);
    });
    let made = heard.lock().expect("no panic").clone();
    let (warning, steps) = made.split_last().expect("notices");
    assert!(
        warning
            .1
            .contains("Made before it: create redirect domain https://app-1."),
        "{warning:?}"
    );
    assert!(warning.1.contains("Not tried: "), "{warning:?}");
    assert!(warning.1.contains("app-12."), "{warning:?}");
    for (n, (step, _)) in steps.iter().enumerate() {
        let n = n + 1;
        let expected =
            format!("step {n} was made: create redirect domain https://app-{n}.example.com");
        assert_eq!(*step, expected);
    }
    let rest = session.query(&apply, &[]).expect("applied");
    assert!(!rest.is_empty() && rest.len() < 12, "{rest:?}");
    assert!(session.query(&apply, &[]).expect("applied").is_empty());
    let posts = requests(project)
        .into_iter()
        .filter(|it| it == "POST domains");
    assert_eq!(posts.count(), 12, "none is sent twice");
}

/// Neon repeats what it was sent, answers what nobody can read, and not at all: at each step that sends a
/// secret, at both levels.
#[test]
fn a_step_that_fails_tells_nobody_a_secret() {
    let database = database("it_documents_secrets", "test-secret-documents");
    let canaries = Canaries::new(&[CLIENT_SECRET, PASSWORD]);
    let document =
        "jsonb_build_object(
            'oauth_providers', jsonb_build_object('vercel', jsonb_build_object(
                'client_id', 'id', 'client_secret', $1::text)),
            'email_server', jsonb_build_object('type', 'standard', 'host', 'smtp.example.com', 'port', 587,
                'username', 'mailer', 'password', $2::text, 'sender_email', 'a@example.com', 'sender_name', 'A'))";
    let secrets = [CLIENT_SECRET, PASSWORD].map(|name| canaries.value(name));
    let mut owner = database.session();
    let mut witness = Witness::new(&database.name, &database.name);
    for (level, option, reads) in [
        ("project", "DROP branch_id", 2),
        ("branch", "ADD branch_id 'br-a'", 1),
    ] {
        owner.run(&format!("ALTER SERVER neon OPTIONS ({option})"));
        for write in 0..2 {
            for (fault, state) in [
                ("echo", "22023"),
                ("409", "23505"),
                ("badjson", "NA003"),
                ("reset", "NA003"),
                ("silent", "57014"),
            ] {
                let after = reads + write;
                let project = format!("fault-{fault}-after{after}--documents-{level}");
                owner.run(&format!(
                    "ALTER SERVER neon OPTIONS (SET project_id '{project}')"
                ));
                let limit = if fault == "silent" { "3s" } else { "0" };
                witness
                    .session
                    .run(&format!("SET statement_timeout = '{limit}'"));
                let apply = format!("SELECT * FROM neon_auth_admin.apply({document})");
                let failed = witness
                    .run(&apply, &[&secrets[0], &secrets[1]])
                    .expect_err(&project);
                assert_eq!(sqlstate(&failed), SqlState::from_code(state), "{project}");
                let sent = requests(&project);
                let writes = sent.iter().filter(|it| !it.starts_with("GET"));
                assert_eq!(writes.count(), write + 1, "{project}: {sent:?}");
            }
        }
        let project = format!("test-secret-documents-{level}");
        owner.run(&format!(
            "ALTER SERVER neon OPTIONS (SET project_id '{project}')"
        ));
        for function in ["plan", "apply", "plan"] {
            let call =
                format!("SELECT * FROM neon_auth_admin.{function}({document}, resend => true)");
            witness
                .run(&call, &[&secrets[0], &secrets[1]])
                .expect("rows");
        }
    }
    let heard = witness.messages();
    assert!(heard.contains("Not tried: "), "{heard}");
    for (text, what) in [(&heard, "messages"), (&witness.rows, "rows")] {
        assert_eq!(canaries.names_in(text), BTreeSet::new(), "{what}: {text}");
    }
    assert_eq!(logged(&canaries), BTreeSet::new(), "the server's log");
}

#[test]
fn documents_that_are_too_large_or_too_deep() {
    let project = "test-huge-documents";
    let database = database("it_documents_huge", project);
    let mut session = database.session();
    let deep = "(repeat('{\"domains\": ', 1000) || '[]' || repeat('}', 1000))::jsonb";
    let long = "jsonb_build_object('name', repeat('x', 10 << 20))";
    let many =
        "jsonb_build_object('domains', (SELECT jsonb_agg(n) FROM generate_series(1, 500000) AS n))";
    for function in ["plan", "apply"] {
        for document in [deep, long, many] {
            let call = format!("SELECT neon_auth_admin.{function}({document})");
            let refusal = session.refused(&call, &SqlState::INVALID_PARAMETER_VALUE);
            let message = "invalid value for argument \"configuration\"";
            assert_eq!(refusal.message(), message, "{document}");
        }
    }
    // A stored one is refused before it is read.
    session.run(&format!("CREATE TABLE stored AS SELECT {long} AS document"));
    let backend = Backend::of(&mut session);
    let before = backend.peak();
    session.refused(
        "SELECT neon_auth_admin.plan(document) FROM stored",
        &SqlState::INVALID_PARAMETER_VALUE,
    );
    let growth = backend.growth_of_peak(before);
    assert!(growth < 1024, "{growth} KiB");
    assert_eq!(arrived(project), 0);
    // A thousand domains are no problem.
    let thousand = "(SELECT jsonb_agg(format('https://app-%s.example.com', n)) FROM generate_series(1, 1000) AS n)";
    let plan = format!(
        "SELECT count(*) FROM neon_auth_admin.plan(jsonb_build_object('domains', {thousand}))"
    );
    assert_eq!(one(&mut session, &plan).get::<_, i64>(0), 1000);
    assert_eq!(arrived(project), 1);
}

/// A caller who may not write may plan.
#[test]
fn a_read_only_transaction_plans_and_does_not_apply() {
    let project = "test-read-only-documents";
    let database = database("it_documents_read_only", project);
    let mut session = database.session();
    session.run("SET default_transaction_read_only = on");
    let document = r#"'{"allow_localhost": false}'"#;
    let plan = format!("SELECT count(*) FROM neon_auth_admin.plan({document})");
    assert_eq!(one(&mut session, &plan).get::<_, i64>(0), 1);
    assert_eq!(arrived(project), 1);
    session.refused(
        &format!("SELECT neon_auth_admin.apply({document})"),
        &SqlState::READ_ONLY_SQL_TRANSACTION,
    );
    assert_eq!(arrived(project), 1);
}
