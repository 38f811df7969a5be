//! Owns subtransactions: those that leave nothing behind, and those that an error does not get out of.

// Begins and ends them.
#![allow(unsafe_code)]

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use pgrx::pg_sys::panic::CaughtError;
use pgrx::prelude::*;
use pgrx::{PgTryBuilder, pg_sys};

use crate::pg::raised::forget;
use crate::pg::reserve::keep;
use crate::pg::wait::uninterrupted;

/// Does `work` in a subtransaction and rolls that back: what `work` locked is free again. `work` must
/// change nothing; memory that it takes stays.
pub fn without_a_trace<T>(work: impl FnOnce() -> T) -> T {
    in_subtransaction(work, |_| false)
}

/// `keeps` says of what `work` returns whether what it has done stays.
fn in_subtransaction<T>(work: impl FnOnce() -> T, keeps: impl FnOnce(&T) -> bool) -> T {
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
        uninterrupted(|| match &result {
            Ok(done) if keeps(done) => pg_sys::ReleaseCurrentSubTransaction(),
            _ => pg_sys::RollbackAndReleaseCurrentSubTransaction(),
        });
        pg_sys::MemoryContextSwitchTo(context);
        pg_sys::CurrentResourceOwner = owner;
        result.unwrap_or_else(|raised| resume_unwind(raised))
    }
}

/// Does `work`, which must change nothing, and returns what it raises in words. Only what ends the whole
/// delivery is raised on.
pub fn apart<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    caught(|| without_a_trace(work))
}

/// The same, of what may run or wait for anything, though nobody else may end the delivery now: then it is over,
/// and the delivery ends later.
pub fn served_apart<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    served(|| without_a_trace(work))
}

/// The same, of what changes something: that stays, unless it raises or returns an error.
pub fn served_kept_apart<T, E>(
    work: impl FnOnce() -> Result<T, E>,
) -> Result<Result<T, E>, String> {
    served(|| in_subtransaction(work, |result| result.is_ok()))
}

fn served<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    // SAFETY: variables of the backend, on its own thread, which Postgres sets in the same way.
    let is_uninterrupted = unsafe { pg_sys::InterruptHoldoffCount > 0 };
    if !is_uninterrupted {
        return caught(work);
    }
    as_before(|| {
        // SAFETY: as above.
        unsafe { pg_sys::InterruptHoldoffCount = 0 };
        catch(work, |error| {
            // SAFETY: as above.
            unsafe {
                pg_sys::QueryCancelPending = 1;
                pg_sys::InterruptPending = 1;
            }
            in_words(error)
        })
    })
}

fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    as_before(|| catch(work, |error| error.rethrow()))
}

/// Goes on with interrupts as they were: an error that `work` catches has them served.
fn as_before<T>(work: impl FnOnce() -> T) -> T {
    // SAFETY: a counter of the backend, on its own thread.
    unsafe {
        let held = pg_sys::InterruptHoldoffCount;
        let result = work();
        pg_sys::InterruptHoldoffCount = held;
        result
    }
}

/// `canceled` is for what somebody has canceled.
fn catch<T>(
    work: impl FnOnce() -> T,
    canceled: fn(CaughtError) -> Result<T, String>,
) -> Result<T, String> {
    // An earlier one may have used it.
    keep().map_err(|error| error.message)?;
    let timed_out = PgSqlErrorCode::ERRCODE_ADMIN_SHUTDOWN;
    PgTryBuilder::new(AssertUnwindSafe(|| Ok(work())))
        .catch_when(PgSqlErrorCode::ERRCODE_QUERY_CANCELED, canceled)
        .catch_when(timed_out, |error| error.rethrow())
        .catch_others(in_words)
        .execute()
}

fn in_words<T>(error: CaughtError) -> Result<T, String> {
    match error {
        CaughtError::PostgresError(report) | CaughtError::ErrorReport(report) => {
            forget();
            Err(report.message().to_owned())
        }
        panic => panic.rethrow(),
    }
}
