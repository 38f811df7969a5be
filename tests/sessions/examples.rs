//! Runs the examples as their reader would.

use std::fs;

use crate::tryout::{Place, file};

#[test]
fn the_examples_run_and_the_migration_runs_twice() {
    let place = Place::new();
    let run = |name: &str, options: &str| {
        let script = fs::read_to_string(file("examples").join(name)).expect(name);
        place.psql(&format!("\\set ON_ERROR_STOP on\n{script}"), options)
    };
    run("tour.sql", "");
    assert!(run("migration.sql", "").contains("NOTICE:  updated the email server"));
    let again = run("migration.sql", "");
    let changes: Vec<_> = again
        .lines()
        .filter(|line| line.contains("NOTICE:") && !line.ends_with("already exists, skipping"))
        .collect();
    assert!(changes.is_empty(), "the second run changes: {changes:?}");
    let simulator = place.simulator.as_ref().expect("it runs");
    let before = simulator.requests().len();
    run("triggers.sql", "");
    let arrived = &simulator.requests()[before..];
    let created: Vec<_> = arrived
        .iter()
        .filter_map(|request| request.body["email"].as_str())
        .collect();
    let expected = ["mary@example.com", "grace@example.com", "Mary@example.com"];
    assert_eq!(created, expected, "who is a customer at COMMIT");
    let real = run("tour_real.sql", "-c default_transaction_read_only=on");
    let errors: Vec<_> = real
        .lines()
        .filter(|line| line.contains("ERROR:"))
        .collect();
    assert_eq!(
        errors,
        ["ERROR:  cannot execute add_domain() in a read-only transaction"]
    );
}
