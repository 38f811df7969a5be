//! A backend that may open no more files: every step of a call fails in turn, and leaves nothing.

use std::collections::HashSet;
use std::fs;

use postgres::error::SqlState;

use crate::backend::Backend;
use crate::configuration::Configuration;
use crate::phases::list;
use crate::support::{Database, sqlstate, variable, wait_for};

/// More than a call needs at once.
const ENOUGH: usize = 16;

/// The numbers that new descriptors get, in their order: the lowest that are free.
fn free(backend: Backend) -> impl Iterator<Item = usize> {
    let entries = fs::read_dir(format!("/proc/{}/fd", backend.pid)).expect("a live backend");
    let open: HashSet<usize> = entries
        .map(|entry| entry.expect("an entry").file_name())
        .map(|name| name.to_str().expect("ASCII").parse().expect("a number"))
        .collect();
    (0..).filter(move |number| !open.contains(number))
}

#[test]
fn a_call_without_descriptors_fails_clearly_and_leaves_none() {
    // A backend that cannot open the configuration file takes it for an empty one.
    let _unchanged = Configuration::own();
    let database = Database::new("it_descriptors");
    for (scheme, variable_name) in [
        ("http", "NEON_SIMULATOR_URL"),
        ("https", "NEON_SIMULATOR_HTTPS_URL"),
    ] {
        database.add_server(
            scheme,
            "test-descriptors",
            &variable(variable_name),
            ", max_attempts '1'",
        );
        let mut session = database.session();
        let backend = Backend::of(&mut session);
        session
            .query(&list("nobody"), &[])
            .expect_err("no such server");
        let before = backend.descriptors();
        let mut failures = 0;
        let enough = free(backend).take(ENOUGH).find(|&number| {
            // Those below this number alone.
            backend.limit("nofile", number);
            let Err(error) = session.query(&list(scheme), &[]) else {
                return true;
            };
            wait_for("the look-up ends", || backend.threads().len() == 1);
            // A look-up that could not be waited for leaves its answer to the next call.
            let answer = 1;
            assert!(backend.descriptors() <= before + answer, "below {number}");
            let detail = error
                .as_db_error()
                .and_then(|error| error.detail())
                .expect("a detail");
            println!("{scheme}: {failures} descriptors more: {detail}");
            let state = sqlstate(&error);
            let roots = state == SqlState::from_code("NA009");
            assert_eq!(roots, detail.starts_with("File "), "{detail}");
            if !roots {
                let unreachable = SqlState::from_code("NA001");
                assert_eq!(state, unreachable, "{detail}");
            }
            failures += 1;
            false
        });
        assert!(enough.is_some(), "{scheme}");
        assert!(failures > 0, "{scheme}");
        let kept_alive = 2;
        assert_eq!(backend.descriptors(), before + kept_alive, "{scheme}");
    }
}
