//! An attempt of which nobody knows whether it was carried out is made again, and ends as one call.

use std::thread;

use postgres::error::SqlState;
use serde_json::json;

use super::{Queue, enqueue, run, states};
use crate::backend::Backend;
use crate::support::{Statements, connect, one, wait_for, wait_until};

const ADA: &str = "d2f2a9e5-0000-4000-8000-000000000001";

fn bring(queue: &Queue) {
    queue.session().run(&format!(
        r#"INSERT INTO neon_auth."user" (id, email) VALUES ('{ADA}', 'Ada@example.com')"#
    ));
}

/// The result of the first call.
fn result(queue: &Queue) -> String {
    let result = "SELECT result::text FROM neon_auth_admin.queue WHERE id = 1";
    one(&mut queue.session(), result).get(0)
}

#[test]
fn a_conflict_of_its_own_is_success() {
    let queue = Queue::new("it_queue_conflict", "fault-cut-x1--queue-conflict").with_users();
    let mut session = queue.session();
    enqueue(
        &mut session,
        "create_user",
        &json!({"email": "ada@example.com", "name": "Ada"}),
    );
    run(&mut session);
    assert_eq!(states(&mut session), "1 waiting NA003");
    // From the failure on, since whoever looks may be late.
    let wait =
        "SELECT next_attempt_at > failing_since + interval '1 s' FROM neon_auth_admin.queued_calls";
    let mut admin = connect(&queue.database.name, "postgres");
    assert!(
        one(&mut admin, wait).get::<_, bool>(0),
        "it is not made again at once"
    );
    queue.hasten();
    run(&mut session);
    assert_eq!(states(&mut session), "1 done");
    let requests = queue.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[1], "POST ada@example.com 409");
    // Where it cannot be found, nothing is made up.
    assert_eq!(
        result(&queue),
        r#"{"id": null, "name": "Ada", "email": "ada@example.com"}"#
    );
}

/// On a first attempt it is somebody else's user.
#[test]
fn a_conflict_of_others_is_a_failure() {
    let queue = Queue::new("it_queue_others", "test-queue-others").with_users();
    let mut session = queue.session();
    session.run("SELECT neon_auth_admin.create_user('ada@example.com')");
    bring(&queue);
    enqueue(
        &mut session,
        "create_user",
        &json!({"email": "ada@example.com"}),
    );
    enqueue(&mut session, "delete_user", &json!({"id": ADA}));
    run(&mut session);
    assert_eq!(states(&mut session), "1 failed 23505, 2 failed P0002");
    session.run("SELECT neon_auth_admin.retry_queued(1)");
    run(&mut session);
    assert_eq!(states(&mut session), "1 failed 23505, 2 failed P0002");
}

#[test]
fn what_is_there_already_is_not_made_again() {
    let queue = Queue::new("it_queue_there", "fault-cut-x1--queue-there").with_users();
    let mut session = queue.session();
    enqueue(
        &mut session,
        "create_user",
        &json!({"email": "ada@example.com"}),
    );
    run(&mut session);
    bring(&queue);
    queue.hasten();
    run(&mut session);
    assert_eq!(states(&mut session), "1 done");
    assert_eq!(queue.requests().len(), 1);
    assert!(result(&queue).contains(ADA));
}

/// The table of users may be behind Neon, and still have one who is deleted: that is not the one who is to be made.
#[test]
fn who_was_deleted_is_not_who_was_made() {
    let queue = Queue::new("it_queue_deleted", "test-queue-deleted").with_users();
    let mut session = queue.session();
    let mut admin = connect(&queue.database.name, "postgres");
    let ada = json!({"email": "ada@example.com"});
    enqueue(&mut session, "create_user", &ada);
    run(&mut session);
    let id = "SELECT result ->> 'id' FROM neon_auth_admin.queue ORDER BY id DESC LIMIT 1";
    let deleted: String = one(&mut session, id).get(0);
    session.run(&format!(
        r#"INSERT INTO neon_auth."user" (id, email) VALUES ('{deleted}', 'ada@example.com')"#
    ));
    enqueue(&mut session, "delete_user", &json!({"id": deleted}));
    run(&mut session);
    enqueue(&mut session, "create_user", &ada);
    admin.run("UPDATE neon_auth_admin.queued_calls SET in_doubt = true WHERE state = 'waiting'");
    run(&mut session);
    assert_eq!(states(&mut session), "1 done, 2 done, 3 done");
    let requests = queue.requests();
    assert_eq!(requests.last().unwrap(), "POST ada@example.com 201");
    let made: String = one(&mut session, id).get(0);
    assert_ne!(made, deleted);
    // Nor is it who is meant by who asks for one.
    const ENSURE: &str = "SELECT id FROM neon_auth_admin.ensure_user('ada@example.com')";
    session.refused(ENSURE, &SqlState::UNIQUE_VIOLATION);
    session.run(&format!(
        r#"INSERT INTO neon_auth."user" (id, email) VALUES ('{made}', 'ada@example.com')"#
    ));
    assert_eq!(one(&mut session, ENSURE).get::<_, String>(0), made);
}

/// That a user is not there is what a deletion was for; that a project is not there is not.
#[test]
fn what_is_gone_was_deleted() {
    let queue = Queue::new("it_queue_gone", "fault-cut-x1--queue-gone").with_users();
    let mut session = queue.session();
    enqueue(&mut session, "delete_user", &json!({"id": ADA}));
    run(&mut session);
    queue.hasten();
    run(&mut session);
    assert_eq!(states(&mut session), "1 done");
    assert_eq!(result(&queue), format!(r#"{{"id": "{ADA}"}}"#));
    assert_eq!(queue.requests().len(), 2);

    let elsewhere = Queue::new("it_queue_gone_project", "nowhere-1");
    let mut session = elsewhere.session();
    enqueue(&mut session, "delete_user", &json!({"id": ADA}));
    let mut admin = connect("it_queue_gone_project", "postgres");
    admin.run("UPDATE neon_auth_admin.queued_calls SET in_doubt = true");
    run(&mut session);
    assert_eq!(states(&mut session), "1 waiting P0002");
}

/// A session that is cancelled, or ended in an orderly way, says before that what it knows.
#[test]
fn an_interrupted_delivery_leaves_word() {
    let cases = [
        ("pg_cancel_backend", "it_queue_cancelled"),
        ("pg_terminate_backend", "it_queue_ended"),
    ];
    for (end, database) in cases {
        let queue = Queue::new(
            database,
            &format!("fault-slow-3000-x1--{}", database.replace('_', "-")),
        );
        let mut session = queue.session();
        let backend = Backend::of(&mut session);
        enqueue(
            &mut session,
            "create_user",
            &json!({"email": "ada@example.com"}),
        );
        thread::scope(|scope| {
            let call = scope.spawn(|| session.batch_execute("CALL neon_auth_admin.run_queue()"));
            let mut admin = backend.wait_for("NeonAuthAdminQueueReceive");
            wait_for("the request", || queue.requests().len() == 1);
            // Nothing is open meanwhile that anybody could wait for.
            let open = format!(
                "SELECT backend_xmin IS NULL AND backend_xid IS NULL FROM pg_stat_activity WHERE pid = {}",
                backend.pid
            );
            wait_until(&mut admin, "no snapshot is held", &open);
            let seen = "SELECT state || attempts FROM neon_auth_admin.queue";
            assert_eq!(
                one(&mut queue.session(), seen).get::<_, &str>(0),
                "sending1"
            );
            admin.run(&format!("SELECT {end}({})", backend.pid));
            call.join().expect("no panic").expect_err("it was ended");
            if end == "pg_terminate_backend" {
                backend.wait_until_gone();
            }
        });
        let mut other = queue.session();
        assert_eq!(states(&mut other), "1 waiting NA003");
        queue.hasten();
        run(&mut other);
        assert_eq!(states(&mut other), "1 done");
        assert_eq!(queue.requests().last().unwrap(), "POST ada@example.com 409");
    }
}

/// Whoever delivers next needs no third process to come, which would get the place of the one that is gone.
#[test]
fn a_session_that_is_ended_leaves_its_place() {
    let queue = Queue::new("it_queue_place", "fault-slow-3000-x1--queue-place");
    let mut session = queue.session();
    let mut other = queue.session();
    let mut admin = connect(&queue.database.name, "postgres");
    let backend = Backend::of(&mut session);
    let user = json!({"email": "ada@example.com"});
    enqueue(&mut session, "create_user", &user);
    thread::scope(|scope| {
        let call = scope.spawn(|| session.batch_execute("CALL neon_auth_admin.run_queue()"));
        wait_for("the request", || queue.requests().len() == 1);
        admin.run(&format!("SELECT pg_terminate_backend({})", backend.pid));
        call.join().expect("no panic").expect_err("it was ended");
        backend.wait_until_gone();
    });
    admin.run("UPDATE neon_auth_admin.queued_calls SET next_attempt_at = now()");
    run(&mut other);
    assert_eq!(states(&mut other), "1 done");
}

/// What a session was sending that is gone is taken up by the next, later each time, and not for ever.
#[test]
fn an_orphan_is_taken_up_three_times() {
    let queue = Queue::new("it_queue_orphan", "test-queue-orphan");
    let mut session = queue.session();
    let mut admin = connect("it_queue_orphan", "postgres");
    enqueue(
        &mut session,
        "create_user",
        &json!({"email": "ada@example.com"}),
    );
    const LOSE: &str = "UPDATE neon_auth_admin.queued_calls
        SET state = 'sending', attempts = attempts + 1, next_attempt_at = NULL";
    for least in [2, 50] {
        admin.run(LOSE);
        run(&mut session);
        assert_eq!(states(&mut session), "1 waiting NA003");
        let waits = format!(
            "SELECT next_attempt_at > now() + interval '{least} s' FROM neon_auth_admin.queue"
        );
        assert!(one(&mut session, &waits).get::<_, bool>(0), "{least} s");
    }
    admin.run(LOSE);
    run(&mut session);
    assert_eq!(states(&mut session), "1 failed NA011");
    assert!(queue.requests().is_empty());
    session.run("SELECT neon_auth_admin.retry_queued(1)");
    run(&mut session);
    assert_eq!(states(&mut session), "1 done");
    let attempts = "SELECT attempts FROM neon_auth_admin.queue";
    assert_eq!(
        one(&mut session, attempts).get::<_, i32>(0),
        4,
        "they only grow"
    );
}
