//! The server's configuration file, which one test has at a time and leaves as it was.

use std::fs;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::support::{Statements, connect, one, wait_for};

pub struct Configuration {
    file: String,
    before: String,
    _turn: MutexGuard<'static, ()>,
}

/// As long as this lives, no other test has the server read its configuration again.
impl Configuration {
    pub fn own() -> Self {
        static TURN: Mutex<()> = Mutex::new(());
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let file: String = one(&mut connect("postgres", "postgres"), "SHOW config_file").get(0);
        let before = fs::read_to_string(&file).expect("the server's configuration");
        Self {
            file,
            before,
            _turn: turn,
        }
    }

    /// Changes one setting, or takes it out.
    pub fn set(&self, name: &str, value: Option<&str>) {
        let text = fs::read_to_string(&self.file).expect("the server's configuration");
        let start = format!("{name} = ");
        let mut lines: Vec<_> = text
            .lines()
            .filter(|line| !line.starts_with(&start))
            .map(str::to_owned)
            .collect();
        lines.extend(value.map(|value| format!("{name} = '{value}'")));
        self.write(&(lines.join("\n") + "\n"));
    }

    /// Returns when new sessions have it; those that run see it with a statement of theirs.
    fn write(&self, text: &str) {
        let read = || -> String {
            let read = "SELECT pg_conf_load_time()::text";
            one(&mut connect("postgres", "postgres"), read).get(0)
        };
        let before = read();
        // In one step: sessions of other tests may be reading it, because of the last change.
        let new = format!("{}.new", self.file);
        fs::write(&new, text).expect("a file beside the configuration");
        fs::rename(&new, &self.file).expect("the server's configuration");
        connect("postgres", "postgres").run("SELECT pg_reload_conf()");
        wait_for("the configuration is read", || read() != before);
    }
}

impl Drop for Configuration {
    fn drop(&mut self) {
        let text = fs::read_to_string(&self.file);
        if text.is_ok_and(|text| text != self.before) {
            self.write(&self.before);
        }
    }
}
