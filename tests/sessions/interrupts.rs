//! Cancel, terminate and `statement_timeout` in each phase of a call, and what is left afterwards.

use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use postgres::Client;
use postgres::error::SqlState;

use crate::backend::Backend;
use crate::phases::{self, Phase, list};
use crate::support::{
    Database, Statements, arrived, connect, ledger, one, server_log, variable, wait_for,
};

/// Longer than any machine needs, shorter than any of the waits.
pub const PATIENCE: Duration = Duration::from_secs(5);

#[test]
fn resolving() {
    each_way("resolving", phases::resolving);
}

#[test]
fn connecting() {
    each_way("connecting", phases::connecting);
}

#[test]
fn handshake() {
    each_way("handshake", phases::handshake);
}

#[test]
fn sending() {
    each_way("sending", phases::sending);
}

#[test]
fn answer() {
    each_way("answer", phases::answer);
}

#[test]
fn body() {
    each_way("body", phases::body);
}

#[test]
fn back_off() {
    each_way("back_off", phases::back_off);
}

/// Interrupts a call in that phase in each way, looks at what is left, and prints how long each took.
fn each_way(name: &str, phase: fn(&Database) -> Phase) {
    let database = Database::new(&format!("it_while_{name}"));
    let phase = phase(&database);
    let url = variable("NEON_SIMULATOR_URL");
    database.add_server("healthy", "test-interrupts", &url, "");
    let mut session = database.session();
    let backend = Backend::of(&mut session);
    assert_usable(&mut session);
    let (threads, descriptors) = phase.left_over;
    let left = (1 + threads, backend.descriptors() + descriptors);

    let cancel = cancel(&mut session, &phase);
    assert_usable(&mut session);
    let now = (backend.threads().len(), backend.descriptors());
    assert_eq!(now, left, "threads and descriptors after a cancel");

    let timeout = statement_timeout(&mut session, &phase);
    assert_usable(&mut session);
    let now = (backend.threads().len(), backend.descriptors());
    assert_eq!(now, left, "threads and descriptors after a timeout");

    let terminate = terminate(session, &phase);
    backend.wait_until_gone();
    assert_usable(&mut database.session());

    let milliseconds = |took: Duration| took.as_secs_f64() * 1000.0;
    println!(
        "interrupted while {:<11} cancel {:5.1} ms   terminate {:5.1} ms   statement_timeout {:5.1} ms late",
        format!("{name}:"),
        milliseconds(cancel),
        milliseconds(terminate),
        milliseconds(timeout)
    );
    for took in [cancel, terminate, timeout] {
        assert!(took < PATIENCE, "{took:?}");
    }
}

#[track_caller]
pub fn assert_usable(session: &mut Client) {
    session
        .query(&list("healthy"), &[])
        .expect("the session works afterwards");
}

/// How long after the interrupt the call ended.
fn cancel(session: &mut Client, phase: &Phase) -> Duration {
    let (error, took) = interrupt(session, &phase.query, phase.event, "pg_cancel_backend");
    assert_eq!(error, Some(SqlState::QUERY_CANCELED));
    took
}

fn terminate(mut session: Client, phase: &Phase) -> Duration {
    let backend = Backend::of(&mut session);
    let (query, event) = (&phase.query, phase.event);
    let (error, took) = interrupt(&mut session, query, event, "pg_terminate_backend");
    // The driver may see the end of the connection before it reads why.
    assert!(
        matches!(error, None | Some(SqlState::ADMIN_SHUTDOWN)),
        "{error:?}"
    );
    let log = backend.log();
    let why = "FATAL:  terminating connection due to administrator command";
    let why = log.iter().filter(|line| line.contains(why));
    assert_eq!(why.count(), 1, "{log:?}");
    took
}

/// How much later than that the call ended.
fn statement_timeout(session: &mut Client, phase: &Phase) -> Duration {
    let timeout = Duration::from_millis(300);
    let set = format!("SET statement_timeout = {}", timeout.as_millis());
    session.run(&set);
    let started = Instant::now();
    session.refused(&phase.query, &SqlState::QUERY_CANCELED);
    let took = started.elapsed();
    session.run("RESET statement_timeout");
    // Two clocks measure: a little early is not too early.
    assert!(took + Duration::from_millis(5) >= timeout, "{took:?}");
    took.saturating_sub(timeout)
}

/// Makes a call, interrupts it as soon as the backend waits for `event`, and returns how the call
/// ended and how long after the interrupt.
pub fn interrupt(
    session: &mut Client,
    query: &str,
    event: &str,
    function: &str,
) -> (Option<SqlState>, Duration) {
    let backend = Backend::of(session);
    thread::scope(|scope| {
        let call = scope.spawn(|| {
            let error = session.query(query, &[]).expect_err("interrupted");
            (error.code().cloned(), Instant::now())
        });
        let mut admin = backend.wait_for(event);
        let interrupted = Instant::now();
        one(&mut admin, &format!("SELECT {function}({})", backend.pid));
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
    session.run("SET statement_timeout = '2s'");
    session.refused(
        "SELECT * FROM neon_auth_admin.create_user('ada@example.com')",
        &SqlState::QUERY_CANCELED,
    );
    let arrived = ledger(project);
    let id = arrived[0]["request_id"].as_str().expect("an id").to_owned();
    assert_eq!(arrived.as_array().map(Vec::len), Some(1));
    let log = server_log();
    let detail = format!("Neon API: POST /projects/auth/user was interrupted, request id {id}.");
    assert!(log.contains(&detail), "the log has no {detail:?}");
    assert!(log.contains("may have been carried out"));
}

/// Without a client nobody is told anything: the log is where to look.
#[test]
fn a_write_whose_client_is_gone_leaves_a_warning_with_its_request_id() {
    let database = Database::new("it_client_gone");
    let project = "fault-silent--client-gone";
    let url = variable("NEON_SIMULATOR_URL");
    database.add_server("neon", project, &url, ", timeout '60s'");
    let mut client = Command::new(variable("PSQL"))
        .args(["-X", "-U", &database.name, "-d", &database.name])
        .args(["-c", "SET client_connection_check_interval = '10ms'"])
        .args([
            "-c",
            "SELECT neon_auth_admin.create_user('ada@example.com')",
        ])
        .stdout(Stdio::null())
        .spawn()
        .expect("psql");
    wait_for("the request arrives", || arrived(project) == 1);
    let query = "SELECT pid FROM pg_stat_activity WHERE datname = 'it_client_gone'";
    let backend = Backend::at(one(&mut connect("postgres", "postgres"), query).get(0));
    client.kill().expect("killed");
    client.wait().expect("gone");
    backend.wait_until_gone();

    let id = ledger(project)[0]["request_id"].clone();
    let id = id.as_str().expect("an id");
    let log = backend.log().join("\n");
    let warning = "WARNING:  request to create user was sent before the interrupt";
    assert!(log.contains(warning), "{log}");
    assert!(log.contains(&format!("request id {id}.")), "{log}");
    assert!(log.contains("FATAL:  connection to client lost"), "{log}");
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
    let backend = Backend::of(&mut session);
    thread::scope(|scope| {
        scope.spawn(|| session.query(&list("neon"), &[]).map(drop));
        let mut admin = backend.wait_for("NeonAuthAdminReceive");
        admin.run("CREATE DATABASE it_barrier_other");
        let started = Instant::now();
        admin.run("DROP DATABASE it_barrier_other");
        let took = started.elapsed();
        println!("DROP DATABASE during a call: {took:.1?}");
        assert!(took < PATIENCE, "{took:?}");
        cancel.cancel_query(postgres::NoTls).expect("cancelled");
    });
}
