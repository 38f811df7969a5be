//! What only real sessions show, in the private cluster and against the simulator that tests/run.sh
//! starts: interrupts, privileges, secrets, refused input.

mod dump;
mod encodings;
mod input;
mod interrupts;
mod phases;
mod readme;
mod secrets;
mod servers;
mod support;
mod synced_users;
