//! Places where Postgres may run a function without being asked to, in the eyes of the ledger: where
//! nothing may be sent nothing is, and elsewhere one request for each row.

use postgres::Client;
use postgres::error::SqlState;

use crate::functions::functions;
use crate::support::{Database, Statements, arrived, one, variable};

struct World {
    session: Client,
    project: String,
}

impl World {
    fn new(name: &str) -> Self {
        let database = Database::new(name);
        let project = format!("test-{}", name.replace('_', "-"));
        let url = variable("NEON_SIMULATOR_URL");
        database.add_server("neon", &project, &url, "");
        database.add_server("branch", &project, &url, ", branch_id 'br-main-000001'");
        Self {
            session: database.session(),
            project,
        }
    }

    fn run(&mut self, statements: &str) {
        self.session.run(statements);
    }

    #[track_caller]
    fn assert_refused(&mut self, statements: &str, expected: &SqlState) {
        self.session.refused(statements, expected);
    }

    fn arrived(&self) -> usize {
        arrived(&self.project)
    }

    /// The lines of a plan.
    fn plan(&mut self, query: &str) -> String {
        let lines = self.session.query(&format!("EXPLAIN {query}"), &[]);
        let lines = lines.unwrap_or_else(|error| panic!("{query}: {error:?}"));
        lines
            .iter()
            .map(|line| line.get::<_, String>(0) + "\n")
            .collect()
    }
}

#[test]
fn making_a_plan_sends_nothing() {
    let mut world = World::new("it_plans");
    world.run("CREATE TABLE many AS SELECT n FROM generate_series(1, 1000) AS n; ANALYZE many");
    for (n, function) in functions(&mut world.session).iter().enumerate() {
        let call = format!("neon_auth_admin.{}", function.call(&[]));
        for query in [
            format!("SELECT * FROM {call}"),
            format!("SELECT {call}"),
            format!("(VERBOSE, SETTINGS) SELECT {call} FROM many WHERE n < 10"),
            // Values that a planner would like to know.
            format!("SELECT * FROM many WHERE n = (SELECT count(*) FROM {call})"),
            format!("SELECT * FROM many LIMIT (SELECT count(*) FROM {call})"),
            format!("INSERT INTO many SELECT count(*) FROM {call}"),
        ] {
            world.plan(&query);
        }
        world.run(&format!(
            "PREPARE call_{n} AS SELECT * FROM {call};
             EXPLAIN EXECUTE call_{n};
             CREATE VIEW view_{n} AS SELECT count(*) FROM {call};
             CREATE FUNCTION function_{n}() RETURNS void LANGUAGE sql AS 'SELECT {}'",
            call.replace('\'', "''") + " LIMIT 0"
        ));
    }
    assert_eq!(world.arrived(), 0);
    world
        .session
        .query(
            "EXPLAIN ANALYZE SELECT * FROM neon_auth_admin.list_domains()",
            &[],
        )
        .expect("the plan was run");
    assert_eq!(world.arrived(), 1, "the ledger can count");
}

#[test]
fn never_in_a_parallel_worker() {
    let mut world = World::new("it_parallel");
    let forced = match one(
        &mut world.session,
        "SELECT current_setting('server_version_num')::int",
    )
    .get::<_, i32>(0)
    {
        ..160_000 => "force_parallel_mode",
        _ => "debug_parallel_query",
    };
    world.run(&format!(
        "CREATE TABLE many AS SELECT n FROM generate_series(1, 10000) AS n; ANALYZE many;
         SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0;
         SET min_parallel_table_scan_size = 0; SET {forced} = on"
    ));
    // Postgres does go parallel here, and not where one of our functions is that may be called by nobody else:
    // those that only read leave the rest of the query to workers.
    let harmless = world.plan("SELECT count(*) FROM many WHERE n < 0");
    assert!(harmless.contains("Gather"), "{harmless}");
    let functions = functions(&mut world.session);
    let restricted = "SELECT proname::text FROM pg_proc
        WHERE pronamespace = 'neon_auth_admin'::regnamespace AND proparallel = 'r'";
    let restricted = world.session.query(restricted, &[]).expect("functions");
    let restricted: Vec<String> = restricted.iter().map(|row| row.get(0)).collect();
    assert!(!restricted.is_empty());
    let mut calls = 0;
    for function in &functions {
        // As that of a list of projects, the ledger knows the organization; and one with nothing in it is
        // one request.
        let call = function.call(&[
            ("server", "'branch'"),
            ("org_id", "'test-it-parallel'"),
            ("search", "'nowhere'"),
        ]);
        let query = format!("SELECT n, neon_auth_admin.{call} FROM many WHERE n < 3");
        let plan = world.plan(&query);
        let is_restricted = restricted.contains(&function.name);
        assert_eq!(plan.contains("Gather"), is_restricted, "{plan}");
        if is_restricted {
            world.run(&query);
            calls += 2 * function.reads();
            assert_eq!(
                world.arrived(),
                calls,
                "called by the session itself: {query}"
            );
        }
    }
    world.run("SELECT neon_auth_admin.add_domain('https://example.com')");
    calls += 1;
    assert_eq!(world.arrived(), calls, "called by the session itself");

    // A caller's own function may claim what is not so. In a worker the call is refused, and in the leader,
    // which does a part of the work, what writes.
    let functions = functions.iter().filter(|it| it.calls_neon());
    for (n, function) in functions.enumerate() {
        let call = function.call(&[("org_id", "'test-it-parallel'")]);
        let body = format!("PERFORM neon_auth_admin.{call}; RETURN 1;");
        world.run(&format!(
            "CREATE FUNCTION claims_{n}() RETURNS int LANGUAGE plpgsql PARALLEL SAFE
             AS $$ BEGIN {body} END $$"
        ));
        let leads = !restricted.contains(&function.name);
        world.run(&format!("SET parallel_leader_participation = {leads}"));
        let query = format!("SELECT claims_{n}() FROM many WHERE n = 1");
        let plan = world.plan(&query);
        assert!(plan.contains("Gather"), "{plan}");
        world.assert_refused(&query, &SqlState::INVALID_TRANSACTION_STATE);
    }
    assert_eq!(world.arrived(), calls, "nothing from a worker");
}

/// As expensive as it takes for a planner to call it after everything else, and no more: nothing is compiled
/// because of a few thousand calls, or because a planner takes a list for long.
#[test]
fn calls_are_expensive_and_no_reason_to_compile() {
    let mut world = World::new("it_costs");
    world.run(
        "CREATE TABLE people AS SELECT n, n || '@example.com' AS email FROM generate_series(1, 30000) AS n;
         ANALYZE people;
         CREATE FUNCTION slow(text) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RETURN true; END'",
    );
    let above: f64 = one(
        &mut world.session,
        "SELECT current_setting('jit_above_cost')::float8",
    )
    .get(0);
    for query in [
        "SELECT neon_auth_admin.create_user(email) FROM people",
        "SELECT neon_auth_admin.delete_domain(domain) FROM neon_auth_admin.list_domains()",
        "SELECT * FROM neon_auth_admin.list_domains() AS d, neon_auth_admin.list_oauth_providers() AS p,
            neon_auth_admin.list_integrations() AS i, neon_auth_admin.delete_domain(d.domain)",
        "SELECT * FROM neon_auth_admin.check_connection()",
    ] {
        let plan = world.plan(query);
        let cost = plan.split("..").nth(1).and_then(|rest| rest.split(' ').next());
        let cost: f64 = cost.and_then(|cost| cost.parse().ok()).expect("a cost");
        assert!(cost < above, "{cost}: {plan}");
    }
    let plan = world.plan(
        "SELECT FROM people WHERE neon_auth_admin.delete_user(email) <> '' AND slow(email) AND n > 1",
    );
    let place = |what: &str| plan.find(what).unwrap_or_else(|| panic!("{what}: {plan}"));
    assert!(place("n > 1") < place("slow("), "{plan}");
    assert!(place("slow(") < place("delete_user("), "{plan}");
    assert_eq!(world.arrived(), 0);
}

#[test]
fn indexes_views_and_constraints() {
    let mut world = World::new("it_kept");
    let restricted = &SqlState::INSUFFICIENT_PRIVILEGE;
    world.run(
        "CREATE TABLE people (email text);
         INSERT INTO people VALUES ('ada@example.com'), ('grace@example.com');
         CREATE FUNCTION claims(email text) RETURNS text LANGUAGE plpgsql IMMUTABLE
            AS $$ BEGIN RETURN (neon_auth_admin.create_user(email)).id; END $$",
    );
    // As such they are not IMMUTABLE; a caller's function may claim so, but Postgres evaluates an
    // index and a materialized view in a restricted operation.
    world.assert_refused(
        "CREATE INDEX ON people (((neon_auth_admin.create_user(email)).id))",
        &SqlState::INVALID_OBJECT_DEFINITION,
    );
    world.assert_refused("CREATE INDEX ON people (claims(email))", restricted);
    world.assert_refused(
        "CREATE INDEX ON people (email) WHERE claims(email) IS NOT NULL",
        restricted,
    );
    world.run("CREATE MATERIALIZED VIEW ids AS SELECT claims(email) FROM people WITH NO DATA");
    world.assert_refused("REFRESH MATERIALIZED VIEW ids", restricted);
    world.assert_refused(
        "CREATE MATERIALIZED VIEW more AS SELECT claims(email) FROM people",
        restricted,
    );
    world.assert_refused(
        "CREATE TABLE generated (email text, id text
            GENERATED ALWAYS AS ((neon_auth_admin.create_user(email)).id) STORED)",
        &SqlState::INVALID_OBJECT_DEFINITION,
    );
    assert_eq!(world.arrived(), 0);

    // Postgres does not refuse a CHECK, so it calls, once for each row that is checked.
    world.run(
        "CREATE TABLE checked (email text
            CHECK ((neon_auth_admin.create_user(email)).id IS NOT NULL))",
    );
    assert_eq!(world.arrived(), 0);
    world.run("INSERT INTO checked SELECT email FROM people");
    assert_eq!(world.arrived(), 2);
    world.assert_refused(
        "UPDATE checked SET email = email",
        &SqlState::UNIQUE_VIOLATION,
    );
    assert_eq!(world.arrived(), 3);

    // ROLLBACK takes back none of it: the next one is there already.
    world.run("BEGIN; SELECT neon_auth_admin.create_user('alan@example.com'); ROLLBACK");
    world.assert_refused(
        "SELECT neon_auth_admin.create_user('alan@example.com')",
        &SqlState::UNIQUE_VIOLATION,
    );
    assert_eq!(world.arrived(), 5);
}
