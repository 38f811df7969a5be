//! The worker: it starts at COMMIT, delivers, waits for more and leaves; it is its role's, and nobody else's.

mod acting;
mod leaving;
mod prepared;
mod stress;

use postgres::Client;
use postgres::error::SqlState;
use serde_json::json;

use super::{Queue, enqueue, states};
use crate::backend::Backend;
use crate::support::{Statements, connect, one, wait_for, wait_until};

/// The process ids of a database's workers.
pub fn workers(database: &str) -> Vec<i32> {
    let mut admin = connect("postgres", "postgres");
    let query = "SELECT pid FROM pg_stat_activity
                 WHERE backend_type = 'neon_auth_admin worker' AND datname = $1";
    let rows = admin.query(query, &[&database]).expect("asked");
    rows.iter().map(|row| row.get(0)).collect()
}

pub fn wait_until_no_worker(database: &str) {
    wait_for("the worker leaves", || workers(database).is_empty());
}

/// A user whom nobody has created yet.
pub fn create(session: &mut Client, address: &str) -> i64 {
    enqueue(session, "create_user", &json!({ "email": address }))
}

pub fn wait_until_done(session: &mut Client) {
    let none = "SELECT NOT EXISTS (SELECT FROM neon_auth_admin.queue WHERE state IN ('waiting', 'sending'))";
    wait_until(session, "all calls end", none);
}

#[test]
fn it_delivers_what_is_committed_and_leaves() {
    let queue = Queue::with_worker("it_worker", "test-worker");
    let mut session = queue.session();
    let own = Backend::of(&mut session);
    session.run("CREATE TABLE numbers (n int UNIQUE DEFERRABLE INITIALLY DEFERRED)");
    session.run("BEGIN");
    create(&mut session, "ada@example.com");
    session.run("ROLLBACK; BEGIN");
    create(&mut session, "ada@example.com");
    let failed = "INSERT INTO numbers VALUES (1), (1); COMMIT";
    session.refused(failed, &SqlState::UNIQUE_VIOLATION);
    session.run("BEGIN; SAVEPOINT one");
    create(&mut session, "ada@example.com");
    session.run("ROLLBACK TO one");
    create(&mut session, "bob@example.com");
    assert!(workers("it_worker").is_empty());
    session.run("COMMIT");
    wait_until_done(&mut session);
    assert_eq!(states(&mut session), "4 done");
    assert_eq!(queue.requests(), ["POST bob@example.com 201"]);
    let pids = workers("it_worker");
    assert_eq!(pids.len(), 1, "it lingers");
    let shown = "SELECT usename || ' ' || application_name || ' ' || query FROM pg_stat_activity WHERE pid = ";
    assert_eq!(
        one(&mut session, &format!("{shown}{}", pids[0])).get::<_, String>(0),
        "it_worker neon_auth_admin worker delivering queued calls"
    );
    create(&mut session, "cy@example.com");
    wait_until_done(&mut session);
    assert_eq!(workers("it_worker"), pids, "the same");
    wait_until_no_worker("it_worker");
    create(&mut session, "dan@example.com");
    wait_until_done(&mut session);
    // From this session's beginning on, which is before the worker's.
    let pid = pids[0];
    let log = Backend { pid, ..own }.log();
    let bad = log.iter().find(|line| {
        ["WARNING", "ERROR", "FATAL"]
            .iter()
            .any(|level| line.contains(level))
    });
    assert_eq!(bad, None);
}

/// Whoever has passed over a call that somebody had in hand, and left, comes back for it.
#[test]
fn what_was_in_hand_is_made_after_a_rollback() {
    let name = "it_worker_hand";
    let queue = Queue::with_worker(name, "test-worker-hand");
    connect("postgres", "postgres")
        .run("ALTER ROLE it_worker_hand SET neon_auth_admin.queue_linger = 0");
    let (mut session, mut other) = (queue.session(), queue.session());
    session.run("SET neon_auth_admin.queue_linger = -1");
    let id = create(&mut session, "ada@example.com");
    other.run(&format!(
        "BEGIN; SELECT neon_auth_admin.cancel_queued({id})"
    ));
    session.run("RESET neon_auth_admin.queue_linger");
    create(&mut session, "bob@example.com");
    let is_done = "SELECT count(*) = 1 FROM neon_auth_admin.queue WHERE state = 'done'";
    wait_until(&mut session, "the other is made", is_done);
    wait_until_no_worker(name);
    other.run("ROLLBACK");
    wait_until_done(&mut session);
    let made = ["POST bob@example.com 201", "POST ada@example.com 201"];
    assert_eq!(queue.requests(), made);
}
