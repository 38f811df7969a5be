//! Several calls are under way at a time, on threads that no signal reaches.

use std::fs;
use std::thread;

use serde_json::json;

use super::{Queue, enqueue, states};
use crate::backend::Backend;
use crate::hanging_name::HangingName;
use crate::support::{Statements, connections_of, ledger, one, set_api_key, wait_for};

fn create(queue: &Queue, calls: usize) {
    let mut session = queue.session();
    for n in 0..calls {
        let user = json!({"email": format!("user{n}@example.com")});
        enqueue(&mut session, "create_user", &user);
    }
}

fn sending(queue: &Queue) -> i64 {
    let sending = "SELECT count(*) FROM neon_auth_admin.queue WHERE state = 'sending'";
    one(&mut queue.session(), sending).get(0)
}

/// The masks of the signals that each thread but the first blocks.
fn blocked(pid: i32) -> Vec<String> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).expect("a process");
    let statuses = tasks.filter_map(|task| {
        let task = task.expect("a thread").file_name();
        let is_first = task.to_str() == Some(&pid.to_string());
        let status = format!("/proc/{pid}/task/{}/status", task.display());
        fs::read_to_string(status).ok().filter(|_| !is_first)
    });
    let masks = statuses.filter_map(|status| {
        let mask = status.lines().find_map(|line| line.strip_prefix("SigBlk:"));
        mask.map(|mask| mask.trim().to_owned())
    });
    masks.collect()
}

#[test]
fn as_many_are_under_way_as_there_are_connections() {
    let queue = Queue::new("it_queue_threads", "fault-slow-1500--queue-threads");
    create(&queue, 5);
    let mut session = queue.session();
    let backend = Backend::of(&mut session);
    thread::scope(|scope| {
        let call = scope.spawn(|| {
            session.run("SET neon_auth_admin.queue_connections = 3");
            session.run("CALL neon_auth_admin.run_queue()");
        });
        wait_for("three are under way", || sending(&queue) == 3);
        // A call is marked before its thread starts.
        wait_for("three threads", || blocked(backend.pid).len() == 3);
        let masks = blocked(backend.pid);
        assert_eq!(masks.len(), 3);
        // All but SIGKILL and SIGSTOP; what the C library keeps for itself it blocks at times.
        for mask in masks {
            let mask = u64::from_str_radix(&mask, 16).expect("a number");
            assert_eq!(mask | 0x1_8000_0000, 0xffff_ffff_fffb_feff);
        }
        call.join().expect("no panic");
    });
    // The kernel lists one that has ended for a moment longer.
    wait_for("threads end with it", || blocked(backend.pid).is_empty());
    assert_eq!(
        connections_of(&ledger("fault-slow-1500--queue-threads")).len(),
        3
    );
    assert_eq!(
        states(&mut queue.session()),
        "1 done, 2 done, 3 done, 4 done, 5 done"
    );
}

/// What has come back is stored, and of what has not, nobody knows.
#[test]
fn what_is_under_way_when_it_is_ended() {
    for (end, name) in [
        ("pg_cancel_backend", "it_queue_left"),
        ("pg_terminate_backend", "it_queue_dead"),
    ] {
        // The first one is late, whichever that is.
        let queue = Queue::new(
            name,
            &format!("fault-slow-4000-x1--{}", name.replace('_', "-")),
        );
        create(&queue, 4);
        let mut session = queue.session();
        let backend = Backend::of(&mut session);
        thread::scope(|scope| {
            let call = scope.spawn(|| session.batch_execute("CALL neon_auth_admin.run_queue()"));
            let done = "SELECT count(*) FROM neon_auth_admin.queue WHERE state = 'done'";
            wait_for("the others are done", || {
                one(&mut queue.session(), done).get::<_, i64>(0) == 3
            });
            let mut admin = backend.wait_for("NeonAuthAdminQueueReceive");
            admin.run(&format!("SELECT {end}({})", backend.pid));
            call.join().expect("no panic").expect_err("it was ended");
            if end == "pg_terminate_backend" {
                backend.wait_until_gone();
            }
        });
        let mut other = queue.session();
        let late = "SELECT count(*) FROM neon_auth_admin.queue
                    WHERE state = 'waiting' AND sqlstate = 'NA003'";
        assert_eq!(one(&mut other, late).get::<_, i64>(0), 1);
        queue.hasten();
        other.run("CALL neon_auth_admin.run_queue()");
        assert_eq!(states(&mut other), "1 done, 2 done, 3 done, 4 done");
        let requests = queue.requests();
        assert_eq!(requests.len(), 5);
        assert!(
            requests[4].ends_with(" 409"),
            "once in effect: {requests:?}"
        );
    }
}

/// What is given up before it is sent is not sent any more, and is not made again before it could have been.
#[test]
fn what_is_given_up_while_its_host_is_looked_up() {
    let project = "test-queue-given-up";
    let queue = Queue::new("it_queue_given_up", project);
    let name = HangingName::new();
    queue.session().run(&format!(
        "ALTER SERVER neon OPTIONS (SET api_url '{}')",
        name.url()
    ));
    let mut session = queue.session();
    set_api_key(&mut session, "neon");
    create(&queue, 1);
    let backend = Backend::of(&mut session);
    thread::scope(|scope| {
        let call = scope.spawn(|| session.batch_execute("CALL neon_auth_admin.run_queue()"));
        let mut admin = backend.wait_for("NeonAuthAdminQueueReceive");
        admin.run(&format!("SELECT pg_cancel_backend({})", backend.pid));
        call.join()
            .expect("no panic")
            .expect_err("it was cancelled");
    });
    assert_eq!(states(&mut session), "1 waiting NA003");
    let waits = "SELECT next_attempt_at > now() + interval '5 s' FROM neon_auth_admin.queue";
    assert!(one(&mut session, waits).get::<_, bool>(0));
    drop(name);
    wait_for("the thread ends", || backend.threads().len() == 1);
    assert!(queue.requests().is_empty());
    queue.hasten();
    session.run("CALL neon_auth_admin.run_queue()");
    assert_eq!(states(&mut session), "1 done");
}
