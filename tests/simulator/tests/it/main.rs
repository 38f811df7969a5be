//! The simulator seen through a real HTTP client.

// A panic is how a test fails, in its helpers too.
#![allow(clippy::panic, clippy::unwrap_used)]

mod branch;
mod client;
mod faults;
mod ledger;
mod lists;
mod operations;
mod program;
mod raw_faults;
mod refusals;
mod service;
mod tls;
