//! What only real sessions show, in the private cluster and against the simulator that tests/run.sh
//! starts: interrupts, privileges, secrets, refused input, endurance.

// A panic is how a test fails, in its helpers too.
#![allow(clippy::panic, clippy::unwrap_used)]

mod backend;
mod backtraces;
mod by_hand;
mod call_log;
mod calls;
mod catalog;
mod configuration;
mod configured;
#[path = "../it/connect_proxy.rs"]
mod connect_proxy;
mod copies;
mod current;
mod descriptors;
mod documents;
mod dry_run;
mod dump;
mod encodings;
mod ended;
mod endurance;
mod examples;
mod fixed;
mod forbidding;
mod functions;
mod hanging_name;
#[path = "../it/fuzz/harness.rs"]
mod harness;
mod holders;
mod hostile;
mod huge_arguments;
mod input;
mod interrupts;
mod keepalive;
mod large_answers;
mod leaks;
mod levels;
mod lists;
mod logs;
mod looked_into;
mod manual;
mod migration;
#[path = "../operations.rs"]
mod operations;
mod options;
mod oracle;
mod out_of_memory;
mod own_locks;
mod owners;
mod pages;
mod phases;
mod places;
mod postmaster;
mod programs;
mod queue;
mod queues;
mod reach;
mod reported;
mod resolved;
mod resolving;
mod roles;
mod rows;
mod sealed;
mod secrets;
mod server;
mod servers;
mod signals;
mod standby;
mod strangers;
mod subscribers;
mod support;
mod sweep;
mod sync_user;
mod synced_users;
mod tables;
mod tryout;
mod turns;
mod views;
mod ways_out;
