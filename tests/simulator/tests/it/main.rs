//! The simulator seen through a real HTTP client.

mod branch;
mod client;
mod faults;
mod ledger;
mod operations;
mod program;
mod raw_faults;
mod refusals;
mod service;
mod tls;
