//! The inner ring against a simulator in the same process: no Postgres anywhere.

mod client;
mod proxy;
mod requests;
mod support;
