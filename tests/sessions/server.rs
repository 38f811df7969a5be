//! The server as a process of the system: its postmaster, which a test ends and starts again.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;

use postgres::{Client, Config, NoTls};

use crate::backend::{Backend, gone, parent};
use crate::support::{variable, wait_for};

#[derive(Clone, Copy)]
pub struct Postmaster {
    pub pid: i32,
}

impl Postmaster {
    pub fn of(session: &mut Client) -> Self {
        let pid = parent(Backend::of(session).pid).expect("a live backend");
        Self { pid }
    }

    /// The processes of the server.
    pub fn children(self) -> Vec<i32> {
        let processes = fs::read_dir("/proc").expect("a list of processes");
        let numbers = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        numbers
            .filter(|&pid| parent(pid) == Some(self.pid))
            .collect()
    }

    /// Ends it by that signal, and runs the same again: as the same user, with the same environment and arguments,
    /// and these.
    pub fn restart(self, signal: &str, more: &[&str]) {
        let file = |name: &str| PathBuf::from(format!("/proc/{}/{name}", self.pid));
        let texts = |name: &str| {
            let bytes = fs::read(file(name)).expect("a live postmaster");
            let texts = String::from_utf8(bytes).expect("UTF-8");
            let texts = texts.split_terminator('\0').map(str::to_owned);
            texts.collect::<Vec<_>>()
        };
        let (arguments, environment) = (texts("cmdline"), texts("environ"));
        let program = fs::read_link(file("exe")).expect("a program");
        let folder = fs::read_link(file("cwd")).expect("a folder");
        let user = fs::metadata(file("")).expect("a live postmaster");
        let children = self.children();
        assert!(send(signal, self.pid));
        wait_for("the server ends", || {
            gone(self.pid) && children.iter().all(|&pid| gone(pid))
        });
        let log = variable("NEON_AUTH_ADMIN_SERVER_LOG");
        let log = OpenOptions::new().append(true).open(log).expect("the log");
        let environment = environment.iter().filter_map(|one| one.split_once('='));
        let mut server = Command::new(program)
            .args(&arguments[1..])
            .args(more)
            .env_clear()
            .envs(environment)
            .current_dir(folder)
            .uid(user.uid())
            .gid(user.gid())
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("the log"))
            .stderr(log)
            .spawn()
            .expect("the server starts");
        thread::spawn(move || server.wait());
    }
}

/// A session, as soon as the server has started or recovered.
pub fn connect_again(config: &Config) -> Client {
    let mut session = None;
    wait_for("the server is there", || {
        session = config.connect(NoTls).ok();
        session.is_some()
    });
    session.expect("waited for")
}

/// Whether there was such a process.
pub fn send(signal: &str, pid: i32) -> bool {
    let kill = format!("kill -{signal} {pid}");
    let kill = Command::new("sh").args(["-c", &kill]).status();
    kill.expect("sh runs").success()
}
