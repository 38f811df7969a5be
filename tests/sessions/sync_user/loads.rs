//! Statements with so many rows that their calls are new at first: only the index of ids knows of them until somebody
//! delivers, or looks for one of them.

use std::thread;

use postgres::Client;
use postgres::error::SqlState;

use super::{Synced, calls, count, trigger_on, wait_for_linked};
use crate::backend::Backend;
use crate::queue::worker::{wait_until_done, wait_until_no_worker};
use crate::support::{Statements, connect, one, wait_until};

/// All but the first hundred are new.
const ROWS: &str = "INSERT INTO customers (email)
    SELECT 'u' || n || '@example.com' FROM generate_series(1, 280) AS n";

/// Those of a table that wait are made new, whatever they were, behind the first of them.
pub fn make_new(synced: &Synced) {
    synced.admin().run(
        "WITH these AS (
             SELECT id FROM neon_auth_admin.queued_calls
             WHERE state = 'waiting' AND operation = 'create_user' AND of_table IS NOT NULL AND attempts = 0
                AND NOT held AND NOT is_new AND new_until IS NULL
             FOR UPDATE
         ), bounds AS (SELECT min(id) AS first, max(id) AS last FROM these)
         UPDATE neon_auth_admin.queued_calls AS q
         SET is_new = id > first, next_attempt_at = CASE WHEN id > first THEN NULL ELSE next_attempt_at END,
             new_until = CASE WHEN id = first THEN last END
         FROM bounds WHERE id IN (SELECT id FROM these)",
    );
}

fn new(synced: &Synced) -> i64 {
    let query = "SELECT count(*) FROM neon_auth_admin.queued_calls WHERE is_new";
    one(&mut synced.admin(), query).get(0)
}

/// By the ledger.
fn made(synced: &Synced, project: &str) -> usize {
    let requests = synced.simulator.requests_of(project);
    let done = requests.iter().filter(|it| it.status == Some(201));
    done.count()
}

fn id_of(session: &mut Client, address: &str) -> i64 {
    let query =
        format!("SELECT id FROM neon_auth_admin.queue WHERE arguments ->> 'email' = '{address}'");
    one(session, &query).get(0)
}

fn state_of(session: &mut Client, id: i64) -> String {
    let query = format!("SELECT state FROM neon_auth_admin.queue WHERE id = {id}");
    one(session, &query).get(0)
}

/// Whoever looks at one sees a call that waits, and can do with it what can be done with any.
#[test]
fn they_are_calls_as_any() {
    let synced = Synced::new("it_sync_loads", "test-sync-loads");
    let mut session = synced.session();
    session.run(ROWS);
    assert!(new(&synced) > 100);
    assert_eq!(count(&mut session, "state = 'waiting'"), 280);
    let check = "SELECT detail FROM neon_auth_admin.check_connection() WHERE step = 'queue'";
    let detail: String = one(&mut session, check).get(0);
    assert!(detail.starts_with("280 waiting, 0 failed"), "{detail}");
    let id = id_of(&mut session, "u200@example.com");
    let wait = format!("SELECT neon_auth_admin.wait_for_queued({id}, '10 ms')");
    session.refused(&wait, &SqlState::NO_DATA_FOUND);
    session.run(&format!("SELECT neon_auth_admin.cancel_queued({id})"));
    session.run(&format!("SELECT neon_auth_admin.retry_queued({})", id + 1));
    session.run("CALL neon_auth_admin.run_queue()");
    assert_eq!(new(&synced), 0);
    assert_eq!(state_of(&mut session, id), "cancelled");
    session.run(&format!("SELECT neon_auth_admin.retry_queued({id})"));
    synced.deliver();
    wait_for_linked(&mut session, (280, 0));
    assert_eq!(made(&synced, "test-sync-loads"), 280);
}

/// A worker makes them, and none that is rolled back.
#[test]
fn a_worker_makes_them() {
    let synced = Synced::with_worker("it_sync_loads_worker", "test-sync-loads-worker");
    let mut session = synced.session();
    session.run(&format!("{}; {}", super::TABLE, trigger_on("customers")));
    session.run("BEGIN");
    session.run(ROWS);
    session.run("SAVEPOINT s");
    session.run(&ROWS.replace("'u'", "'v'"));
    session.run("ROLLBACK TO s; COMMIT");
    wait_until_done(&mut session);
    wait_for_linked(&mut session, (280, 0));
    session.run("BEGIN");
    session.run(&ROWS.replace("'u'", "'w'"));
    session.run("PREPARE TRANSACTION 'load'");
    session.run("COMMIT PREPARED 'load'");
    let none = "SELECT count(*) FROM customers WHERE auth_user_id IS NULL";
    wait_until(
        &mut session,
        "all have ids",
        &format!("SELECT ({none}) = 0"),
    );
    assert_eq!(made(&synced, "test-sync-loads-worker"), 560);
}

/// What is queued later for the same address is made later, whoever has the earlier one in hand; the others are not
/// kept.
#[test]
fn what_comes_later_is_made_later() {
    let synced = Synced::new("it_sync_loads_order", "test-sync-loads-order");
    let (mut session, mut other) = (synced.session(), synced.session());
    session.run(ROWS);
    let ids = ["u200@example.com", "u250@example.com"].map(|it| id_of(&mut session, it));
    for n in [200, 250] {
        session.run(&format!(
            "SELECT neon_auth_admin.enqueue('create_user', '{{\"email\": \"u{n}@example.com\", \"name\": \"Later\"}}')"
        ));
    }
    other.run("BEGIN");
    other.run(&format!("SELECT neon_auth_admin.retry_queued({})", ids[0]));
    other.run("DELETE FROM customers WHERE email = 'u250@example.com'");
    // What is done is removed at once, but not what others are found by.
    session.run("SET neon_auth_admin.queue_keep = 0");
    session.run("CALL neon_auth_admin.run_queue()");
    let left = "SELECT string_agg(state, ' ' ORDER BY id) FROM neon_auth_admin.queue WHERE state <> 'done'";
    assert_eq!(
        one(&mut session, left).get::<_, &str>(0),
        "waiting waiting waiting waiting"
    );
    wait_for_linked(&mut session, (278, 2));
    other.run("ROLLBACK");
    other.run("DELETE FROM customers WHERE email = 'u250@example.com'");
    session.run("RESET neon_auth_admin.queue_keep");
    synced.deliver();
    assert_eq!(state_of(&mut session, ids[0]), "done");
    assert_eq!(state_of(&mut session, ids[1]), "cancelled");
    wait_for_linked(&mut session, (279, 0));
    assert_eq!(new(&synced), 0);
}

/// A row that is deleted while somebody is about to deliver waits for that, and finds its call.
#[test]
fn a_row_finds_its_call_whoever_has_it() {
    let synced = Synced::new("it_sync_loads_found", "test-sync-loads-found");
    let mut session = synced.session();
    session.run(ROWS);
    let mut deliverer = synced.admin();
    deliverer.run(
        "BEGIN;
         UPDATE neon_auth_admin.queued_calls SET is_new = false, next_attempt_at = enqueued_at WHERE is_new",
    );
    let pid = Backend::of(&mut session).pid;
    thread::scope(|scope| {
        let deletion =
            scope.spawn(|| session.run("DELETE FROM customers WHERE email = 'u200@example.com'"));
        let mut admin = connect("postgres", "postgres");
        let waits = format!("SELECT cardinality(pg_blocking_pids({pid})) > 0");
        wait_until(&mut admin, "it waits", &waits);
        deliverer.run("COMMIT");
        deletion.join().expect("no panic");
    });
    assert_eq!(count(&mut session, "state = 'cancelled'"), 1);
    synced.deliver();
    wait_for_linked(&mut session, (279, 0));
}

/// Two transactions with many rows each are not in each other's way, nor in that of a delivery.
#[test]
fn many_rows_of_two_find_theirs() {
    let synced = Synced::new("it_sync_loads_two", "test-sync-loads-two");
    let (mut session, mut other) = (synced.session(), synced.session());
    session.run(ROWS);
    session.run("BEGIN; DELETE FROM customers WHERE id % 7 = 0");
    other.run("SET lock_timeout = '20s'; BEGIN; DELETE FROM customers WHERE id % 7 = 1");
    let mut third = synced.session();
    third.run("CALL neon_auth_admin.run_queue()");
    assert_eq!(count(&mut third, "state = 'done'"), 200);
    session.run("COMMIT");
    other.run("ROLLBACK");
    synced.deliver();
    wait_for_linked(&mut session, (240, 0));
    assert_eq!(count(&mut session, "state = 'cancelled'"), 40);
}

/// What two sessions queue at the same time has ids in between, and is counted once.
#[test]
fn none_is_counted_twice() {
    let synced = Synced::new("it_sync_loads_count", "test-sync-loads-count");
    let mut session = synced.session();
    session.run(ROWS);
    session.run(&ROWS.replace("'u'", "'v'"));
    // As if they had been written together.
    synced.admin().run(
        "UPDATE neon_auth_admin.queued_calls
         SET new_until = (SELECT max(id) FROM neon_auth_admin.queued_calls) WHERE new_until IS NOT NULL",
    );
    let check = "SELECT detail FROM neon_auth_admin.check_connection() WHERE step = 'queue'";
    let detail: String = one(&mut session, check).get(0);
    assert!(detail.starts_with("560 waiting, 0 failed"), "{detail}");
}

/// Many rows of a statement do not look through all calls again and again: the same transaction's or another's.
#[test]
fn many_rows_find_theirs() {
    let synced = Synced::new("it_sync_loads_many", "test-sync-loads-many");
    let mut session = synced.session();
    for between in ["", "COMMIT; BEGIN"] {
        session.run("BEGIN");
        session.run(&ROWS.replace("280", "5000"));
        session.run(between);
        session.run("UPDATE customers SET id = id + 100000 WHERE id % 2 = 0");
        session.run("DELETE FROM customers");
        session.run("COMMIT");
        assert_eq!(count(&mut session, "state = 'waiting'"), 0);
        assert_eq!(new(&synced), 0);
    }
    assert_eq!(count(&mut session, "state = 'cancelled'"), 10_000);
    synced.deliver();
    assert_eq!(
        synced.simulator.requests_of("test-sync-loads-many").len(),
        0
    );
}

/// Who has left since everything was in somebody's hands comes back when that is undone.
#[test]
fn what_was_in_hand_is_made_when_that_is_undone() {
    let synced = Synced::with_worker("it_sync_loads_hand", "test-sync-loads-hand");
    synced
        .admin()
        .run("ALTER ROLE it_sync_loads_hand SET neon_auth_admin.queue_linger = 0");
    let (mut session, mut other) = (synced.session(), synced.session());
    session.run(&format!("{}; {}", super::TABLE, trigger_on("customers")));
    session.run("SET neon_auth_admin.queue_linger = -1");
    session.run(ROWS);
    other.run("BEGIN; DELETE FROM customers WHERE email = 'u200@example.com'");
    session.run("RESET neon_auth_admin.queue_linger");
    session
        .run("SELECT neon_auth_admin.enqueue('create_user', '{\"email\": \"ada@example.com\"}')");
    let all_but_one =
        "SELECT count(*) = 1 FROM neon_auth_admin.queue WHERE state IN ('waiting', 'sending')";
    wait_until(&mut session, "all but one are made", all_but_one);
    wait_until_no_worker("it_sync_loads_hand");
    other.run("ROLLBACK");
    wait_until_done(&mut session);
    wait_for_linked(&mut session, (280, 0));
}

/// Queued elsewhere, they are put aside as any, and made when somebody wants that.
#[test]
fn those_of_elsewhere_are_put_aside() {
    let synced = Synced::new("it_sync_loads_copy", "test-sync-loads-copy");
    let mut session = synced.session();
    let elsewhere = "UPDATE neon_auth_admin.queued_calls SET origin = 'elsewhere'";
    session.run(ROWS);
    synced.admin().run(elsewhere);
    session.run("CALL neon_auth_admin.run_queue()");
    assert_eq!(calls(&mut session).matches("waiting NA009").count(), 280);
    // Also before anybody has looked at them.
    session.run(&ROWS.replace("'u'", "'v'"));
    synced.admin().run(elsewhere);
    assert!(new(&synced) > 100);
    assert!(
        synced
            .simulator
            .requests_of("test-sync-loads-copy")
            .is_empty()
    );
    let adopted = "SELECT neon_auth_admin.adopt_queued()";
    assert_eq!(one(&mut session, adopted).get::<_, i64>(0), 560);
    assert_eq!(new(&synced), 0);
    synced.deliver();
    wait_for_linked(&mut session, (560, 0));
}
