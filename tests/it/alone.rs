//! Runs one test in a process of its own, for what a process has only once: its environment and its
//! memory.

use std::env;
use std::process::Command;

const MARK: &str = "NEON_AUTH_ADMIN_TEST_ALONE";

/// Whether this is the process of its own. If not, the test of this name is run in one that has
/// these environment variables, and must pass.
pub fn is_alone(test: &str, variables: &[(&str, String)]) -> bool {
    if env::var_os(MARK).is_some() {
        return true;
    }
    let output = Command::new(env::current_exe().expect("our own path"))
        .args(["--exact", test, "--nocapture"])
        .env(MARK, "1")
        .envs(variables.iter().map(|(name, value)| (name, value)))
        .output()
        .expect("a process");
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    let (printed, errors) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{printed}\n{errors}");
    assert!(printed.contains("1 passed"), "no test is called {test}");
    false
}
