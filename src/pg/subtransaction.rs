//! Owns subtransactions that leave nothing behind.

// Begins and ends them.
#![allow(unsafe_code)]

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use pgrx::pg_sys;

use crate::pg::wait::uninterrupted;

/// Does `work` in a subtransaction and rolls that back: what `work` locked is free again. `work` must
/// change nothing; memory that it takes stays.
pub fn without_a_trace<T>(work: impl FnOnce() -> T) -> T {
    // SAFETY: the subtransaction ends here, whatever happens in it, and what it may leave in another
    // state is put back. An error was caught by pgrx before it unwinds, so that none is pending.
    unsafe {
        let context = pg_sys::CurrentMemoryContext;
        let owner = pg_sys::CurrentResourceOwner;
        // At debug5 Postgres logs in the midst of the beginning and the end: an interrupt that is served
        // there would leave the subtransaction half done.
        uninterrupted(|| pg_sys::BeginInternalSubTransaction(std::ptr::null()));
        pg_sys::MemoryContextSwitchTo(context);
        let result = catch_unwind(AssertUnwindSafe(work));
        uninterrupted(|| pg_sys::RollbackAndReleaseCurrentSubTransaction());
        pg_sys::MemoryContextSwitchTo(context);
        pg_sys::CurrentResourceOwner = owner;
        result.unwrap_or_else(|raised| resume_unwind(raised))
    }
}
