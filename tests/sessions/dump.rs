//! A dump of a database with the extension, and its restore by a superuser.

use std::process::{Command, Output};

use postgres::error::SqlState;

use crate::support::{Database, connect, set_api_key, sqlstate, variable};

/// The server's own pg_dump; that of an older version refuses a newer server.
fn pg_dump(database: &str, role: &str) -> Option<Output> {
    let bindir = Command::new(variable("PG_CONFIG"))
        .arg("--bindir")
        .output()
        .ok()?;
    let bindir = String::from_utf8(bindir.stdout).ok()?;
    Command::new(format!("{}/pg_dump", bindir.trim()))
        .args(["--username", role, "--dbname", database])
        .output()
        .ok()
        .filter(|output| output.status.success())
}

#[test]
fn a_dump_can_be_restored_by_a_superuser() {
    let database = Database::new("it_dump");
    let url = variable("NEON_SIMULATOR_URL");
    // The dump has the key as a literal, and so has the log of its restore: not the real one here.
    database
        .session()
        .batch_execute(&format!(
            "CREATE SERVER neon FOREIGN DATA WRAPPER neon_auth_admin
                 OPTIONS (project_id 'test-dump', api_url '{url}');
             SELECT neon_auth_admin.set_api_key('napi_in_a_dump')"
        ))
        .expect("a server");
    let Some(dump) = pg_dump(&database.name, &database.name) else {
        println!("not run: this Postgres has no pg_dump that works");
        return;
    };
    let dump = String::from_utf8(dump.stdout).expect("UTF-8");
    assert!(!dump.contains("CREATE SCHEMA neon_auth_admin"), "{dump}");
    assert!(!dump.contains("CREATE FUNCTION"), "{dump}");
    assert!(dump.contains("napi_in_a_dump"), "its owner sees this key");

    let restored = "it_dump_restored";
    connect("postgres", "postgres")
        .batch_execute(&format!("CREATE DATABASE {restored} OWNER it_dump"))
        .expect("a database");
    // psql's own commands in newer dumps (\restrict) are not for the server.
    let statements: String = dump
        .lines()
        .filter(|line| !line.starts_with('\\'))
        .map(|line| format!("{line}\n"))
        .collect();
    connect(restored, "postgres")
        .batch_execute(&statements)
        .expect("restored");

    // The extension's own grants went to who restored it: the owner of the database needs them anew.
    let mut owner = connect(restored, "it_dump");
    let error = owner
        .query("SELECT * FROM neon_auth_admin.list_domains()", &[])
        .expect_err("no grant yet");
    assert_eq!(sqlstate(&error), SqlState::INSUFFICIENT_PRIVILEGE);
    connect(restored, "postgres")
        .batch_execute(
            "GRANT USAGE ON SCHEMA neon_auth_admin TO it_dump WITH GRANT OPTION;
             GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA neon_auth_admin TO it_dump WITH GRANT OPTION",
        )
        .expect("granted");
    set_api_key(&mut owner, "neon");
    owner
        .query("SELECT * FROM neon_auth_admin.list_domains()", &[])
        .expect("listed");
}
