//! Owns the waiting for the end of a queued call, as another session delivers it.

// Reads rows in Postgres' own form.
#![allow(unsafe_code)]

use std::time::{Duration, Instant};

use pgrx::datum::Interval;
use pgrx::prelude::*;
use pgrx::{PgMemoryContexts, PgTupleDesc};
use serde::{Deserialize, Serialize};

use super::state;
use super::table::{self, Value};
use crate::error::Error;
use crate::pg::args::required;
use crate::pg::local_users::to_duration;
use crate::pg::query::snapshot_is_fixed;
use crate::pg::report::{Raise, raise};
use crate::pg::reserve::Entry;
use crate::pg::row::{One, Row, row_type};
use crate::pg::wait::{Event, pause};

/// Between two looks.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// Waits until the call has ended, however it did, and returns its row.
#[pg_extern(volatile, parallel_unsafe, cost = 1000, requires = ["queue"])]
fn wait_for_queued(
    _entry: Entry,
    id: Option<i64>,
    timeout: default!(Option<Interval>, "'30 s'"),
) -> Result<One<QueuedCall>, Raise> {
    let id = required("id", id)?;
    let timeout = to_duration(required("timeout", timeout)?)?;
    let row = Row::new::<QueuedCall>()?;
    let end = Instant::now() + timeout;
    let mut next_pause = FIRST_PAUSE;
    loop {
        let (state, is_ours) = state(id)?.ok_or_else(|| Error::no_such_call(id))?;
        if !matches!(state.as_str(), "waiting" | "sending") {
            return Ok(show(id, &row)?);
        }
        if is_ours {
            raise(Error::call_of_this_transaction(id));
        }
        if snapshot_is_fixed() {
            raise(Error::fixed_snapshot());
        }
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            raise(Error::call_not_over(id, &state, timeout));
        }
        pause(next_pause.min(left), Event::WaitForQueued);
        next_pause = (next_pause * 2).min(LONGEST_PAUSE);
    }
}

/// The row as the view has it, of a call that the role in effect may see.
fn show(id: i64, like: &Row) -> Result<One<QueuedCall>, Error> {
    let mut caller = PgMemoryContexts::For(PgMemoryContexts::CurrentMemoryContext.value());
    let shown = table::run(
        c"SELECT * FROM neon_auth_admin.queue WHERE id = $1",
        &[Value::Int8(id)],
        |found| {
            let (tuple, shape) = found.parts();
            // SAFETY: a row and its description, which live until this has been called; the caller's memory.
            unsafe {
                let shape = PgTupleDesc::from_pg_unchecked(shape);
                let row = like.like(&shape, &[tuple]).next();
                let row = row.ok_or_else(|| Error::no_such_call(id))?;
                row.map(|row| caller.switch_to(|_| One::new(row)))
            }
        },
    )?;
    let shown = shown.into_iter().next();
    shown.ok_or_else(|| Error::no_such_call(id))?
}

/// A row of the view, made by the query.
#[derive(Deserialize, Serialize)]
struct QueuedCall {
    id: (),
    state: (),
    result: (),
}

row_type!(QueuedCall, "queue");
