//! The sudden end of the postmaster: no process of the server stays, whatever it waits for.

use std::thread;
use std::time::Instant;

use crate::backend::{Backend, gone};
use crate::hanging_name::HangingName;
use crate::interrupts::PATIENCE;
use crate::phases::list;
use crate::server::{Postmaster, send};
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
    let postmaster = Postmaster::of(&mut sessions[0]);
    thread::scope(|scope| {
        for (session, (server, _)) in sessions.iter_mut().zip(waits) {
            scope.spawn(move || session.query(&list(server), &[]).expect_err("killed"));
        }
        for (backend, (_, event)) in backends.iter().zip(waits) {
            backend.wait_for(event);
        }
        let family = postmaster.children();
        assert!(family.len() > backends.len(), "{family:?}");
        let killed = Instant::now();
        assert!(send("KILL", postmaster.pid));
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
