//! A prepared transaction ends in another session, which wakes nobody: the worker waits for it.

use std::time::Duration;
use std::{env, thread};

use super::{create, wait_until_done, wait_until_no_worker, workers};
use crate::queue::{Queue, run, states};
use crate::support::{Statements, connect, wait_until};

#[test]
fn what_is_prepared_is_sent_when_it_is_committed() {
    let queue = Queue::with_worker("it_worker_prepared", "test-worker-prepared");
    let mut admin = connect("postgres", "postgres");
    // It would leave at once.
    admin.run("ALTER ROLE it_worker_prepared SET neon_auth_admin.queue_linger = 0");
    let mut session = queue.session();
    for (transaction, address) in [("one", "ada@example.com"), ("two", "bob@example.com")] {
        session.run("BEGIN");
        create(&mut session, address);
        session.run(&format!("PREPARE TRANSACTION '{transaction}'"));
    }
    drop(session);
    // It has looked, and looked again a second later.
    wait_until(
        &mut admin,
        "the worker stays",
        "SELECT count(*) = 1 FROM pg_stat_activity WHERE datname = 'it_worker_prepared'
            AND state_change > backend_start + interval '2 s'",
    );
    assert!(queue.requests().is_empty());
    let mut other = queue.session();
    other.run("COMMIT PREPARED 'two'");
    wait_until_done(&mut other);
    assert_eq!(queue.requests(), ["POST bob@example.com 201"]);
    assert_eq!(workers("it_worker_prepared").len(), 1);
    other.run("ROLLBACK PREPARED 'one'");
    wait_until_no_worker("it_worker_prepared");
    assert_eq!(states(&mut other), "2 done");
}

/// A session in the worker's place leaves it to one that waits.
#[test]
fn what_is_prepared_is_left_to_a_worker() {
    let queue = Queue::with_worker("it_worker_prepared_2", "test-worker-prepared-2");
    let mut session = queue.session();
    // What starts none, so that the session is there first.
    session.run("SET neon_auth_admin.queue_linger = -1");
    session.run("BEGIN");
    create(&mut session, "ada@example.com");
    session.run("PREPARE TRANSACTION 'left'");
    create(&mut session, "bob@example.com");
    session.run("RESET neon_auth_admin.queue_linger");
    run(&mut session);
    // A worker may have come first.
    let is_done = "SELECT count(*) = 1 FROM neon_auth_admin.queue WHERE state = 'done'";
    wait_until(&mut session, "the other is made", is_done);
    session.run("COMMIT PREPARED 'left'");
    wait_until_done(&mut session);
    assert_eq!(queue.requests().len(), 2);
}

/// Whenever a transaction ends that a worker is about to leave without.
#[test]
fn none_is_committed_behind_a_workers_back() {
    // By hand: 2000.
    let rounds = env::var("NEON_AUTH_ADMIN_COMMITS").map_or(40, |n| n.parse().expect("a number"));
    let queue = Queue::with_worker("it_worker_prepared_3", "test-worker-prepared-3");
    let mut admin = connect("postgres", "postgres");
    admin.run("ALTER ROLE it_worker_prepared_3 SET neon_auth_admin.queue_linger = 0");
    let mut session = queue.session();
    for n in 0..rounds {
        session.run("BEGIN");
        create(&mut session, &format!("user{n}@example.com"));
        session.run("PREPARE TRANSACTION 'behind'");
        // As long as a worker takes to start and to look, more or less.
        thread::sleep(Duration::from_micros(n * 37 % 60 * 500));
        session.run("COMMIT PREPARED 'behind'");
        wait_until_done(&mut session);
    }
    assert_eq!(queue.requests().len(), rounds as usize);
}
