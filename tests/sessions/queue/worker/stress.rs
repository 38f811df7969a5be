//! Workers that leave at once, while others commit: no call is left to nobody, and none has two workers.

use std::time::Duration;
use std::{env, thread};

use serde_json::json;

use super::workers;
use crate::queue::{Queue, enqueue};
use crate::support::{Statements, connect, server_log, wait_for, wait_until};

const SESSIONS: usize = 4;

/// Each time as many as may be lost: whoever commits next would make up for it.
const COMMITS: usize = 4;

#[test]
fn no_wake_up_is_lost() {
    // By hand: 2500.
    let rounds = env::var("NEON_AUTH_ADMIN_ROUNDS").map_or(25, |n| n.parse().expect("a number"));
    let queue = Queue::with_worker("it_worker_stress", "test-worker-stress");
    let mut admin = connect("postgres", "postgres");
    admin.run("ALTER ROLE it_worker_stress SET neon_auth_admin.queue_linger = 0");
    let mut sessions: Vec<_> = (0..SESSIONS).map(|_| queue.session()).collect();
    let mut witness = queue.session();
    for round in 0..rounds {
        thread::scope(|scope| {
            for (n, session) in sessions.iter_mut().enumerate() {
                scope.spawn(move || {
                    for m in 0..COMMITS {
                        let address = format!("user{round}-{n}-{m}@example.com");
                        enqueue(session, "create_user", &json!({ "email": address }));
                        // Now and then long enough for a worker to be done.
                        thread::sleep(Duration::from_millis(pause(n, round + m)));
                    }
                });
            }
        });
        let left = "SELECT count(*) = 0 FROM neon_auth_admin.queue WHERE state <> 'done'";
        let what = format!("no call of round {round} is left to nobody");
        wait_until(&mut witness, &what, left);
    }
    let requests = queue.requests();
    assert_eq!(
        requests.len(),
        SESSIONS * COMMITS * rounds,
        "each call is made once"
    );
    wait_for("the last one leaves", || {
        workers("it_worker_stress").is_empty()
    });
    let log = server_log();
    let started = log
        .matches("starting background worker process \"neon_auth_admin worker\"")
        .count();
    println!(
        "{} commits, at most {started} workers",
        SESSIONS * COMMITS * rounds
    );
    let two = "cannot deliver the queued calls of role \"it_worker_stress\"";
    assert!(!log.contains(two), "two workers at once");
}

fn pause(n: usize, m: usize) -> u64 {
    ((n * 31 + m * 17) % 7 * 3) as u64
}
