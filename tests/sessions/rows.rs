//! That a query calls for the rows that it keeps: once for each, and for no other, in each form that the
//! documentation shows and whatever the planner chooses. It knows nothing of what is called.

use std::thread;

use postgres::Client;
use postgres::error::SqlState;

use crate::support::{Database, arrived, sqlstate, variable, wait_until};

/// 3 of 9 rows, of which two are equal.
const KEPT: &str = "p.email LIKE 'ex%'
    AND NOT EXISTS (SELECT FROM orders AS o WHERE o.user_id = p.id)";
const CALL: &str = "neon_auth_admin.update_config(p.email)";
const ROW: &str = "neon_auth_admin.test_email_server(p.email)";
/// What the planner has to do without, in turn.
const WITHOUT: [&str; 9] = [
    "",
    "nestloop",
    "hashjoin",
    "mergejoin",
    "sort",
    "hashjoin, mergejoin",
    "hashjoin, mergejoin, material",
    "nestloop, hashjoin",
    "nestloop, mergejoin",
];

/// A database with people, of whom some have orders.
struct Place {
    database: Database,
    session: Client,
    project: String,
    /// How many requests had arrived when last asked.
    seen: usize,
}

impl Place {
    fn new(name: &str) -> Self {
        let database = Database::new(name);
        let project = format!("test-{}", name.replace('_', "-"));
        let url = variable("NEON_SIMULATOR_URL");
        database.add_server("neon", &project, &url, ", branch_id 'br-rows'");
        let mut session = database.session();
        session
            .batch_execute(
                "CREATE TABLE people (id integer, email text);
                 CREATE TABLE orders (user_id integer);
                 INSERT INTO people SELECT n, 'ex' || n || '@example.com' FROM generate_series(1, 5) AS n;
                 INSERT INTO people SELECT n, 'other' || n || '@example.com' FROM generate_series(6, 8) AS n;
                 INSERT INTO people VALUES (5, 'ex5@example.com');
                 INSERT INTO orders VALUES (1), (2), (3), (7);
                 ANALYZE",
            )
            .expect("tables");
        let seen = arrived(&project);
        Self {
            database,
            session,
            project,
            seen,
        }
    }

    /// How many rows a query has, and how many requests arrive for it.
    fn rows_and_requests(&mut self, query: &str) -> (usize, usize) {
        let rows = self.session.query(query, &[]).expect(query).len();
        (rows, self.requests())
    }

    /// How many have arrived since this was last asked.
    fn requests(&mut self) -> usize {
        let before = self.seen;
        self.seen = arrived(&self.project);
        self.seen - before
    }

    fn execute(&mut self, statement: &str) {
        self.session.batch_execute(statement).expect(statement);
    }

    /// The same without each of [`WITHOUT`], and with joins in whatever order or in the written one, as in a
    /// query with many of them.
    fn tried(&mut self, query: &str) -> Vec<(&'static str, (usize, usize))> {
        let mut tries = Vec::new();
        for (without, reordered) in WITHOUT.iter().flat_map(|it| [(*it, 8), (*it, 1)]) {
            self.execute(&format!(
                "BEGIN; SET LOCAL join_collapse_limit = {reordered}"
            ));
            for method in without.split(", ").filter(|it| !it.is_empty()) {
                self.execute(&format!("SET LOCAL enable_{method} = off"));
            }
            tries.push((without, self.rows_and_requests(query)));
            self.execute("ROLLBACK");
        }
        tries
    }
}

#[test]
fn each_documented_form_calls_for_the_rows_that_it_keeps() {
    let mut place = Place::new("it_rows");
    for (query, kept) in [
        (format!("SELECT {CALL} FROM people AS p WHERE {KEPT}"), 3),
        (
            format!("SELECT {CALL} FROM people AS p WHERE {KEPT} ORDER BY p.email DESC LIMIT 1"),
            1,
        ),
        (
            format!(
                "WITH tested AS MATERIALIZED (
                     SELECT p.email, {ROW} AS test FROM people AS p WHERE {KEPT}
                 )
                 SELECT email, (test).success, (test).error_message FROM tested"
            ),
            3,
        ),
        (
            format!(
                "WITH kept AS MATERIALIZED (
                     SELECT DISTINCT p.email FROM people AS p WHERE {KEPT} ORDER BY 1 OFFSET 1
                 )
                 SELECT {CALL} FROM kept AS p"
            ),
            1,
        ),
        (
            format!(
                "INSERT INTO orders SELECT ({ROW}).success::integer FROM people AS p WHERE {KEPT} RETURNING 1"
            ),
            3,
        ),
        (
            format!("DELETE FROM people AS p WHERE {KEPT} RETURNING {CALL}"),
            3,
        ),
    ] {
        for (without, found) in place.tried(&query) {
            assert_eq!(found, (kept, kept), "without {without}: {query}");
        }
    }
}

/// The documentation's reason, and the proof that the plans of the test above are those that went wrong.
#[test]
fn in_from_a_function_is_called_for_rows_that_are_dropped() {
    let mut place = Place::new("it_rows_dropped");
    for query in [
        format!("SELECT p.email FROM people AS p, {CALL} WHERE {KEPT}"),
        format!(
            "SELECT p.email FROM people AS p LEFT JOIN LATERAL {CALL} ON p.email LIKE 'other%' WHERE {KEPT}"
        ),
        format!("SELECT p.email FROM people AS p WHERE {CALL} IS NOT NULL AND {KEPT}"),
    ] {
        let tries = place.tried(&query);
        let dropped = tries.iter().any(|(_, (rows, requests))| rows < requests);
        assert!(dropped, "{query}: {tries:?}");
    }
}

/// Postgres may keep the rows of a function that returns a set for equal arguments.
#[test]
fn a_set_in_from_is_read_once_for_equal_arguments() {
    let mut place = Place::new("it_rows_kept");
    place.execute(
        "CREATE TABLE servers AS SELECT 'neon' AS server FROM generate_series(1, 100); ANALYZE;
         SELECT neon_auth_admin.add_domain('https://app.example.com')",
    );
    place.requests();
    let query = "SELECT FROM servers, neon_auth_admin.list_domains(server => server)";
    assert_eq!(place.rows_and_requests(query), (100, 1));
    // Or not, where the planner takes the set for a small one. 2 providers each.
    let query = "SELECT FROM servers, neon_auth_admin.list_oauth_providers(server => server)";
    assert_eq!(place.rows_and_requests(query), (200, 100));
}

#[test]
fn a_with_query_that_nobody_reads_calls_nobody() {
    let mut place = Place::new("it_rows_unread");
    let query = format!("WITH unread AS MATERIALIZED (SELECT {CALL} FROM people AS p) SELECT 1");
    assert_eq!(place.rows_and_requests(&query), (1, 0));
}

/// RETURNING is not, nor is what is called for rows that were locked before.
#[test]
fn what_is_called_before_the_lock_is_called_again_for_a_row_that_has_changed() {
    let mut place = Place::new("it_rows_set");
    let mut other = place.database.session();
    for (statement, calls) in [
        (
            format!("UPDATE people AS p SET email = {CALL}::text WHERE id = 8"),
            2,
        ),
        (
            format!("SELECT {CALL} FROM people AS p WHERE id = 4 FOR UPDATE"),
            2,
        ),
        (
            format!(
                "WITH kept AS MATERIALIZED (SELECT email FROM people WHERE id = 4 FOR UPDATE)
                 SELECT {CALL} FROM kept AS p"
            ),
            1,
        ),
        (
            format!("DELETE FROM people AS p WHERE id = 6 RETURNING {CALL}"),
            1,
        ),
    ] {
        other
            .batch_execute("BEGIN; UPDATE people SET email = email WHERE id IN (4, 6, 8)")
            .expect("changed");
        thread::scope(|scope| {
            scope.spawn(|| place.session.batch_execute(&statement).expect(&statement));
            wait_until(
                &mut other,
                "the second session waits for the first",
                "SELECT EXISTS (SELECT FROM pg_locks
                     WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid)))",
            );
            other.batch_execute("COMMIT").expect("committed");
        });
        assert_eq!(place.requests(), calls, "{statement}");
    }
}

/// A cursor that may go back makes its calls again on the way.
#[test]
fn a_cursor_without_scroll_calls_once_for_each_row() {
    let mut place = Place::new("it_rows_cursor");
    let query = format!("SELECT {CALL} FROM people AS p");
    for (kind, again) in [("NO SCROLL", 0), ("", 2)] {
        place.execute(&format!(
            "BEGIN; DECLARE calls {kind} CURSOR FOR {query}; MOVE 3 IN calls"
        ));
        let back = place.session.batch_execute("MOVE -2 IN calls");
        match kind {
            "" => back.expect("it went back"),
            _ => {
                let error = back.expect_err("it cannot go back");
                assert_eq!(sqlstate(&error), SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE);
            }
        }
        place.execute("ROLLBACK");
        assert_eq!(place.requests(), 3 + again, "{kind}");
    }
    // At COMMIT, one WITH HOLD is read to its end, and from its beginning if it may go back.
    for (kind, calls) in [("NO SCROLL", 9), ("", 9 + 3)] {
        place.execute(&format!(
            "BEGIN; DECLARE held {kind} CURSOR WITH HOLD FOR {query}; MOVE 3 IN held; COMMIT; CLOSE held"
        ));
        assert_eq!(place.requests(), calls, "{kind}");
    }
}
