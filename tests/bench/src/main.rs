//! Calls from SQL against the same calls from a plain Rust program: both in turn in one run, against
//! one simulator. `make bench` starts what this needs and pins it all to one CPU.

mod plain;
mod sql;

use std::env;

use plain::Plain;
use sql::Backend;

const ROUNDS: usize = 20;
const CALLS: usize = 200;
const FIRST_CALLS: usize = 20;
const MEMORY_CALLS: usize = 10_000;

/// An operation, as both sides know it.
#[derive(Clone, Copy)]
pub enum Operation {
    ListDomains,
    CreateUser,
}

impl Operation {
    fn name(self) -> &'static str {
        match self {
            Self::ListDomains => "list_domains()",
            Self::CreateUser => "create_user()",
        }
    }
}

pub fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run make bench"))
}

/// Microseconds per call.
fn median(mut calls: Vec<f64>) -> f64 {
    calls.sort_by(f64::total_cmp);
    calls[calls.len() / 2]
}

fn main() {
    let mut backend = Backend::new();
    println!(
        "Median microseconds per call, {} calls each:\n",
        ROUNDS * CALLS
    );
    println!(
        "{:<7}{:<16}{:>9}{:>9}{:>8}",
        "", "", "plain", "SQL", "ratio"
    );
    let mut reused = 0.0;
    for (scheme, url) in [
        ("HTTP", variable("NEON_SIMULATOR_URL")),
        ("HTTPS", variable("NEON_SIMULATOR_HTTPS_URL")),
    ] {
        backend.use_server(&url);
        let plain = Plain::new(&url);
        for operation in [Operation::ListDomains, Operation::CreateUser] {
            let (mut from_plain, mut from_sql) = (vec![], vec![]);
            plain.time(operation, CALLS);
            backend.time(operation, CALLS);
            for _ in 0..ROUNDS {
                from_plain.extend(plain.time(operation, CALLS));
                from_sql.extend(backend.time(operation, CALLS));
            }
            let (plain, sql) = (median(from_plain), median(from_sql));
            reused = sql;
            let ratio = sql / plain;
            let name = operation.name();
            println!("{scheme:<7}{name:<16}{plain:>9.1}{sql:>9.1}{ratio:>8.2}");
        }
    }

    let first: Vec<_> = (0..FIRST_CALLS).map(|_| Backend::first_call()).collect();
    let loading = median(first.iter().map(|call| call.loading).collect()) / 1000.0;
    let fresh = median(first.iter().map(|call| call.calling).collect());
    println!("\nA backend's first HTTPS call, median of {FIRST_CALLS}:");
    println!("  loading the library     {loading:>7.1} ms");
    println!("  call, new connection    {:>7.1} ms", fresh / 1000.0);
    println!("  against a reused one    {:>7.1} times", fresh / reused);

    let growth = backend.growth(MEMORY_CALLS);
    println!("\nMemory of the backend over {MEMORY_CALLS} calls:");
    println!("  private, before         {:>7} kB", growth.before);
    println!("  private, after          {:>7} kB", growth.after);
    println!(
        "  growth                  {:>7} kB",
        growth.after - growth.before
    );
}
