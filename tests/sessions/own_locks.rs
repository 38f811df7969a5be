//! Who waits for Neon while Neon waits for him: what is refused, where, and what the hints say of what
//! cannot be seen.

use std::time::{Duration, Instant};

use postgres::Client;
use postgres::error::DbError;

use crate::configuration::Configuration;
use crate::support::{Database, arrived, variable};

/// As tests/run.sh configures the server.
const OWN_BRANCH: &str = "br-current-1";

const TABLE: &str = "CREATE SCHEMA neon_auth;
    CREATE TABLE neon_auth.\"user\" (
        id uuid PRIMARY KEY, name text, email text, role text,
        \"createdAt\" timestamptz, \"updatedAt\" timestamptz);
    CREATE TABLE child () INHERITS (neon_auth.\"user\");
    INSERT INTO neon_auth.\"user\" (id, email)
        VALUES ('0c1b6d0e-51b0-4f6e-8f6b-2d3f4a5b6c7d', 'ada@example.com')";

const KEEP_OUT: [&str; 6] = [
    "CREATE TABLE orders (user_id uuid REFERENCES neon_auth.\"user\")",
    "LOCK TABLE neon_auth.\"user\" IN SHARE MODE",
    "CREATE INDEX ON neon_auth.\"user\" (email)",
    "CREATE TRIGGER t AFTER INSERT ON neon_auth.\"user\" FOR EACH ROW \
     EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "ALTER TABLE neon_auth.\"user\" ADD extra text",
    "LOCK TABLE child IN ACCESS EXCLUSIVE MODE",
];

/// Locks that a writer passes, and those that nobody sees.
const LET_IN: [&str; 4] = [
    "SELECT FROM neon_auth.\"user\"",
    "LOCK TABLE ONLY neon_auth.\"user\" IN SHARE UPDATE EXCLUSIVE MODE",
    "DELETE FROM neon_auth.\"user\"",
    "SELECT FROM neon_auth.\"user\" FOR UPDATE",
];

const WRITES: [&str; 4] = [
    "create_user('grace@example.com')",
    "ensure_user('grace@example.com')",
    "delete_user('0c1b6d0e-51b0-4f6e-8f6b-2d3f4a5b6c7d')",
    "set_user_roles('0c1b6d0e-51b0-4f6e-8f6b-2d3f4a5b6c7d', '{admin}')",
];

/// A database with the table, and a server of that project and with these options.
fn database(name: &str, project: &str, options: &str) -> Database {
    let database = Database::new(name);
    database.session().batch_execute(TABLE).expect("a table");
    database.add_server("neon", project, &variable("NEON_SIMULATOR_URL"), options);
    database
}

/// How `call` ends in a transaction that has done `before`.
fn after(session: &mut Client, before: &str, call: &str) -> Option<DbError> {
    session.batch_execute("BEGIN").expect("begun");
    session.batch_execute(before).expect(before);
    let result = session.query(&format!("SELECT neon_auth_admin.{call}"), &[]);
    session.batch_execute("ROLLBACK").expect("ended");
    let error = result.err()?;
    Some(error.as_db_error().expect("of the server").clone())
}

#[test]
fn a_write_that_would_wait_for_itself_is_not_sent() {
    let _configuration = Configuration::own();
    for (name, branch) in [("it_own_current", "current"), ("it_own_id", OWN_BRANCH)] {
        let project = format!("bench-{}", name.replace('_', "-"));
        let options = format!(", branch_id '{branch}'");
        let database = database(name, &project, &options);
        let mut session = database.session();
        for lock in KEEP_OUT {
            for call in WRITES {
                let error = after(&mut session, lock, call).expect(lock);
                assert_eq!(error.code().code(), "NA010", "{lock}; {call}: {error:?}");
                let detail = error.detail().expect("a detail");
                assert!(detail.contains("neon_auth.\"user\""), "{detail}");
                assert!(detail.ends_with("Nothing was sent."), "{detail}");
                let hint = "Commit first, and call in a transaction of its own.";
                assert_eq!(error.hint(), Some(hint));
            }
        }
        assert_eq!(arrived(&project), 0);
        for (n, lock) in LET_IN.into_iter().enumerate() {
            let error = after(&mut session, lock, WRITES[0]);
            let code = error.map(|error| error.code().code().to_owned());
            assert_ne!(code.as_deref(), Some("NA010"), "{lock}");
            assert_eq!(arrived(&project), n + 1, "{lock}");
        }
    }
}

#[test]
fn elsewhere_the_table_is_a_copy() {
    let _configuration = Configuration::own();
    for (name, options) in [
        ("it_own_branch_elsewhere", ", branch_id 'br-elsewhere'"),
        ("it_own_project_level", ""),
    ] {
        let project = format!("bench-{}", name.replace('_', "-"));
        let database = database(name, &project, options);
        let mut session = database.session();
        // What a session sets says nothing of where it is.
        let made_up = format!("SET LOCAL neon.branch_id = 'br-elsewhere'; {}", KEEP_OUT[0]);
        for lock in [KEEP_OUT[0], &made_up] {
            let error = after(&mut session, lock, WRITES[0]);
            assert!(error.is_none_or(|it| it.code().code() == "23505"), "{lock}");
        }
        assert_eq!(arrived(&project), 2);
    }
}

#[test]
fn whoever_used_the_table_does_not_have_it_dropped() {
    let _configuration = Configuration::own();
    let project = "bench-own-drop";
    let database = database("it_own_drop", project, ", branch_id 'current'");
    let mut session = database.session();
    let used = "SELECT FROM neon_auth.\"user\"";
    let error = after(&mut session, used, "delete_integration(true)").expect("refused");
    assert_eq!(error.code().code(), "NA010", "{error:?}");
    assert_eq!(arrived(project), 0);
    assert_eq!(after(&mut session, used, "delete_integration(false)"), None);
}

#[test]
fn a_wait_that_nobody_could_end_is_none() {
    let database = Database::new("it_own_wait");
    let mut session = database.session();
    session.batch_execute(TABLE).expect("a table");
    let wait = "wait_for_user('3e9a1c52-7b1d-4c55-9d0e-6f1a2b3c4d5e', '60 s')";
    for lock in KEEP_OUT {
        let started = Instant::now();
        let error = after(&mut session, lock, wait).expect("nobody can come");
        assert_eq!(error.code().code(), "NA010", "{lock}: {error:?}");
        let took = started.elapsed();
        assert!(took < Duration::from_secs(20), "{lock}: {took:?}");
    }
    let there = "wait_for_user('0c1b6d0e-51b0-4f6e-8f6b-2d3f4a5b6c7d', '60 s')";
    assert_eq!(after(&mut session, KEEP_OUT[0], there), None);
    // Who only looks is told what he finds.
    let error = after(&mut session, KEEP_OUT[0], &wait.replace("60 s", "0"));
    assert_eq!(error.expect("nobody").code().code(), "P0002");
}

/// Locks on rows are not to be seen, but who has written nothing has none.
#[test]
fn hints_name_the_rows_of_a_transaction_that_has_written() {
    let _configuration = Configuration::own();
    let options = ", branch_id 'current', timeout '1s'";
    let database = database("it_own_hints", "fault-silent--own-hints", options);
    let elsewhere = variable("NEON_SIMULATOR_URL");
    let options = ", branch_id 'br-elsewhere', timeout '1s'";
    database.add_server("elsewhere", "fault-silent--own-hints", &elsewhere, options);
    let mut session = database.session();
    let wait = "wait_for_user('3e9a1c52-7b1d-4c55-9d0e-6f1a2b3c4d5e', '20 ms')";
    let there = "create_user('grace@example.com', server => 'elsewhere')";
    for (call, state, is_named) in [
        (WRITES[0], "NA003", true),
        (WRITES[2], "NA003", true),
        (there, "NA003", false),
        (wait, "P0002", true),
    ] {
        for (before, has_written) in [(LET_IN[0], false), (LET_IN[2], true), (LET_IN[3], true)] {
            let error = after(&mut session, before, call).expect(call);
            assert_eq!(error.code().code(), state, "{call}: {error:?}");
            let hint = error.hint().expect("a hint");
            let is_there = hint.contains("Neon waits for this transaction, if");
            assert_eq!(
                is_there,
                is_named && has_written,
                "{before}; {call}: {hint}"
            );
        }
    }
}
