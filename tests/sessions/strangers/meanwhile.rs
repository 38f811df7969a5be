//! What changes while a read waits for a lock: what counts is what is there when it has the lock.

use std::thread;

use postgres::Client;

use super::outcome;
use crate::backend::Backend;
use crate::support::{Database, Statements, connect, one, variable, wait_until};

const OWNER: &str = "it_meanwhile";

/// What a superuser does in the transaction that holds the lock; nothing of it can be seen before.
const CHANGES: [(&str, &str); 4] = [
    (
        "another owner of the relation",
        "ALTER TABLE neon_auth.\"user\" OWNER TO it_meanwhile_mallory",
    ),
    (
        "another owner of the schema",
        "ALTER SCHEMA neon_auth OWNER TO it_meanwhile_mallory",
    ),
    (
        "another schema of that name",
        "ALTER SCHEMA neon_auth RENAME TO former;
         CREATE SCHEMA neon_auth;
         CREATE VIEW neon_auth.\"user\" AS SELECT gen_random_uuid() AS id, evil.planted() AS email,
            '' AS name, now() AS \"createdAt\", now() AS \"updatedAt\";
         ALTER VIEW neon_auth.\"user\" OWNER TO it_meanwhile_mallory;
         GRANT ALL ON SCHEMA neon_auth TO PUBLIC; GRANT ALL ON neon_auth.\"user\" TO PUBLIC",
    ),
    (
        "a child of another owner",
        "CREATE TABLE neon_auth.child () INHERITS (neon_auth.\"user\");
         ALTER TABLE neon_auth.child OWNER TO it_meanwhile_mallory",
    ),
];

const CALLS: [&str; 3] = [
    "SELECT id || email FROM neon_auth_admin.list_users()",
    "SELECT id || email FROM neon_auth_admin.wait_for_user('5d3f0f5c-6f0e-4b7e-9d5b-0a9f5a3d1c77', '20 s')",
    "SELECT detail FROM neon_auth_admin.check_connection() WHERE step = 'users table'",
];

fn world() -> (Database, Client) {
    let database = Database::new(OWNER);
    database.add_server(
        "neon",
        "test-meanwhile",
        &variable("NEON_SIMULATOR_URL"),
        ", branch_id 'br-a'",
    );
    let mut admin = connect(OWNER, "postgres");
    admin.run(
        "CREATE ROLE it_meanwhile_mallory;
         CREATE SCHEMA evil AUTHORIZATION it_meanwhile_mallory;
         GRANT USAGE ON SCHEMA evil TO PUBLIC;
         CREATE SEQUENCE evil.ran;
         GRANT ALL ON SEQUENCE evil.ran TO PUBLIC;
         CREATE FUNCTION evil.planted() RETURNS text LANGUAGE sql AS 'SELECT nextval(''evil.ran'')::text'",
    );
    (database, admin)
}

#[test]
fn what_is_there_under_the_lock_counts() {
    let (database, mut admin) = world();
    let mut holder = connect(OWNER, "postgres");
    for caller in [OWNER, "postgres"] {
        let mut session = connect(&database.name, caller);
        for (change, statements) in CHANGES {
            for call in CALLS {
                let what = format!("{change}, {caller}: {call}");
                admin.run(
                    "DROP SCHEMA IF EXISTS neon_auth CASCADE; DROP SCHEMA IF EXISTS former CASCADE;
                     SET ROLE it_meanwhile;
                     CREATE SCHEMA neon_auth;
                     GRANT USAGE ON SCHEMA neon_auth TO PUBLIC;
                     CREATE TABLE neon_auth.\"user\" (id uuid, email text, name text,
                        \"createdAt\" timestamptz, \"updatedAt\" timestamptz);
                     RESET ROLE",
                );
                holder.run("BEGIN; LOCK TABLE neon_auth.\"user\" IN ACCESS EXCLUSIVE MODE");
                let pid = Backend::of(&mut session).pid;
                let (state, said) = thread::scope(|scope| {
                    let call = scope.spawn(|| outcome(&mut session, call));
                    let waits = format!(
                        "SELECT count(*) = 1 FROM pg_stat_activity
                         WHERE pid = {pid} AND wait_event_type = 'Extension'"
                    );
                    wait_until(&mut admin, &what, &waits);
                    let queued = "SELECT count(*) FROM pg_locks WHERE NOT granted
                        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
                    let queued: i64 = one(&mut admin, queued).get(0);
                    assert_eq!(queued, 0, "{what}: nobody would wait behind it");
                    holder.batch_execute(statements).expect(&what);
                    holder.batch_execute("COMMIT").expect("committed");
                    call.join().expect("no panic")
                });
                let expected = if call.contains("check_") {
                    "00000"
                } else {
                    "42501"
                };
                assert_eq!(state, expected, "{what}: {said}");
                assert!(said.contains("it_meanwhile_mallory"), "{what}: {said}");
                let ran: bool = one(&mut admin, "SELECT is_called FROM evil.ran").get(0);
                assert!(!ran, "{what}");
            }
        }
    }
}

#[test]
fn a_lock_is_waited_for_within_the_time_of_a_call() {
    let database = Database::new("it_locked");
    let url = variable("NEON_SIMULATOR_URL");
    let options = ", branch_id 'br-a', timeout '300ms'";
    database.add_server("neon", "test-locked", &url, options);
    let mut owner = database.session();
    owner.run(
        "CREATE SCHEMA neon_auth;
         CREATE TABLE neon_auth.below (id uuid, email text, name text, \"createdAt\" timestamptz,
            \"updatedAt\" timestamptz);
         CREATE VIEW neon_auth.\"user\" AS SELECT * FROM neon_auth.below",
    );
    let mut session = database.session();
    session.run("SET statement_timeout = '20s'");
    // Of what is read itself, and of what a view reads.
    for table in ["\"user\"", "below"] {
        owner.run(&format!("BEGIN; LOCK TABLE ONLY neon_auth.{table}"));
        let listed = outcome(
            &mut session,
            "SELECT * FROM neon_auth_admin.list_users(server => 'neon')",
        );
        let message = "could not read neon_auth.\"user\" in time".to_owned();
        assert_eq!(listed, ("NA007".to_owned(), message), "{table}");
        let check =
            "SELECT detail FROM neon_auth_admin.check_connection() WHERE step = 'users table'";
        let (state, said) = outcome(&mut session, check);
        assert_eq!(state, "00000", "{table}");
        assert!(
            said.starts_with("could not read neon_auth.\"user\" in time"),
            "{said}"
        );
        owner.batch_execute("ROLLBACK").expect("released");
    }
}
