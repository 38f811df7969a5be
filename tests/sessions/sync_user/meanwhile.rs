//! What others do to rows and their table while ids are to be stored: they keep no other call from being made, and
//! nobody from ending a delivery.

use std::thread;
use std::time::{Duration, Instant};

use super::{Synced, TABLE, calls, slow_down, trigger_on, wait_for_linked, words};
use crate::backend::Backend;
use crate::queue::worker::wait_until_no_worker;
use crate::support::{Statements, connect, one, wait_for, wait_until};

/// Who has locked many rows holds up no other.
#[test]
fn locked_rows_are_in_nobodys_way() {
    const LOCKED: usize = 30;
    let synced = Synced::new("it_sync_crowd", "test-sync-crowd");
    let (mut session, mut other) = (synced.session(), synced.session());
    session.run(&format!(
        "INSERT INTO customers (email) SELECT 'u' || n || '@example.com' FROM generate_series(1, {LOCKED}) AS n"
    ));
    other.run("BEGIN; UPDATE customers SET note = 'long'");
    session.run("INSERT INTO customers (email) VALUES ('ada@example.com')");
    let started = Instant::now();
    let is_linked = "SELECT EXISTS (SELECT FROM customers WHERE auth_user_id IS NOT NULL)";
    while !one(&mut session, is_linked).get::<_, bool>(0) {
        session.run("CALL neon_auth_admin.run_queue()");
    }
    let took = started.elapsed();
    println!("behind {LOCKED} locked rows: {took:.1?}");
    assert!(took < Duration::from_secs(10), "{took:?}");
    // What waits for long is looked at less and less often.
    synced.admin().run(
        "UPDATE neon_auth_admin.queued_calls SET failing_since = now() - interval '1 hour' WHERE state = 'waiting'",
    );
    synced.hasten();
    session.run("CALL neon_auth_admin.run_queue()");
    let far = "SELECT count(*) > 0 FROM neon_auth_admin.queue WHERE next_attempt_at > now() + interval '30 s'";
    assert!(one(&mut session, far).get::<_, bool>(0));
    other.run("COMMIT");
    synced.deliver();
    wait_for_linked(&mut session, (LOCKED as i64 + 1, 0));
}

/// What the table runs may take its time, and the delivery can be cancelled in the midst of it.
#[test]
fn a_slow_trigger_is_cancelled() {
    const ROWS: usize = 6;
    let synced = Synced::new("it_sync_slow", "test-sync-slow");
    let mut session = synced.session();
    slow_down(&mut session, "600");
    session.run(&format!(
        "INSERT INTO customers (email) SELECT 'u' || n || '@example.com' FROM generate_series(1, {ROWS}) AS n"
    ));
    let mut delivery = synced.session();
    let pid = Backend::of(&mut delivery).pid;
    let error = thread::scope(|scope| {
        let call = scope.spawn(|| delivery.batch_execute("CALL neon_auth_admin.run_queue()"));
        let sleeps =
            format!("SELECT wait_event = 'PgSleep' FROM pg_stat_activity WHERE pid = {pid}");
        let mut admin = synced.admin();
        wait_until(
            &mut admin,
            "the trigger",
            &format!("SELECT coalesce(({sleeps}), false)"),
        );
        one(&mut admin, &format!("SELECT pg_cancel_backend({pid})"));
        let started = Instant::now();
        let ended = call.join().expect("no panic");
        assert!(started.elapsed() < Duration::from_secs(10));
        ended.expect_err("cancelled")
    });
    assert_eq!(
        error.code(),
        Some(&postgres::error::SqlState::QUERY_CANCELED),
        "{error}"
    );
    session.run("DROP TRIGGER slow ON customers");
    synced.deliver();
    let rows = i64::try_from(ROWS).expect("few");
    wait_for_linked(&mut session, (rows, 0));
}

/// Who has locked the table holds up its own calls alone, all at once.
#[test]
fn a_locked_table_is_in_nobodys_way() {
    const ROWS: usize = 50;
    let synced = Synced::new("it_sync_table", "test-sync-table");
    let (mut session, mut other) = (synced.session(), synced.session());
    session.run(&format!(
        "INSERT INTO customers (email) SELECT 'u' || n || '@example.com' FROM generate_series(1, {ROWS}) AS n"
    ));
    other.run("BEGIN; LOCK TABLE customers");
    session
        .run("SELECT neon_auth_admin.enqueue('create_user', '{\"email\": \"ada@example.com\"}')");
    session.run("CALL neon_auth_admin.run_queue()");
    let states = "SELECT string_agg(DISTINCT concat_ws(' ', state, sqlstate, message), ', '),
                      count(DISTINCT next_attempt_at) FROM neon_auth_admin.queue";
    let row = one(&mut session, states);
    assert_eq!(
        row.get::<_, String>(0),
        "done, waiting NA007 public.customers is locked"
    );
    assert_eq!(row.get::<_, i64>(1), 1, "put off together");
    other.run("COMMIT");
    synced.deliver();
    let rows = i64::try_from(ROWS).expect("few");
    wait_for_linked(&mut session, (rows, 0));
}

/// A trigger that ends the process that stores the id does so three times at most.
#[test]
fn what_ends_the_process_is_given_up() {
    let synced = Synced::new("it_sync_ends", "test-sync-ends");
    let mut session = synced.session();
    session.run(
        "CREATE FUNCTION ends() RETURNS trigger LANGUAGE plpgsql AS
             'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(600); RETURN NEW; END';
         CREATE TRIGGER ends BEFORE UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION ends();
         INSERT INTO customers (email) VALUES ('ada@example.com')",
    );
    let mut admin = synced.admin();
    for ends in 1..=3 {
        let mut delivery = synced.session();
        let ended = delivery.batch_execute("CALL neon_auth_admin.run_queue()");
        ended.expect_err("the session is ended");
        // What it has held is free in a moment.
        wait_for("another delivery", || {
            session.run("CALL neon_auth_admin.run_queue('1 us')");
            let crashes = "SELECT crashes FROM neon_auth_admin.queued_calls";
            one(&mut admin, crashes).get::<_, i32>(0) == ends
        });
        synced.hasten();
    }
    session.run(
        "INSERT INTO customers (email) VALUES ('eve@example.com'); DROP TRIGGER ends ON customers",
    );
    session.run("CALL neon_auth_admin.run_queue()");
    assert_eq!(
        calls(&mut session),
        "create_user failed NA011, create_user done"
    );
    assert!(
        words(&mut session).contains("ended 3 times"),
        "{}",
        words(&mut session)
    );
    // Nothing is lost.
    session.run("SELECT neon_auth_admin.retry_queued(1)");
    synced.deliver();
    wait_for_linked(&mut session, (2, 0));
}

/// What the table runs may release what the delivery holds: it is held again.
#[test]
fn the_lock_of_a_delivery_is_held_again() {
    let synced = Synced::new("it_sync_unlock", "test-sync-unlock");
    let mut session = synced.session();
    session.run(
        "CREATE FUNCTION unlocks() RETURNS trigger LANGUAGE plpgsql AS
             'BEGIN
                  SELECT count(*) INTO NEW.note FROM pg_locks WHERE locktype = ''userlock'' AND pid = pg_backend_pid();
                  PERFORM pg_advisory_unlock_all(); RETURN NEW;
              END';
         CREATE TRIGGER unlocks BEFORE UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION unlocks();
         INSERT INTO customers (email) VALUES ('ada@example.com'), ('eve@example.com'), ('max@example.com')",
    );
    session.run("CALL neon_auth_admin.run_queue()");
    wait_for_linked(&mut session, (3, 0));
    let held = "SELECT string_agg(note, ' ') FROM customers";
    assert_eq!(one(&mut session, held).get::<_, &str>(0), "1 1 1");
}

/// However many rows there are to be written, what is asked for is done meanwhile, and in time.
#[test]
fn many_rows_leave_time_for_others() {
    const ROWS: usize = 400;
    let synced = Synced::new("it_sync_slowly", "test-sync-slowly");
    let mut session = synced.session();
    slow_down(&mut session, "0.05");
    session.run(&format!(
        "INSERT INTO customers (email) SELECT 'u' || n || '@example.com' FROM generate_series(1, {ROWS}) AS n"
    ));
    synced.admin().run(
        "UPDATE neon_auth_admin.queued_calls SET result = jsonb_build_object('id', gen_random_uuid())",
    );
    session.run(
        "SELECT neon_auth_admin.enqueue('add_domain', '{\"domain\": \"https://example.com\"}')",
    );
    let started = Instant::now();
    session.run("CALL neon_auth_admin.run_queue('1 s')");
    let took = started.elapsed();
    println!("run_queue('1 s') with {ROWS} slow rows: {took:.1?}");
    assert!(took < Duration::from_secs(10), "{took:?}");
    let states = "SELECT count(*) FILTER (WHERE operation = 'add_domain' AND state = 'done'),
                      count(*) FILTER (WHERE state = 'waiting') > 0 FROM neon_auth_admin.queue";
    let row = one(&mut session, states);
    assert_eq!((row.get::<_, i64>(0), row.get::<_, bool>(1)), (1, true));
}

/// Whoever delivers passes over the call of a row whose key is being changed, and comes back for it.
#[test]
fn a_key_that_changes_is_waited_for() {
    let name = "it_sync_key_hand";
    let synced = Synced::with_worker(name, "test-sync-key-hand");
    let (mut session, mut other) = (synced.session(), synced.session());
    session.run(&format!("{TABLE}; {}", trigger_on("customers")));
    connect("postgres", "postgres").run(&format!(
        "ALTER ROLE {name} SET neon_auth_admin.queue_linger = 0"
    ));
    session.run("SET neon_auth_admin.queue_linger = -1");
    session.run("INSERT INTO customers (email) VALUES ('ada@example.com')");
    other.run("BEGIN; UPDATE customers SET id = id + 100");
    session.run("RESET neon_auth_admin.queue_linger");
    session
        .run("SELECT neon_auth_admin.enqueue('create_user', '{\"email\": \"bob@example.com\"}')");
    let is_done = "SELECT count(*) = 1 FROM neon_auth_admin.queue WHERE state = 'done'";
    wait_until(&mut session, "the other is made", is_done);
    wait_until_no_worker(name);
    other.run("COMMIT");
    wait_for_linked(&mut session, (1, 0));
}
