//! A worker acts as its role, whatever settings say, and starts for a role that cannot log in where it can.

use super::{create, wait_until_done, wait_until_no_worker, workers};
use crate::queue::{Queue, run, states};
use crate::support::{Statements, connect, one, set_api_key, wait_for, wait_until};

#[test]
fn settings_of_the_role_have_no_say() {
    let queue = Queue::with_worker("it_worker_settings", "test-worker-settings");
    let mut admin = connect("it_worker_settings", "postgres");
    admin.run(
        "CREATE ROLE it_worker_other; GRANT it_worker_other TO it_worker_settings;
         ALTER ROLE it_worker_settings SET role = 'it_worker_other';
         ALTER ROLE it_worker_settings SET default_transaction_read_only = on;
         ALTER ROLE it_worker_settings SET default_transaction_isolation = 'serializable';
         ALTER ROLE it_worker_settings SET search_path = 'nowhere';
         ALTER ROLE it_worker_settings SET statement_timeout = '1ms';
         ALTER ROLE it_worker_settings SET lock_timeout = '1ms';
         ALTER ROLE it_worker_settings SET row_security = off;
         ALTER ROLE it_worker_settings SET synchronous_commit = off",
    );
    let mut options = "-c role=none -c statement_timeout=0 -c default_transaction_read_only=off \
        -c transaction_isolation=read\\ committed"
        .to_owned();
    let since_17 = "SELECT current_setting('transaction_timeout', true) IS NOT NULL";
    if one(&mut admin, since_17).get(0) {
        admin.run("ALTER ROLE it_worker_settings SET transaction_timeout = '1ms'");
        options += " -c transaction_timeout=0";
    }
    let mut session = queue.database.session_with(&options);
    create(&mut session, "ada@example.com");
    wait_until_done(&mut session);
    wait_until_no_worker("it_worker_settings");
    create(&mut session, "bob@example.com");
    wait_until_done(&mut session);
    assert_eq!(states(&mut session), "1 done, 2 done");
}

#[test]
fn roles_have_workers_of_their_own() {
    let queue = Queue::with_worker("it_worker_roles", "test-worker-roles");
    let mut admin = connect("it_worker_roles", "postgres");
    for (role, login) in [("a", "LOGIN"), ("b", "LOGIN"), ("c", "NOLOGIN")] {
        let role = format!("it_worker_roles_{role}");
        admin.run(&format!(
            "CREATE ROLE {role} {login};
             GRANT USAGE ON SCHEMA neon_auth_admin TO {role};
             GRANT EXECUTE ON ALL ROUTINES IN SCHEMA neon_auth_admin TO {role};
             GRANT USAGE ON FOREIGN SERVER neon TO {role}"
        ));
    }
    let [mut a, mut b] = ["a", "b"].map(|role| {
        let mut session = connect("it_worker_roles", &format!("it_worker_roles_{role}"));
        set_api_key(&mut session, "neon");
        session
    });
    create(&mut a, "a@example.com");
    create(&mut b, "b@example.com");
    wait_until_done(&mut a);
    wait_until_done(&mut b);
    assert_eq!(states(&mut a), "1 done");
    assert_eq!(states(&mut b), "2 done");
    let who = "SELECT string_agg(usename, ' ' ORDER BY usename) FROM pg_stat_activity
               WHERE datname = current_database() AND backend_type = 'neon_auth_admin worker'";
    assert_eq!(
        one(&mut admin, who).get::<_, &str>(0),
        "it_worker_roles_a it_worker_roles_b"
    );
    admin.run("SET ROLE it_worker_roles_c");
    set_api_key(&mut admin, "neon");
    create(&mut admin, "c@example.com");
    if one(
        &mut admin,
        "SELECT current_setting('server_version_num')::int >= 170000",
    )
    .get(0)
    {
        wait_until_done(&mut admin);
    } else {
        wait_for("the others leave", || workers("it_worker_roles").is_empty());
        assert_eq!(states(&mut admin), "3 waiting");
        run(&mut admin);
    }
    assert_eq!(states(&mut admin), "3 done");
    assert_eq!(queue.requests().len(), 3);
}

/// A stop that stays, until it is over: then the next call of any kind takes up what waits.
#[test]
fn nothing_is_delivered_while_it_is_stopped() {
    let queue = Queue::with_worker("it_worker_stopped", "test-worker-stopped");
    let mut admin = connect("postgres", "postgres");
    admin.run("ALTER ROLE it_worker_stopped SET neon_auth_admin.queue_connections = 0");
    let mut session = queue.session();
    create(&mut session, "ada@example.com");
    run(&mut session);
    assert_eq!(states(&mut session), "1 waiting");
    admin.run("ALTER ROLE it_worker_stopped RESET neon_auth_admin.queue_connections");
    let mut session = queue.session();
    session.run("SELECT neon_auth_admin.list_domains()");
    wait_until_done(&mut session);
    assert_eq!(states(&mut session), "1 done");
}

/// Also what a worker has found that was stopped, and whoever calls: a session of before knows of none that has looked.
#[test]
fn what_a_stopped_worker_leaves_is_taken_up() {
    let name = "it_worker_halted";
    let queue = Queue::with_worker(name, "test-worker-halted");
    let mut admin = connect("postgres", "postgres");
    const CALL: &str = "SELECT neon_auth_admin.list_domains()";
    let mut before = queue.session();
    before.run(CALL);
    for address in ["ada@example.com", "bob@example.com"] {
        admin.run(&format!(
            "ALTER ROLE {name} SET neon_auth_admin.queue_connections = 0"
        ));
        create(&mut before, address);
        wait_until(
            &mut queue.session(),
            "the worker leaves",
            "SELECT detail ~ 'no worker: neon_auth_admin.queue_connections' FROM neon_auth_admin.check_connection()
             WHERE step = 'queue'",
        );
        admin.run(&format!(
            "ALTER ROLE {name} RESET neon_auth_admin.queue_connections"
        ));
        match address {
            "ada@example.com" => queue.session().run(CALL),
            _ => before.run(CALL),
        }
        wait_until_done(&mut before);
        wait_until_no_worker(name);
    }
    assert_eq!(states(&mut before), "1 done, 2 done");
}

/// A session that is to start no worker leaves that to the next that may.
#[test]
fn who_is_stopped_stops_nobody_else() {
    let queue = Queue::with_worker("it_worker_own", "test-worker-own");
    let mut stopped = queue.session();
    stopped
        .run("SELECT neon_auth_admin.list_operations(); SET neon_auth_admin.queue_connections = 0");
    create(&mut stopped, "ada@example.com");
    assert!(workers("it_worker_own").is_empty());
    let mut session = queue.session();
    session.run("SELECT neon_auth_admin.list_domains()");
    wait_until_done(&mut session);
    assert_eq!(states(&mut session), "1 done");
}

#[test]
fn it_is_ended_and_comes_back() {
    let queue = Queue::with_worker("it_worker_ended", "fault-slow-3000--worker-ended");
    let mut session = queue.session();
    create(&mut session, "ada@example.com");
    wait_for("a call that is under way", || {
        states(&mut session) == "1 sending"
    });
    let pids = workers("it_worker_ended");
    session.run(&format!("SELECT pg_terminate_backend({})", pids[0]));
    wait_for("another one", || {
        let now = workers("it_worker_ended");
        !now.is_empty() && now != pids
    });
    queue.hasten();
    wait_until_done(&mut session);
    assert_eq!(states(&mut session), "1 done");
}

/// A worker that is there sees another key with the next call.
#[test]
fn another_key_counts_at_once() {
    let queue = Queue::with_worker("it_worker_key", "test-worker-key");
    let mut session = queue.session();
    create(&mut session, "ada@example.com");
    wait_until_done(&mut session);
    let pids = workers("it_worker_key");
    session.run("SELECT neon_auth_admin.set_api_key('napi_wrong')");
    create(&mut session, "bob@example.com");
    wait_for("the key is refused", || {
        states(&mut session) == "1 done, 2 waiting 28000"
    });
    set_api_key(&mut session, "neon");
    create(&mut session, "cy@example.com");
    wait_until_done(&mut session);
    assert_eq!(states(&mut session), "1 done, 2 done, 3 done");
    assert_eq!(workers("it_worker_key"), pids, "the same worker");
}
