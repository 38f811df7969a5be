//! Cancel, terminate and `statement_timeout` in each phase of a call, and what is left afterwards.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use postgres::Client;
use postgres::error::SqlState;

use crate::phases::{Phase, list, phases};
use crate::support::{Database, connect, one, pid, server_log, sqlstate, variable, wait_until};

/// Longer than any machine needs, shorter than any of the waits.
const PATIENCE: Duration = Duration::from_secs(5);

#[track_caller]
fn assert_usable(session: &mut Client) {
    session
        .query(&list("healthy"), &[])
        .expect("the session works afterwards");
}

/// Sockets, pipes and the like; Postgres opens files of its own as it likes.
fn descriptors(pid: i32) -> usize {
    fs::read_dir(format!("/proc/{pid}/fd"))
        .expect("a live backend")
        .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
        .filter(|target| !target.is_absolute())
        .count()
}

fn threads(pid: i32) -> usize {
    fs::read_dir(format!("/proc/{pid}/task"))
        .expect("a live backend")
        .count()
}

#[test]
fn statement_timeout() {
    let database = Database::new("it_statement_timeout");
    let phases = phases(&database);
    let mut session = database.session();
    let pid = pid(&mut session);
    assert_usable(&mut session);
    let open = descriptors(pid);
    for phase in &phases {
        session
            .batch_execute("SET statement_timeout = '300ms'")
            .expect("a setting");
        let started = Instant::now();
        let error = session.query(&phase.query, &[]).expect_err(phase.name);
        let took = started.elapsed();
        assert_eq!(sqlstate(&error), SqlState::QUERY_CANCELED, "{}", phase.name);
        println!(
            "statement_timeout of 300 ms while in {}: {took:.1?}",
            phase.name
        );
        assert!(
            took >= Duration::from_millis(295),
            "{}: {took:?}",
            phase.name
        );
        assert!(took < PATIENCE, "{}: {took:?}", phase.name);
        session
            .batch_execute("RESET statement_timeout")
            .expect("a setting");
        assert_usable(&mut session);
        assert_eq!(descriptors(pid), open, "descriptors after {}", phase.name);
        assert_eq!(threads(pid), 1, "threads after {}", phase.name);
    }
}

#[test]
fn cancel() {
    let database = Database::new("it_cancel");
    let phases = phases(&database);
    let mut session = database.session();
    for phase in &phases {
        let (error, took) = interrupt(&mut session, phase, "pg_cancel_backend");
        assert_eq!(error, Some(SqlState::QUERY_CANCELED), "{}", phase.name);
        println!("pg_cancel_backend while in {}: {took:.1?}", phase.name);
        assert!(took < PATIENCE, "{}: {took:?}", phase.name);
        assert_usable(&mut session);
    }
}

#[test]
fn terminate() {
    let database = Database::new("it_terminate");
    let phases = phases(&database);
    let mut admin = connect("postgres", "postgres");
    for phase in &phases {
        let mut session = database.session();
        let pid = pid(&mut session);
        let (error, took) = interrupt(&mut session, phase, "pg_terminate_backend");
        // The driver may see the end of the connection before it reads why.
        assert!(
            matches!(error, None | Some(SqlState::ADMIN_SHUTDOWN)),
            "{}: {error:?}",
            phase.name
        );
        println!("pg_terminate_backend while in {}: {took:.1?}", phase.name);
        assert!(took < PATIENCE, "{}: {took:?}", phase.name);
        let gone = format!("SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = {pid}");
        wait_until(&mut admin, "the backend leaves", &gone);
        let log = server_log();
        let why = log
            .lines()
            .filter(|line| line.contains(&format!(" [{pid}] ")));
        let why = why.filter(|line| line.contains("FATAL:  terminating connection due to"));
        assert_eq!(why.count(), 1, "{}", phase.name);
    }
    assert_usable(&mut database.session());
}

/// Makes the call of that phase, interrupts the call as soon as the backend waits, and returns how
/// the call ended and how long after the interrupt.
fn interrupt(session: &mut Client, phase: &Phase, function: &str) -> (Option<SqlState>, Duration) {
    let pid = pid(session);
    thread::scope(|scope| {
        let call = scope.spawn(|| {
            let error = session.query(&phase.query, &[]).expect_err("interrupted");
            (error.code().cloned(), Instant::now())
        });
        let mut admin = connect("postgres", "postgres");
        // 17 and later name the wait; before, all extensions wait alike.
        let waits = format!(
            "SELECT count(*) = 1 FROM pg_stat_activity \
             WHERE pid = {pid} AND wait_event_type = 'Extension'"
        );
        wait_until(&mut admin, "the backend waits", &waits);
        let interrupted = Instant::now();
        one(&mut admin, &format!("SELECT {function}({pid})"));
        let (state, ended) = call.join().expect("no panic");
        (state, ended.duration_since(interrupted))
    })
}

#[test]
fn a_cancelled_write_leaves_a_warning_with_its_request_id() {
    let database = Database::new("it_cancelled_write");
    let url = variable("NEON_SIMULATOR_URL");
    let project = "fault-silent--cancelled-write";
    database.add_server("neon", project, &url, "");
    let mut session = database.session();
    session
        .batch_execute("SET statement_timeout = '300ms'")
        .expect("a setting");
    let error = session
        .query(
            "SELECT * FROM neon_auth_admin.create_user('ada@example.com')",
            &[],
        )
        .expect_err("no answer");
    assert_eq!(sqlstate(&error), SqlState::QUERY_CANCELED);
    let arrived = crate::support::ledger(project);
    let id = arrived[0]["request_id"].as_str().expect("an id").to_owned();
    assert_eq!(arrived.as_array().map(Vec::len), Some(1));
    let log = server_log();
    let detail = format!("Neon API: POST /projects/auth/user was interrupted, request id {id}.");
    assert!(log.contains(&detail), "the log has no {detail:?}");
    assert!(log.contains("may have been carried out"));
}

#[test]
fn an_unrelated_drop_database_does_not_wait_for_a_call() {
    let database = Database::new("it_barrier");
    database.add_server(
        "neon",
        "fault-silent--barrier",
        &variable("NEON_SIMULATOR_URL"),
        ", timeout '30s'",
    );
    let mut session = database.session();
    let cancel = session.cancel_token();
    let pid = pid(&mut session);
    thread::scope(|scope| {
        scope.spawn(|| session.query(&list("neon"), &[]).map(drop));
        let mut admin = connect("postgres", "postgres");
        let waits = format!(
            "SELECT count(*) = 1 FROM pg_stat_activity \
             WHERE pid = {pid} AND wait_event_type = 'Extension'"
        );
        wait_until(&mut admin, "the backend waits", &waits);
        admin
            .batch_execute("CREATE DATABASE it_barrier_other")
            .expect("a database");
        let started = Instant::now();
        admin
            .batch_execute("DROP DATABASE it_barrier_other")
            .expect("dropped");
        let took = started.elapsed();
        println!("DROP DATABASE during a call: {took:.1?}");
        assert!(took < PATIENCE, "{took:?}");
        cancel.cancel_query(postgres::NoTls).expect("cancelled");
    });
}
