//! A server with RUST_BACKTRACE in its environment adds a backtrace to what Postgres raises below
//! Rust: no secret is in one. tests/run.sh starts such a server for this test, which is ignored
//! otherwise.

use std::collections::BTreeSet;

use crate::calls::*;
use crate::oracle::logged;
use crate::support::{Statements, server_log};

/// A frame of this extension in a backtrace.
const FRAME: &str = "neon_auth_admin::";

#[test]
#[ignore = "the server needs RUST_BACKTRACE"]
fn no_secret_is_in_a_backtrace() {
    let mut world = World::new("it_backtraces");
    let before = server_log().matches(FRAME).count();
    let mut owner = world.witness("it_backtraces");
    let World {
        canaries, admin, ..
    } = &mut world;
    store_keys(&mut owner, canaries, OWNERS_KEY, "it_backtraces");
    store_keys(admin, canaries, ADMINS_KEY, "postgres");
    // What Postgres raises below Rust unwinds as a panic, and that is where backtraces are made.
    for witness in [&mut owner, admin] {
        call_everything(witness, canaries, false);
        assert_everything_failed(witness);
        let read_only = "SET default_transaction_read_only = on";
        witness.session.run(read_only);
        call_everything(witness, canaries, false);
    }

    let frames = server_log().matches(FRAME).count() - before;
    assert!(frames > 200, "{frames} frames are in the log");
    assert_eq!(logged(canaries), BTreeSet::new(), "the server's log");
    for witness in [&owner, admin] {
        assert!(witness.messages().contains(FRAME), "backtraces");
        let heard = canaries.names_in(&witness.messages());
        assert_eq!(heard, BTreeSet::new(), "messages");
        let rows = canaries.names_in(&witness.rows);
        assert_eq!(rows, [SDK_KEY, TRANSFER, OAUTH_SECRET, NAME].into(), "rows");
    }
}
