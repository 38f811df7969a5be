//! Memory stays flat, however much a server sends.

use std::time::Duration;

use neon_auth_admin::error::ErrorKind;
use neon_auth_admin::neon::domains;

use crate::alone::is_alone;
use crate::support::{World, timed};

/// The simulator's own buffers for what it sends are a part of this.
const GROWTH: usize = 16 * 1024;

/// In KiB, from `/proc/self/status`.
fn memory(name: &str) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with(name));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    number.expect(name).parse().expect("a number")
}

#[test]
fn of_large_answers_is_flat() {
    if !is_alone("memory::of_large_answers_is_flat", &[]) {
        return;
    }
    let mut world = World::new();
    world.create_user().expect("created");
    world.send(domains::list).expect("listed");
    let before = memory("VmRSS:");
    // Longer than any machine needs to see that an answer is too large.
    world.timeout = Duration::from_secs(30);
    for fault in [
        "huge",
        "huge-length",
        "headers",
        "headers-endless",
        "gzip",
        "gzip-bomb",
    ] {
        for n in 0..5 {
            world.project(&format!("fault-{fault}--{n}"));
            let (result, took) = timed(|| world.send(domains::list));
            let error = result.expect_err("too large");
            assert_eq!(error.kind, ErrorKind::BadResponse, "{fault}");
            let error = world.create_user().expect_err("too large");
            assert_eq!(error.kind, ErrorKind::OutcomeUnknown, "{fault}");
            assert_eq!(world.arrived().len(), 2, "{fault}");
            assert!(took < Duration::from_secs(10), "{fault}: {took:?}");
        }
    }
    // The peak, not what is left at the end.
    let growth = memory("VmHWM:") - before;
    println!("growth: {growth} KiB");
    assert!(growth < GROWTH, "{growth} KiB");
}
