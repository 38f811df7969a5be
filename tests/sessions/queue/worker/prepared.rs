//! A prepared transaction ends in another session, which wakes nobody: the worker waits for it.

use super::{create, wait_until_done, wait_until_no_worker, workers};
use crate::queue::{Queue, states};
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
