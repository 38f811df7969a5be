//! What others see of a backend: that it waits, what it has open, that it is gone.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};

use postgres::Client;

use crate::support::{Statements, connect, one, variable, wait_for, wait_until};

const LOG: &str = "NEON_AUTH_ADMIN_SERVER_LOG";

/// The process of a session.
#[derive(Clone, Copy)]
pub struct Backend {
    pub pid: i32,
    /// How long the server's log was before: another process may have had this number.
    pub log_begins: u64,
}

impl Backend {
    pub fn of(session: &mut Client) -> Self {
        Self::at(one(session, "SELECT pg_backend_pid()").get(0))
    }

    /// That of a number.
    pub fn at(pid: i32) -> Self {
        let log_begins = fs::metadata(variable(LOG)).expect("the log").len();
        Self { pid, log_begins }
    }

    /// Sockets, pipes and the like; Postgres opens files of its own as it likes.
    pub fn descriptors(self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.pid))
            .expect("a live backend")
            .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
            .filter(|target| !target.is_absolute())
            .count()
    }

    /// The numbers of its threads, the main one among them.
    pub fn threads(self) -> Vec<String> {
        let mut threads: Vec<_> = fs::read_dir(format!("/proc/{}/task", self.pid))
            .expect("a live backend")
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .collect();
        threads.sort();
        threads
    }

    /// Private memory in KiB: what the backend has allocated, swapped out or not. It is added up page
    /// by page; the counters in `status` lag. Shared buffers and the code of libraries are no part of
    /// it: Postgres touches more of both as it likes.
    pub fn memory(self) -> usize {
        self.kib("smaps_rollup", "Anonymous:") + self.kib("smaps_rollup", "Swap:")
    }

    /// The most memory of all kinds that it has ever had at once, in KiB.
    pub fn peak(self) -> usize {
        self.kib("status", "VmHWM:")
    }

    /// How much higher that is than it was. The kernel's counters lag, so it may seem to be lower.
    pub fn growth_of_peak(self, before: usize) -> usize {
        self.peak().saturating_sub(before)
    }

    /// What it has mapped, in KiB: memory and files, touched or not. This is what `ulimit -v` limits.
    pub fn address_space(self) -> usize {
        self.kib("status", "VmSize:")
    }

    /// Lowers a limit of that name of prlimit(1). The server's own user may do that.
    pub fn limit(self, name: &str, value: usize) {
        let mut admin = connect("postgres", "postgres");
        let command = format!("prlimit --pid {} --{name}={value}:", self.pid);
        // No row: the program does not read any.
        admin.run(&format!("COPY (SELECT WHERE false) TO PROGRAM '{command}'"));
    }

    fn kib(self, file: &str, field: &str) -> usize {
        let text = fs::read_to_string(format!("/proc/{}/{file}", self.pid));
        let text = text.expect("a live backend");
        let line = text.lines().find_map(|line| line.strip_prefix(field));
        let number = line.and_then(|line| line.trim().strip_suffix(" kB"));
        number.expect(field).parse().expect("a number")
    }

    /// Waits until the backend waits for `event`, in a session of an administrator, which is returned.
    pub fn wait_for(self, event: &str) -> Client {
        let mut admin = connect("postgres", "postgres");
        // 17 and later name the wait; before, all extensions wait alike.
        let waits = format!(
            "SELECT count(*) = 1 FROM pg_stat_activity WHERE pid = {} \
             AND wait_event_type = 'Extension' AND wait_event IN ('Extension', '{event}')",
            self.pid
        );
        wait_until(&mut admin, "the backend waits", &waits);
        admin
    }

    /// Waits until there is no such process.
    pub fn wait_until_gone(self) {
        wait_for("the backend leaves", || gone(self.pid));
    }

    /// Its lines in the server's log, from there on.
    pub fn log(self) -> Vec<String> {
        let mark = format!(" [{}] ", self.pid);
        let mut log = File::open(variable(LOG)).expect("the log");
        log.seek(SeekFrom::Start(self.log_begins)).expect("a file");
        let mut news = Vec::new();
        log.read_to_end(&mut news).expect("the log");
        let log = String::from_utf8_lossy(&news);
        let own = log.lines().filter(|line| line.contains(&mark));
        own.map(str::to_owned).collect()
    }
}

/// Whether that process has ended, reaped or not.
pub fn gone(pid: i32) -> bool {
    status(pid, "State:").is_none_or(|state| state.starts_with('Z'))
}

pub fn parent(pid: i32) -> Option<i32> {
    status(pid, "PPid:")?.parse().ok()
}

fn status(pid: i32, field: &str) -> Option<String> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    Some(line.trim().to_owned())
}
