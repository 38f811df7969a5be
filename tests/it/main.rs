//! The inner ring against a simulator in the same process: no Postgres anywhere.

// A panic is how a test fails, in its helpers too.
#![allow(clippy::panic, clippy::unwrap_used)]

mod alone;
mod any_operation;
mod api;
mod architecture;
mod budget;
mod client;
mod columns;
mod configuration;
mod connect_proxy;
mod faults;
mod forms;
mod fuzz;
mod keepalive;
mod links;
mod lists;
mod memory;
mod network;
mod oauth;
mod operations;
mod progress;
mod proxy;
mod requests;
mod sqlstates;
mod support;
mod tls;
mod versions;
mod wiping;
