//! SQLSTATEs that pgrx has no name for: each report has its own, and none has another's.

use std::sync::{Arc, Mutex};
use std::thread;

use postgres::error::SqlState;
use postgres::{Client, NoTls};

use crate::backend::Backend;
use crate::support::{Database, arrived, config, connect, one, sqlstate, variable, wait_for};

/// The SQLSTATEs and words of warnings.
type Warnings = Arc<Mutex<Vec<(String, String)>>>;

/// A superuser's session, which says itself what is logged.
fn session(database: &Database) -> (Client, Warnings) {
    let warnings = Warnings::default();
    let heard = Arc::clone(&warnings);
    let session = config(&database.name, "postgres")
        .notice_callback(move |notice| {
            if notice.severity() == "WARNING" {
                let warning = (notice.code().code().to_owned(), notice.message().to_owned());
                heard.lock().expect("no panic").push(warning);
            }
        })
        .connect(NoTls)
        .expect("a session");
    (session, warnings)
}

fn heard(warnings: &Warnings) -> Vec<(String, String)> {
    std::mem::take(&mut *warnings.lock().expect("no panic"))
}

/// What comes next is what it is.
#[track_caller]
fn assert_untouched(session: &mut Client, warnings: &Warnings) {
    session
        .batch_execute("DO $$ BEGIN RAISE WARNING 'another'; END $$")
        .expect("a warning");
    let expected = ("01000".to_owned(), "another".to_owned());
    assert_eq!(heard(warnings), [expected]);
    // With the SQLSTATE that pgrx is told in place of those that it has no name for.
    let error = session
        .batch_execute("DO $$ BEGIN RAISE EXCEPTION 'another' USING ERRCODE = 'XX000'; END $$")
        .expect_err("raised");
    assert_eq!(sqlstate(&error), SqlState::INTERNAL_ERROR);
    let message = error.as_db_error().map(|error| error.message());
    assert_eq!(message, Some("another"));
}

#[test]
fn a_warning_of_a_lost_write_has_its_own() {
    let database = Database::new("it_reported_warning");
    let url = variable("NEON_SIMULATOR_URL");
    database.add_server("neon", "fault-silent--reported", &url, ", timeout '30s'");
    let (mut session, warnings) = session(&database);
    let key = "SELECT neon_auth_admin.set_api_key($1, 'neon')";
    session
        .execute(key, &[&variable("NEON_API_KEY")])
        .expect("a key");
    session
        .batch_execute("SET statement_timeout = '2s'")
        .expect("a setting");
    // Shown, or shown to nobody.
    for level in ["warning", "error"] {
        session
            .batch_execute(&format!(
                "SET client_min_messages = {level}; SET log_min_messages = {level}"
            ))
            .expect("settings");
        let error = session
            .batch_execute("SELECT neon_auth_admin.create_user('ada@example.com')")
            .expect_err("a timeout");
        assert_eq!(sqlstate(&error), SqlState::QUERY_CANCELED);
        let heard = heard(&warnings);
        let states: Vec<_> = heard.iter().map(|(state, _)| state.as_str()).collect();
        let expected: &[&str] = if level == "warning" { &["NA003"] } else { &[] };
        assert_eq!(states, expected, "{heard:?}");
        session
            .batch_execute("RESET client_min_messages")
            .expect("a setting");
        assert_untouched(&mut session, &warnings);
    }
}

/// A warning that nobody hears has no say in the reason why the session ends.
#[test]
fn an_unheard_warning_of_a_lost_write_leaves_the_end_of_a_session_alone() {
    let database = Database::new("it_reported_end");
    let project = "fault-silent--reported-end";
    let url = variable("NEON_SIMULATOR_URL");
    database.add_server("neon", project, &url, ", timeout '30s'");
    let (mut session, _) = session(&database);
    let key = "SELECT neon_auth_admin.set_api_key($1, 'neon')";
    session
        .execute(key, &[&variable("NEON_API_KEY")])
        .expect("a key");
    session
        .batch_execute("SET client_min_messages = error; SET log_min_messages = error")
        .expect("settings");
    let backend = Backend::of(&mut session);
    let error = thread::scope(|scope| {
        let create = "SELECT neon_auth_admin.create_user('ada@example.com')";
        let call = scope.spawn(|| session.batch_execute(create).expect_err("the end"));
        wait_for("the request arrives", || arrived(project) == 1);
        let end = format!("SELECT pg_terminate_backend({})", backend.pid);
        one(&mut connect("postgres", "postgres"), &end);
        call.join().expect("no panic")
    });
    // The driver may see the end of the connection before it reads why.
    let state = error.code();
    assert!(
        matches!(state, None | Some(&SqlState::ADMIN_SHUTDOWN)),
        "{error:?}"
    );
}

/// `check_connection` shows what others raise, but not that its caller has no more time.
#[test]
fn a_timeout_of_check_connection_ends_it_as_itself() {
    let database = Database::new("it_reported_check");
    let mut owner = database.session();
    owner
        .batch_execute(
            "CREATE SCHEMA neon_auth;
             CREATE TABLE neon_auth.\"user\" (id uuid, email text, name text, role text,
                \"createdAt\" timestamptz, \"updatedAt\" timestamptz)",
        )
        .expect("a table");
    owner
        .batch_execute("BEGIN; LOCK TABLE neon_auth.\"user\"")
        .expect("locked");
    let (mut session, warnings) = session(&database);
    for level in ["warning", "debug5"] {
        session
            .batch_execute(&format!(
                "SET statement_timeout = '200ms'; SET client_min_messages = {level}"
            ))
            .expect("settings");
        let error = session
            .query(
                "SELECT * FROM neon_auth_admin.check_connection('none')",
                &[],
            )
            .expect_err("a timeout");
        assert_eq!(sqlstate(&error), SqlState::QUERY_CANCELED, "{level}");
        let message = error.as_db_error().map(|error| error.message().to_owned());
        let expected = "canceling statement due to statement timeout";
        assert_eq!(message.as_deref(), Some(expected), "{level}");
        session
            .batch_execute("RESET statement_timeout; RESET client_min_messages")
            .expect("settings");
        assert_untouched(&mut session, &warnings);
    }
}

/// What is a row of `check_connection` is no error of anybody else.
#[test]
fn what_is_shown_is_not_raised_later() {
    let database = Database::new("it_reported_row");
    let (mut session, warnings) = session(&database);
    let rows = session
        .query(
            "SELECT * FROM neon_auth_admin.check_connection('none') WHERE NOT ok",
            &[],
        )
        .expect("rows");
    assert_eq!(rows.len(), 2, "server and table");
    assert_untouched(&mut session, &warnings);
}
