//! Queued calls: what it costs to queue one, how soon it is made, what a claim costs behind a backlog, how near to
//! Neon's limit they come, and what many of them leave in memory. `BENCH=queue` measures all of it, in about
//! ten minutes, and `BENCH=cost` or the like a part.

mod backlog;
mod cost;
mod latency;
mod limit;
mod memory;

use std::thread;
use std::time::{Duration, Instant};

use neon_simulator::{Options, Simulator};
use postgres::Client;

use crate::{sql, variable};

/// A database of its own, as Postgres' superuser, and a server in it.
pub struct Queue {
    session: Client,
    simulator: Simulator,
}

impl Queue {
    fn new(name: &str, options: Options) -> Self {
        let simulator = Simulator::start(Options {
            api_keys: vec![variable("NEON_API_KEY")],
            ..options
        })
        .expect("a simulator");
        sql::connect()
            .batch_execute(&format!("CREATE DATABASE {name}"))
            .expect("a database");
        let mut session = sql::connect_to(name);
        // Statistics of a queue are always old.
        session
            .batch_execute("SET enable_seqscan = off")
            .expect("a setting");
        let url = simulator.url();
        session
            .batch_execute(&format!(
                "CREATE EXTENSION neon_auth_admin;
                 CREATE SERVER neon FOREIGN DATA WRAPPER neon_auth_admin
                 OPTIONS (project_id 'bench-queue', branch_id 'br-bench-1', api_url '{url}')"
            ))
            .expect("a server");
        session
            .execute(
                "SELECT neon_auth_admin.set_api_key($1)",
                &[&variable("NEON_API_KEY")],
            )
            .expect("a key");
        Self { session, simulator }
    }

    /// Nothing is slowed down.
    fn unlimited(name: &str) -> Self {
        let mut queue = Self::new(name, Options::default());
        for (setting, value) in [("queue_rate", 1_000_000), ("queue_burst", 1_000_000)] {
            queue.set(name, setting, value);
        }
        queue
    }

    /// The same, where no worker takes part.
    fn without_worker(name: &str) -> Self {
        let mut queue = Self::unlimited(name);
        queue.set(name, "queue_linger", -1);
        queue
    }

    /// For its worker, and for this session.
    fn set(&mut self, database: &str, setting: &str, value: i32) {
        self.run(&format!(
            "ALTER DATABASE {database} SET neon_auth_admin.{setting} = {value};
             SET neon_auth_admin.{setting} = {value}"
        ));
    }

    fn run(&mut self, statements: &str) {
        // Each by itself, as procedures want it.
        for statement in statements.split(';') {
            self.session.batch_execute(statement).expect("statements");
        }
    }

    fn enqueue(&mut self, calls: usize) {
        self.run(&format!(
            "SELECT count(neon_auth_admin.enqueue('create_user',
                 jsonb_build_object('email', gen_random_uuid() || '@example.com')))
             FROM generate_series(1, {calls})"
        ));
    }

    fn count(&mut self, condition: &str) -> i64 {
        let query = format!("SELECT count(*) FROM neon_auth_admin.queued_calls WHERE {condition}");
        self.session.query_one(&query, &[]).expect("a count").get(0)
    }

    /// Whether any call is yet to be made.
    fn is_open(&mut self) -> bool {
        let query = "SELECT FROM neon_auth_admin.queued_calls WHERE state IN ('waiting', 'sending') LIMIT 1";
        let rows = self.session.query(query, &[]).expect("the open calls");
        !rows.is_empty()
    }

    fn wait_until_done(&mut self) {
        while self.is_open() {
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// The worker's process, if there is one.
    fn worker(&mut self) -> Option<i32> {
        let query = "SELECT pid FROM pg_stat_activity
            WHERE backend_type = 'neon_auth_admin worker' AND datname = current_database()";
        let row = self.session.query_opt(query, &[]).expect("its activity");
        row.map(|row| row.get(0))
    }
}

/// Seconds.
fn time(work: impl FnOnce()) -> f64 {
    let started = Instant::now();
    work();
    started.elapsed().as_secs_f64()
}

pub fn measure(part: &str) {
    let parts: [(&str, fn()); 5] = [
        ("cost", cost::measure),
        ("latency", latency::measure),
        ("backlog", backlog::measure),
        ("memory", memory::measure),
        ("limit", limit::measure),
    ];
    let is_asked_for = |name| part == "queue" || part == name;
    let parts: Vec<_> = parts.into_iter().filter(|it| is_asked_for(it.0)).collect();
    assert!(!parts.is_empty(), "BENCH={part} is none");
    parts.into_iter().for_each(|(_, measure)| measure());
}
