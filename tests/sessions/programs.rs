//! Postgres' own client programs: those of the server under test, as older ones refuse a newer server.

use std::process::{Command, Stdio};

use crate::support::variable;

/// What a program writes, as text.
pub fn output(program: &str, arguments: &[&str]) -> String {
    let output = command(program).args(arguments).output().expect(program);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program}: {complaint}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Those of `texts` that are in what a program writes, however much that is.
pub fn found_in_output(program: &str, arguments: &[&str], texts: &[&str]) -> String {
    let mut running = command(program)
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect(program);
    let found = Command::new("grep")
        .arg("-aoF")
        .args(texts.iter().flat_map(|text| ["-e", text]))
        .stdin(running.stdout.take().expect("a pipe"))
        .output()
        .expect("grep");
    assert!(running.wait().expect("its end").success(), "{program}");
    String::from_utf8(found.stdout).expect("texts")
}

fn command(program: &str) -> Command {
    // That of the run: some servers come with one that does not start.
    if program == "psql" {
        return Command::new(variable("PSQL"));
    }
    let bindir = Command::new(variable("PG_CONFIG")).arg("--bindir").output();
    let bindir = String::from_utf8(bindir.expect("pg_config runs").stdout).expect("UTF-8");
    Command::new(format!("{}/{program}", bindir.trim()))
}
