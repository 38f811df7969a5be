//! wait_for_user: which tables it reads, by which rights, and which of them it says to have read.

use postgres::Client;

use crate::support::{Database, connect, sqlstate};

const ID: &str = "0c1b6d0e-51b0-4f6e-8f6b-2d3f4a5b6c7d";

const TABLES: &str = "CREATE SCHEMA neon_auth;
    CREATE TABLE neon_auth.\"user\" (
        id uuid PRIMARY KEY, name text, email text, \"emailVerified\" boolean, role text,
        \"createdAt\" timestamptz, \"updatedAt\" timestamptz, secret text);
    CREATE TABLE neon_auth.users_sync (
        id text PRIMARY KEY, name text, email text, created_at timestamptz,
        updated_at timestamptz, deleted_at timestamptz, raw_json jsonb);
    INSERT INTO neon_auth.users_sync (id, email)
        VALUES ('0c1b6d0e-51b0-4f6e-8f6b-2d3f4a5b6c7d', 'ada@example.com')";

const COLUMNS_OF_USER: &str =
    "id, email, name, \"emailVerified\", role, \"createdAt\", \"updatedAt\"";
const COLUMNS_OF_USERS_SYNC: &str = "id, email, name, created_at, updated_at, deleted_at";

/// A database with the tables of both levels, as after a project has moved on, and a role that may call.
fn database(name: &str) -> (Database, Client) {
    let database = Database::new(name);
    let mut owner = database.session();
    owner.batch_execute(TABLES).expect("tables");
    let mut admin = connect("postgres", "postgres");
    let role = format!("{name}_reader");
    admin
        .batch_execute(&format!("CREATE ROLE {role} LOGIN"))
        .expect("a role");
    owner
        .batch_execute(&format!(
            "GRANT USAGE ON SCHEMA neon_auth_admin, neon_auth TO {role};
             GRANT EXECUTE ON FUNCTION neon_auth_admin.wait_for_user TO {role}"
        ))
        .expect("grants");
    let reader = connect(&database.name, &role);
    (database, reader)
}

/// The address, or SQLSTATE and message.
fn wait_for(session: &mut Client, id: &str) -> Result<String, String> {
    let call = format!("SELECT email FROM neon_auth_admin.wait_for_user('{id}', '20 ms')");
    match session.query_one(&call, &[]) {
        Ok(row) => Ok(row.get(0)),
        Err(error) => {
            let message = error.as_db_error().expect("of the server").message();
            Err(format!("{} {message}", sqlstate(&error).code()))
        }
    }
}

#[test]
fn the_columns_that_are_read_are_the_rights_that_are_needed() {
    let (database, mut reader) = database("it_looked_columns");
    let mut owner = database.session();
    let mut grant = |table: &str, columns: &str| {
        let to = "it_looked_columns_reader";
        owner
            .batch_execute(&format!(
                "GRANT SELECT ({columns}) ON neon_auth.{table} TO {to}"
            ))
            .expect("a grant");
    };
    let denied = Err("42501 permission denied for table user".to_owned());
    assert_eq!(wait_for(&mut reader, ID), denied);
    grant("\"user\"", COLUMNS_OF_USER);
    let absent = Err("P0002 user did not appear in neon_auth.\"user\" in time".to_owned());
    assert_eq!(wait_for(&mut reader, ID), absent, "the other is not read");
    grant("users_sync", "id, email");
    assert_eq!(
        wait_for(&mut reader, ID),
        absent,
        "some columns are not enough"
    );
    grant("users_sync", COLUMNS_OF_USERS_SYNC);
    assert_eq!(wait_for(&mut reader, ID), Ok("ada@example.com".to_owned()));
}

#[test]
fn only_what_was_read_is_named() {
    let (database, _) = database("it_looked_names");
    let (mut session, mut holder) = (database.session(), database.session());
    let other = "3e9a1c52-7b1d-4c55-9d0e-6f1a2b3c4d5e";
    let both = "P0002 user did not appear in neon_auth.\"user\" or neon_auth.users_sync in time";
    assert_eq!(wait_for(&mut session, other), Err(both.to_owned()));
    // No UUID can be in the one of them.
    let one = "P0002 user did not appear in neon_auth.users_sync in time";
    assert_eq!(wait_for(&mut session, "user-1"), Err(one.to_owned()));
    for (locked, expected) in [
        ("neon_auth.\"user\"", one),
        (
            "neon_auth.\"user\", neon_auth.users_sync",
            "NA007 could not read the table of users in time",
        ),
    ] {
        holder
            .batch_execute(&format!("BEGIN; LOCK TABLE {locked}"))
            .expect("locked");
        let result = wait_for(&mut session, other);
        holder.batch_execute("ROLLBACK").expect("released");
        assert_eq!(result, Err(expected.to_owned()), "{locked}");
    }
}
