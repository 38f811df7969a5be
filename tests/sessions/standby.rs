//! A standby: readers work there, writers are refused, and replay does not wait for a call.

use std::thread;

use postgres::error::SqlState;
use postgres::{Client, NoTls};

use crate::backend::{Backend, gone};
use crate::functions::{Function, functions};
use crate::operations::operations;
use crate::phases::list;
use crate::support::{
    Database, Statements, arrived, config_of, connect, connect_to, one, set_api_key, sqlstate,
    variable, wait_for, wait_until,
};

const STANDBY: &str = "NEON_AUTH_ADMIN_STANDBY_DSN";

/// Waits until the standby has everything that has happened so far.
fn catch_up() {
    let now = "SELECT pg_current_wal_flush_lsn()::text";
    let now: String = one(&mut connect("postgres", "postgres"), now).get(0);
    let there = format!("SELECT pg_last_wal_replay_lsn() >= '{now}'");
    let mut standby = connect_to(STANDBY, "postgres", "postgres");
    wait_until(&mut standby, "the standby catches up", &there);
}

#[test]
#[ignore = "tests/run.sh starts the standby, and runs this, at its end"]
fn readers_work_and_writers_are_refused() {
    let database = Database::new("it_standby");
    let url = variable("NEON_SIMULATOR_URL");
    let (project, branch) = ("test-standby", "test-standby-branch");
    database.add_server("project", project, &url, "");
    database.add_server("branch", branch, &url, ", branch_id 'br-a'");
    catch_up();
    let mut session = connect_to(STANDBY, "it_standby", "it_standby");
    let functions = functions(&mut session);
    let (writers, readers): (Vec<_>, Vec<_>) = functions
        .iter()
        .filter(|it| it.name != "wait_for_queued")
        .partition(|it| it.writes || it.has("api_key") || it.is_of_the_queue());
    for (server, project, branch) in [("project", project, None), ("branch", branch, Some("br-a"))]
    {
        let mut config = config_of(STANDBY, "it_standby", "it_standby");
        let options = format!("-c neon_auth_admin.server={server}");
        let mut session = config.options(&options).connect(NoTls).expect("a session");
        for writer in &writers {
            let call = format!("SELECT neon_auth_admin.{}", writer.call(&[]));
            session.refused(&call, &SqlState::READ_ONLY_SQL_TRANSACTION);
        }
        let manual =
            "SELECT neon_auth_admin.list_operations(), functions FROM neon_auth_admin.functions";
        session.query(manual, &[]).expect(manual);
        let check = "SELECT detail LIKE '0 waiting, 0 failed; no worker, as this is a standby; %'
            FROM neon_auth_admin.check_connection('nowhere') WHERE step = 'queue' AND ok";
        assert!(one(&mut session, check).get::<_, bool>(0));
        let run = "CALL neon_auth_admin.run_queue()";
        session.refused(run, &SqlState::READ_ONLY_SQL_TRANSACTION);
        assert_eq!(arrived(project), 0);
        let offered = operations(project, branch, "u-1");
        let offered = |it: &&&Function| offered.iter().any(|row| row.function == it.name);
        let readers: Vec<_> = readers.iter().filter(offered).collect();
        for reader in &readers {
            // As that of a list of projects, the ledger knows the organization; and one with nothing in it
            // is one request.
            let of = format!("'{project}'");
            let given = [("org_id", of.as_str()), ("search", "'nowhere'")];
            let call = format!("SELECT neon_auth_admin.{}", reader.call(&given));
            session.query(&call, &[]).expect(&call);
        }
        assert!(!readers.is_empty());
        assert_eq!(arrived(project), readers.len());
    }
}

#[test]
#[ignore = "tests/run.sh starts the standby, and runs this, at its end"]
fn a_key_reaches_the_standby() {
    let database = Database::new("it_standby_key");
    let url = variable("NEON_SIMULATOR_URL");
    database.add_server("neon", "test-standby-key", &url, "");
    let mut owner = database.session();
    owner.run("DROP USER MAPPING FOR it_standby_key SERVER neon");
    catch_up();
    let mut session = connect_to(STANDBY, "it_standby_key", "it_standby_key");
    session.refused(&list("neon"), &SqlState::from_code("NA009"));
    set_api_key(&mut owner, "neon");
    catch_up();
    session.query(&list("neon"), &[]).expect("listed");
}

#[test]
#[ignore = "tests/run.sh starts the standby, and runs this, at its end"]
fn replay_does_not_wait_for_a_call() {
    let database = Database::new("it_standby_conflict");
    let (project, url) = ("fault-silent--standby", variable("NEON_SIMULATOR_URL"));
    database.add_server("neon", project, &url, ", timeout '60s'");
    catch_up();
    let mut session = connect_to(STANDBY, &database.name, &database.name);
    let backend = Backend::of(&mut session);
    let ended = thread::scope(|scope| {
        let call = scope.spawn(|| session.query(&list("neon"), &[]).map(drop));
        wait_for("the request arrives", || arrived(project) == 1);
        connect("postgres", "postgres").run(&format!("DROP DATABASE {}", database.name));
        catch_up();
        call.join().expect("no panic")
    });
    ended.expect_err("the session's database is gone");
    wait_for("the backend leaves", || gone(backend.pid));
}

/// What a standby replays may be in conflict with a query, which then fails; the session goes on. But Postgres signals
/// it again every 5 ms until the query is over, and before 16 a signal that comes while the error is on its way ends
/// the session: so it is tried until one goes on.
#[test]
#[ignore = "tests/run.sh starts the standby, and runs this, at its end"]
fn a_conflict_with_replay_is_an_error() {
    let database = Database::new("it_standby_slow");
    database.session().run(
        "CREATE SCHEMA neon_auth; CREATE TABLE users (n integer);
         CREATE VIEW neon_auth.\"user\" AS
             SELECT n::text AS id, '' AS email, '' AS name, now() AS \"createdAt\",
                 CASE WHEN pg_sleep(0.01) IS NULL THEN now() ELSE now() END AS \"updatedAt\" FROM public.users",
    );
    catch_up();
    let mut admin = connect_to(STANDBY, "postgres", "postgres");
    admin.run("ALTER SYSTEM SET max_standby_streaming_delay = 0");
    admin.run("SELECT pg_reload_conf()");
    let mut tries = vec![conflict(&database, &mut admin)];
    while tries.len() < 10 && tries.iter().all(|(_, goes_on)| !goes_on) {
        tries.push(conflict(&database, &mut admin));
    }
    // The queries of the other tests are not to be in conflict with what is cleaned up meanwhile.
    admin.run("ALTER SYSTEM RESET max_standby_streaming_delay");
    admin.run("SELECT pg_reload_conf()");
    for (state, _) in &tries {
        assert_eq!(*state, SqlState::T_R_SERIALIZATION_FAILURE);
    }
    assert!(tries.iter().any(|(_, goes_on)| *goes_on));
}

/// How a query ends whose rows are cleaned up while it reads them, and whether its session goes on.
fn conflict(database: &Database, admin: &mut Client) -> (SqlState, bool) {
    let mut owner = database.session();
    owner.run("INSERT INTO users SELECT n FROM generate_series(1, 3000) AS n");
    catch_up();
    let mut session = connect_to(STANDBY, &database.name, &database.name);
    let pid = Backend::of(&mut session).pid;
    let ended = thread::scope(|scope| {
        let check = "SELECT * FROM neon_auth_admin.check_connection()";
        let call = scope.spawn(|| session.query(check, &[]).map(drop));
        let asleep = format!(
            "SELECT COALESCE(wait_event = 'PgSleep', false) FROM pg_stat_activity WHERE pid = {pid}"
        );
        wait_until(admin, "the query runs", &asleep);
        owner.run("DELETE FROM users");
        owner.run("VACUUM users");
        catch_up();
        call.join().expect("no panic")
    });
    let state = sqlstate(&ended.expect_err("a conflict"));
    (state, session.query_one("SELECT 1", &[]).is_ok())
}
