//! wait_for_user: what it sees of other sessions, how it ends, and that it is in nobody's way.

use std::thread;
use std::time::{Duration, Instant};

use neon_simulator::{Options, Simulator};
use postgres::error::SqlState;
use postgres::{Client, Row};

use crate::backend::Backend;
use crate::support::{Database, Statements, connect, one, sqlstate, variable, wait_until};

/// Longer than any machine needs, shorter than any of the waits.
const PATIENCE: Duration = Duration::from_secs(5);

const ID: &str = "5d3f0f5c-6f0e-4b7e-9d5b-0a9f5a3d1c77";

/// The layouts: the statements that make the table, and the one that brings the user.
struct Layout {
    database: &'static str,
    table: &'static str,
    bring: &'static str,
}

const USERS_SYNC: Layout = Layout {
    database: "it_wait_users_sync",
    table: "CREATE SCHEMA neon_auth;
        CREATE TABLE neon_auth.users_sync (
            raw_json jsonb NOT NULL,
            id text GENERATED ALWAYS AS (raw_json ->> 'id') STORED PRIMARY KEY,
            name text GENERATED ALWAYS AS (raw_json ->> 'display_name') STORED,
            email text GENERATED ALWAYS AS (raw_json ->> 'primary_email') STORED,
            created_at timestamptz GENERATED ALWAYS AS (to_timestamp(
                (raw_json ->> 'signed_up_at_millis')::bigint / 1000)) STORED,
            updated_at timestamptz,
            deleted_at timestamptz)",
    bring: "INSERT INTO neon_auth.users_sync (raw_json) VALUES (
        '{\"id\": \"5d3f0f5c-6f0e-4b7e-9d5b-0a9f5a3d1c77\", \"primary_email\": \"ada@example.com\"}')",
};

const USER: Layout = Layout {
    database: "it_wait_user",
    table: "CREATE SCHEMA neon_auth;
        CREATE TABLE neon_auth.\"user\" (
            id uuid PRIMARY KEY, name text, email text, role text,
            \"createdAt\" timestamptz, \"updatedAt\" timestamptz)",
    bring: "INSERT INTO neon_auth.\"user\" (id, email) VALUES (
        '5d3f0f5c-6f0e-4b7e-9d5b-0a9f5a3d1c77', 'ada@example.com')",
};

fn wait_for(id: &str, timeout: &str) -> String {
    format!("SELECT id, email FROM neon_auth_admin.wait_for_user('{id}', '{timeout}')")
}

/// A database with that table, of that name.
fn database(name: &str, layout: &Layout) -> Database {
    let database = Database::new(name);
    let mut owner = database.session();
    owner.run(layout.table);
    database
}

/// Calls wait_for_user in `session`, does `meanwhile` once that waits, and returns how the call ended
/// and how long after the end of `meanwhile`.
fn during_a_wait(
    session: &mut Client,
    meanwhile: impl FnOnce(i32),
) -> (Result<Row, postgres::Error>, Duration) {
    let pid = Backend::of(session).pid;
    thread::scope(|scope| {
        let call = scope.spawn(|| {
            let result = session.query_one(&wait_for(ID, "60 s"), &[]);
            (result, Instant::now())
        });
        // 17 and later name the wait; before, all extensions wait alike.
        let waits = format!(
            "SELECT count(*) = 1 FROM pg_stat_activity \
             WHERE pid = {pid} AND wait_event_type = 'Extension'"
        );
        let mut admin = connect("postgres", "postgres");
        wait_until(&mut admin, "the backend waits", &waits);
        meanwhile(pid);
        let done = Instant::now();
        let (result, ended) = call.join().expect("no panic");
        (result, ended.saturating_duration_since(done))
    })
}

#[test]
fn a_user_is_returned_once_another_session_commits_it() {
    for layout in [USERS_SYNC, USER] {
        let database = database(layout.database, &layout);
        let (result, took) = during_a_wait(&mut database.session(), |_| {
            let mut writer = database.session();
            writer.run(layout.bring);
        });
        let row = result.expect("found");
        assert_eq!(row.get::<_, &str>("id"), ID);
        assert_eq!(row.get::<_, &str>("email"), "ada@example.com");
        println!("{}: returned {took:.1?} after the commit", layout.database);
        assert!(took < PATIENCE, "{took:?}");
    }
}

#[test]
fn a_table_that_comes_later_is_waited_for() {
    let database = Database::new("it_wait_no_table");
    let (result, took) = during_a_wait(&mut database.session(), |_| {
        let mut writer = database.session();
        writer.run(USERS_SYNC.table);
        writer.run(USERS_SYNC.bring);
    });
    assert_eq!(result.expect("found").get::<_, &str>("id"), ID);
    assert!(took < PATIENCE, "{took:?}");

    // When the time is up, the missing table is what is wrong.
    let other = Database::new("it_wait_never_a_table");
    other
        .session()
        .refused(&wait_for(ID, "50 ms"), &SqlState::UNDEFINED_TABLE);
}

#[test]
fn a_wait_is_not_in_the_way_of_who_changes_the_table() {
    let database = database("it_wait_alter", &USERS_SYNC);
    let (result, _) = during_a_wait(&mut database.session(), |_| {
        let mut writer = database.session();
        writer.run("SET lock_timeout = '5s'; ALTER TABLE neon_auth.users_sync ADD extra text");
        writer.run(USERS_SYNC.bring);
    });
    result.expect("found");
}

#[test]
fn a_wait_ends_in_time_whoever_holds_the_table() {
    let database = database("it_wait_time", &USERS_SYNC);
    let mut session = database.session();
    session.run("SET statement_timeout = '20s'");
    let mut holder = database.session();
    let locks = [("ACCESS SHARE", "P0002"), ("ACCESS EXCLUSIVE", "NA007")];
    for (lock, state) in locks {
        let hold = format!("BEGIN; LOCK TABLE neon_auth.users_sync IN {lock} MODE");
        holder.run(&hold);
        let started = Instant::now();
        session.refused(&wait_for(ID, "300 ms"), &SqlState::from_code(state));
        let took = started.elapsed();
        holder.batch_execute("ROLLBACK").expect("released");
        println!("a wait of 300 ms with {lock} held elsewhere: {took:.1?}");
        assert!(took >= Duration::from_millis(300), "{lock}: {took:?}");
        assert!(took < PATIENCE, "{lock}: {took:?}");
    }
}

#[test]
fn a_wait_looks_now_and_then() {
    let database = database("it_wait_looks", &USERS_SYNC);
    let url = variable("NEON_SIMULATOR_URL");
    database.add_server("neon", "fault-silent--looks", &url, ", timeout '1ms'");
    let mut session = database.session();
    // A call has a time of its own, which must not be that of a later wait.
    session
        .query("SELECT * FROM neon_auth_admin.list_domains()", &[])
        .expect_err("no time at all");
    session.run("BEGIN; SAVEPOINT s");
    session
        .query(&wait_for(ID, "1 s"), &[])
        .expect_err("nobody");
    session.batch_execute("ROLLBACK TO s").expect("undone");
    let looks: i64 = one(
        &mut session,
        "SELECT seq_scan + idx_scan FROM pg_stat_xact_user_tables WHERE relname = 'users_sync'",
    )
    .get(0);
    println!("looks in a second: {looks}");
    // After 0, 10, 30, 70 and 150 ms, then each 100 ms, and at the end: no machine is faster.
    assert!((2..=14).contains(&looks), "{looks}");
}

#[test]
fn a_wait_can_be_cancelled_and_terminated() {
    let database = database("it_wait_interrupts", &USERS_SYNC);
    let mut admin = connect("postgres", "postgres");
    for (function, expected) in [
        ("pg_cancel_backend", SqlState::QUERY_CANCELED),
        ("pg_terminate_backend", SqlState::ADMIN_SHUTDOWN),
    ] {
        let mut session = database.session();
        let (result, took) = during_a_wait(&mut session, |pid| {
            one(&mut admin, &format!("SELECT {function}({pid})"));
        });
        let error = result.expect_err("interrupted");
        // The driver may see the end of the connection before it reads why.
        let code = error.code().unwrap_or(&SqlState::ADMIN_SHUTDOWN);
        assert_eq!(*code, expected);
        println!("{function} while it waits: {took:.1?}");
        assert!(took < PATIENCE, "{function}: {took:?}");
        if expected == SqlState::QUERY_CANCELED {
            let number = one(&mut session, "SELECT 1");
            assert_eq!(number.get::<_, i32>(0), 1, "the session works afterwards");
        }
    }
}

#[test]
fn statement_timeout_counts() {
    let database = database("it_wait_statement_timeout", &USERS_SYNC);
    let mut session = database.session();
    session.run("SET statement_timeout = '200ms'");
    let started = Instant::now();
    session.refused(&wait_for(ID, "60 s"), &SqlState::QUERY_CANCELED);
    assert!(started.elapsed() < PATIENCE, "{:?}", started.elapsed());
}

/// With everything logged, Postgres looks for interrupts at the beginning and the end of each
/// subtransaction.
#[test]
fn an_interrupt_between_look_and_wait_ends_the_statement_alone() {
    let database = database("it_wait_interrupted", &USERS_SYNC);
    let mut session = database.session();
    let wait = session.prepare(&wait_for(ID, "60 s")).expect("prepared");
    session.run("SET statement_timeout = '2ms'");
    for _ in 0..1000 {
        let error = session.query(&wait, &[]).expect_err("cancelled");
        assert_eq!(sqlstate(&error), SqlState::QUERY_CANCELED, "{error:?}");
    }
}

#[test]
fn an_error_while_it_waits_leaves_the_transaction_whole() {
    let database = database("it_wait_error", &USERS_SYNC);
    let mut admin = connect(&database.name, "postgres");
    admin.run(
        "CREATE ROLE it_wait_reader LOGIN;
         GRANT USAGE ON SCHEMA neon_auth_admin, neon_auth TO it_wait_reader;
         GRANT EXECUTE ON FUNCTION neon_auth_admin.wait_for_user TO it_wait_reader;
         GRANT SELECT ON neon_auth.users_sync TO it_wait_reader",
    );
    let mut session = connect(&database.name, "it_wait_reader");
    session.run("BEGIN; CREATE TEMP TABLE kept AS SELECT 1 AS n; SAVEPOINT s");
    let (result, took) = during_a_wait(&mut session, |_| {
        admin.run("REVOKE SELECT ON neon_auth.users_sync FROM it_wait_reader");
    });
    let error = result.expect_err("no right any more");
    assert_eq!(sqlstate(&error), SqlState::INSUFFICIENT_PRIVILEGE);
    assert!(took < PATIENCE, "{took:?}");
    session.run("ROLLBACK TO s; INSERT INTO kept VALUES (2); COMMIT");
    let kept = one(&mut session, "SELECT count(*) FROM kept");
    assert_eq!(kept.get::<_, i64>(0), 2);
}

#[test]
fn a_fixed_snapshot_is_refused_at_once() {
    let database = database("it_wait_snapshot", &USERS_SYNC);
    let mut session = database.session();
    session.run("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1");
    let mut writer = database.session();
    writer.run(USERS_SYNC.bring);
    session.refused(&wait_for(ID, "60 s"), &SqlState::ACTIVE_SQL_TRANSACTION);
    session.batch_execute("ROLLBACK").expect("ended");
    session
        .query_one(&wait_for(ID, "0"), &[])
        .expect("in a new one it is there");
}

#[test]
fn a_user_is_created_and_waited_for_in_one_transaction() {
    create_and_wait("it_wait_project", "", "users_sync");
    create_and_wait("it_wait_branch", ", branch_id 'br-a'", "user");
}

/// At one level of the API, with a delay in which anybody can look; the user arrives in this table.
fn create_and_wait(database: &str, options: &str, table: &str) {
    let database = Database::new(database);
    let (host, port) = (variable("PGHOST"), variable("PGPORT"));
    let name = &database.name;
    let simulator = Simulator::start(Options {
        api_keys: vec![variable("NEON_API_KEY")],
        database_url: Some(format!("host={host} port={port} user={name} dbname={name}")),
        sync_delay: Duration::from_secs(2),
        ..Options::default()
    })
    .expect("the simulator starts");
    database.add_server("neon", "test-wait", simulator.url(), options);
    let mut session = database.session();
    let mut transaction = session.transaction().expect("begun");
    let created = transaction
        .query_one(
            "SELECT id FROM neon_auth_admin.create_user('ada@example.com', 'Ada')",
            &[],
        )
        .expect("created");
    let id: &str = created.get("id");
    let early = "SELECT count(*) FROM neon_auth_admin.list_users()";
    let listed = transaction.query_one(early, &[]).expect("listed");
    assert_eq!(listed.get::<_, i64>(0), 0, "Neon brings it later");
    let started = Instant::now();
    let arrived = transaction
        .query_one(&wait_for(id, "20 s"), &[])
        .expect("arrived");
    println!("a user arrived {:.1?} later", started.elapsed());
    assert_eq!(arrived.get::<_, &str>("id"), id);
    assert_eq!(arrived.get::<_, &str>("email"), "ada@example.com");
    let count = format!(r#"SELECT count(*) FROM neon_auth."{table}""#);
    let rows = transaction.query_one(&count, &[]).expect("counted");
    assert_eq!(rows.get::<_, i64>(0), 1, "{table}");
    transaction.commit().expect("committed");
}
