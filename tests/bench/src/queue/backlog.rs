//! A delivery behind what is not delivered, against one of 1,000 calls alone.

use super::{Queue, time};
use crate::sql;

/// So many are delivered.
const CALLS: usize = 1000;

/// Rows like the first one, which are not made one after the other.
const ROWS: &str = "INSERT INTO neon_auth_admin.queued_calls
        (operation, arguments, server, role, subject, origin, timeline, enqueued_at, next_attempt_at, held, state)
    SELECT operation, jsonb_build_object('email', 'u' || n || '@example.com'), :server, role, :subject, origin, timeline, now(), :next, :held, 'waiting'
    FROM neon_auth_admin.queued_calls CROSS JOIN generate_series(1, :count) AS n
    WHERE id = (SELECT min(id) FROM neon_auth_admin.queued_calls)";

pub fn measure() {
    println!("\nMicroseconds per queued call, delivered by run_queue():");
    let alone = case("bench_alone", "1,000 waiting calls", |_| ());
    let ratio = |name, what, prepare: fn(&mut Queue)| {
        let took = case(name, what, prepare);
        println!("{:>64.2} times", took / alone);
    };
    ratio("bench_behind", "the first of 1,000,000", |queue| {
        rows(
            queue,
            "1000000",
            "'neon'",
            "'address u' || n",
            "now()",
            "false",
        );
    });
    ratio(
        "bench_subject",
        "and 1,000,000 of a subject whose head waits",
        |queue| {
            rows(
                queue,
                "1",
                "'neon'",
                "'one'",
                "now() + interval '1 day'",
                "false",
            );
            rows(queue, "1000000", "'neon'", "'one'", "NULL", "true");
        },
    );
    ratio(
        "bench_server",
        "and 1,000,000 of a server that is gone",
        |queue| {
            rows(
                queue,
                "1000000",
                "'gone'",
                "'address u' || n",
                "now()",
                "false",
            );
        },
    );
    ratio(
        "bench_dead",
        "and 100,000 finished ones that a snapshot keeps",
        |queue| {
            rows(
                queue,
                "100000",
                "'neon'",
                "'address u' || n",
                "now()",
                "false",
            );
            queue.run("UPDATE neon_auth_admin.queued_calls SET state = 'done', next_attempt_at = NULL WHERE state = 'waiting'");
        },
    );
}

fn rows(queue: &mut Queue, count: &str, server: &str, subject: &str, next: &str, held: &str) {
    let rows = ROWS.replace(":count", count).replace(":server", server);
    let rows = rows.replace(":subject", subject).replace(":next", next);
    queue.run(&rows.replace(":held", held));
}

fn case(name: &str, what: &str, prepare: fn(&mut Queue)) -> f64 {
    let mut queue = Queue::without_worker(name);
    let mut old = sql::connect_to(name);
    old.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT txid_current()")
        .expect("a snapshot");
    queue.enqueue(1);
    queue.run("CALL neon_auth_admin.run_queue()");
    prepare(&mut queue);
    queue.run("ANALYZE neon_auth_admin.queued_calls");
    if !name.ends_with("dead") {
        old.batch_execute("COMMIT").expect("no snapshot");
    }
    // Those behind others are not waited for.
    let (calls, limit) = match name.ends_with("behind") {
        true => (0, "'5 s'"),
        false => (CALLS, ""),
    };
    queue.enqueue(calls);
    let before = queue.count("state = 'done'");
    let took = time(|| queue.run(&format!("CALL neon_auth_admin.run_queue({limit})")));
    let done = queue.count("state = 'done'") - before;
    let each = took * 1e6 / done as f64;
    println!("  {what:<50}{each:>8.0} us ({done} calls)");
    each
}
