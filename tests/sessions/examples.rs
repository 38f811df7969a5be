//! Runs the examples as their reader would: those for psql in psql, the others as a migration tool runs
//! them, through a driver.

use std::fs;
use std::sync::{Arc, Mutex};

use postgres::NoTls;

use crate::support::config;
use crate::tryout::{DATABASE, OWNER, Place, file};

fn script(name: &str) -> String {
    fs::read_to_string(file("examples").join(name)).expect(name)
}

/// In one transaction, as most tools do; what it notices.
fn migrate(script: &str) -> Vec<String> {
    let notices = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&notices);
    let mut config = config(DATABASE, OWNER);
    config.notice_callback(move |notice| {
        let mut heard = heard.lock().expect("nobody panics with it");
        heard.push(notice.message().to_owned());
    });
    let mut session = config.connect(NoTls).expect("a session");
    let mut transaction = session.transaction().expect("a transaction");
    transaction.batch_execute(script).expect("the script runs");
    transaction.commit().expect("committed");
    drop(session);
    let notices = notices.lock().expect("nobody panicked with it");
    notices.clone()
}

fn psql(place: &Place, name: &str, options: &str) -> String {
    let script = script(name);
    place.psql(&format!("\\set ON_ERROR_STOP on\n{script}"), options)
}

#[test]
fn the_examples_run_and_the_migration_runs_twice() {
    let place = Place::new();
    psql(&place, "tour.sql", "");
    let changes = || -> Vec<_> {
        let notices = migrate(&script("migration.sql")).into_iter();
        notices
            .filter(|it| !it.ends_with("already exists, skipping"))
            .collect()
    };
    assert!(changes().contains(&"updated the email server".to_owned()));
    assert_eq!(changes(), [""; 0], "the second run changes nothing");

    let simulator = place.simulator.as_ref().expect("it runs");
    let before = simulator.requests().len();
    migrate(&script("triggers.sql"));
    for (commits, customers) in [
        (
            true,
            "INSERT INTO app.customers (email) VALUES ('mary@example.com')",
        ),
        (
            false,
            "INSERT INTO app.customers (email) VALUES ('nobody@example.com')",
        ),
        (
            true,
            "INSERT INTO app.customers (email) VALUES ('gone@example.com');
             DELETE FROM app.customers WHERE email = 'gone@example.com'",
        ),
        (
            true,
            "INSERT INTO app.customers (email) VALUES ('grce@example.com');
             UPDATE app.customers SET email = 'grace@example.com' WHERE email = 'grce@example.com'",
        ),
        (
            true,
            "DELETE FROM app.customers; INSERT INTO app.customers (email) VALUES ('Mary@example.com')",
        ),
    ] {
        let end = if commits { "COMMIT" } else { "ROLLBACK" };
        let mut session = config(DATABASE, OWNER).connect(NoTls).expect("a session");
        let statements = format!("BEGIN; {customers}; {end}");
        session.batch_execute(&statements).expect(customers);
    }
    let arrived = &simulator.requests()[before..];
    let created: Vec<_> = arrived
        .iter()
        .filter_map(|request| request.body["email"].as_str())
        .collect();
    let expected = ["mary@example.com", "grace@example.com", "Mary@example.com"];
    assert_eq!(created, expected, "who is a customer at COMMIT");

    let real = psql(
        &place,
        "tour_real.sql",
        "-c default_transaction_read_only=on",
    );
    let errors: Vec<_> = real
        .lines()
        .filter(|line| line.contains("ERROR:"))
        .collect();
    assert_eq!(
        errors,
        ["ERROR:  cannot execute add_domain() in a read-only transaction"]
    );
}

/// Whoever opens one knows which tool it is for.
#[test]
fn an_example_that_needs_psql_says_so() {
    let examples = fs::read_dir(file("examples")).expect("the folder");
    let names = examples.map(|it| it.expect("a file").file_name().into_string());
    let mut for_psql: Vec<_> = names
        .map(|name| name.expect("ASCII"))
        .filter(|name| {
            let script = script(name);
            let needs_psql = script.contains('\\') || script.contains(":'");
            let says_so = script.lines().take(3).any(|line| line.contains("For psql"));
            assert_eq!(needs_psql, says_so, "{name}");
            needs_psql
        })
        .collect();
    for_psql.sort();
    assert_eq!(for_psql, ["tour.sql", "tour_real.sql"]);
}
