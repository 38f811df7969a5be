//! Workers that leave at once, while others commit: no call is left to nobody, and none has two workers.

use std::time::{Duration, Instant};
use std::{env, thread};

use serde_json::json;

use super::workers;
use crate::queue::{Queue, enqueue};
use crate::support::{Statements, connect, one, server_log, wait_for};

const SESSIONS: usize = 4;

#[test]
fn no_wake_up_is_lost() {
    // By hand: 10000.
    let commits = env::var("NEON_AUTH_ADMIN_COMMITS").map_or(100, |n| n.parse().expect("a number"));
    let queue = Queue::with_worker("it_worker_stress", "test-worker-stress");
    let mut admin = connect("postgres", "postgres");
    admin.run("ALTER ROLE it_worker_stress SET neon_auth_admin.queue_linger = 0");
    thread::scope(|scope| {
        for n in 0..SESSIONS {
            let mut session = queue.session();
            scope.spawn(move || {
                for m in 0..commits {
                    let address = format!("user{n}-{m}@example.com");
                    enqueue(&mut session, "create_user", &json!({ "email": address }));
                    // Now and then long enough for a worker to be done.
                    thread::sleep(Duration::from_millis(fastrand(n, m)));
                }
            });
        }
    });
    let mut session = queue.session();
    let left = "SELECT count(*) FROM neon_auth_admin.queue WHERE state <> 'done'";
    let mut before = i64::MAX;
    let mut since = Instant::now();
    loop {
        let now: i64 = one(&mut session, left).get(0);
        if now == 0 {
            break;
        }
        if now < before {
            (before, since) = (now, Instant::now());
        }
        assert!(
            since.elapsed() < Duration::from_secs(20),
            "{now} calls are left, workers: {:?}",
            workers("it_worker_stress")
        );
        thread::sleep(Duration::from_millis(20));
    }
    let requests = queue.requests();
    assert_eq!(requests.len(), SESSIONS * commits, "each call is made once");
    wait_for("the last one leaves", || {
        workers("it_worker_stress").is_empty()
    });
    let log = server_log();
    let started = log
        .matches("starting background worker process \"neon_auth_admin worker\"")
        .count();
    println!("{} commits, at most {started} workers", SESSIONS * commits);
    let two = "cannot deliver the queued calls of role \"it_worker_stress\"";
    assert!(!log.contains(two), "two workers at once");
}

fn fastrand(n: usize, m: usize) -> u64 {
    ((n * 31 + m * 17) % 7 * 3) as u64
}
