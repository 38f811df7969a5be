//! What it costs to queue a call, against a plain INSERT of the same data into a table with the same indexes.

use super::{Queue, time};
use crate::median;

const ROWS: usize = 10_000;
const ROUNDS: usize = 9;
const SINGLE: usize = 2000;

const COLUMNS: &str =
    "operation, arguments, server, role, subject, origin, timeline, enqueued_at, next_attempt_at";

pub fn measure() {
    let mut queue = Queue::without_worker("bench_cost");
    queue.enqueue(1);
    queue.run(&format!(
        "CREATE TABLE plain (LIKE neon_auth_admin.queued_calls INCLUDING ALL);
         PREPARE one AS INSERT INTO plain ({COLUMNS})
             SELECT operation, arguments, server, role, subject, origin, timeline, now(), now()
             FROM (SELECT * FROM neon_auth_admin.queued_calls ORDER BY id LIMIT 1) AS first;
         PREPARE enqueue AS SELECT neon_auth_admin.enqueue('create_user', '{{\"email\": \"ada@example.com\"}}')"
    ));
    let plain = format!(
        "INSERT INTO plain ({COLUMNS})
         SELECT operation, jsonb_build_object('email', email), server, role, 'address ' || email, origin, timeline,
             now(), now()
         FROM (SELECT * FROM neon_auth_admin.queued_calls ORDER BY id LIMIT 1) AS first
         CROSS JOIN (SELECT gen_random_uuid() || '@example.com' AS email FROM generate_series(1, {ROWS})) AS new"
    );
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(time(|| queue.enqueue(ROWS)) * 1e6 / ROWS as f64);
        theirs.push(time(|| queue.run(&plain)) * 1e6 / ROWS as f64);
    }
    println!("\nMicroseconds to queue a call, against a plain INSERT with the same indexes:");
    show("10,000 in one statement", median(ours), median(theirs));
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..SINGLE {
        ours.push(time(|| queue.run("EXECUTE enqueue")) * 1e6);
        theirs.push(time(|| queue.run("EXECUTE one")) * 1e6);
    }
    show("one, committed", median(ours), median(theirs));
}

fn show(what: &str, ours: f64, theirs: f64) {
    let ratio = ours / theirs;
    println!("  {what:<26}{ours:>8.1}{theirs:>8.1}{ratio:>8.2} times");
}
