//! A worker against Neon's limit, with the default settings, and against one of ten times as much.

use std::io::Write;
use std::time::Duration;

use neon_simulator::Options;

use super::{Queue, time};

pub fn measure() {
    println!("\nUsers made by a worker against Neon's limit:");
    case("bench_limit", 1.0, 1000, 200, Queue::enqueue);
    case("bench_limit_10", 10.0, 10_000, 20, Queue::enqueue);
    println!("The same for the rows of a table, by COPY, until each has its id:");
    case("bench_limit_rows", 1.0, 1000, 200, Queue::copy);
    case("bench_limit_rows_10", 10.0, 10_000, 20, Queue::copy);
}

impl Queue {
    fn copy(&mut self, rows: usize) {
        self.run(
            "CREATE TABLE customers (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text, auth_user_id text);
             CREATE TRIGGER auth AFTER INSERT OR UPDATE OR DELETE ON customers FOR EACH ROW
                 EXECUTE FUNCTION neon_auth_admin.sync_user('email', '', 'auth_user_id')",
        );
        let mut copy = self
            .session
            .copy_in("COPY customers (email) FROM STDIN")
            .expect("a copy");
        for n in 0..rows {
            writeln!(copy, "user{n}@example.com").expect("a row");
        }
        copy.finish().expect("copied");
    }
}

/// `latency` is in milliseconds.
fn case(name: &str, scale: f64, calls: usize, latency: u64, bring: fn(&mut Queue, usize)) {
    let latency = Duration::from_millis(latency);
    let mut queue = Queue::new(
        name,
        Options {
            rate_limit: Some(scale),
            latency,
            ..Options::default()
        },
    );
    if scale > 1.0 {
        for (setting, value) in [("queue_rate", 680.0), ("queue_burst", 36.0)] {
            queue.set(name, setting, (value * scale) as i32);
        }
    }
    let took = time(|| {
        bring(&mut queue, calls);
        queue.wait_until_done();
    });
    // All but the first are refilled.
    let limit = (calls as f64 - 40.0 * scale) / (700.0 * scale / 60.0);
    let requests = queue.simulator.requests();
    let refused = requests.iter().filter(|it| it.status == Some(429)).count();
    let done = queue.count("state = 'done'");
    println!(
        "  {calls:>6} users, {latency:?}: {took:.1} s, the limit itself {limit:.1} s, ratio {:.3}; {done} done, {refused} of {} requests refused",
        took / limit,
        requests.len()
    );
}
