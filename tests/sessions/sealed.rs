//! Sealed keys: what they are good for, and where they are good for nothing.

use postgres::Client;
use postgres::error::SqlState;

use crate::support::{
    Database, Statements, arrived, connect, one, set_api_key, sqlstate, variable,
};

const LIST: &str = "SELECT * FROM neon_auth_admin.list_domains('neon')";

/// A database with a server, which has a key for its owner.
fn world(name: &str, project: &str) -> (Database, Client) {
    let database = Database::new(name);
    database.add_server("neon", project, &variable("NEON_SIMULATOR_URL"), "");
    let session = database.session();
    (database, session)
}

/// Why a call fails: SQLSTATE and message.
#[track_caller]
fn refusal(session: &mut Client, call: &str) -> (SqlState, String) {
    let error = session.batch_execute(call).expect_err(call);
    let shown = error.as_db_error().expect("of the server");
    let all = format!("{error:?}");
    assert!(!all.contains(&variable("NEON_API_KEY")), "the key is shown");
    (sqlstate(&error), shown.message().to_owned())
}

fn stored(session: &mut Client, role: &str) -> String {
    let query = format!(
        "SELECT umoptions[1] FROM pg_user_mapping JOIN pg_foreign_server AS s ON s.oid = umserver
         WHERE srvname = 'neon' AND umuser = '{role}'::regrole"
    );
    let option: String = one(session, &query).get(0);
    option["api_key=".len()..].to_owned()
}

/// What the owner of a server may change, and where others' keys must not go.
#[test]
fn a_key_goes_only_where_it_was_stored_for() {
    let project = "test-sealed";
    let (database, mut owner) = world("it_sealed", project);
    let user = "it_sealed_user";
    connect(&database.name, "postgres").run(&format!(
        "CREATE ROLE {user} LOGIN;
         GRANT USAGE ON SCHEMA neon_auth_admin TO {user};
         GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA neon_auth_admin TO {user};
         GRANT USAGE ON FOREIGN SERVER neon TO {user}"
    ));
    let mut session = connect(&database.name, user);
    let key = variable("NEON_API_KEY");
    let set = "SELECT neon_auth_admin.set_api_key($1, 'neon', project_id => $2)";
    session.execute(set, &[&key, &project]).expect("a key");
    session.query(LIST, &[]).expect("listed");
    let before = arrived(project) + arrived("test-sealed-other");

    let mut alter = |options: &str| {
        let alter = format!("ALTER SERVER neon OPTIONS ({options})");
        owner.run(&alter);
    };
    let url = variable("NEON_SIMULATOR_URL");
    for elsewhere in [
        // A listener of the owner's own, on an allowed host.
        "SET api_url 'http://127.0.0.1:1/api/v2'",
        "SET api_url 'http://localhost:1/api/v2'",
        "DROP api_url",
    ] {
        alter(elsewhere);
        let (state, message) = refusal(&mut session, LIST);
        assert_eq!(state, SqlState::INSUFFICIENT_PRIVILEGE, "{message}");
        let expected =
            format!("the key of role \"{user}\" on server \"neon\" was stored for another host");
        assert_eq!(message, expected, "{elsewhere}");
        let back = if elsewhere == "DROP api_url" {
            "ADD"
        } else {
            "SET"
        };
        alter(&format!("{back} api_url '{url}'"));
    }
    alter("SET project_id 'test-sealed-other'");
    let (state, message) = refusal(&mut session, LIST);
    assert_eq!(state, SqlState::INSUFFICIENT_PRIVILEGE, "{message}");
    assert!(
        message.ends_with("was stored for another project"),
        "{message}"
    );
    alter(&format!("SET project_id '{project}'"));
    assert_eq!(arrived(project) + arrived("test-sealed-other"), before);
    session.query(LIST, &[]).expect("as before");

    // A sealed text in the mapping of somebody else, of PUBLIC, or changed, is no key.
    let mut admin = connect(&database.name, "postgres");
    let sealed = stored(&mut admin, user);
    let mut changed = sealed.clone();
    let first = "sealed:v1:".len();
    let another = if changed[first..].starts_with('A') {
        "B"
    } else {
        "A"
    };
    changed.replace_range(first..=first, another);
    let copied = sealed;
    for (mapping, text, expected) in [
        ("CURRENT_USER", &copied, "was stored for another role"),
        ("CURRENT_USER", &changed, "was stored in another database"),
        ("PUBLIC", &copied, "was stored for another role"),
    ] {
        admin.run(&format!(
            "DROP USER MAPPING IF EXISTS FOR CURRENT_USER SERVER neon;
             CREATE USER MAPPING FOR {mapping} SERVER neon OPTIONS (api_key '{text}')"
        ));
        let (_, message) = refusal(&mut admin, LIST);
        assert!(message.ends_with(expected), "{mapping}: {message}");
    }
    assert_eq!(arrived(project), before + 1);
}

/// Here a key is forgotten; only Neon can revoke it.
#[test]
fn a_sealed_text_that_was_kept_works_again() {
    let (database, mut session) = world("it_sealed_kept", "test-sealed-kept");
    let kept = stored(&mut connect(&database.name, "postgres"), &database.name);
    let drop = "DROP USER MAPPING FOR CURRENT_USER SERVER neon";
    session.run(drop);
    let (_, message) = refusal(&mut session, LIST);
    assert!(message.starts_with("no api_key for role"), "{message}");
    let again =
        format!("CREATE USER MAPPING FOR CURRENT_USER SERVER neon OPTIONS (api_key '{kept}')");
    session.run(&again);
    session.query(LIST, &[]).expect("listed");
}

/// A name is no identity: a role that is renamed keeps its key.
#[test]
fn a_renamed_role_keeps_its_key() {
    let (database, session) = world("it_sealed_renamed", "test-sealed-renamed");
    drop(session);
    connect("postgres", "postgres")
        .run("ALTER ROLE it_sealed_renamed RENAME TO it_sealed_new_name");
    let mut session = connect(&database.name, "it_sealed_new_name");
    session.query(LIST, &[]).expect("listed");
}

/// A physical copy has the secret with the keys.
#[test]
fn a_copy_by_template_works_on() {
    let (database, session) = world("it_sealed_template", "test-sealed-template");
    drop(session);
    let copy = "it_sealed_copy";
    let create = format!(
        "CREATE DATABASE {copy} TEMPLATE {} OWNER {0}",
        database.name
    );
    let mut admin = connect("postgres", "postgres");
    admin.batch_execute(&create).expect("a copy");
    let mut session = connect(copy, &database.name);
    session.query(LIST, &[]).expect("listed");
}

/// The secret is remembered until it changes: in a session that made calls before.
#[test]
fn a_changed_secret_is_noticed() {
    let (database, mut session) = world("it_sealed_secret", "test-sealed-secret");
    session.query(LIST, &[]).expect("listed");
    let mut admin = connect(&database.name, "postgres");
    let secret =
        "SELECT umoptions[1] FROM pg_user_mapping JOIN pg_foreign_server AS s ON s.oid = umserver
                  WHERE srvname = 'neon_auth_admin_seal'";
    let secret: String = one(&mut admin, secret).get(0);
    let secret = secret["secret=".len()..].to_owned();
    let set = |secret: &str| {
        format!(
            "ALTER USER MAPPING FOR postgres SERVER neon_auth_admin_seal OPTIONS (SET secret '{secret}')"
        )
    };
    // A secret of the same form, which is another one.
    let other: String = secret.chars().rev().collect();
    let other = format!("{}A", &other[1..]);
    admin.run(&set(&other));
    let (_, message) = refusal(&mut session, LIST);
    assert!(
        message.ends_with("was stored in another database"),
        "{message}"
    );
    admin.batch_execute(&set(&secret)).expect("changed back");
    session.query(LIST, &[]).expect("listed");

    admin.run("DROP USER MAPPING FOR postgres SERVER neon_auth_admin_seal");
    let (state, message) = refusal(&mut session, LIST);
    assert_eq!(state, SqlState::from_code("NA009"));
    assert!(message.contains("secret"), "{message}");
    // Keys that are stored as they are need none.
    session.run(
        "DROP USER MAPPING FOR CURRENT_USER SERVER neon;
         CREATE USER MAPPING FOR CURRENT_USER SERVER neon OPTIONS (api_key 'napi_unknown')",
    );
    let (state, _) = refusal(&mut session, LIST);
    assert_eq!(
        state,
        SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
        "it was sent"
    );
}

/// The server that holds the secret is nobody's, and a server of that name that somebody makes is none.
#[test]
fn the_secret_is_out_of_reach() {
    let (database, mut owner) = world("it_sealed_reach", "test-sealed-reach");
    for statement in [
        "CREATE USER MAPPING FOR CURRENT_USER SERVER neon_auth_admin_seal",
        "ALTER USER MAPPING FOR postgres SERVER neon_auth_admin_seal OPTIONS (DROP secret)",
        "DROP USER MAPPING FOR postgres SERVER neon_auth_admin_seal",
        "ALTER SERVER neon_auth_admin_seal OWNER TO CURRENT_USER",
        "ALTER SERVER neon_auth_admin_seal RENAME TO seal",
        "GRANT USAGE ON FOREIGN SERVER neon_auth_admin_seal TO CURRENT_USER",
        "DROP SERVER neon_auth_admin_seal CASCADE",
        "ALTER EXTENSION neon_auth_admin DROP SERVER neon_auth_admin_seal",
        "SELECT * FROM neon_auth_admin.list_domains('neon_auth_admin_seal')",
        "SELECT neon_auth_admin.set_api_key('napi_x', 'neon_auth_admin_seal')",
    ] {
        owner.refused(statement, &SqlState::INSUFFICIENT_PRIVILEGE);
    }
    let seen = "SELECT count(*) FROM pg_user_mappings
                WHERE srvname = 'neon_auth_admin_seal' AND umoptions IS NOT NULL";
    assert_eq!(one(&mut owner, seen).get::<_, i64>(0), 0);

    // Without the extension's own, one by another hand is not taken for it.
    let mut admin = connect(&database.name, "postgres");
    admin.run("ALTER SERVER neon_auth_admin_seal RENAME TO away");
    let planted = "A".repeat(43);
    owner.run(&format!(
        "CREATE SERVER neon_auth_admin_seal FOREIGN DATA WRAPPER neon_auth_admin;
         CREATE USER MAPPING FOR postgres SERVER neon_auth_admin_seal OPTIONS (secret '{planted}')"
    ));
    let key = variable("NEON_API_KEY");
    let set = "SELECT neon_auth_admin.set_api_key($1, 'neon')";
    let error = owner.execute(set, &[&key]).expect_err("no secret");
    assert_eq!(sqlstate(&error), SqlState::from_code("NA009"));
}

/// The script makes a secret, each time another, and leaves nothing behind that could make one.
#[test]
fn each_installation_has_a_secret_of_its_own() {
    let (database, mut owner) = world("it_sealed_again", "test-sealed-again");
    let mut admin = connect(&database.name, "postgres");
    let secret = "SELECT umoptions[1] FROM pg_user_mapping WHERE umuser = 10";
    let first: String = one(&mut admin, secret).get(0);
    // Nothing but the extension keeps it, so RESTRICT is enough.
    owner.run("DROP SERVER neon CASCADE; DROP EXTENSION neon_auth_admin RESTRICT");
    let left = "SELECT count(*) FROM pg_user_mapping";
    assert_eq!(one(&mut admin, left).get::<_, i64>(0), 0);
    owner.run("CREATE EXTENSION neon_auth_admin");
    let second: String = one(&mut admin, secret).get(0);
    assert_ne!(first, second);
    let functions = "SELECT count(*) FROM pg_proc WHERE proname = 'make_sealing_secret'";
    assert_eq!(one(&mut admin, functions).get::<_, i64>(0), 0);
    // Its C function is there for the script alone.
    admin.run(
        "CREATE FUNCTION make() RETURNS void LANGUAGE c STRICT
         AS 'neon_auth_admin', 'make_sealing_secret_wrapper'",
    );
    admin.refused("SELECT make()", &SqlState::from_code("NA009"));
    let third: String = one(&mut admin, secret).get(0);
    assert_eq!(second, third);
    database.add_server(
        "neon",
        "test-sealed-again",
        &variable("NEON_SIMULATOR_URL"),
        "",
    );
    set_api_key(&mut owner, "neon");
    owner.query(LIST, &[]).expect("listed");
}

/// Names of roles are in the encoding of the database that they were made in, that of the bootstrap
/// superuser too. It is renamed in a transaction that is rolled back, so that nobody else hears of it.
#[test]
fn the_holder_of_the_secret_may_have_any_name() {
    let name = "it_sealed_name";
    let create = format!("CREATE DATABASE {name} ENCODING 'SQL_ASCII' TEMPLATE template0");
    let mut admin = connect("postgres", "postgres");
    admin.run(&create);
    let mut session = connect(name, "postgres");
    let mut transaction = session.transaction().expect("begun");
    // The script names its owner, and pg_stat_statements would show that in UTF-8 databases.
    transaction.run(
        r"SET LOCAL pg_stat_statements.track = 'none';
          UPDATE pg_authid SET rolname = convert_from('\xff', 'SQL_ASCII') WHERE oid = 10;
          CREATE EXTENSION neon_auth_admin",
    );
    let made =
        "SELECT count(*) FROM pg_user_mapping WHERE umuser = 10 AND umoptions[1] ^@ 'secret='";
    let made: i64 = transaction.query_one(made, &[]).expect("counted").get(0);
    assert_eq!(made, 1);
    transaction.rollback().expect("as before");
}
