//! The sudden end of the postmaster: no process of the server stays, whatever it waits for.

use std::fs;
use std::process::Command;
use std::thread;
use std::time::Instant;

use crate::backend::{Backend, gone, parent};
use crate::hanging_name::HangingName;
use crate::interrupts::PATIENCE;
use crate::phases::list;
use crate::support::{Database, variable, wait_for};

#[test]
#[ignore = "ends the server: tests/run.sh runs this last"]
fn backends_leave_when_it_is_killed() {
    let database = Database::new("it_postmaster");
    let url = variable("NEON_SIMULATOR_URL");
    let patient = ", timeout '60s'";
    database.add_server("healthy", "test-postmaster", &url, "");
    database.add_server("silent", "fault-silent--postmaster", &url, patient);
    let name = HangingName::new();
    database.add_server("unknown", "test-postmaster", &name.url(), patient);

    let waits = [
        ("silent", "NeonAuthAdminReceive"),
        ("unknown", "NeonAuthAdminResolve"),
    ];
    let mut sessions = waits.map(|_| database.session());
    let backends = sessions.each_mut().map(Backend::of);
    let postmaster = parent(backends[0].pid).expect("a live backend");
    thread::scope(|scope| {
        for (session, (server, _)) in sessions.iter_mut().zip(waits) {
            scope.spawn(move || session.query(&list(server), &[]).expect_err("killed"));
        }
        for (backend, (_, event)) in backends.iter().zip(waits) {
            backend.wait_for(event);
        }
        let family = children(postmaster);
        assert!(family.len() > backends.len(), "{family:?}");
        let killed = Instant::now();
        let kill = format!("kill -KILL {postmaster}");
        let kill = Command::new("sh").args(["-c", &kill]).status();
        assert!(kill.expect("sh runs").success());
        wait_for("the backends leave", || {
            backends.iter().all(|backend| gone(backend.pid))
        });
        let took = killed.elapsed();
        println!("backends left {took:.1?} after the postmaster was killed");
        assert!(took < PATIENCE, "{took:?}");
        wait_for("all of the server leaves", || {
            family.iter().all(|&pid| gone(pid))
        });
    });
    // The look-up hung all the while.
    drop(name);
}

fn children(postmaster: i32) -> Vec<i32> {
    let processes = fs::read_dir("/proc").expect("a list of processes");
    let numbers = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    numbers
        .filter(|&pid| parent(pid) == Some(postmaster))
        .collect()
}
