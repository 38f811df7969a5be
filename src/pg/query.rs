//! Owns the queries that this extension runs itself, as the role in effect. It knows SPI and nothing
//! of what is asked. (pgrx's own interface to SPI gives a transaction an id before it looks for what
//! others have committed, which no standby can.)

// Calls SPI, and begins and ends subtransactions.
#![allow(unsafe_code)]

use std::ffi::{CString, c_long};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::slice;

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::{IntoDatum, PgMemoryContexts, PgTupleDesc, pg_sys};

use crate::pg::row::Row;
use crate::pg::text::Text;

/// What a query sees of other sessions' work.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Sees {
    /// What the statement sees that the function is called in.
    Statement,
    /// What is committed by now, as far as the isolation level allows.
    Latest,
}

/// A query that changes nothing. Its columns have the names and types of those of a row.
pub struct Query {
    text: CString,
    parameter: Option<Text>,
    sees: Sees,
}

impl Query {
    /// How many rows are in memory at a time.
    const BATCH: c_long = 100;

    /// `text` is from this extension's own words alone: values are for `parameter`, which is `$1`.
    pub fn new(text: String, parameter: Option<Text>, sees: Sees) -> Self {
        let text = CString::new(text).expect("the extension's own words have no NUL");
        Self {
            text,
            parameter,
            sees,
        }
    }

    /// Hands each row to `each`, as one that is like `like`. Its values are there for that long, and
    /// the memory context is the caller's.
    pub fn run(
        self,
        like: &Row,
        mut each: impl FnMut(Row) -> Result<(), ErrorReport>,
    ) -> Result<(), ErrorReport> {
        let mut caller = PgMemoryContexts::For(PgMemoryContexts::CurrentMemoryContext.value());
        let argument = self.parameter.and_then(IntoDatum::into_datum);
        let count = i32::from(argument.is_some());
        let mut argument = argument.unwrap_or(0.into());
        let mut text_type = pg_sys::TEXTOID;
        // SAFETY: SPI is left again, here or, after an error, by Postgres. The pointers are to live
        // values, and what SPI gives back is used before the next call of it.
        unsafe {
            pg_sys::SPI_connect();
            let cursor = pg_sys::SPI_cursor_open_with_args(
                std::ptr::null(),
                self.text.as_ptr(),
                count,
                &raw mut text_type,
                &raw mut argument,
                std::ptr::null(),
                self.sees == Sees::Statement,
                0,
            );
            let mut result = Ok(());
            while result.is_ok() {
                pg_sys::SPI_cursor_fetch(cursor, true, Self::BATCH);
                let count = pg_sys::SPI_processed as usize;
                if count == 0 {
                    break;
                }
                let found = pg_sys::SPI_tuptable;
                let tuples = slice::from_raw_parts((*found).vals, count);
                let shape = PgTupleDesc::from_pg_unchecked((*found).tupdesc);
                result =
                    rows(like, &shape, tuples).try_for_each(|row| caller.switch_to(|_| each(row?)));
                pg_sys::SPI_freetuptable(found);
            }
            pg_sys::SPI_cursor_close(cursor);
            pg_sys::SPI_finish();
            result
        }
    }
}

/// The tuples as rows like `like`, by the names of the columns.
fn rows<'a>(
    like: &'a Row,
    shape: &'a PgTupleDesc,
    tuples: &'a [pg_sys::HeapTuple],
) -> impl Iterator<Item = Result<Row, ErrorReport>> + 'a {
    let places = like.places_of(shape);
    let mut values = vec![pg_sys::Datum::from(0); shape.len()];
    let mut nulls = vec![false; shape.len()];
    tuples.iter().map(move |tuple| {
        let places = places.as_ref().map_err(|error| error.clone())?;
        // SAFETY: a tuple of that shape, and room for all of its columns.
        unsafe {
            pg_sys::heap_deform_tuple(
                *tuple,
                shape.as_ptr(),
                values.as_mut_ptr(),
                nulls.as_mut_ptr(),
            );
        }
        let mut row = like.clone();
        for (at, &place) in places.iter().enumerate() {
            row.set_raw(place, (!nulls[at]).then_some(values[at]));
        }
        Ok(row)
    })
}

/// Does `work` in a subtransaction and rolls that back: what `work` locked is free again. `work` must
/// change nothing; memory that it takes stays.
pub fn without_a_trace<T>(work: impl FnOnce() -> T) -> T {
    // SAFETY: the subtransaction ends here, whatever happens in it, and what it may leave in another
    // state is put back. An error was caught by pgrx before it unwinds, so that none is pending.
    unsafe {
        let context = pg_sys::CurrentMemoryContext;
        let owner = pg_sys::CurrentResourceOwner;
        pg_sys::BeginInternalSubTransaction(std::ptr::null());
        pg_sys::MemoryContextSwitchTo(context);
        let result = catch_unwind(AssertUnwindSafe(work));
        pg_sys::RollbackAndReleaseCurrentSubTransaction();
        pg_sys::MemoryContextSwitchTo(context);
        pg_sys::CurrentResourceOwner = owner;
        result.unwrap_or_else(|raised| resume_unwind(raised))
    }
}

/// Whether the transaction will never see what others commit from now on.
pub fn snapshot_is_fixed() -> bool {
    // SAFETY: a variable of the backend, read on its own thread.
    unsafe { pg_sys::XactIsoLevel >= pg_sys::XACT_REPEATABLE_READ as i32 }
}
