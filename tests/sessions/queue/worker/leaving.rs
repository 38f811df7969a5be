//! A worker is in nobody's way: whoever drops, copies or renames what it works on waits for no longer than it
//! lingers, and it does not outlive what it is for.

use serde_json::json;

use super::{create, wait_until_done, wait_until_no_worker, workers};
use crate::queue::{Queue, enqueue, states};
use crate::support::{Statements, connect, set_api_key, variable, wait_for};

/// With a worker that lingers.
fn delivered(name: &str, project: &str) -> Queue {
    let queue = Queue::with_worker(name, project);
    let mut session = queue.session();
    create(&mut session, "ada@example.com");
    wait_until_done(&mut session);
    assert_eq!(workers(name).len(), 1);
    queue
}

#[test]
fn a_database_is_copied_renamed_and_dropped_while_it_lingers() {
    let queue = delivered("it_worker_drop", "test-worker-drop");
    let mut admin = connect("postgres", "postgres");
    admin.run("CREATE DATABASE it_worker_copy TEMPLATE it_worker_drop");
    create(&mut queue.session(), "bob@example.com");
    admin.run("ALTER DATABASE it_worker_drop RENAME TO it_worker_renamed");
    let mut session = connect("it_worker_renamed", "it_worker_drop");
    create(&mut session, "cy@example.com");
    wait_until_done(&mut session);
    assert_eq!(states(&mut session), "1 done, 2 done, 3 done");
    drop(session);
    admin.run("DROP DATABASE it_worker_renamed");
    let mut copy = connect("it_worker_copy", "it_worker_drop");
    assert_eq!(states(&mut copy), "1 done");
}

#[test]
fn a_database_is_dropped_by_force_while_it_delivers() {
    let queue = Queue::with_worker("it_worker_force", "fault-slow-8000--worker-force");
    create(&mut queue.session(), "ada@example.com");
    wait_for("a call that is under way", || {
        workers("it_worker_force").len() == 1 && states(&mut queue.session()) == "1 sending"
    });
    let mut admin = connect("postgres", "postgres");
    admin.run("DROP DATABASE it_worker_force WITH (FORCE)");
}

#[test]
fn it_leaves_a_dropped_extension_and_finds_a_new_one() {
    let queue = delivered("it_worker_extension", "test-worker-extension");
    let mut session = queue.session();
    session.run("DROP EXTENSION neon_auth_admin CASCADE");
    wait_until_no_worker("it_worker_extension");
    session.run("CREATE EXTENSION neon_auth_admin");
    let url = variable("NEON_SIMULATOR_URL");
    let options = ", branch_id 'br-current-1'";
    let add = || {
        queue
            .database
            .add_server("neon", "test-worker-extension", &url, options)
    };
    add();
    create(&mut session, "bob@example.com");
    wait_until_done(&mut session);
    let pids = workers("it_worker_extension");
    // In one transaction, while a worker lingers that knows the old one.
    session.run(
        "BEGIN; DROP EXTENSION neon_auth_admin CASCADE; CREATE EXTENSION neon_auth_admin; COMMIT",
    );
    add();
    create(&mut session, "cy@example.com");
    wait_until_done(&mut session);
    assert_eq!(states(&mut session), "1 done");
    assert_eq!(pids.len(), 1);
    assert_eq!(queue.requests().len(), 3);
}

#[test]
fn a_role_is_renamed_and_dropped_while_it_lingers() {
    let queue = Queue::with_worker("it_worker_owner", "test-worker-owner");
    let mut admin = connect("it_worker_owner", "postgres");
    admin.run(
        "CREATE ROLE it_worker_old LOGIN;
         GRANT USAGE ON SCHEMA neon_auth_admin TO it_worker_old;
         GRANT EXECUTE ON ALL ROUTINES IN SCHEMA neon_auth_admin TO it_worker_old;
         GRANT USAGE ON FOREIGN SERVER neon TO it_worker_old",
    );
    let mut session = connect("it_worker_owner", "it_worker_old");
    set_api_key(&mut session, "neon");
    create(&mut session, "ada@example.com");
    wait_until_done(&mut session);
    admin.run("ALTER ROLE it_worker_old RENAME TO it_worker_new");
    create(&mut session, "bob@example.com");
    wait_until_done(&mut session);
    enqueue(
        &mut session,
        "add_domain",
        &json!({"domain": "https://a.example.com"}),
    );
    wait_until_done(&mut session);
    assert_eq!(queue.requests().len(), 3);
    drop(session);
    admin.run("DROP OWNED BY it_worker_new; DROP USER MAPPING IF EXISTS FOR it_worker_new SERVER neon; DROP ROLE it_worker_new");
    wait_until_no_worker("it_worker_owner");
}
