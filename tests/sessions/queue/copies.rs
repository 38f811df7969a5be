//! Copies of a database send nothing that was queued in the original; and what ended long ago goes.

use serde_json::json;

use super::{Queue, enqueue, run, states};
use crate::programs::output;
use crate::support::{Statements, connect, one};

#[test]
fn a_copy_sends_nothing_until_it_is_told_to() {
    let queue = Queue::new("it_queue_original", "test-queue-original");
    {
        let mut session = queue.session();
        for address in ["a@example.com", "b@example.com", "b@example.com"] {
            enqueue(&mut session, "create_user", &json!({"email": address}));
        }
        let mut admin = connect("it_queue_original", "postgres");
        admin.run("UPDATE neon_auth_admin.queued_calls SET state = 'sending', next_attempt_at = NULL WHERE id = 1");
    }
    let mut admin = connect("postgres", "postgres");
    admin.run("CREATE DATABASE it_queue_copy TEMPLATE it_queue_original OWNER it_queue_original");
    let mut copy = connect("it_queue_copy", "it_queue_original");
    run(&mut copy);
    assert_eq!(
        states(&mut copy),
        "1 waiting NA009, 2 waiting NA009, 3 waiting NA009"
    );
    assert!(queue.requests().is_empty());
    // What is queued there does not wait for it.
    enqueue(&mut copy, "create_user", &json!({"email": "b@example.com"}));
    run(&mut copy);
    assert_eq!(queue.requests(), ["POST b@example.com 201"]);
    copy.run("SELECT neon_auth_admin.cancel_queued(3)");
    let adopted = "SELECT neon_auth_admin.adopt_queued()";
    assert_eq!(one(&mut copy, adopted).get::<_, i64>(0), 2);
    run(&mut copy);
    // The original may have made them: a conflict is success.
    assert_eq!(
        states(&mut copy),
        "1 done, 2 done, 3 cancelled NA009, 4 done"
    );
    assert_eq!(queue.requests().len(), 3);
}

/// Nobody needs a right on the table for it.
#[test]
fn a_dump_has_no_calls() {
    let queue = Queue::new("it_queue_dump", "test-queue-dump");
    let mut session = queue.session();
    enqueue(
        &mut session,
        "create_user",
        &json!({"email": "ada@example.com"}),
    );
    let dump = output(
        "pg_dump",
        &["--username", "it_queue_dump", "--dbname", "it_queue_dump"],
    );
    assert!(dump.contains("CREATE EXTENSION") && !dump.contains("ada@example.com"));
    let of_table = dump.lines().filter(|line| line.contains("queued_calls"));
    // That of 14 says so of every table, which changes nothing where it is restored.
    let expected = "ALTER TABLE neon_auth_admin.queued_calls ENABLE ROW LEVEL SECURITY;";
    let mut others = of_table.filter(|line| !line.starts_with("--") && *line != expected);
    assert_eq!(others.next(), None);
}

#[test]
fn what_ended_long_ago_is_removed() {
    let queue = Queue::new("it_queue_keep", "test-queue-keep");
    let mut session = queue.session();
    session.run(
        "SELECT count(neon_auth_admin.enqueue('create_user', jsonb_build_object('email', n || '@example.com')))
         FROM generate_series(1, 2500) AS n",
    );
    let mut admin = connect("it_queue_keep", "postgres");
    admin.run(
        "UPDATE neon_auth_admin.queued_calls SET enqueued_at = enqueued_at - interval '8 days';
         UPDATE neon_auth_admin.queued_calls SET state = (ARRAY['done', 'failed', 'cancelled'])[id % 3 + 1],
             next_attempt_at = NULL, finished_at = now() - interval '6 days' - (id % 2) * interval '2 days'
         WHERE id <= 2400;
         UPDATE neon_auth_admin.queued_calls SET next_attempt_at = now() + interval '1 hour' WHERE id > 2400",
    );
    run(&mut session);
    let count = "SELECT concat_ws(' ', count(*) FILTER (WHERE state = 'waiting'), count(*)) FROM neon_auth_admin.queue";
    assert_eq!(one(&mut session, count).get::<_, &str>(0), "100 1300");
    session.run("SET neon_auth_admin.queue_keep = '5d'");
    run(&mut session);
    assert_eq!(one(&mut session, count).get::<_, &str>(0), "100 100");
    assert!(queue.requests().is_empty());
}
