//! That what is remembered of a server is forgotten when the server changes.

use postgres::Client;

use crate::support::{Database, arrived, variable};

/// Calls the server "neon" and says which of the projects was asked.
fn asked<'a>(session: &mut Client, projects: &[&'a str]) -> Vec<&'a str> {
    let before: Vec<_> = projects.iter().map(|project| arrived(project)).collect();
    session
        .query("SELECT * FROM neon_auth_admin.list_domains('neon')", &[])
        .expect("listed");
    let count = projects.iter().zip(before);
    let grown = count.filter(|(project, before)| arrived(project) > *before);
    grown.map(|(project, _)| *project).collect()
}

fn set(project: &str) -> String {
    format!("ALTER SERVER neon OPTIONS (SET project_id '{project}')")
}

#[test]
fn a_call_goes_to_the_server_as_it_is_now() {
    let database = Database::new("it_servers");
    let projects = ["test-servers-a", "test-servers-b"];
    let [a, b] = projects;
    database.add_server("neon", a, &variable("NEON_SIMULATOR_URL"), "");
    let mut session = database.session();
    let mut other = database.session();
    assert_eq!(asked(&mut session, &projects), [a]);

    other.batch_execute(&set(b)).expect("changed");
    assert_eq!(asked(&mut session, &projects), [b], "by another session");

    session.batch_execute("BEGIN; SAVEPOINT s").expect("begun");
    session.batch_execute(&set(a)).expect("changed");
    assert_eq!(asked(&mut session, &projects), [a], "in its transaction");
    session
        .batch_execute("ROLLBACK TO SAVEPOINT s")
        .expect("undone");
    assert_eq!(asked(&mut session, &projects), [b], "undone");
    session.batch_execute(&set(a)).expect("changed");
    assert_eq!(asked(&mut session, &projects), [a], "changed again");
    session.batch_execute("ROLLBACK").expect("undone");
    assert_eq!(asked(&mut session, &projects), [b], "rolled back");

    database.add_server("other", a, &variable("NEON_SIMULATOR_URL"), "");
    other
        .batch_execute(
            "BEGIN;
             ALTER SERVER neon RENAME TO former;
             ALTER SERVER other RENAME TO neon;
             COMMIT",
        )
        .expect("renamed");
    assert_eq!(asked(&mut session, &projects), [a], "another of that name");
    other
        .batch_execute("DROP SERVER neon CASCADE")
        .expect("dropped");
    let error = session
        .query("SELECT * FROM neon_auth_admin.list_domains('neon')", &[])
        .expect_err("dropped");
    assert_eq!(error.code().map(|code| code.code()), Some("55000"));
}
