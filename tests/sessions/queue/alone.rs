//! What takes something from the whole server: all of its workers' slots, or its standby. And what is left when it
//! was stopped, and started again.

use std::thread;
use std::time::{Duration, Instant};

use postgres::error::SqlState;

use super::worker::{create, wait_until_done, wait_until_no_worker, workers};
use super::{Queue, states};
use crate::backend::Backend;
use crate::server::{Postmaster, connect_again};
use crate::support::{
    Statements, config, connect, connect_to, ledger, one, server_log, wait_for, wait_until,
};

/// As many as the server may have processes for.
const ROLES: usize = 16;

/// For what takes turns of 30 s.
fn wait_long(what: &str, mut condition: impl FnMut() -> bool) {
    let since = Instant::now();
    while !condition() {
        assert!(since.elapsed() < Duration::from_secs(90), "{what}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// Workers that wait for prepared transactions have all slots, and make room.
#[test]
#[ignore = "tests/run.sh runs this when nobody else needs the server"]
fn calls_wait_for_a_slot() {
    let queue = Queue::with_worker("it_queue_slots", "test-queue-slots");
    let mut admin = connect("it_queue_slots", "postgres");
    wait_until(
        &mut admin,
        "no slot is somebody else's",
        "SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'neon_auth_admin worker'",
    );
    let mut sessions: Vec<_> = (0..ROLES)
        .map(|n| {
            let role = format!("it_queue_slots_{n}");
            queue.add_role(&role);
            connect("it_queue_slots", &role)
        })
        .collect();
    let last = sessions.pop();
    for (n, session) in sessions.iter_mut().enumerate() {
        session.run("BEGIN");
        create(session, &format!("prepared{n}@example.com"));
        session.run(&format!("PREPARE TRANSACTION 'slots {n}'"));
    }
    // One is that of logical replication.
    wait_for("all slots are taken", || {
        workers("it_queue_slots").len() == ROLES - 1
    });
    let mut last = last.expect("a session");
    create(&mut last, "one@example.com");
    create(&mut last, "two@example.com");
    assert_eq!(states(&mut last).matches("waiting").count(), 2);
    assert!(server_log().contains("no background worker could be started for queued calls"));
    let since = Instant::now();
    wait_long("somebody makes room", || {
        states(&mut last).matches("done").count() == 2
    });
    println!("without a slot, delivered after {:.1?}", since.elapsed());
    assert_eq!(queue.requests().len(), 2);
    for n in 0..ROLES - 1 {
        admin.run(&format!("ROLLBACK PREPARED 'slots {n}'"));
    }
    wait_until_no_worker("it_queue_slots");
}

/// Who has made room for another role is not forgotten when that one is done.
#[test]
#[ignore = "tests/run.sh runs this when nobody else needs the server"]
fn calls_of_two_roles_take_turns() {
    const NAME: &str = "it_queue_turns";
    let queue = Queue::with_worker(NAME, "fault-slow-1000--queue-turns");
    let mut admin = connect(NAME, "postgres");
    admin.run("ALTER ROLE it_queue_turns SET neon_auth_admin.queue_connections = 1");
    queue.add_role("it_queue_turns_2");
    // One is that of logical replication.
    Postmaster::of(&mut admin).restart("INT", &["-c", "max_worker_processes=2"]);
    let mut busy = connect_again(&config(NAME, NAME));
    busy.run(
        "SELECT count(neon_auth_admin.enqueue('create_user', jsonb_build_object('email', n || '@example.com')))
         FROM generate_series(1, 60) AS n",
    );
    wait_for("a worker", || workers(NAME).len() == 1);
    let mut other = connect(NAME, "it_queue_turns_2");
    create(&mut other, "ada@example.com");
    wait_long("a turn of the other's", || states(&mut other) == "61 done");
    let done = "SELECT count(*) FROM neon_auth_admin.queue WHERE state = 'done'";
    let before: i64 = one(&mut busy, done).get(0);
    assert!(
        before < 45,
        "it took its turn before all were done: {before}"
    );
    wait_long("it goes on", || {
        one(&mut busy, done).get::<_, i64>(0) > before + 1
    });
    busy.run("SELECT neon_auth_admin.cancel_queued(id) FROM neon_auth_admin.queue WHERE state = 'waiting'");
    wait_until_no_worker(NAME);
    Postmaster::of(&mut busy).restart("INT", &["-c", "max_worker_processes=16"]);
    connect_again(&config(NAME, NAME));
}

/// Where others have taken all posts, a session delivers.
#[test]
#[ignore = "tests/run.sh runs this when nobody else needs the server"]
fn calls_are_made_without_a_post() {
    const NAME: &str = "it_queue_posts";
    let queue = Queue::with_worker(NAME, "test-queue-posts");
    let mut session = queue.session();
    let mut greedy = connect(NAME, "postgres");
    greedy.run(
        "GRANT USAGE ON SCHEMA neon_auth_admin TO PUBLIC;
         GRANT EXECUTE ON ALL ROUTINES IN SCHEMA neon_auth_admin TO PUBLIC;
         GRANT USAGE ON FOREIGN SERVER neon TO PUBLIC;
         BEGIN",
    );
    for n in 0..130 {
        let role = format!("it_queue_posts_{n}");
        greedy.run(&format!("CREATE ROLE {role}; SET LOCAL ROLE {role}"));
        create(&mut greedy, "never@example.com");
        greedy.run("RESET ROLE");
    }
    let call = create(&mut session, "ada@example.com");
    let warned =
        format!("{NAME}@{NAME} WARNING:  no background worker can be told of queued calls");
    assert!(server_log().contains(&warned));
    session.run("CALL neon_auth_admin.run_queue()");
    assert_eq!(states(&mut session), format!("{call} done"));
    greedy.run("ROLLBACK");
    assert_eq!(queue.requests(), ["POST ada@example.com 201"]);
}

/// Whoever takes all of the memory that processes share takes the wake-up from the queue, and nothing else.
#[test]
#[ignore = "tests/run.sh runs this when nobody else needs the server"]
fn calls_are_made_without_shared_memory() {
    const NAME: &str = "it_queue_memory";
    let queue = Queue::with_worker(NAME, "test-queue-memory");
    Postmaster::of(&mut queue.session()).restart("INT", &[]);
    let mut greedy = connect_again(&config("postgres", NAME));
    greedy.refused(
        "DO $$BEGIN FOR n IN 1..10000000 LOOP PERFORM pg_advisory_lock(n); END LOOP; END$$",
        &SqlState::OUT_OF_MEMORY,
    );
    let backend = Backend::of(&mut greedy);
    drop(greedy);
    backend.wait_until_gone();
    let mut session = queue.session();
    one(
        &mut session,
        "SELECT count(*) FROM neon_auth_admin.list_domains()",
    );
    create(&mut session, "ada@example.com");
    one(
        &mut session,
        "SELECT count(*) FROM neon_auth_admin.check_connection()",
    );
    session.run("CALL neon_auth_admin.run_queue()");
    wait_until_done(&mut session);
    assert_eq!(states(&mut session), "1 done");
    Postmaster::of(&mut session).restart("INT", &[]);
    connect_again(&config(NAME, NAME));
}

/// Whoever stops the server does not wait for a standby that is not there.
#[test]
#[ignore = "tests/run.sh runs this when nobody else needs the server"]
fn a_fast_shutdown_waits_for_no_standby() {
    let queue = Queue::with_worker("it_queue_absent", "test-queue-absent");
    let mut session = queue.session();
    let mut admin = connect("postgres", "postgres");
    admin.run("ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
    admin.run("SELECT pg_reload_conf()");
    session.run("SET synchronous_commit = local");
    wait_until(
        &mut session,
        "the configuration",
        "SELECT current_setting('synchronous_standby_names') = 'nobody'",
    );
    create(&mut session, "ada@example.com");
    wait_until(
        &mut admin,
        "it waits for the standby",
        "SELECT count(*) = 1 FROM pg_stat_activity
         WHERE datname = 'it_queue_absent' AND wait_event = 'SyncRep'",
    );
    // A fast shutdown.
    Postmaster::of(&mut admin).restart("INT", &[]);
    let mut admin = connect_again(&config("postgres", "postgres"));
    admin.run("ALTER SYSTEM RESET synchronous_standby_names");
    admin.run("SELECT pg_reload_conf()");
    // Whether it was sent is not known.
    let mut session = queue.session();
    create(&mut session, "bob@example.com");
    wait_for("it is taken up", || {
        queue.hasten();
        states(&mut session) == "1 done, 2 done"
    });
}

/// Sessions deliver, as long as they are asked to.
#[test]
#[ignore = "tests/run.sh runs this when nobody else needs the server"]
fn the_server_may_have_no_workers() {
    let queue = Queue::with_worker("it_queue_none", "test-queue-none");
    let mut session = queue.session();
    Postmaster::of(&mut session).restart("INT", &["-c", "max_worker_processes=0"]);
    let config = config("it_queue_none", "it_queue_none");
    let mut session = connect_again(&config);
    let backend = Backend::of(&mut session);
    create(&mut session, "ada@example.com");
    // Another test has had it said as well.
    let warning = "no background worker could be started for queued calls";
    let log = backend.log();
    assert!(log.iter().any(|line| line.contains(warning)));
    session.run("CALL neon_auth_admin.run_queue()");
    assert_eq!(states(&mut session), "1 done");
    create(&mut session, "bob@example.com");
    Postmaster::of(&mut session).restart("INT", &["-c", "max_worker_processes=16"]);
    let mut session = connect_again(&config);
    one(
        &mut session,
        "SELECT count(*) FROM neon_auth_admin.list_domains()",
    );
    wait_until_done(&mut session);
    assert_eq!(states(&mut session), "1 done, 2 done");
}

/// What was queued in one branch of Neon's is not made from a new one of it.
#[test]
#[ignore = "tests/run.sh runs this when nobody else needs the server"]
fn another_branch_asks_before_it_sends() {
    const NAME: &str = "it_queue_branch";
    let queue = Queue::new(NAME, "test-queue-branch");
    let mut session = queue.session();
    create(&mut session, "ada@example.com");
    Postmaster::of(&mut session).restart("INT", &["-c", "neon.branch_id=br-new-1"]);
    let mut admin = connect_again(&config(NAME, "postgres"));
    for whose in ["DATABASE", "ROLE"] {
        admin.run(&format!(
            "ALTER {whose} {NAME} RESET neon_auth_admin.queue_linger"
        ));
    }
    let mut session = queue.session();
    create(&mut session, "bob@example.com");
    wait_for("the worker has looked at both", || {
        states(&mut session) == "1 waiting NA009, 2 done"
    });
    assert_eq!(queue.requests(), ["POST bob@example.com 201"]);
    let adopted = "SELECT neon_auth_admin.adopt_queued()";
    assert_eq!(one(&mut session, adopted).get::<_, i64>(0), 1);
    wait_until_done(&mut session);
    assert_eq!(states(&mut session), "1 done, 2 done");
    Postmaster::of(&mut session).restart("INT", &["-c", "neon.branch_id=br-current-1"]);
    connect_again(&config(NAME, NAME));
}

/// Before the server is stopped: something that waits, and something that is prepared.
#[test]
#[ignore = "tests/run.sh runs this before it restarts the server"]
fn before_a_restart() {
    let waiting = Queue::new("it_queue_restart", "test-queue-restart");
    create(&mut waiting.session(), "ada@example.com");
    let prepared = Queue::new("it_queue_restart_2", "test-queue-restart-2");
    let mut session = prepared.session();
    session.run("BEGIN");
    create(&mut session, "bob@example.com");
    session.run("PREPARE TRANSACTION 'restart'");
    let promoted = Queue::new("it_queue_promoted", "test-queue-promoted");
    create(&mut promoted.session(), "cy@example.com");
    // As if the primary had made the call, and ended before its standby heard of that.
    promoted
        .session()
        .run("SELECT neon_auth_admin.create_user('cy@example.com')");
    let mut admin = connect("postgres", "postgres");
    for name in ["it_queue_restart", "it_queue_restart_2"] {
        for whose in ["DATABASE", "ROLE"] {
            admin.run(&format!(
                "ALTER {whose} {name} RESET neon_auth_admin.queue_linger"
            ));
        }
    }
}

/// What a primary has left is made by its standby, when that is the primary.
#[test]
#[ignore = "tests/run.sh runs this when nobody needs the standby any more"]
fn a_promoted_standby_delivers() {
    const STANDBY: &str = "NEON_AUTH_ADMIN_STANDBY_DSN";
    const NAME: &str = "it_queue_promoted";
    let mut session = connect_to(STANDBY, NAME, NAME);
    assert_eq!(states(&mut session), "1 waiting");
    let call = "SELECT count(*) FROM neon_auth_admin.list_domains()";
    one(&mut session, call);
    let mut admin = connect_to(STANDBY, NAME, "postgres");
    assert!(one(&mut admin, "SELECT pg_promote()").get::<_, bool>(0));
    for whose in ["DATABASE", "ROLE"] {
        admin.run(&format!(
            "ALTER {whose} {NAME} RESET neon_auth_admin.queue_linger"
        ));
    }
    let mut session = connect_to(STANDBY, NAME, NAME);
    one(&mut session, call);
    wait_until_done(&mut session);
    create(&mut session, "dan@example.com");
    wait_until_done(&mut session);
    let states = "SELECT string_agg(state, ' ') FROM neon_auth_admin.queue";
    assert_eq!(one(&mut session, states).get::<_, String>(0), "done done");
    let mut requests = ledger("test-queue-promoted");
    let requests = requests.as_array_mut().expect("a list");
    requests.retain(|request| request["method"] == "POST");
    let statuses = requests.iter().map(|request| request["status"].as_i64());
    assert_eq!(
        statuses.collect::<Vec<_>>(),
        [201, 409, 201].map(Some),
        "the one that was made is not made again"
    );
}

#[test]
#[ignore = "tests/run.sh runs this after it has restarted the server"]
fn the_first_call_after_a_restart_finds_what_waits() {
    const CALL: &str = "SELECT count(*) FROM neon_auth_admin.list_domains()";
    let mut waiting = connect("it_queue_restart", "it_queue_restart");
    assert_eq!(states(&mut waiting), "1 waiting");
    one(&mut waiting, CALL);
    wait_until_done(&mut waiting);
    assert_eq!(states(&mut waiting), "1 done");
    // The worker waits for whoever ends it, and that wakes nobody.
    let mut prepared = connect("it_queue_restart_2", "it_queue_restart_2");
    one(&mut prepared, CALL);
    wait_for("a worker", || !workers("it_queue_restart_2").is_empty());
    connect("it_queue_restart_2", "it_queue_restart_2").run("COMMIT PREPARED 'restart'");
    wait_until(
        &mut prepared,
        "it is made",
        "SELECT count(*) = 1 FROM neon_auth_admin.queue WHERE state = 'done'",
    );
    prepared.refused("COMMIT PREPARED 'restart'", &SqlState::UNDEFINED_OBJECT);
}
