//! That the oracle can fail: a secret is planted in each kind of place, and the oracle finds it there.

use std::collections::BTreeSet;

use crate::oracle::{Canaries, PART, Witness, add_pg_stat_statements, logged, sightings};
use crate::support::{Database, Statements};

/// How a secret, `{}`, leaks, and where it is to be seen then.
const LEAKS: [(&str, &str, &[&str]); 16] = [
    (
        "a row",
        "CREATE TABLE leaks (leak text); INSERT INTO leaks VALUES ('{}')",
        &["public.leaks"],
    ),
    (
        "bytes",
        "CREATE TABLE bytes AS SELECT convert_to('{}', 'UTF8')",
        &["public.bytes"],
    ),
    (
        "a large object",
        "SELECT lo_from_bytea(0, '{}')",
        &["pg_catalog.pg_largeobject"],
    ),
    (
        "statistics",
        "CREATE TABLE gone AS SELECT '{}'::text AS leak FROM generate_series(1, 9);
         ANALYZE gone; DELETE FROM gone",
        &["pg_catalog.pg_statistic", "pg_catalog.pg_stats"],
    ),
    (
        "a default",
        "ALTER TABLE leaks ALTER leak SET DEFAULT '{}'",
        &["information_schema.columns", "pg_catalog.pg_attrdef"],
    ),
    (
        "a view",
        "CREATE VIEW leaking AS SELECT '{}'::text AS leak",
        &["pg_catalog.pg_rewrite", "pg_catalog.pg_views"],
    ),
    (
        "a function",
        "CREATE FUNCTION leaking() RETURNS text LANGUAGE sql AS 'SELECT ''{}'''",
        &["information_schema.routines", "pg_catalog.pg_proc"],
    ),
    (
        "a comment",
        "COMMENT ON TABLE leaks IS '{}'",
        &["pg_catalog.pg_description"],
    ),
    (
        "a comment on what databases share",
        "COMMENT ON ROLE it_leaks IS '{}'",
        &["pg_catalog.pg_shdescription"],
    ),
    (
        "an option of a server",
        "CREATE SERVER neon FOREIGN DATA WRAPPER neon_auth_admin
         OPTIONS (api_url 'https://example.com/{}')",
        &[
            "information_schema.foreign_server_options",
            "pg_catalog.pg_foreign_server",
        ],
    ),
    (
        "a setting of a role",
        "ALTER ROLE it_leaks SET neon_auth_admin.server = '{}'",
        &["pg_catalog.pg_db_role_setting"],
    ),
    (
        "a setting",
        "SET search_path = '{}'",
        &["pg_catalog.pg_settings", "pg_show_all_settings()"],
    ),
    (
        "the name of an application",
        "SET application_name = '{}'",
        &["pg_catalog.pg_stat_activity", "pg_stat_get_activity()"],
    ),
    (
        "a prepared statement",
        "PREPARE leak AS SELECT '{}'",
        &[
            "pg_catalog.pg_backend_memory_contexts",
            "pg_catalog.pg_prepared_statements",
            "pg_get_backend_memory_contexts()",
        ],
    ),
    (
        "a cursor",
        "DECLARE leak CURSOR WITH HOLD FOR SELECT '{}'",
        &["pg_catalog.pg_cursors", "pg_cursor()"],
    ),
    // The last: what others see of this session is its last statement.
    (
        "a statement",
        "COMMENT ON VIEW public.leaking IS '{}'",
        &[
            "pg_catalog.pg_stat_activity",
            "pg_stat_get_activity()",
            "pg_stat_get_backend_activity()",
            "public.pg_stat_statements",
        ],
    ),
];

const STATEMENTS: &str = "public.pg_stat_statements";

#[test]
fn a_leak_in_each_kind_of_place_is_found() {
    let database = Database::new("it_leaks");
    let names: Vec<_> = LEAKS.iter().map(|(name, ..)| *name).collect();
    let canaries = Canaries::new(&names);
    let mut admin = Witness::new(&database.name, "postgres");
    let has_statements = add_pg_stat_statements(
        &mut admin.session,
        "leaks::a_leak_in_each_kind_of_place_is_found",
    );
    let seen = sightings(&mut admin.session, &canaries);
    assert!(seen.is_empty(), "before anything was planted: {seen:?}");

    // Another session than the one that looks sees a statement, and the one that did it the rest.
    let mut planter = Witness::new(&database.name, "postgres");
    planter.session.run("LOAD 'neon_auth_admin'");
    for (name, statement, _) in LEAKS {
        let statement = statement.replace("{}", canaries.value(name));
        planter.session.batch_execute(&statement).expect(name);
    }
    let from_outside = sightings(&mut admin.session, &canaries);
    let from_inside = sightings(&mut planter.session, &canaries);
    for (name, _, places) in LEAKS {
        for place in places {
            if *place == STATEMENTS && !has_statements {
                continue;
            }
            let seen = [&from_outside, &from_inside].into_iter();
            let mut seen = seen.filter_map(|sightings| sightings.get(*place));
            assert!(seen.any(|names| names.contains(name)), "{name}: {place}");
        }
    }
}

#[test]
fn a_leak_into_the_log_and_to_the_client_is_found() {
    let database = Database::new("it_raised");
    let canaries = Canaries::new(&["logged", "noticed", "raised", "shown", "cut off"]);
    let mut witness = Witness::new(&database.name, "postgres");
    // In the schema of what a witness calls. The secrets are bound, so no statement shows them.
    witness.session.run(
        "CREATE FUNCTION neon_auth_admin.log_it(text) RETURNS text LANGUAGE plpgsql
         AS 'BEGIN RAISE DEBUG ''%'', $1; RETURN ''''; END';
         CREATE FUNCTION neon_auth_admin.raise_it(text) RETURNS text LANGUAGE plpgsql
         AS 'BEGIN RAISE ''it failed'' USING DETAIL = $1; END'",
    );
    let nothing = BTreeSet::new();
    assert_eq!(logged(&canaries), nothing);
    let value = |name| canaries.value(name);

    let call = |witness: &mut Witness, call: &str, name| witness.call(call, &[&value(name)]);
    let quiet = "SET client_min_messages = error";
    witness.session.run(quiet);
    call(&mut witness, "log_it($1)", "logged").expect("logged");
    assert_eq!(logged(&canaries), ["logged"].into());
    assert_eq!(canaries.names_in(&witness.messages()), nothing);

    let loud = "SET client_min_messages = debug5; SET log_min_messages = error";
    witness.session.run(loud);
    call(&mut witness, "log_it($1)", "noticed").expect("noticed");
    assert_eq!(canaries.names_in(&witness.messages()), ["noticed"].into());
    call(&mut witness, "raise_it($1)", "raised").expect_err("raised");
    let heard = canaries.names_in(&witness.messages());
    assert_eq!(heard, ["noticed", "raised"].into());
    assert_eq!(logged(&canaries), ["logged", "raised"].into());

    assert_eq!(canaries.names_in(&witness.rows), nothing);
    call(&mut witness, "log_it($1) AS nothing, concat($1)", "shown").expect("shown");
    assert_eq!(canaries.names_in(&witness.rows), ["shown"].into());
    let cut = &value("cut off")[..33];
    assert_eq!(canaries.names_in(cut), [PART].into());
}
