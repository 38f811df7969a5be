//! Calls of one subject are made one after the other, and nobody else waits for them.

use serde_json::json;

use super::{Queue, enqueue, run, states};
use crate::support::{Statements, connect, one};

#[test]
fn a_subject_waits_for_its_first_and_others_do_not() {
    let queue = Queue::new("it_queue_order", "test-queue-order");
    let mut session = queue.session();
    let a = json!({"domain": "https://a.example.com"});
    for operation in ["add_domain", "delete_domain", "add_domain"] {
        enqueue(&mut session, operation, &a);
    }
    enqueue(
        &mut session,
        "add_domain",
        &json!({"domain": "https://b.example.com"}),
    );
    queue.postpone(1);
    run(&mut session);
    assert_eq!(queue.requests(), ["POST https://b.example.com 201"]);
    let state = states(&mut session);
    assert_eq!(state, "1 waiting, 2 waiting, 3 waiting, 4 done");
    queue.hasten();
    run(&mut session);
    assert_eq!(states(&mut session), "1 done, 2 done, 3 done, 4 done");
    let requests = queue.requests();
    let methods: Vec<_> = requests[1..]
        .iter()
        .map(|it| it.split(' ').next().unwrap())
        .collect();
    assert_eq!(methods, ["POST", "DELETE", "POST"]);
}

#[test]
fn a_call_that_is_taken_back_frees_the_next() {
    let queue = Queue::new("it_queue_cancel", "test-queue-cancel");
    let mut session = queue.session();
    let domain = json!({"domain": "https://a.example.com"});
    for operation in ["add_domain", "delete_domain", "delete_domain"] {
        enqueue(&mut session, operation, &domain);
    }
    queue.postpone(1);
    run(&mut session);
    // One that is held goes first: whatever is behind it still waits for the head.
    session.run("SELECT neon_auth_admin.cancel_queued(2)");
    run(&mut session);
    assert_eq!(states(&mut session), "1 waiting, 2 cancelled, 3 waiting");
    session.run("SELECT neon_auth_admin.cancel_queued(1)");
    run(&mut session);
    assert_eq!(states(&mut session), "1 cancelled, 2 cancelled, 3 done");
    assert_eq!(queue.requests().len(), 1);
    // And one that was taken back is made after all.
    session.run("SELECT neon_auth_admin.retry_queued(1)");
    run(&mut session);
    assert_eq!(states(&mut session), "1 done, 2 cancelled, 3 done");
}

/// A transaction that takes the head back sees nothing of what a delivery did meanwhile: the next delivery
/// finds what it left behind. Nor does a delivery wait for a transaction that has a call in hand.
#[test]
fn what_an_old_snapshot_leaves_behind_is_found() {
    let queue = Queue::new("it_queue_snapshot", "test-queue-snapshot");
    let (mut session, mut old) = (queue.session(), queue.session());
    let domain = json!({"domain": "https://a.example.com"});
    enqueue(&mut session, "add_domain", &domain);
    enqueue(&mut session, "delete_domain", &domain);
    queue.postpone(1);
    old.run("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM neon_auth_admin.queue");
    run(&mut session);
    assert_eq!(states(&mut session), "1 waiting, 2 waiting");
    queue.hasten();
    old.run("ROLLBACK; BEGIN; SELECT neon_auth_admin.cancel_queued(1)");
    run(&mut session);
    assert!(queue.requests().is_empty(), "1 is in hand, 2 is behind it");
    old.run("COMMIT");
    run(&mut session);
    assert_eq!(states(&mut session), "1 cancelled, 2 done");
    // As if the one who ended it had not seen that it was held.
    enqueue(&mut session, "add_domain", &domain);
    let mut admin = connect("it_queue_snapshot", "postgres");
    admin.run(
        "UPDATE neon_auth_admin.queued_calls SET held = true, next_attempt_at = NULL WHERE id = 3",
    );
    run(&mut session);
    assert_eq!(states(&mut session), "1 cancelled, 2 done, 3 done");
}

#[test]
fn many_of_one_subject_are_in_nobodys_way() {
    let queue = Queue::new("it_queue_many", "test-queue-many");
    let mut session = queue.session();
    session.run(
        r#"SELECT count(neon_auth_admin.enqueue('add_domain', '{"domain": "https://a.example.com"}'))
           FROM generate_series(1, 2500)"#,
    );
    enqueue(
        &mut session,
        "create_user",
        &json!({"email": "ada@example.com"}),
    );
    queue.postpone(1);
    run(&mut session);
    let requests = queue.requests();
    assert_eq!(requests, ["POST ada@example.com 201"]);
    let held = "SELECT count(*) FROM neon_auth_admin.queue WHERE next_attempt_at IS NULL AND state = 'waiting'";
    assert_eq!(one(&mut session, held).get::<_, i64>(0), 2499);
}
