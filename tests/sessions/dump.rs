//! A dump of a database with the extension, with the keys that its role sees and without the others, and
//! its restore by a superuser.

use postgres::error::SqlState;

use crate::programs::output;
use crate::support::{Database, Statements, connect, set_api_key, variable};

const LIST: &str = "SELECT * FROM neon_auth_admin.list_domains()";

fn pg_dump(database: &str, role: &str) -> String {
    output("pg_dump", &["--username", role, "--dbname", database])
}

/// psql's own commands in newer dumps (\\restrict) are not for the server.
fn statements(dump: &str) -> String {
    let lines = dump.lines().filter(|line| !line.starts_with('\\'));
    lines.map(|line| format!("{line}\n")).collect()
}

#[test]
fn a_dump_can_be_restored_by_a_superuser() {
    let database = Database::new("it_dump");
    let url = variable("NEON_SIMULATOR_URL");
    database.session().run(&format!(
        "CREATE SERVER neon FOREIGN DATA WRAPPER neon_auth_admin
             OPTIONS (project_id 'test-dump', api_url '{url}');
         SELECT neon_auth_admin.set_api_key('napi_in_a_dump')"
    ));
    let dump = pg_dump(&database.name, &database.name);
    assert!(!dump.contains("CREATE SCHEMA neon_auth_admin"), "{dump}");
    assert!(!dump.contains("CREATE FUNCTION"), "{dump}");
    assert!(!dump.contains("napi_in_a_dump"), "a key in a dump");
    assert!(dump.contains("api_key 'sealed:v1:"), "{dump}");
    assert!(!dump.contains("neon_auth_admin_seal"), "{dump}");

    // pg_upgrade keeps them as they are.
    let how = ["--username", "postgres", "--dbname", &database.name];
    let upgrade = [&how[..], &["--binary-upgrade", "--schema-only"]].concat();
    let upgrade = output("pg_dump", &upgrade);
    assert!(
        upgrade.contains("TO pg_database_owner WITH GRANT OPTION"),
        "{upgrade}"
    );

    let restored = "it_dump_restored";
    connect("postgres", "postgres").run(&format!("CREATE DATABASE {restored} OWNER it_dump"));
    connect(restored, "postgres").run(&statements(&dump));

    // The extension's own grants are in no dump, and the owner of the database has them again.
    let mut owner = connect(restored, "it_dump");
    let error = owner.refused(LIST, &SqlState::from_code("NA009"));
    let message = error.message();
    let expected = "the key of role \"it_dump\" on server \"neon\" was stored in another database";
    assert_eq!(message, expected);
    set_api_key(&mut owner, "neon");
    owner.query(LIST, &[]).expect("listed");
}

/// What the owner has granted on is in the dump, and the owner can grant it again.
#[test]
fn a_dump_with_grants_and_without_a_key() {
    let (owner, user) = ("it_regrant", "it_regrant_user");
    let database = Database::new(owner);
    database.add_server("neon", "test-regrant", &variable("NEON_SIMULATOR_URL"), "");
    let mut admin = connect("postgres", "postgres");
    let create = format!("CREATE ROLE {user} LOGIN");
    admin.run(&create);
    database.session().run(&format!(
        "GRANT USAGE ON SCHEMA neon_auth_admin TO {user};
         GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA neon_auth_admin TO {user};
         GRANT USAGE ON FOREIGN SERVER neon TO {user};
         DROP USER MAPPING FOR {owner} SERVER neon"
    ));
    let mut session = connect(owner, user);
    set_api_key(&mut session, "neon");
    session.query(LIST, &[]).expect("listed");
    let dump = pg_dump(&database.name, owner);
    let shown = dump.contains(&variable("NEON_API_KEY"));
    assert!(!shown, "the owner does not see the key of another role");
    let mapping = format!("CREATE USER MAPPING FOR {user} SERVER neon;");
    assert!(dump.contains(&mapping), "{dump}");

    let restored = "it_regrant_restored";
    let create = format!("CREATE DATABASE {restored} OWNER {owner}");
    admin.run(&create);
    connect(restored, "postgres").run(&statements(&dump));
    let mut session = connect(restored, user);
    let error = session.refused(LIST, &SqlState::from_code("NA009"));
    let message = error.message();
    let expected = format!("no api_key for role \"{user}\" on server \"neon\"");
    assert_eq!(message, expected);
    set_api_key(&mut session, "neon");
    session.query(LIST, &[]).expect("listed");
}
