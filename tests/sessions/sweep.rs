//! What is left of the run's API key when all other tests are over: on the server's disk, and for each
//! of five roles. tests/run.sh runs this last; it is ignored otherwise.

use std::io::Write;
use std::iter;
use std::process::{Command, Output, Stdio};

use crate::oracle::{Canaries, Sightings, sightings};
use crate::support::{Statements, connect, one, variable};

const KEY: &str = "the run's key";
/// The golden tests' database, and the roles that they make.
const DATABASE: &str = "regress";
const OWNER: &str = "app_owner";
const USER: &str = "app";
const STRANGER: &str = "stranger";
const MONITOR: &str = "it_sweep_monitor";

/// The files below the server's folder that have the key, relative to it.
fn files_with(key: &str) -> Vec<String> {
    let mut admin = connect("postgres", "postgres");
    admin.batch_execute("CHECKPOINT").expect("all is on disk");
    let folder: String = one(&mut admin, "SHOW data_directory").get(0);
    // It fails where a file goes before it comes to it: then it looks again.
    let mut looks = iter::repeat_with(|| look_for(key, &folder)).take(5);
    let output = looks.find(|output| output.status.code() != Some(2));
    let output = output.expect("grep failed five times");
    // 1 says that there is none.
    assert!(matches!(output.status.code(), Some(0 | 1)), "grep failed");
    let files = String::from_utf8(output.stdout).expect("paths");
    files
        .lines()
        .map(|path| path.trim_start_matches("./").to_owned())
        .collect()
}

fn look_for(key: &str, folder: &str) -> Output {
    let mut grep = Command::new("grep")
        .args(["-rlasF", "-f", "-", "."])
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("grep");
    let mut patterns = grep.stdin.take().expect("a pipe");
    for spelling in Canaries::of(KEY, key).spellings() {
        writeln!(patterns, "{spelling}").expect("a pattern");
    }
    drop(patterns);
    grep.wait_with_output().expect("its end")
}

#[test]
#[ignore = "looks at what the other tests have left"]
fn on_disk_the_key_is_nowhere() {
    assert_eq!(files_with(&variable("NEON_API_KEY")), [""; 0]);
    // What is in a mapping as it is, is found: in its table, and in what is written before that. There the
    // border of two pages may cut it in two, which the next one is not.
    let mut owner = connect(DATABASE, OWNER);
    let found = iter::repeat_with(|| {
        let plain = format!("napi_{:032x}", fastrand::u128(..));
        owner.run(&format!(
            "DROP USER MAPPING IF EXISTS FOR PUBLIC SERVER neon;
             CREATE USER MAPPING FOR PUBLIC SERVER neon OPTIONS (api_key '{plain}')"
        ));
        files_with(&plain)
    });
    let is_in = |files: &[String], folder| files.iter().any(|file| file.starts_with(folder));
    for files in found.take(3) {
        assert!(is_in(&files, "base/"), "{files:?}");
        if is_in(&files, "pg_wal/") {
            return;
        }
    }
    panic!("what is written before a table has nothing of it");
}

#[test]
#[ignore = "looks at what the other tests have left"]
fn five_roles_see_the_key_nowhere() {
    let canaries = Canaries::of(KEY, &variable("NEON_API_KEY"));
    let mut admin = connect(DATABASE, "postgres");
    admin.run(&format!(
        "CREATE ROLE {MONITOR} LOGIN IN ROLE pg_monitor;
         GRANT USAGE ON FOREIGN SERVER neon TO {USER};
         GRANT USAGE ON SCHEMA neon_auth_admin TO {USER};
         GRANT EXECUTE ON FUNCTION neon_auth_admin.set_api_key TO {USER}"
    ));
    let key = variable("NEON_API_KEY");
    let mut user = connect(DATABASE, USER);
    user.execute("SELECT neon_auth_admin.set_api_key($1, 'neon')", &[&key])
        .expect("a key");
    for (session, who) in [
        (&mut connect(DATABASE, OWNER), "the server's owner"),
        (&mut user, "a role with a mapping"),
        (&mut connect(DATABASE, STRANGER), "an ordinary role"),
        (&mut connect(DATABASE, MONITOR), "pg_monitor"),
        (&mut admin, "a superuser"),
    ] {
        assert_eq!(sightings(session, &canaries), Sightings::new(), "{who}");
    }
}
