//! Databases that must not call: nothing is sent, and neither server nor key is needed.

use std::sync::{Arc, Mutex};

use postgres::error::SqlState;
use postgres::{Client, NoTls};

use crate::functions::functions;
use crate::support::{Database, arrived, config, connect, one, sqlstate, variable};

const OPTION: &str = "-c neon_auth_admin.dry_run=on";

/// A session that calls nobody, and the notices that it gets.
fn session(database: &Database) -> (Client, Arc<Mutex<Vec<String>>>) {
    let notices = Arc::new(Mutex::new(Vec::new()));
    let heard = notices.clone();
    let session = config(&database.name, &database.name)
        .options(OPTION)
        .notice_callback(move |notice| {
            heard
                .lock()
                .expect("no panic")
                .push(notice.message().into())
        })
        .connect(NoTls);
    (session.expect("a session"), notices)
}

/// In a database without a server, as one is into which migrations are replayed; and through servers of
/// either level, which nobody asks.
#[test]
fn each_function_works_and_sends_nothing() {
    let database = Database::new("it_dry_run");
    let (mut session, notices) = session(&database);
    let url = variable("NEON_SIMULATOR_URL");
    let project = "test-dry-run";
    let mut tried = 0;
    for server in ["NULL", "'project'", "'branch'"] {
        for function in functions(&mut session) {
            if !function.calls_neon() || function.is_a_report() {
                continue;
            }
            notices.lock().expect("no panic").clear();
            let call = function.call(&[("server", server), ("org_id", "'test-dry-run'")]);
            let call = format!(
                "SELECT count(*) FILTER (WHERE NOT f IS NULL) FROM neon_auth_admin.{call} AS f"
            );
            let result = session.query_one(&call, &[]);
            let heard = notices.lock().expect("no panic").join("\n");
            let row = match result {
                Ok(row) => row,
                // Through a server, what its level lacks is refused.
                Err(error) if error.code().is_some_and(|code| code.code() == "NA008") => continue,
                Err(error) => panic!("{call}: {error:?}"),
            };
            tried += 1;
            let sends = match function.is_made_of_others() {
                true => "dry run: add_domain() would send ".to_owned(),
                false => format!("dry run: {}() would send ", function.name),
            };
            assert_eq!(heard.contains(&sends), function.writes, "{call}: {heard}");
            assert_eq!(row.get::<_, i64>(0) > 0, function.writes, "{call}");
        }
        if server == "NULL" {
            database.add_server("project", project, &url, "");
            database.add_server("branch", project, &url, ", branch_id 'br-main-000001'");
        }
    }
    assert!(tried > 60, "{tried}");
    assert_eq!(arrived(project), 0);
}

#[test]
fn the_example_of_a_migration_runs_in_a_fresh_database() {
    let database = Database::new("it_dry_migration");
    let (mut session, _) = session(&database);
    for _ in 0..2 {
        let migration = include_str!("../../examples/migration.sql");
        session.batch_execute(migration).expect("migrated");
    }
}

#[test]
fn what_is_made_up_can_be_told() {
    let database = Database::new("it_made_up");
    let (mut session, notices) = session(&database);
    let row = one(
        &mut session,
        "SELECT id, email, name FROM neon_auth_admin.create_user('ada@example.com', 'Ada')",
    );
    let id: String = row.get(0);
    assert!(id.starts_with("00000000-") && id.len() == 36, "{id}");
    assert_eq!((row.get(1), row.get(2)), ("ada@example.com", "Ada"));
    let heard = notices.lock().expect("no panic").join("\n");
    assert!(!heard.contains("ada"), "no argument is repeated: {heard}");
    let same = format!(
        "SELECT neon_auth_admin.create_user('b@example.com') IS NULL, neon_auth_admin.delete_user('{id}')"
    );
    assert_eq!(one(&mut session, &same).get::<_, String>(1), id);
    // What waits for Neon's own doing goes on.
    let waited = format!("SELECT neon_auth_admin.wait_for_user('{id}') IS NULL");
    assert!(one(&mut session, &waited).get::<_, bool>(0));
    let wrong = session.query("SELECT neon_auth_admin.create_user('ada')", &[]);
    let wrong = sqlstate(&wrong.expect_err("arguments are checked"));
    assert_eq!(wrong, SqlState::INVALID_PARAMETER_VALUE);
    let check = "SELECT bool_or(detail LIKE '%dry_run%') FROM neon_auth_admin.check_connection()";
    assert!(one(&mut session, check).get::<_, bool>(0), "it says why");
}

/// As the server is: by a statement it would reach the next client of a pooler, or disarm a function.
#[test]
fn no_statement_turns_it_on_or_off() {
    let database = Database::new("it_dry_run_fixed");
    for (mut session, to) in [(session(&database).0, "off"), (database.session(), "on")] {
        // Until the library is loaded anybody may set what is dropped then.
        session
            .query("SELECT neon_auth_admin.set_api_key(NULL)", &[])
            .expect_err("no key");
        for set in ["SET", "BEGIN; SET LOCAL"] {
            let set = format!("{set} neon_auth_admin.dry_run = {to}");
            let refused = session.batch_execute(&set).expect_err("refused");
            let expected = SqlState::CANT_CHANGE_RUNTIME_PARAM;
            assert_eq!(sqlstate(&refused), expected, "{set}");
            session.batch_execute("ROLLBACK").expect("ended");
        }
        // What a pooler does between two of its clients brings back how the session began.
        for reset in [
            "SET neon_auth_admin.dry_run TO DEFAULT",
            "RESET ALL",
            "DISCARD ALL",
        ] {
            session.batch_execute(reset).expect(reset);
            let shown: String = one(&mut session, "SHOW neon_auth_admin.dry_run").get(0);
            assert_ne!(shown, to, "{reset}");
        }
    }
}

/// What is set before the library is there to refuse it is dropped, with a WARNING that nobody may read.
#[test]
fn a_statement_that_comes_too_early_keeps_calls_from_being_made() {
    let database = Database::new("it_dry_run_early");
    let project = "test-dry-run-early";
    database.add_server("neon", project, &variable("NEON_SIMULATOR_URL"), "");
    let mut session = database.session();
    let set = "SET neon_auth_admin.dry_run = on";
    session.batch_execute(set).expect("not known yet");
    let call = "SELECT neon_auth_admin.add_domain('https://a.example.com')";
    let error = session.query(call, &[]).expect_err("refused");
    assert_eq!(sqlstate(&error), SqlState::INSUFFICIENT_PRIVILEGE);
    assert_eq!(arrived(project), 0);
}

/// Sessions that run already, and copies, go on calling: docs/migrations.md says so.
#[test]
fn a_database_sets_it_for_its_new_sessions() {
    let database = Database::new("it_dry_run_database");
    let project = "test-dry-run-database";
    database.add_server("neon", project, &variable("NEON_SIMULATOR_URL"), "");
    let add = |session: &mut Client, name: &str| {
        let call = format!("SELECT neon_auth_admin.add_domain('https://{name}.example.com')");
        one(session, &call);
        arrived(project)
    };
    let mut running = database.session();
    let name = &database.name;
    let mut admin = connect("postgres", "postgres");
    // Postgres knows the setting where the library is loaded.
    let set =
        format!("LOAD 'neon_auth_admin'; ALTER DATABASE {name} SET neon_auth_admin.dry_run = on");
    admin.batch_execute(&set).expect("for all that begin");
    assert_eq!(add(&mut running, "running"), 1);
    assert_eq!(add(&mut database.session(), "new"), 1);
    drop(running);
    let copy = format!("CREATE DATABASE it_dry_run_copy TEMPLATE {name} OWNER {name}");
    admin.batch_execute(&copy).expect("a copy");
    assert_eq!(add(&mut connect("it_dry_run_copy", name), "copy"), 2);
}

/// Who connects decides for himself alone.
#[test]
fn a_connection_does_not_disarm_functions_of_others() {
    let database = Database::new("it_dry_run_others");
    let project = "test-dry-run-others";
    database.add_server("neon", project, &variable("NEON_SIMULATOR_URL"), "");
    let mut owner = database.session();
    owner
        .batch_execute(
            "CREATE FUNCTION act() RETURNS text LANGUAGE sql SECURITY DEFINER
                 SET search_path = pg_catalog, pg_temp
                 AS $$ SELECT neon_auth_admin.add_domain('https://a.example.com') $$",
        )
        .expect("a function");
    let mut admin = connect("postgres", "postgres");
    admin
        .batch_execute("CREATE ROLE it_dry_run_guest LOGIN")
        .expect("a role");
    let guest = config(&database.name, "it_dry_run_guest")
        .options(OPTION)
        .connect(NoTls);
    let mut guest = guest.expect("a session");
    let error = guest.query("SELECT act()", &[]).expect_err("refused");
    assert_eq!(sqlstate(&error), SqlState::INSUFFICIENT_PRIVILEGE);
    let set = format!(
        "ALTER DATABASE {} SET neon_auth_admin.dry_run = on",
        database.name
    );
    admin.batch_execute(&set).expect("for all");
    let mut guest = connect(&database.name, "it_dry_run_guest");
    one(&mut guest, "SELECT act()");
    assert_eq!(arrived(project), 0);
}

/// Twice: what the first made, the second finds.
#[test]
fn ensuring_twice() {
    let database = Database::new("it_ensure");
    let url = variable("NEON_SIMULATOR_URL");
    let project = "test-ensure";
    database.add_server("neon", project, &url, ", branch_id 'br-current-1'");
    let mut session = database.session();
    for created in [true, false] {
        for call in [
            "ensure_domain('https://seed.example.com')",
            "ensure_oauth_provider('vercel', 'id', 'secret')",
        ] {
            let call = format!("SELECT created FROM neon_auth_admin.{call}");
            assert_eq!(
                one(&mut session, &call).get::<_, bool>(0),
                created,
                "{call}"
            );
        }
    }
    let ensure = "SELECT id, created FROM neon_auth_admin.ensure_user('Seed@Example.com', 'S')";
    let first = one(&mut session, ensure);
    let id: String = first.get(0);
    assert!(first.get::<_, bool>(1));
    // As Neon's own writer would bring it.
    session
        .batch_execute(&format!(
            "CREATE SCHEMA neon_auth; CREATE TABLE neon_auth.\"user\" (id text, email text);
             INSERT INTO neon_auth.\"user\" VALUES ('{id}', 'seed@example.com')"
        ))
        .expect("a table");
    let second = one(&mut session, ensure);
    assert_eq!((second.get(0), second.get(1)), (id, false));
    session
        .batch_execute("TRUNCATE neon_auth.\"user\"")
        .expect("empty");
    let error = session.query(ensure, &[]).expect_err("not here");
    assert_eq!(sqlstate(&error), SqlState::UNIQUE_VIOLATION);
}
