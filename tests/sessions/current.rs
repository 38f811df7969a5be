//! What the option value `current` stands for: the ids in the server's configuration, as a Neon
//! compute has them there, and nothing that a session can set.

use postgres::error::SqlState;
use postgres::{Client, Config, NoTls};

use crate::configuration::Configuration;
use crate::support::{Database, Statements, arrived, connect, ledger, variable, wait_until};

/// As tests/run.sh configures the server.
const PROJECT: &str = "test-current";
const BRANCH: &str = "br-current-1";

const LIST: &str = "SELECT * FROM neon_auth_admin.list_domains('neon')";

/// Changes `neon.branch_id`, or takes it out, and waits until the session knows.
fn set_branch(configuration: &Configuration, branch: Option<&str>, session: &mut Client) {
    configuration.set("neon.branch_id", branch);
    let known = format!(
        "SELECT coalesce(current_setting('neon.branch_id', true), '') = '{}'",
        branch.unwrap_or_default()
    );
    wait_until(session, "the configuration is read again", &known);
}

/// A database whose server "neon" has the ids of the configuration.
fn database(name: &str) -> Database {
    let database = Database::new(name);
    let url = variable("NEON_SIMULATOR_URL");
    database.add_server("neon", "current", &url, ", branch_id 'current'");
    database
}

/// Where the last request for the configured project went.
fn last_path() -> String {
    let ledger = ledger(PROJECT);
    let last = ledger.as_array().and_then(|requests| requests.last());
    let path = last.and_then(|request| request["path"].as_str());
    path.expect("a request").to_owned()
}

fn path_of(branch: &str) -> String {
    format!("/projects/{PROJECT}/branches/{branch}/auth/domains")
}

#[test]
fn it_is_the_branch_of_the_configuration() {
    let configuration = Configuration::own();
    let database = database("it_current");
    let mut session = database.session();
    session.query(LIST, &[]).expect("listed");
    assert_eq!(last_path(), path_of(BRANCH));

    set_branch(&configuration, Some("br-current-2"), &mut session);
    session.query(LIST, &[]).expect("listed");
    assert_eq!(last_path(), path_of("br-current-2"), "in an open session");
    let mut other = database.session();
    other.query(LIST, &[]).expect("listed");
    assert_eq!(last_path(), path_of("br-current-2"), "in a new session");

    // An id of the server's own is not the configuration's.
    let own = "ALTER SERVER neon OPTIONS (SET branch_id 'br-own')";
    session.run(own);
    session.query(LIST, &[]).expect("listed");
    assert_eq!(last_path(), path_of("br-own"));
    session.run("ALTER SERVER neon OPTIONS (DROP branch_id)");
    session.query(LIST, &[]).expect("listed");
    assert_eq!(last_path(), format!("/projects/{PROJECT}/auth/domains"));
}

#[test]
fn without_a_usable_setting_nothing_is_sent() {
    let configuration = Configuration::own();
    let database = database("it_current_unusable");
    let before = arrived(PROJECT);
    let long = "a".repeat(61);
    for (branch, state) in [
        (None, SqlState::from_code("NA009")),
        (Some(""), SqlState::from_code("NA009")),
        (Some("br/../x"), SqlState::INVALID_PARAMETER_VALUE),
        (Some("br_1"), SqlState::INVALID_PARAMETER_VALUE),
        (Some("br-é"), SqlState::INVALID_PARAMETER_VALUE),
        (Some(long.as_str()), SqlState::INVALID_PARAMETER_VALUE),
    ] {
        let mut open = database.session();
        set_branch(&configuration, branch, &mut open);
        for session in [&mut open, &mut database.session()] {
            let error = session.refused(LIST, &state);
            if branch.unwrap_or_default().is_empty() {
                assert_eq!(error.message(), "setting \"neon.branch_id\" is not set");
                let hint = error.hint().expect("a hint");
                let alter = "ALTER SERVER neon OPTIONS (SET branch_id '...');";
                assert!(hint.ends_with(alter), "{hint}");
            } else {
                let message = "invalid value for option \"branch_id\"";
                assert_eq!(error.message(), message);
            }
        }
    }
    assert_eq!(arrived(PROJECT), before);
}

#[test]
fn no_session_decides_what_it_is() {
    let _configuration = Configuration::own();
    let database = database("it_current_session");
    let stranger = "test-current-stranger";
    let before = arrived(PROJECT);
    let mut admin = connect(&database.name, "postgres");
    admin.run(&format!(
        "CREATE FUNCTION elsewhere() RETURNS bigint LANGUAGE sql SET neon.project_id = '{stranger}'
         AS 'SELECT count(*) FROM neon_auth_admin.list_domains(''neon'')'"
    ));

    let setting = |name: &str, value: &str| format!("{name} = '{value}'");
    for (name, value) in [
        ("neon.project_id", stranger),
        ("neon.branch_id", "br-stranger"),
        // Not even what the configuration says.
        ("neon.branch_id", BRANCH),
    ] {
        let set = setting(name, value);
        let mut session = database.session();
        session.batch_execute(&format!("SET {set}")).expect("set");
        refused(&mut session, LIST);
        session.run(&format!("RESET {name}; BEGIN; SET LOCAL {set}"));
        refused(&mut session, LIST);
        session.run(&format!(
            "ROLLBACK; SELECT set_config('{name}', '{value}', false)"
        ));
        refused(&mut session, LIST);

        let role = &database.name;
        for (what, object) in [("ROLE", role), ("DATABASE", role)] {
            let alter = format!("ALTER {what} {object}");
            admin.run(&format!("{alter} SET {set}"));
            refused(&mut database.session(), LIST);
            admin.run(&format!("{alter} RESET ALL"));
        }
        refused(&mut with_options(&database, name, value), LIST);
    }
    refused(&mut database.session(), "SELECT elsewhere()");
    assert_eq!((arrived(PROJECT), arrived(stranger)), (before, 0));

    // What was set is gone, and so is the refusal.
    let mut session = database.session();
    let set = "SET neon.branch_id = 'br-stranger'; RESET neon.branch_id";
    session.batch_execute(set).expect("set and reset");
    session.query(LIST, &[]).expect("listed");
    assert_eq!(last_path(), path_of(BRANCH));
}

fn refused(session: &mut Client, call: &str) {
    let error = session.refused(call, &SqlState::INSUFFICIENT_PRIVILEGE);
    let hint = error.hint().unwrap_or_default();
    assert!(hint.starts_with("RESET neon."), "{error:?}");
}

/// A session that brings the setting along, as PGOPTIONS does.
fn with_options(database: &Database, name: &str, value: &str) -> Client {
    let dsn = variable("NEON_AUTH_ADMIN_TEST_DSN");
    let mut config: Config = dsn.parse().expect("a connection string");
    let options = format!("-c {name}={value}");
    let config = config.user(&database.name).dbname(&database.name);
    config.options(&options).connect(NoTls).expect("a session")
}
