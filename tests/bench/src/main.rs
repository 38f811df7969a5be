//! Calls from SQL against the same calls from a plain Rust program: both in turn in one run, against
//! one simulator. `make bench` starts what this needs and pins it all to one CPU.

mod plain;
mod queue;
mod sql;
mod synced;
mod users;

use std::env;

use plain::Plain;
use sql::Backend;

const ROUNDS: usize = 50;
const CALLS: usize = 100;
const FIRST_CALLS: usize = 20;
const MEMORY_CALLS: usize = 10_000;

/// An operation, as both sides know it.
#[derive(Clone, Copy)]
pub enum Operation {
    ListDomains,
    CreateUser,
}

/// How the simulator is reached.
#[derive(Clone, Copy)]
pub enum Scheme {
    Http,
    Https,
}

impl Scheme {
    fn name(self) -> &'static str {
        match self {
            Self::Http => "HTTP",
            Self::Https => "HTTPS",
        }
    }

    fn url(self) -> String {
        variable(match self {
            Self::Http => "NEON_SIMULATOR_URL",
            Self::Https => "NEON_SIMULATOR_HTTPS_URL",
        })
    }
}

/// One operation over one scheme, and the microseconds of each call of it.
struct Case {
    scheme: Scheme,
    operation: Operation,
    plain: Vec<f64>,
    limited: Vec<f64>,
    sql: Vec<f64>,
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
    env::var(name).expect("a variable that make bench sets")
}

/// Microseconds per call.
fn median(mut calls: Vec<f64>) -> f64 {
    calls.sort_by(f64::total_cmp);
    calls[calls.len() / 2]
}

fn main() {
    if let Some(part) = env::var("BENCH").ok().filter(|part| !part.is_empty()) {
        return match part.as_str() {
            "load" => {
                let _server = Backend::new();
                synced::measure();
            }
            part => queue::measure(part),
        };
    }
    let mut backend = Backend::new();
    let reused = compare(&mut backend);
    first_calls(reused);
    users::compare();
    synced::measure();
    let growth = backend.growth(MEMORY_CALLS);
    println!("\nMemory of the backend over {MEMORY_CALLS} calls:");
    println!("  private, before         {:>7} kB", growth.before);
    println!("  private, after          {:>7} kB", growth.after);
    println!(
        "  growth                  {:>7} kB",
        growth.after - growth.before
    );
}

/// Prints the table of ratios; returns the median of an HTTPS `list_domains()` from SQL.
fn compare(backend: &mut Backend) -> f64 {
    let programs = |limits| [Scheme::Http, Scheme::Https].map(|s| Plain::new(&s.url(), limits));
    let (plain, limited) = (programs(false), programs(true));
    let mut cases = vec![];
    for scheme in [Scheme::Http, Scheme::Https] {
        for operation in [Operation::CreateUser, Operation::ListDomains] {
            cases.push(Case {
                scheme,
                operation,
                plain: vec![],
                limited: vec![],
                sql: vec![],
            });
        }
    }
    // In turn, so that whatever else the machine does meets all of them alike.
    for round in 0..=ROUNDS {
        for case in &mut cases {
            let scheme = case.scheme as usize;
            let of_plain = plain[scheme].time(case.operation, CALLS);
            let of_limited = limited[scheme].time(case.operation, CALLS);
            let of_sql = backend.time(case.scheme, case.operation, CALLS);
            // The first round warms up.
            if round > 0 {
                case.plain.extend(of_plain);
                case.limited.extend(of_limited);
                case.sql.extend(of_sql);
            }
        }
    }

    println!(
        "Median microseconds per call, {} calls each:\n",
        ROUNDS * CALLS
    );
    println!("plain: ureq with keep-alive. limits: the same with ureq's limits of time, which a");
    println!("call from SQL has as well. ratio: SQL to plain.\n");
    println!(
        "{:<7}{:<16}{:>9}{:>9}{:>9}{:>8}",
        "", "", "plain", "limits", "SQL", "ratio"
    );
    let mut last = 0.0;
    for case in cases {
        let (plain, limited) = (median(case.plain), median(case.limited));
        let sql = median(case.sql);
        let (scheme, operation) = (case.scheme.name(), case.operation.name());
        let ratio = sql / plain;
        println!("{scheme:<7}{operation:<16}{plain:>9.1}{limited:>9.1}{sql:>9.1}{ratio:>8.2}");
        last = sql;
    }
    last
}

fn first_calls(reused: f64) {
    let first: Vec<_> = (0..FIRST_CALLS).map(|_| Backend::first_call()).collect();
    let loading = median(first.iter().map(|call| call.loading).collect()) / 1000.0;
    let fresh = median(first.iter().map(|call| call.calling).collect());
    println!("\nA backend's first HTTPS call, median of {FIRST_CALLS}:");
    println!("  loading the library     {loading:>7.1} ms");
    println!("  call, new connection    {:>7.1} ms", fresh / 1000.0);
    println!("  against a reused one    {:>7.1} times", fresh / reused);
}
