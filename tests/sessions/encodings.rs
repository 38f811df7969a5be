//! Databases whose encoding is not UTF-8: text is converted both ways, or refused with Postgres' own
//! error. Nothing panics.

use postgres::error::SqlState;

use crate::support::{Database, Statements, connect, ledger, sqlstate, variable};

/// A database in this encoding with a server for this project.
fn database(encoding: &str, project: &str) -> Database {
    let name = format!("it_{}", encoding.to_lowercase());
    connect("postgres", "postgres").run(&format!("CREATE ROLE {name} LOGIN"));
    connect("postgres", "postgres").run(&format!(
        "CREATE DATABASE {name} OWNER {name} ENCODING '{encoding}' TEMPLATE template0"
    ));
    let database = Database { name };
    database.session().run("CREATE EXTENSION neon_auth_admin");
    database.add_server("neon", project, &variable("NEON_SIMULATOR_URL"), "");
    database
}

/// A session in a UTF-8 database that writes to the same project.
fn database_of_the_same_project(latin1: &Database, project: &str) -> postgres::Client {
    let utf8 = Database::new(&format!("{}_utf8", latin1.name));
    utf8.add_server("neon", project, &variable("NEON_SIMULATOR_URL"), "");
    utf8.session()
}

/// Settings of a branch with letters beyond ASCII, which take so many bytes in this database: in a
/// column of a row, and inside of `jsonb`.
fn settings_of_a_branch(database: &Database, project: &str, bytes: i32) {
    let url = variable("NEON_SIMULATOR_URL");
    database.add_server("branch", project, &url, ", branch_id 'br-a'");
    let mut session = database.session_with("-c neon_auth_admin.server=branch");
    let name = "Zoë Ångström";
    session.run(&format!(
        "SELECT neon_auth_admin.update_email_server('standard', 'smtp.example.com', 25, 'mailer',
             's3cret', 'no-reply@example.com', '{name}')"
    ));
    let row = session
        .query_one(
            "SELECT sender, octet_length(sender), sender_name, email_provider @> $1::text::jsonb
             FROM neon_auth_admin.get_email_server(), neon_auth_admin.get_plugins(),
                 LATERAL (SELECT email_provider ->> 'sender_name') AS email (sender)",
            &[&format!("{{\"sender_name\": \"{name}\"}}")],
        )
        .expect("read");
    assert_eq!(row.get::<_, String>(0), name);
    assert_eq!(row.get::<_, i32>(1), bytes);
    assert_eq!(row.get::<_, String>(2), name);
    assert!(row.get::<_, bool>(3), "found again in the jsonb");
    assert_eq!(ledger(project)[0]["body"]["sender_name"], name);
    // And in a jsonb that is an argument.
    let row = session
        .query_one(
            "SELECT resource, octet_length(resource)
             FROM neon_auth_admin.update_oauth_server(mcp => jsonb_build_object('resource', $1::text)),
                 LATERAL (SELECT mcp ->> 'resource') AS mcp (resource)",
            &[&name],
        )
        .expect("updated");
    assert_eq!((row.get(0), row.get(1)), (name, bytes));
    let ledger = ledger(project);
    let sent = ledger.as_array().and_then(|ledger| ledger.last());
    assert_eq!(sent.expect("a request")["body"]["mcp"]["resource"], name);
}

#[test]
fn latin1() {
    let project = "test-latin1";
    let database = database("LATIN1", project);
    let mut session = database.session();
    let row = session
        .query_one(
            "SELECT name, octet_length(name) \
             FROM neon_auth_admin.create_user('zoe@example.com', $1)",
            &[&"Zoë Ångström"],
        )
        .expect("created");
    assert_eq!(row.get::<_, String>(0), "Zoë Ångström");
    assert_eq!(row.get::<_, i32>(1), 12, "one byte for each letter");
    assert_eq!(ledger(project)[0]["body"]["name"], "Zoë Ångström");

    // What came back is found again in this database's own encoding.
    session.run("SELECT neon_auth_admin.update_email_server('shared', sender_name => 'Zoë')");
    let found = session
        .query_one(
            "SELECT count(*) FROM neon_auth_admin.get_email_server() WHERE sender_name = 'Zoë'",
            &[],
        )
        .expect("read");
    assert_eq!(found.get::<_, i64>(0), 1);

    // A letter that this encoding lacks: Postgres' own error.
    let mut other = database_of_the_same_project(&database, project);
    other.run("SELECT neon_auth_admin.update_email_server('shared', sender_name => '€')");
    session.refused(
        "SELECT * FROM neon_auth_admin.get_email_server()",
        &SqlState::UNTRANSLATABLE_CHARACTER,
    );

    settings_of_a_branch(&database, "test-latin1-branch", 12);
    // The same letter inside of jsonb.
    let utf8 = Database {
        name: format!("{}_utf8", database.name),
    };
    let (branch, url) = (", branch_id 'br-a'", variable("NEON_SIMULATOR_URL"));
    utf8.add_server("branch", "test-latin1-branch", &url, branch);
    other.run("SELECT neon_auth_admin.update_email_server('standard', sender_name => '€', server => 'branch')");
    session.refused(
        "SELECT neon_auth_admin.get_plugins(server => 'branch')",
        &SqlState::UNTRANSLATABLE_CHARACTER,
    );

    // check_connection raises nothing: it escapes what Neon says in other letters.
    let empty = "test-empty-latin1";
    database.add_server("empty", empty, &url, "");
    utf8.add_server("empty", empty, &url, "");
    other
        .run("SELECT neon_auth_admin.create_integration('br-a', 'ë€', 'owner', server => 'empty')");
    let check = "SELECT detail FROM neon_auth_admin.check_connection('empty')
        WHERE step = 'integration present'";
    let detail: String = session.query_one(check, &[]).expect("a finding").get(0);
    assert_eq!(detail, r"stack, database \u{eb}\u{20ac}");

    // A message with letters that it cannot be sure of still comes through.
    session.run("CREATE SERVER \"ünï\" FOREIGN DATA WRAPPER neon_auth_admin");
    let error = session.refused(
        "SELECT neon_auth_admin.list_domains('ünï')",
        &SqlState::from_code("NA009"),
    );
    let message = error.message();
    assert_eq!(
        message,
        r#"server "\u{fc}n\u{ef}" has no option "project_id""#
    );
}

#[test]
fn sql_ascii() {
    let project = "test-ascii";
    let database = database("SQL_ASCII", project);
    let mut session = database.session();
    session
        .query(
            "SELECT * FROM neon_auth_admin.create_user('zoe@example.com', convert_from($1, 'SQL_ASCII'))",
            &[&"Zoë".as_bytes()],
        )
        .expect("bytes that are UTF-8");
    assert_eq!(ledger(project)[0]["body"]["name"], "Zoë");
    let error = session
        .query(
            "SELECT * FROM neon_auth_admin.create_user('z@example.com', convert_from($1, 'SQL_ASCII'))",
            &[&b"Zo\xeb".as_slice()],
        )
        .expect_err("bytes that are not");
    assert_eq!(sqlstate(&error), SqlState::CHARACTER_NOT_IN_REPERTOIRE);
    assert_eq!(ledger(project).as_array().map(Vec::len), Some(1));

    settings_of_a_branch(&database, "test-ascii-branch", 15);
}

/// Nothing is cut, least of all inside of a character.
#[test]
fn a_text_that_is_too_long() {
    let project = "test-too-long";
    let database = database("EUC_JP", project);
    let huge = "SELECT neon_auth_admin.create_user('a' || repeat('あ', 50000) || '@example.com')";
    let error = database
        .session()
        .refused(huge, &SqlState::INVALID_PARAMETER_VALUE);
    assert_eq!(error.message(), "invalid value for argument \"email\"");
}

/// A postmaster is in no database, and its children inherit what it remembers.
#[test]
#[ignore = "tests/run.sh preloads the library, and runs this, at its end"]
fn where_the_library_is_preloaded() {
    let project = "test-preloaded";
    let database = database("LATIN9", project);
    let mut session = database.session();
    session
        .query(
            "SELECT neon_auth_admin.create_user('ada@example.com', 'Zoë')",
            &[],
        )
        .expect("created");
    assert_eq!(ledger(project)[0]["body"]["name"], "Zoë");
}
