//! Owns what a statement queues for its many rows: that is written together, when its last trigger has been called
//! or when anybody is about to look. So nobody sees the difference but who reads the queue by another trigger of the
//! same statement.

// Makes memory that ends with a (sub)transaction.
#![allow(unsafe_code)]

use std::cell::RefCell;
use std::ffi::c_void;
use std::ops::Range;

use pgrx::pg_sys;

use super::insertion::{Columns, Rows, at_end_of, call_at_end_of_statement, insert_all, room};
use super::load;
use super::table::Value;
use crate::error::Error;

struct Rest {
    /// Which statement's.
    of: usize,
    /// It writes what it has queued itself, or an abort of another would take that along, or leave it.
    subtransaction: pg_sys::SubTransactionId,
    columns: Columns<'static>,
    rows: Rows,
    /// How many there were, and whether those that are not written are new.
    count: usize,
    are_new: bool,
    memory: pg_sys::MemoryContext,
}

thread_local! {
    /// In use it is not here, so that none is used again after an error.
    static REST: RefCell<Option<Rest>> = const { RefCell::new(None) };
}

/// Of a statement's rows these are new, see [`super::load`]: few ones are not worth it, and whoever changes a row of
/// the table before they are delivered has to look through all of them.
const NEW: Range<usize> = 100..20_000;

/// Keeps a row for the end of that statement, of which a trigger is being called that is not deferrable; `false`
/// where it has to be stored now. `values` are asked for by whether it is to be new.
pub fn keep<'a, V: AsRef<[Value<'a>]>>(
    of: usize,
    columns: Columns<'static>,
    values: impl FnOnce(bool) -> V,
) -> Result<bool, Error> {
    let rest = match REST.take() {
        Some(rest) if rest.of == of && rest.is_of_this_subtransaction() => Some(rest),
        None => Rest::begin(of, columns)?,
        // It is in the midst of a statement that waits for this one.
        other => {
            REST.set(other);
            return Ok(false);
        }
    };
    let Some(mut rest) = rest else {
        return Ok(false);
    };
    let are_new = NEW.contains(&rest.count);
    if are_new != rest.are_new {
        rest.write()?;
        rest.are_new = are_new;
    }
    rest.rows.push(values(are_new).as_ref());
    rest.count += 1;
    if rest.rows.is_full() {
        rest.write()?;
    }
    REST.set(Some(rest));
    Ok(true)
}

/// Before the table is used otherwise.
pub fn write() -> Result<(), Error> {
    match REST.take() {
        Some(mut rest) if rest.is_of_this_subtransaction() => {
            rest.write()?;
            REST.set(Some(rest));
        }
        other => REST.set(other),
    }
    Ok(())
}

/// At the end of a statement.
pub fn end() -> Result<(), Error> {
    write()?;
    let rest = REST.take();
    if rest.as_ref().is_some_and(Rest::is_of_this_subtransaction) {
        // SAFETY: nobody knows of it any more.
        rest.iter()
            .for_each(|rest| unsafe { pg_sys::MemoryContextDelete(rest.memory) });
    } else {
        REST.set(rest);
    }
    Ok(())
}

impl Rest {
    fn begin(of: usize, columns: Columns<'static>) -> Result<Option<Self>, Error> {
        // SAFETY: memory of this (sub)transaction, with which it ends; it says when. The caller says which trigger
        // is being called.
        unsafe {
            let memory = pg_sys::AllocSetContextCreateInternal(
                pg_sys::CurTransactionContext,
                c"neon_auth_admin rows to be queued".as_ptr(),
                pg_sys::ALLOCSET_DEFAULT_MINSIZE as usize,
                pg_sys::ALLOCSET_DEFAULT_INITSIZE as usize,
                pg_sys::ALLOCSET_DEFAULT_MAXSIZE as usize,
            );
            at_end_of(memory, forget);
            let before = pg_sys::MemoryContextSwitchTo(memory);
            let rows = room(columns)?;
            pg_sys::MemoryContextSwitchTo(before);
            if let Some(rows) = rows
                && call_at_end_of_statement(columns)?.is_some()
            {
                return Ok(Some(Self {
                    of,
                    subtransaction: pg_sys::GetCurrentSubTransactionId(),
                    columns,
                    rows,
                    count: 0,
                    are_new: false,
                    memory,
                }));
            }
            pg_sys::MemoryContextDelete(memory);
            Ok(None)
        }
    }

    fn is_of_this_subtransaction(&self) -> bool {
        // SAFETY: a variable of the backend.
        self.subtransaction == unsafe { pg_sys::GetCurrentSubTransactionId() }
    }

    fn write(&mut self) -> Result<(), Error> {
        if self.rows.filled().is_empty() {
            return Ok(());
        }
        if self.are_new {
            load::begin(&mut self.rows)?;
        }
        let written = insert_all(self.columns, &mut self.rows)?;
        written.ok_or_else(|| Error::stale_extension("its table was changed meanwhile"))
    }
}

/// The memory ends.
unsafe extern "C-unwind" fn forget(_: *mut c_void) {
    let _ = REST.try_with(|rest| {
        if let Ok(mut rest) = rest.try_borrow_mut() {
            *rest = None;
        }
    });
}
