//! That what is remembered of a server is forgotten when the server changes.

use postgres::Client;
use postgres::error::SqlState;

use crate::support::{Database, Statements, arrived, connect, set_api_key, variable};

const LIST: &str = "SELECT * FROM neon_auth_admin.list_domains('neon')";

/// Calls the server "neon" and says which of the projects was asked.
fn asked<'a>(session: &mut Client, projects: &[&'a str]) -> Vec<&'a str> {
    let before: Vec<_> = projects.iter().map(|project| arrived(project)).collect();
    session.query(LIST, &[]).expect("listed");
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

    other.run(&set(b));
    assert_eq!(asked(&mut session, &projects), [b], "by another session");

    session.run("BEGIN; SAVEPOINT s");
    session.run(&set(a));
    assert_eq!(asked(&mut session, &projects), [a], "in its transaction");
    session.run("ROLLBACK TO SAVEPOINT s");
    assert_eq!(asked(&mut session, &projects), [b], "undone");
    session.run(&set(a));
    assert_eq!(asked(&mut session, &projects), [a], "changed again");
    session.batch_execute("ROLLBACK").expect("undone");
    assert_eq!(asked(&mut session, &projects), [b], "rolled back");

    database.add_server("other", a, &variable("NEON_SIMULATOR_URL"), "");
    other.run(
        "BEGIN;
         ALTER SERVER neon RENAME TO former;
         ALTER SERVER other RENAME TO neon;
         COMMIT",
    );
    assert_eq!(asked(&mut session, &projects), [a], "another of that name");
    other.run("DROP SERVER neon CASCADE");
    session.refused(LIST, &SqlState::from_code("NA009"));
}

/// What somebody else has committed counts for the next call, in the same transaction too: there
/// nothing else makes a session hear of it.
#[test]
fn an_open_transaction_hears_of_changes() {
    let (name, project) = ("it_hears", "test-hears");
    let database = Database::new(name);
    let url = variable("NEON_SIMULATOR_URL");
    database.add_server("neon", project, &url, "");
    let user = "it_hears_user";
    let mut admin = connect(name, "postgres");
    admin.run(&format!(
        "CREATE ROLE {user} LOGIN;
         GRANT USAGE ON SCHEMA neon_auth_admin TO {user};
         GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA neon_auth_admin TO {user};
         GRANT USAGE ON FOREIGN SERVER neon TO {user}"
    ));
    let mut session = connect(name, user);
    let wrong = "CREATE USER MAPPING FOR CURRENT_USER SERVER neon OPTIONS (api_key 'napi_unknown')";
    let revoke = format!("REVOKE USAGE ON FOREIGN SERVER neon FROM {user}");
    let drop_mapping = format!("DROP USER MAPPING FOR {user} SERVER neon");
    let drop_and_add = format!("{drop_mapping}; SET ROLE {user}; {wrong}; RESET ROLE");
    for isolation in ["READ COMMITTED", "REPEATABLE READ"] {
        for (change, expected) in [
            (drop_mapping.as_str(), "NA009"),
            (&drop_and_add, "28000"),
            (&revoke, "42501"),
            (
                "ALTER SERVER neon OPTIONS (SET project_id 'of-somebody-else')",
                "P0002",
            ),
            (
                "ALTER SERVER neon OPTIONS (SET api_url 'http://127.0.0.1:1')",
                "42501",
            ),
            ("ALTER SERVER neon RENAME TO former", "NA009"),
        ] {
            set_api_key(&mut session, "neon");
            let mut transaction = session.transaction().expect("begun");
            let set = format!("SET TRANSACTION ISOLATION LEVEL {isolation}");
            transaction.batch_execute(&set).expect("a level");
            let call = "SELECT neon_auth_admin.add_domain('https://hears.example.com', 'neon')";
            transaction.execute(call, &[]).expect(change);
            admin.run(change);
            transaction.refused(call, &SqlState::from_code(expected));
            drop(transaction);
            admin.run(&format!(
                "DROP SERVER IF EXISTS neon, former CASCADE;
                 CREATE SERVER neon FOREIGN DATA WRAPPER neon_auth_admin
                    OPTIONS (project_id '{project}', api_url '{url}');
                 GRANT USAGE ON FOREIGN SERVER neon TO {user}"
            ));
            let delete =
                "SELECT neon_auth_admin.delete_domain('https://hears.example.com', 'neon')";
            set_api_key(&mut session, "neon");
            session.execute(delete, &[]).expect("as before");
        }
    }
}
