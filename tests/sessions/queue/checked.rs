//! What `check_connection` says of the queue, and that it sends nothing and raises nothing because of it.

use std::thread;

use postgres::Client;
use serde_json::json;

use super::worker::{create, wait_until_done, workers};
use super::{Queue, enqueue, run, states};
use crate::backend::Backend;
use crate::support::{Statements, connect, one, wait_for};

/// `t 2 waiting, 0 failed; ...`, without the room for workers, which is that of the whole server. There is no server
/// of that name: the rest takes no time.
fn checked(session: &mut Client) -> String {
    let query = "SELECT format('%s %s', ok, detail) FROM neon_auth_admin.check_connection('nowhere') WHERE step = 'queue'";
    let told: String = one(session, query).get(0);
    let Some((told, slots)) = told.rsplit_once("; ") else {
        return told;
    };
    let numbers: Vec<u32> = slots
        .split(' ')
        .filter_map(|word| word.parse().ok())
        .collect();
    assert!(slots.ends_with(" worker processes in use"), "{slots}");
    assert!(numbers[0] <= numbers[1], "{slots}");
    told.to_owned()
}

#[test]
fn it_says_what_waits_and_why() {
    let queue = Queue::new("it_check_queue", "test-check-queue");
    let mut session = queue.session();
    let none = "no worker: neon_auth_admin.queue_linger is -1";
    assert_eq!(
        checked(&mut session),
        format!("t 0 waiting, 0 failed; {none}")
    );
    create(&mut session, "ada@example.com");
    enqueue(
        &mut session,
        "delete_user",
        &json!({"id": "d2f2a9e5-0000-4000-8000-000000000001"}),
    );
    assert_eq!(
        checked(&mut session),
        format!("f 2 waiting, 0 failed; {none}")
    );
    assert!(queue.requests().is_empty());
    session.run("SET neon_auth_admin.queue_connections = 0");
    assert_eq!(
        checked(&mut session),
        "f 2 waiting, 0 failed; no worker: neon_auth_admin.queue_connections is 0"
    );
    session.run("RESET neon_auth_admin.queue_connections");
    run(&mut session);
    assert_eq!(states(&mut session), "1 done, 2 failed P0002");
    assert_eq!(
        checked(&mut session),
        format!("t 0 waiting, 1 failed; {none}")
    );
    // Of others' calls it says nothing.
    let mut admin = connect("it_check_queue", "postgres");
    let others = checked(&mut admin);
    assert!(others.starts_with("t 0 waiting, 0 failed; "), "{others}");

    // Where the table is in somebody else's hands, or is not there.
    admin.run("BEGIN; LOCK TABLE neon_auth_admin.queued_calls");
    assert_eq!(
        checked(&mut session),
        "f its table is locked by somebody else"
    );
    admin.run("ROLLBACK");
    admin.run("ALTER TABLE neon_auth_admin.queued_calls RENAME TO somewhere");
    let stale = checked(&mut session);
    assert!(
        stale.starts_with("f ") && stale.contains("ALTER EXTENSION"),
        "{stale}"
    );
    session.run("BEGIN READ ONLY");
    assert_eq!(checked(&mut session), stale);
    session.run("ROLLBACK");
}

#[test]
fn it_says_who_makes_them() {
    let name = "it_check_queue_worker";
    let queue = Queue::with_worker(name, "fault-slow-3000-x1--checked-worker");
    let mut session = queue.session();
    let before = checked(&mut session);
    assert_eq!(
        before,
        "t 0 waiting, 0 failed; no worker, as none is needed"
    );
    create(&mut session, "ada@example.com");
    wait_for("the call is under way", || queue.requests().len() == 1);
    let told = checked(&mut session);
    let pid = workers(name)[0];
    assert_eq!(told, format!("t 1 waiting, 0 failed; worker {pid}"));
    wait_until_done(&mut session);

    let name = "it_check_queue_session";
    let queue = Queue::new(name, "fault-silent--checked-session");
    let mut session = queue.session();
    let backend = Backend::of(&mut session);
    create(&mut session, "ada@example.com");
    thread::scope(|scope| {
        let call = scope.spawn(|| session.batch_execute("CALL neon_auth_admin.run_queue()"));
        let mut admin = backend.wait_for("NeonAuthAdminQueueReceive");
        let told = checked(&mut queue.session());
        admin.run(&format!("SELECT pg_cancel_backend({})", backend.pid));
        call.join().expect("no panic").expect_err("it was ended");
        let who = format!("run_queue() in process {}", backend.pid);
        assert_eq!(told, format!("t 1 waiting, 0 failed; {who}"));
    });
}

/// Before 17, no worker can be a role that cannot log in.
#[test]
fn a_role_that_cannot_log_in() {
    let queue = Queue::with_worker("it_check_queue_login", "test-check-queue-login");
    let mut admin = connect("postgres", "postgres");
    let mut session = queue.session();
    admin.run("ALTER ROLE it_check_queue_login NOLOGIN");
    let version: i32 = one(
        &mut admin,
        "SELECT current_setting('server_version_num')::int",
    )
    .get(0);
    let why = match version < 170_000 {
        true => "no worker: role \"it_check_queue_login\" cannot log in",
        false => "no worker, as none is needed",
    };
    let told = checked(&mut session);
    admin.run("ALTER ROLE it_check_queue_login LOGIN");
    assert_eq!(told, format!("t 0 waiting, 0 failed; {why}"));
}
