//! What is committed is sent, once and as the direct call would be; what is not is not.

use std::thread;
use std::time::Duration;

use postgres::error::SqlState;
use postgres::fallible_iterator::FallibleIterator;
use serde_json::{Value, json};

use super::{Queue, enqueue, run, states};
use crate::support::{Statements, one, sqlstate, variable, wait_for};

fn create(address: &str) -> Value {
    json!({"email": address})
}

#[test]
fn what_is_rolled_back_is_not_sent() {
    let queue = Queue::new("it_queue_rollback", "test-queue-rollback");
    let mut session = queue.session();
    session.run(
        "CREATE TABLE sums (n int UNIQUE DEFERRABLE INITIALLY DEFERRED);
         CREATE FUNCTION queued(address text) RETURNS bigint LANGUAGE sql AS
             $$SELECT neon_auth_admin.enqueue('create_user', jsonb_build_object('email', address))$$",
    );
    session.run(
        "BEGIN; SELECT queued('kept@example.com');
         SAVEPOINT one; SELECT queued('savepoint@example.com'); ROLLBACK TO one; COMMIT;
         BEGIN; SELECT queued('rollback@example.com'); ROLLBACK",
    );
    session.refused(
        "BEGIN; SELECT queued('constraint@example.com'); INSERT INTO sums VALUES (1), (1); COMMIT",
        &SqlState::UNIQUE_VIOLATION,
    );
    session.run("BEGIN; SELECT queued('open@example.com')");
    let mut other = queue.session();
    run(&mut other);
    assert_eq!(queue.requests(), ["POST kept@example.com 201"]);
    session.run("COMMIT");
    run(&mut other);
    let both = ["POST kept@example.com 201", "POST open@example.com 201"];
    assert_eq!(queue.requests(), both);
}

#[test]
fn each_operation_is_made() {
    let queue = Queue::new("it_queue_operations", "test-queue-operations");
    let mut session = queue.session();
    // In this order, as it is looked at what was sent.
    session.run("SET neon_auth_admin.queue_connections = 1");
    enqueue(
        &mut session,
        "create_user",
        &json!({"email": "ada@example.com", "name": "Ada"}),
    );
    enqueue(
        &mut session,
        "add_domain",
        &json!({"domain": "https://a.example.com"}),
    );
    run(&mut session);
    let id = "SELECT result->>'id' FROM neon_auth_admin.wait_for_queued(1)";
    let id: String = one(&mut session, id).get(0);
    enqueue(
        &mut session,
        "set_user_roles",
        &json!({"id": id, "roles": ["admin"]}),
    );
    enqueue(&mut session, "delete_user", &json!({"id": id}));
    enqueue(
        &mut session,
        "delete_domain",
        &json!({"domain": "https://a.example.com"}),
    );
    run(&mut session);
    assert_eq!(
        states(&mut session),
        "1 done, 2 done, 3 done, 4 done, 5 done"
    );
    let requests = queue.requests();
    let (made, unmade) = requests.split_at(2);
    assert_eq!(
        made,
        ["POST ada@example.com 201", "POST https://a.example.com 201"]
    );
    let expected = [
        format!("PUT {id}/role 200"),
        format!("DELETE {id} 200"),
        "DELETE https://a.example.com 200".to_owned(),
    ];
    let methods = |all: &[String]| {
        all.iter()
            .map(|it| it.rsplit_once(' ').unwrap().0.to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(methods(unmade), methods(&expected));
    let results =
        "SELECT string_agg(result::text, ' ' ORDER BY id) FROM neon_auth_admin.queue WHERE id <> 1";
    let results: String = one(&mut session, results).get(0);
    let domain = r#"{"domain": "https://a.example.com"}"#;
    let user = format!(r#"{{"id": "{id}"}}"#);
    assert_eq!(results, format!("{domain} {user} {user} {domain}"));
}

/// The same error, whether a call is made or queued.
#[test]
fn arguments_are_checked_as_the_function_does() {
    let queue = Queue::new("it_queue_checked", "test-queue-checked");
    let url = variable("NEON_SIMULATOR_URL");
    queue
        .database
        .add_server("project", "test-queue-checked", &url, "");
    let mut session = queue.session();
    let long = "x".repeat(5000);
    let cases = [
        ("create_user", json!({"email": null}), "NULL"),
        ("create_user", json!({"email": "ada"}), "'ada'"),
        (
            "create_user",
            json!({"email": "a@b", "name": long}),
            &format!("'a@b', '{long}'"),
        ),
        ("delete_user", json!({"id": "a/b"}), "'a/b'"),
        (
            "set_user_roles",
            json!({"id": "a", "roles": []}),
            "'a', '{}'",
        ),
        (
            "set_user_roles",
            json!({"id": "a", "roles": [null]}),
            "'a', '{NULL}'",
        ),
        ("add_domain", json!({"domain": "a"}), "'a'"),
        ("delete_domain", json!({"domain": ""}), "''"),
        (
            "set_user_roles",
            json!({"id": "a", "roles": ["x"], "server": "project"}),
            "'a', '{x}', 'project'",
        ),
        (
            "add_domain",
            json!({"domain": "https://a", "server": "none"}),
            "'https://a', 'none'",
        ),
    ];
    for (function, mut arguments, direct) in cases {
        let server = arguments.as_object_mut().unwrap().remove("server");
        let arguments = arguments.to_string();
        let server = server.as_ref().and_then(Value::as_str);
        let query = "SELECT neon_auth_admin.enqueue($1, $2::text::jsonb, $3)";
        let queued = session.query(query, &[&function, &arguments, &server]);
        let queued = queued.expect_err(function);
        let direct = format!("SELECT neon_auth_admin.{function}({direct})");
        let direct = session.query(&direct, &[]).expect_err(function);
        let (queued, direct) = (queued.as_db_error().unwrap(), direct.as_db_error().unwrap());
        assert_eq!(queued.code(), direct.code(), "{function}");
        assert_eq!(queued.message(), direct.message());
        assert_eq!(queued.detail(), direct.detail(), "{function}");
        assert_eq!(queued.hint(), direct.hint(), "{function}");
    }
    assert_eq!(states(&mut session), "");
    assert!(queue.requests().is_empty());
}

#[test]
fn three_sessions_at_once_make_each_call_once() {
    const CALLS: usize = 60;
    let queue = Queue::new("it_queue_three", "fault-slow-200--queue-three");
    let mut session = queue.session();
    for n in 0..CALLS {
        enqueue(
            &mut session,
            "create_user",
            &create(&format!("user{n}@example.com")),
        );
    }
    let waiting =
        "SELECT count(*) FROM neon_auth_admin.queue WHERE state IN ('waiting', 'sending')";
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let mut session = queue.session();
                while one(&mut session, waiting).get::<_, i64>(0) > 0 {
                    run(&mut session);
                }
            });
        }
    });
    let mut requests = queue.requests();
    requests.sort();
    requests.dedup();
    assert_eq!(requests.len(), CALLS, "each once");
    assert_eq!(queue.requests().len(), CALLS, "and none twice");
}

/// What may not write may not queue; nor does a dry run queue what would be sent later.
#[test]
fn where_nothing_is_queued() {
    let queue = Queue::new("it_queue_refused", "test-queue-refused");
    let mut session = queue.session();
    const ENQUEUE: &str =
        r#"SELECT neon_auth_admin.enqueue('create_user', '{"email": "ada@example.com"}')"#;
    session.run("BEGIN READ ONLY");
    session.refused(ENQUEUE, &SqlState::READ_ONLY_SQL_TRANSACTION);
    session.run("ROLLBACK; SET default_transaction_read_only = on");
    session.refused(
        "CALL neon_auth_admin.run_queue()",
        &SqlState::READ_ONLY_SQL_TRANSACTION,
    );
    session.run("RESET default_transaction_read_only");
    session.run("BEGIN");
    session.refused(
        "CALL neon_auth_admin.run_queue()",
        &SqlState::ACTIVE_SQL_TRANSACTION,
    );
    session.run("ROLLBACK");
    session.run(
        "CREATE PROCEDURE as_owner() LANGUAGE plpgsql SECURITY DEFINER AS
             $$BEGIN CALL neon_auth_admin.run_queue(); END$$",
    );
    session.refused("CALL as_owner()", &SqlState::ACTIVE_SQL_TRANSACTION);
    let mut dry = queue.database.session_with("-c neon_auth_admin.dry_run=on");
    assert_eq!(one(&mut dry, ENQUEUE).get::<_, Option<i64>>(0), None);
    let refused = dry
        .batch_execute("CALL neon_auth_admin.run_queue()")
        .expect_err("dry");
    assert_eq!(sqlstate(&refused).code(), "NA009");
    assert_eq!(states(&mut session), "");
}

/// A procedure of the caller's may go on after it, whatever the session's isolation level is.
#[test]
fn it_runs_within_a_procedure() {
    let queue = Queue::new("it_queue_procedure", "test-queue-procedure");
    let mut session = queue.session();
    session.run(
        "SET default_transaction_isolation = 'serializable'; SET synchronous_commit = off;
         CREATE TABLE steps (n int);
         CREATE PROCEDURE every_minute() LANGUAGE plpgsql AS $$
         BEGIN
             INSERT INTO steps VALUES (1);
             CALL neon_auth_admin.run_queue('10 s');
             INSERT INTO steps VALUES (2);
             ROLLBACK;
         END$$",
    );
    enqueue(&mut session, "create_user", &create("ada@example.com"));
    session.run("CALL every_minute()");
    assert_eq!(states(&mut session), "1 done");
    let steps = "SELECT array_agg(n)::text FROM steps";
    assert_eq!(one(&mut session, steps).get::<_, &str>(0), "{1}");
    let settings = "SELECT current_setting('search_path') || current_setting('enable_seqscan')
                        || current_setting('synchronous_commit')";
    assert_eq!(
        one(&mut session, settings).get::<_, &str>(0),
        "\"$user\", publiconoff"
    );
}

#[test]
fn who_listens_is_told() {
    let queue = Queue::new("it_queue_notify", "test-queue-notify");
    let (mut session, mut listener) = (queue.session(), queue.session());
    listener.run("LISTEN neon_auth_admin");
    for address in ["a@example.com", "b@example.com"] {
        enqueue(&mut session, "create_user", &create(address));
    }
    run(&mut session);
    listener.run("SELECT");
    let mut told = Vec::new();
    wait_for("a notification", || {
        let mut notifications = listener.notifications();
        let mut all = notifications.timeout_iter(Duration::from_millis(10));
        while let Some(one) = all.next().expect("told") {
            told.push(one.payload().to_owned());
        }
        !told.is_empty()
    });
    let told = told.join(",");
    let mut ids: Vec<_> = told.split(',').collect();
    ids.sort_unstable();
    assert_eq!(ids, ["1", "2"]);
}
