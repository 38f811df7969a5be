//! Time: a call lasts no longer than its budget, and no shorter while there is hope.

use std::thread;
use std::time::Duration;

use neon_auth_admin::error::Advice;
use neon_auth_admin::error::ErrorKind::{self, *};
use neon_auth_admin::neon::domains;
use neon_auth_admin::neon::endpoint::Look;
use neon_auth_admin::neon::retry::TIME_FOR_WORK;
use neon_simulator::TlsFault;

use crate::support::{World, is_unsent, timed};

/// Shorter than the shortest of the answers below, which takes 1.4 s.
const BUDGET: Duration = Duration::from_secs(1);

/// How much later a busy machine may be.
const SLACK: Duration = Duration::from_secs(3);

/// A server that takes its time, and what reading makes of it at the end of the budget.
pub struct Slow {
    pub fault: &'static str,
    read: ErrorKind,
}

pub const SLOW: [Slow; 4] = [
    slow("silent"),
    slow("drip"),
    slow("drip-body"),
    slow("slow-3000"),
];

const fn slow(fault: &'static str) -> Slow {
    Slow {
        fault,
        read: Disconnected,
    }
}

/// Exactly is: not earlier but for the granularity of timers, not later but for a busy machine.
#[track_caller]
fn assert_is_the_budget(took: Duration, what: &str) {
    assert!(
        took >= BUDGET - Duration::from_millis(10),
        "{what}: {took:?}"
    );
    assert!(took < BUDGET + SLACK, "{what}: {took:?}");
}

#[test]
fn a_slow_answer_ends_at_the_budget() {
    // A thread each, because they do nothing but wait.
    thread::scope(|scope| {
        for Slow { fault, read } in &SLOW {
            scope.spawn(move || {
                let mut world = World::new();
                world.timeout = BUDGET;
                world.project(&format!("fault-{fault}--read"));
                let (result, took) = timed(|| world.send(domains::list));
                assert_eq!(result.expect_err(fault).kind, *read, "{fault}");
                assert_is_the_budget(took, fault);
                assert_eq!(world.arrived().len(), 1, "{fault}");
            });
            scope.spawn(move || {
                let mut world = World::new();
                world.timeout = BUDGET;
                world.project(&format!("fault-{fault}--write"));
                let (result, took) = timed(|| world.create_user());
                let error = result.expect_err(fault);
                assert_eq!(error.kind, OutcomeUnknown, "{fault}");
                assert_is_the_budget(took, fault);
                assert_eq!(world.arrived().len(), 1, "{fault}");
                assert_eq!(error.advice, Some(Advice::LookBefore(Look::Users)));
            });
        }
    });
}

#[test]
fn a_slow_answer_over_tls_ends_at_the_budget() {
    let mut world = World::with_tls();
    world.timeout = BUDGET;
    world.project("fault-drip--tls");
    let (result, took) = timed(|| world.send(domains::list));
    assert_eq!(result.expect_err("too slow").kind, Disconnected);
    assert_is_the_budget(took, "drip");
}

#[test]
fn a_silent_handshake_ends_at_the_budget() {
    let mut world = World::with_tls_fault(TlsFault::Stalled);
    world.timeout = BUDGET;
    for result in [
        timed(|| world.create_user().map(drop)),
        timed(|| world.send(domains::list).map(drop)),
    ] {
        let (result, took) = result;
        let error = result.expect_err("no handshake");
        assert_eq!(error.kind, Unreachable);
        let detail = error.detail.expect("a detail");
        assert!(is_unsent(&detail, "the time was up"), "{detail}");
        assert_is_the_budget(took, "stalled");
    }
    assert_eq!(world.simulator.requests().len(), 0);
}

#[test]
fn an_answer_within_the_budget_is_waited_for() {
    let mut world = World::new();
    world.project("fault-slow-300--read");
    world.timeout = Duration::from_secs(5);
    let (result, took) = timed(|| world.send(domains::list));
    result.expect("late, but there");
    assert!(took >= Duration::from_millis(300), "{took:?}");
    assert_eq!(world.arrived().len(), 1);
}

#[test]
fn all_attempts_share_one_budget() {
    let mut world = World::new();
    world.timeout = BUDGET;
    world.connection.max_attempts = 1000;
    for fault in ["reset", "503", "429-retry-3"] {
        world.project(&format!("fault-{fault}--budget"));
        let (result, took) = timed(|| world.send(domains::list));
        result.expect_err(fault);
        assert!(took < BUDGET + SLACK, "{fault}: {took:?}");
    }
    assert_eq!(world.arrived().len(), 1, "a second does not fit into it");
}

/// Neither max_attempts nor the back-off decides how long a lock is waited for, but the time of the call;
/// what is left of it at the end is for work, so that it stays known that nothing was done.
#[test]
fn a_lock_is_waited_for_within_the_budget() {
    let mut world = World::new();
    world.timeout = Duration::from_secs(20);
    world.connection.max_attempts = 2;
    world.project("fault-423-x5--passing");
    world.create_user().expect("created at last");
    assert_eq!(world.arrived().len(), 6);

    world.timeout = Duration::from_secs(2);
    world.project("fault-423--lasting");
    let (result, took) = timed(|| world.create_user());
    let error = result.expect_err("still locked");
    assert_eq!(error.kind, Busy, "{error:?}");
    let least = world.timeout - TIME_FOR_WORK - Duration::from_millis(10);
    assert!(took >= least, "{took:?}");
    assert!(took < world.timeout + Duration::from_secs(2), "{took:?}");
    assert!(world.arrived().len() > 2);

    world.connection.max_attempts = 1;
    world.project("fault-423--once");
    let error = world.create_user().expect_err("locked");
    assert_eq!(error.kind, Busy, "{error:?}");
    assert_eq!(world.arrived().len(), 1);
}
