//! What only real sessions show, in the private cluster and against the simulator that tests/run.sh
//! starts: interrupts, privileges, secrets, refused input, endurance.

mod backend;
mod by_hand;
mod catalog;
mod current;
mod dump;
mod encodings;
mod endurance;
mod hanging_name;
#[path = "../it/fuzz/harness.rs"]
mod harness;
mod input;
mod interrupts;
mod migration;
mod options;
mod phases;
mod postmaster;
mod readme;
mod resolved;
mod resolving;
mod secrets;
mod servers;
mod signals;
mod standby;
mod support;
