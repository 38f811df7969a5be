//! Reading users waits for locks of others within its time, and in nobody's way.

use std::thread;
use std::time::{Duration, Instant};

use crate::backend::Backend;
use crate::support::{Database, one, sqlstate, variable};

/// A view over a view over two tables, in the place of the table of users.
const VIEW: &str = "CREATE SCHEMA neon_auth;
    CREATE TABLE one (id text, name text, email text, created_at timestamptz,
        updated_at timestamptz, deleted_at timestamptz);
    CREATE TABLE two (LIKE one);
    INSERT INTO two (id, email) VALUES ('user-1', 'ada@example.com');
    CREATE VIEW inner_view AS SELECT * FROM one UNION ALL SELECT * FROM two;
    CREATE VIEW neon_auth.users_sync AS SELECT * FROM inner_view";

fn database(name: &str, timeout: &str) -> Database {
    let database = Database::new(name);
    database.session().batch_execute(VIEW).expect("a view");
    let options = format!(", timeout '{timeout}'");
    database.add_server(
        "neon",
        "test-queues",
        &variable("NEON_SIMULATOR_URL"),
        &options,
    );
    database
}

const LIST: &str = "SELECT email FROM neon_auth_admin.list_users(server => 'neon')";

#[test]
fn what_a_view_reads_is_waited_for_outside_of_the_queue() {
    let database = database("it_queues", "60s");
    let (mut holder, mut session) = (database.session(), database.session());
    holder
        .batch_execute("BEGIN; LOCK TABLE two IN ACCESS EXCLUSIVE MODE")
        .expect("locked");
    let backend = Backend::of(&mut session);
    thread::scope(|scope| {
        let call = scope.spawn(move || session.query_one(LIST, &[]).expect("listed"));
        let mut admin = backend.wait_for("NeonAuthAdminWaitForTable");
        let queue = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pid = ";
        let waiting = one(&mut admin, &format!("{queue}{}", backend.pid));
        assert_eq!(waiting.get::<_, i64>(0), 0);
        holder.batch_execute("ROLLBACK").expect("released");
        let row = call.join().expect("no panic");
        assert_eq!(row.get::<_, &str>(0), "ada@example.com");
    });
}

#[test]
fn all_that_is_waited_for_shares_one_time() {
    let database = database("it_queues_time", "6s");
    let (mut first, mut second) = (database.session(), database.session());
    let mut session = database.session();
    second
        .batch_execute("BEGIN; LOCK TABLE two IN ACCESS EXCLUSIVE MODE")
        .expect("locked");
    first
        .batch_execute("BEGIN; LOCK TABLE one IN ACCESS EXCLUSIVE MODE")
        .expect("locked");
    thread::scope(|scope| {
        let call = scope.spawn(move || {
            let started = Instant::now();
            let error = session.query(LIST, &[]).expect_err("locked");
            (sqlstate(&error), started.elapsed())
        });
        // Most of the time for the one; what is left is for the other.
        thread::sleep(Duration::from_millis(4500));
        first.batch_execute("ROLLBACK").expect("released");
        let (state, took) = call.join().expect("no panic");
        assert_eq!(state.code(), "NA007");
        println!("two locks within 6 s: {took:.1?}");
        assert!(took < Duration::from_secs(9), "{took:?}");
    });
}
