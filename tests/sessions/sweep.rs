//! What is left of the run's API key when all other tests are over: on the server's disk, and for each
//! of five roles. tests/run.sh runs this last; it is ignored otherwise.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::oracle::{Canaries, Sightings, sightings};
use crate::support::{connect, one, variable};

const KEY: &str = "the run's key";
/// The golden tests' database, and the roles that they make.
const DATABASE: &str = "regress";
const OWNER: &str = "app_owner";
const USER: &str = "app";
const STRANGER: &str = "stranger";
const MONITOR: &str = "it_sweep_monitor";

const MAPPINGS: &str = "pg_catalog.pg_user_mapping";
const OWN: [&str; 2] = [
    "information_schema.user_mapping_options",
    "pg_catalog.pg_user_mappings",
];
const EVERYWHERE: [&str; 4] = [
    "information_schema._pg_user_mappings",
    "information_schema.user_mapping_options",
    MAPPINGS,
    "pg_catalog.pg_user_mappings",
];
/// Statistics are gathered when Postgres likes.
const STATISTICS: [&str; 2] = ["pg_catalog.pg_statistic", "pg_catalog.pg_stats"];

/// The files below the server's folder that have the key, relative to it.
fn files_with_the_key() -> Vec<String> {
    let mut admin = connect("postgres", "postgres");
    admin.batch_execute("CHECKPOINT").expect("all is on disk");
    let folder: String = one(&mut admin, "SHOW data_directory").get(0);
    let mut grep = Command::new("grep")
        .args(["-rlaF", "-f", "-", "."])
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("grep");
    let mut patterns = grep.stdin.take().expect("a pipe");
    for spelling in Canaries::of(KEY, &variable("NEON_API_KEY")).spellings() {
        writeln!(patterns, "{spelling}").expect("a pattern");
    }
    drop(patterns);
    let output = grep.wait_with_output().expect("its end");
    assert!(output.status.success(), "grep: {}", output.status);
    let files = String::from_utf8(output.stdout).expect("paths");
    files
        .lines()
        .map(|path| path.trim_start_matches("./").to_owned())
        .collect()
}

#[test]
#[ignore = "looks at what the other tests have left"]
fn on_disk_the_key_is_in_mappings_alone() {
    let mut databases = 0;
    for file in files_with_the_key() {
        let parts: Vec<_> = file.split('/').collect();
        let (database, node) = match parts.as_slice() {
            // What Postgres writes before it writes the tables.
            ["pg_wal", _] => continue,
            ["base", database, node] => (database, node.split(['.', '_']).next()),
            _ => panic!("{file}"),
        };
        let name = format!("SELECT datname::text FROM pg_database WHERE oid = {database}");
        let name: String = one(&mut connect("postgres", "postgres"), &name).get(0);
        let relation = format!(
            "SELECT format('%I.%I', relnamespace::regnamespace, relname)
             FROM pg_class WHERE oid = pg_filenode_relation(0, {})",
            node.expect("a number")
        );
        let relation: String = one(&mut connect(&name, "postgres"), &relation).get(0);
        let expected = relation == MAPPINGS || STATISTICS.contains(&relation.as_str());
        assert!(expected, "{name}: {relation}");
        databases += usize::from(relation == MAPPINGS);
    }
    assert!(databases > 5, "the key was in {databases} databases only");
}

#[test]
#[ignore = "looks at what the other tests have left"]
fn five_roles_see_the_key_where_they_may() {
    let canaries = Canaries::of(KEY, &variable("NEON_API_KEY"));
    let mut admin = connect(DATABASE, "postgres");
    admin
        .batch_execute(&format!(
            "CREATE ROLE {MONITOR} LOGIN IN ROLE pg_monitor;
             GRANT USAGE ON FOREIGN SERVER neon TO {USER};
             GRANT USAGE ON SCHEMA neon_auth_admin TO {USER};
             GRANT EXECUTE ON FUNCTION neon_auth_admin.set_api_key TO {USER}"
        ))
        .expect("grants");
    let key = variable("NEON_API_KEY");
    let mut user = connect(DATABASE, USER);
    user.execute("SELECT neon_auth_admin.set_api_key($1, 'neon')", &[&key])
        .expect("a key");
    for (session, documented, who) in [
        (
            &mut connect(DATABASE, OWNER),
            &OWN[..],
            "the server's owner",
        ),
        (&mut user, &OWN, "a role with a mapping"),
        (&mut connect(DATABASE, STRANGER), &[], "an ordinary role"),
        (&mut connect(DATABASE, MONITOR), &[], "pg_monitor"),
        (&mut admin, &EVERYWHERE, "a superuser"),
    ] {
        assert_eq!(places(&sightings(session, &canaries)), documented, "{who}");
    }
}

/// The places, sorted, without those that are there only if Postgres has gathered statistics.
fn places(seen: &Sightings) -> Vec<&str> {
    let places = seen.keys().map(String::as_str);
    places.filter(|place| !STATISTICS.contains(place)).collect()
}
