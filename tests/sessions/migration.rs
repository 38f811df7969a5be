//! That one migration configures both levels of the API, and changes nothing when it runs again.

use std::path::Path;
use std::process::Command;

use crate::support::{Database, Statements, ledger, variable};

/// Runs the example as it is, as the owner of the database, and returns what it says it has done.
fn migrate(database: &Database) -> Vec<String> {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/migration.sql");
    let output = Command::new(variable("PSQL"))
        .args(["-X", "-q", "-v", "ON_ERROR_STOP=1"])
        .args(["-U", &database.name, "-d", &database.name, "-f"])
        .arg(example)
        .env("LC_ALL", "C")
        .output()
        .expect("psql runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    said.lines()
        .filter_map(|line| line.split_once("NOTICE:  "))
        .map(|(_, notice)| notice.to_owned())
        .filter(|notice| !notice.ends_with("already exists, skipping"))
        .collect()
}

/// The requests of a project that were to change something: method, path, status.
fn writes(project: &str) -> Vec<String> {
    let ledger = ledger(project);
    let requests = ledger.as_array().expect("a list").iter();
    requests
        .filter(|request| request["method"] != "GET")
        .map(|it| format!("{} {} {}", it["method"], it["path"], it["status"]).replace('"', ""))
        .collect()
}

#[test]
fn it_runs_twice_on_each_level() {
    let url = variable("NEON_SIMULATOR_URL");
    for (name, options, create_user, below, table) in [
        (
            "project",
            "",
            "/projects/auth/user",
            "",
            "users_sync (id text, email text, name text, created_at timestamptz,
                updated_at timestamptz, deleted_at timestamptz)",
        ),
        (
            "branch",
            ", branch_id 'br-a'",
            "/projects/bench-migration-branch/branches/br-a/auth/users",
            "/branches/br-a",
            r#""user" (id uuid, email text, name text, role text, "createdAt" timestamptz,
                "updatedAt" timestamptz)"#,
        ),
    ] {
        let project = format!("bench-migration-{name}");
        let database = Database::new(&format!("it_migration_{name}"));
        database.add_server("neon", &project, &url, options);
        // As an integration of that level makes it; no user of this project arrives in it.
        database.session().run(&format!(
            "CREATE SCHEMA neon_auth; CREATE TABLE neon_auth.{table}"
        ));

        let done = migrate(&database);
        assert!(done.len() >= 4, "{name}: {done:?}");
        let first = writes(&project);
        let expected = format!("POST {create_user} 201");
        assert!(first.contains(&expected), "{name}: {first:?}");
        let expected = format!("POST /projects/{project}{below}/auth/domains 201");
        assert!(first.contains(&expected), "{name}: {first:?}");

        let again = migrate(&database);
        assert!(again.is_empty(), "{name}: {again:?}");
        // That a user is there is learnt from the refusal to create another.
        let second = &writes(&project)[first.len()..];
        let refusal = format!("POST {create_user} 409");
        assert!(second.iter().all(|it| *it == refusal), "{name}: {second:?}");
    }
}
