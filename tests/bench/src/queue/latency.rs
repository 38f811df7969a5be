//! How soon after COMMIT a queued call arrives at Neon.

use std::thread;
use std::time::{Duration, Instant};

use super::Queue;

const ROUNDS: usize = 100;

pub fn measure() {
    println!("\nMilliseconds from COMMIT to the request's arrival, {ROUNDS} calls each:");
    let mut queue = Queue::unlimited("bench_latency");
    queue.one();
    let idle: Vec<_> = (0..ROUNDS)
        .map(|n| {
            queue.wait_until_done();
            // It has found nothing more, and waits.
            thread::sleep(Duration::from_millis(30 + n as u64 % 7 * 10));
            queue.one()
        })
        .collect();
    show("with a running worker", idle);
    let after: Vec<_> = (0..ROUNDS)
        .map(|_| {
            queue.wait_until_done();
            queue.one();
            queue.one()
        })
        .collect();
    show("right after another call has arrived", after);
    queue.set("bench_latency", "queue_linger", 0);
    // The worker that is there was started before.
    let cold: Vec<_> = (0..=ROUNDS)
        .map(|_| {
            while queue.worker().is_some() {
                thread::sleep(Duration::from_millis(5));
            }
            queue.one()
        })
        .collect();
    show("without a worker, which is started", cold);
}

impl Queue {
    /// Seconds from the COMMIT of a call to its arrival.
    fn one(&mut self) -> f64 {
        let address = format!("{:?}@example.com", Instant::now()).replace(
            |c: char| !c.is_ascii_alphanumeric() && c != '@' && c != '.',
            "",
        );
        self.run(&format!(
            "BEGIN; SELECT neon_auth_admin.enqueue('create_user', '{{\"email\": \"{address}\"}}')"
        ));
        let committed = Instant::now();
        self.run("COMMIT");
        loop {
            let requests = self.simulator.requests();
            let request = requests.iter().find(|it| it.body["email"] == *address);
            if let Some(request) = request {
                self.simulator.clear();
                return request.arrived.duration_since(committed).as_secs_f64();
            }
            thread::sleep(Duration::from_millis(1));
        }
    }
}

fn show(what: &str, mut times: Vec<f64>) {
    times.sort_by(f64::total_cmp);
    let at = |share: usize| times[(times.len() - 1) * share / 100] * 1000.0;
    println!(
        "  {what:<40}median {:>6.1}, 90 % within {:>6.1}, all within {:>6.1}",
        at(50),
        at(90),
        at(100)
    );
}
