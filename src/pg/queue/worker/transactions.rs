//! Owns the transactions of a worker. It knows nothing of what happens in them.

// Begins and ends them.
#![allow(unsafe_code)]

use std::ffi::CStr;
use std::ptr;

use pgrx::pg_sys;

use crate::pg::queue::delivery::Transactions;

/// What is shown of it: no argument, no name.
const ACTIVITY: &CStr = c"delivering queued calls";

pub struct InWorker;

impl Transactions for InWorker {
    fn begin(&mut self) {
        // SAFETY: as Postgres' own workers do it, outside of any transaction.
        unsafe {
            // Or now() would stand still.
            pg_sys::SetCurrentStatementStartTimestamp();
            pg_sys::StartTransactionCommand();
            // Whatever runs SQL expects that there is one.
            pg_sys::PushActiveSnapshot(pg_sys::GetTransactionSnapshot());
            pg_sys::pgstat_report_activity(pg_sys::BackendState::STATE_RUNNING, ACTIVITY.as_ptr());
        }
    }

    fn commit(&mut self) {
        // SAFETY: in such a transaction.
        unsafe {
            pg_sys::PopActiveSnapshot();
            pg_sys::CommitTransactionCommand();
            // Or nobody would know how many rows are dead.
            pg_sys::pgstat_report_stat(false);
            pg_sys::pgstat_report_activity(pg_sys::BackendState::STATE_IDLE, ptr::null());
        }
    }
}
