//! Who reads as the owner of a table has the caller's rights all the same, and no more.

use super::outcome;
use crate::support::{Database, Statements, connect};

const OWNER: &str = "it_rights";
const LIST: &str = "SELECT string_agg(email, ' ' ORDER BY email) FROM neon_auth_admin.list_users()";
const WAIT: &str =
    "SELECT email FROM neon_auth_admin.wait_for_user('5d3f0f5c-6f0e-4b7e-9d5b-0a9f5a3d1c77', '0')";

/// What a role gets in a session of its own, and in one of a superuser after SET ROLE, where the query
/// runs as the owner of the table.
fn both(query: &str) -> [(String, String); 2] {
    let mut own = connect(OWNER, "it_rights_alice");
    let mut borrowed = connect(OWNER, "postgres");
    borrowed.run("SET ROLE it_rights_alice");
    [outcome(&mut own, query), outcome(&mut borrowed, query)]
}

fn same(query: &str, state: &str, said: &str) {
    for outcome in both(query) {
        assert_eq!(outcome, (state.to_owned(), said.to_owned()), "{query}");
    }
}

#[test]
fn the_callers_rights_count_whoever_reads() {
    let database = Database::new(OWNER);
    let mut owner = database.session();
    connect(OWNER, "postgres").run("CREATE ROLE it_rights_alice LOGIN");
    owner.run(
        "GRANT USAGE ON SCHEMA neon_auth_admin TO it_rights_alice;
         GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA neon_auth_admin TO it_rights_alice;
         CREATE SCHEMA neon_auth;
         CREATE TABLE neon_auth.\"user\" AS
            SELECT '5d3f0f5c-6f0e-4b7e-9d5b-0a9f5a3d1c77'::uuid AS id, 'ada@example.com'::text AS email,
                'Ada'::text AS name, now() AS \"createdAt\", now() AS \"updatedAt\", 'it_rights'::text AS secret;
         INSERT INTO neon_auth.\"user\" (email, secret) VALUES ('eve@example.com', 'it_rights_alice')",
    );
    for call in [LIST, WAIT] {
        same(call, "42501", "permission denied for schema neon_auth");
    }
    owner.run("GRANT USAGE ON SCHEMA neon_auth TO it_rights_alice");
    for call in [LIST, WAIT] {
        same(call, "42501", "permission denied for table user");
    }
    owner.run("GRANT SELECT (id, email, \"createdAt\", \"updatedAt\") ON neon_auth.\"user\" TO it_rights_alice");
    for call in [LIST, WAIT] {
        same(call, "42501", "permission denied for table user");
    }
    owner.run("GRANT SELECT (name) ON neon_auth.\"user\" TO it_rights_alice");
    same(LIST, "00000", "ada@example.com eve@example.com");
    same(WAIT, "00000", "ada@example.com");

    // Rows and views that are there for some are never read as somebody else.
    for (statements, why) in [
        (
            "ALTER TABLE neon_auth.\"user\" ENABLE ROW LEVEL SECURITY;
             CREATE POLICY own ON neon_auth.\"user\" USING (secret = current_user)",
            "has row security",
        ),
        (
            "ALTER TABLE neon_auth.\"user\" RENAME TO below;
             CREATE VIEW neon_auth.\"user\" AS SELECT * FROM neon_auth.below WHERE secret = current_user;
             GRANT SELECT ON neon_auth.\"user\" TO it_rights_alice",
            "is a view",
        ),
    ] {
        owner.batch_execute(statements).expect(why);
        let [own, borrowed] = both(LIST);
        assert_eq!(own.1, "eve@example.com", "{why}");
        assert_eq!(borrowed.0, "42501", "{why}");
        let message =
            format!("could not read neon_auth.\"user\" with the rights of its owner: it {why}");
        assert_eq!(borrowed.1, message);
    }
}

#[test]
fn nothing_in_the_callers_search_path_is_used_by_a_trusted_function() {
    let database = Database::new("it_trusted_path");
    let mut owner = database.session();
    owner.run(
        "CREATE SCHEMA evil;
         CREATE FUNCTION evil.lower(text) RETURNS text LANGUAGE plpgsql AS 'BEGIN RAISE ''hijacked''; END';
         CREATE SCHEMA neon_auth;
         CREATE FUNCTION neon_auth.careless(what text) RETURNS text LANGUAGE plpgsql
            AS 'BEGIN RETURN lower(what); END';
         CREATE VIEW neon_auth.\"user\" AS SELECT '5d3f0f5c-6f0e-4b7e-9d5b-0a9f5a3d1c77'::uuid AS id,
            neon_auth.careless('ADA') AS email, 'Ada'::text AS name, now() AS \"createdAt\", now() AS \"updatedAt\";
         SET search_path = evil, pg_catalog",
    );
    let direct = outcome(&mut owner, "SELECT email FROM neon_auth.\"user\"");
    assert_eq!(direct.1, "hijacked", "there is a danger");
    for call in [LIST, WAIT] {
        assert_eq!(
            outcome(&mut owner, call),
            ("00000".to_owned(), "ada".to_owned())
        );
    }
}
