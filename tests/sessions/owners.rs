//! Who may call when somebody else than the owner of the database installs the extension, updates it, or
//! has owned the database before.

use std::fs;

use postgres::Client;
use postgres::error::SqlState;

use crate::support::{Database, connect, one, sqlstate};
use crate::tryout::file;

/// Whether this session may do everything, and grant all of it on.
fn may_everything(session: &mut Client) -> bool {
    let query = "SELECT bool_and(has_function_privilege(oid, 'EXECUTE WITH GRANT OPTION'))
            AND has_schema_privilege('neon_auth_admin', 'USAGE WITH GRANT OPTION')
            AND has_foreign_data_wrapper_privilege('neon_auth_admin', 'USAGE WITH GRANT OPTION')
        FROM pg_proc WHERE pronamespace = 'neon_auth_admin'::regnamespace";
    one(session, query).get(0)
}

#[test]
fn a_new_owner_of_the_database_may_everything() {
    let (old, given, reassigned) = ("it_owner_old", "it_owner_given", "it_owner_reassigned");
    let database = Database::new(old);
    let mut admin = connect(&database.name, "postgres");
    let create = format!("CREATE ROLE {given} LOGIN; CREATE ROLE {reassigned} LOGIN");
    admin.batch_execute(&create).expect("roles");
    let mut session = connect(&database.name, given);
    assert!(!may_everything(&mut session), "not yet");
    let give = format!("ALTER DATABASE {old} OWNER TO {given}");
    admin.batch_execute(&give).expect("given");
    assert!(may_everything(&mut session));
    assert!(may_everything(&mut database.session()), "who installed it");
    let reassign = format!("REASSIGN OWNED BY {given} TO {reassigned}; DROP OWNED BY {given}");
    admin.batch_execute(&reassign).expect("reassigned");
    assert!(may_everything(&mut connect(&database.name, reassigned)));
    assert!(!may_everything(&mut session), "no longer");
    let error = session
        .query("SELECT * FROM neon_auth_admin.list_domains()", &[])
        .expect_err("no longer");
    assert_eq!(sqlstate(&error), SqlState::INSUFFICIENT_PRIVILEGE);
}

/// A later version adds a function, and grants as sql/privileges.sql does.
#[test]
fn the_owner_may_everything_after_an_update_by_a_superuser() {
    let database = Database::new("it_owner_update");
    let mut admin = connect(&database.name, "postgres");
    let privileges = fs::read_to_string(file("sql/privileges.sql")).expect("the grants");
    let all = privileges.split_inclusive(";\n");
    let grants: String = all.filter(|it| it.starts_with("GRANT ")).collect();
    let share: String = one(
        &mut admin,
        "SELECT setting FROM pg_config WHERE name = 'SHAREDIR'",
    )
    .get(0);
    let script = format!("{share}/extension/neon_auth_admin--1.0--later.sql");
    let add = "CREATE FUNCTION neon_auth_admin.later() RETURNS integer LANGUAGE sql AS 'SELECT 1';
        REVOKE EXECUTE ON FUNCTION neon_auth_admin.later FROM PUBLIC;";
    fs::write(&script, format!("{add}\n{grants}")).expect("the folder of extensions");
    let updated = admin.batch_execute("ALTER EXTENSION neon_auth_admin UPDATE TO 'later'");
    fs::remove_file(&script).expect("it was written");
    updated.expect("updated");
    let mut owner = database.session();
    let row = one(&mut owner, "SELECT neon_auth_admin.later()");
    assert_eq!(row.get::<_, i32>(0), 1);
    assert!(may_everything(&mut owner));
}
