//! A look-up that hangs: its one thread, and what goes on meanwhile.

use std::fs;
use std::time::{Duration, Instant};

use postgres::Client;
use postgres::error::SqlState;

use crate::backend::Backend;
use crate::hanging_name::HangingName;
use crate::interrupts::{PATIENCE, assert_usable, interrupt};
use crate::phases::list;
use crate::support::{Database, Statements, arrived, one, variable, wait_for};

/// A database with the server `healthy`, whose host is an address.
fn database(name: &str) -> Database {
    let database = Database::new(name);
    let url = variable("NEON_SIMULATOR_URL");
    database.add_server("healthy", "test-resolving", &url, "");
    database
}

/// Calls that `server`, and is interrupted while its name is looked up.
fn assert_interrupted(session: &mut Client, server: &str) {
    let (event, function) = ("NeonAuthAdminResolve", "pg_cancel_backend");
    let (error, _) = interrupt(session, &list(server), event, function);
    assert_eq!(error, Some(SqlState::QUERY_CANCELED));
}

#[test]
fn interrupted_calls_leave_one_thread_which_ends_with_its_look_up() {
    let database = database("it_resolving");
    let name = HangingName::new();
    let project = "test-resolving-again";
    database.add_server("slow", project, &name.url(), "");
    let mut session = database.session();
    let backend = Backend::of(&mut session);
    assert_usable(&mut session);
    let before = (backend.threads().len(), backend.descriptors());
    assert_interrupted(&mut session, "slow");
    let threads = backend.threads();
    let pipe = 2;
    assert_eq!(threads.len(), 2);
    for _ in 0..4 {
        assert_interrupted(&mut session, "slow");
        assert_eq!(backend.threads(), threads, "the same ones");
        assert_eq!(backend.descriptors(), before.1 + pipe);
        // The host of this one is an address.
        assert_usable(&mut session);
    }

    drop(name);
    wait_for("the thread ends", || backend.threads().len() == before.0);
    assert_eq!(arrived(project), 0);
    session.query(&list("slow"), &[]).expect("found");
    assert_eq!(arrived(project), 1);
    let kept_alive = 2; // a socket, and Postgres' set of what to wait for
    assert_eq!(backend.descriptors(), before.1 + kept_alive);
}

/// Postgres' signal handlers are for its own thread: on another one they would ruin its state.
#[test]
fn no_signal_reaches_the_thread() {
    let database = database("it_resolving_signals");
    let name = HangingName::new();
    database.add_server("slow", "test-x", &name.url(), "");
    let mut session = database.session();
    let backend = Backend::of(&mut session);
    assert_interrupted(&mut session, "slow");
    let main = backend.pid.to_string();
    let helpers = backend.threads().into_iter().filter(|id| *id != main);
    let blocked: Vec<_> = helpers.map(|id| blocked_signals(backend, &id)).collect();
    // HUP, INT, QUIT, USR1, USR2, PIPE, ALRM, TERM, CHLD, URG, IO: all that Postgres handles.
    let handled = [1, 2, 3, 10, 12, 13, 14, 15, 17, 23, 29];
    let handled = handled
        .iter()
        .fold(0, |set, signal| set | 1 << (signal - 1));
    assert_eq!(blocked.len(), 1);
    assert_eq!(blocked[0] & handled, handled, "{:x}", blocked[0]);
    assert_ne!(blocked_signals(backend, &main) & handled, handled);
}

fn blocked_signals(backend: Backend, thread: &str) -> u64 {
    let status = format!("/proc/{}/task/{thread}/status", backend.pid);
    let status = fs::read_to_string(status).expect("a live thread");
    let blocked = status.lines().find_map(|line| line.strip_prefix("SigBlk:"));
    u64::from_str_radix(blocked.expect("a mask").trim(), 16).expect("hexadecimal")
}

#[test]
fn a_hanging_look_up_ends_at_the_budget() {
    let database = database("it_resolving_budget");
    let (name, other) = (HangingName::new(), HangingName::new());
    let budget = Duration::from_millis(500);
    database.add_server("slow", "test-x", &name.url(), ", timeout '500ms'");
    database.add_server(
        "other",
        "test-resolving-other",
        &other.url(),
        ", timeout '500ms'",
    );
    drop(other);
    let mut session = database.session();
    let backend = Backend::of(&mut session);
    // The thread is taken, so another name has to wait, too.
    for server in ["slow", "slow", "other"] {
        let started = Instant::now();
        let error = session.refused(&list(server), &SqlState::from_code("NA001"));
        let took = started.elapsed();
        let detail = error.detail().expect("a detail");
        assert!(detail.contains(": the time was up"), "{detail}");
        assert!(took >= budget && took < budget + PATIENCE, "{took:?}");
        assert_eq!(backend.threads().len(), 2, "{server}");
    }
    drop(name);
    wait_for("the thread ends", || backend.threads().len() == 1);
    session.run("ALTER SERVER other OPTIONS (SET timeout '10s')");
    session.query(&list("other"), &[]).expect("found");
    assert_eq!(arrived("test-resolving-other"), 1);
}

#[test]
fn calls_to_an_address_work_while_a_name_hangs() {
    let database = database("it_resolving_address");
    let name = HangingName::new();
    database.add_server("slow", "test-x", &name.url(), "");
    let mut session = database.session();
    let backend = Backend::of(&mut session);
    assert_interrupted(&mut session, "slow");
    let calls = "SELECT count(*) FROM generate_series(1, 20), \
                 LATERAL neon_auth_admin.get_email_server(server => 'healthy')";
    assert_eq!(one(&mut session, calls).get::<_, i64>(0), 20);
    assert_eq!(backend.threads().len(), 2, "it still hangs");
}

#[test]
fn a_session_can_end_while_a_name_hangs() {
    let database = database("it_resolving_end");
    let name = HangingName::new();
    database.add_server("slow", "test-x", &name.url(), "");
    let mut session = database.session();
    let backend = Backend::of(&mut session);
    assert_interrupted(&mut session, "slow");
    assert_eq!(backend.threads().len(), 2);
    drop(session);
    backend.wait_until_gone();
    // Only now.
    drop(name);
}
