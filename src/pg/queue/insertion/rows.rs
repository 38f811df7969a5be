//! Owns rows of the table of queued calls that are made and not written: in memory, with their ids.

// Makes tuples.
#![allow(unsafe_code)]

use std::ffi::CStr;

use pgrx::{IntoDatum, direct_function_call, pg_sys};

use super::{Columns, as_owner};
use crate::error::Error;
use crate::pg::compat::identity_sequence;
use crate::pg::queue::table::Value;

pub struct Rows {
    table: pg_sys::Oid,
    memory: pg_sys::MemoryContext,
    shape: pg_sys::TupleDesc,
    owner: pg_sys::Oid,
    sequence: pg_sys::Oid,
    /// Where values go, in their order, and the id.
    columns: Vec<usize>,
    id: usize,
    /// Made once, and filled again and again.
    slots: Vec<*mut pg_sys::TupleTableSlot>,
    filled: usize,
    ids: Option<Ids>,
    bytes: usize,
}

/// Those of rows that are filled.
#[derive(Clone, Copy)]
pub struct Ids {
    pub least: i64,
    pub greatest: i64,
    /// Which row has the least.
    first: usize,
}

/// So many of them, or so much, is written at once, as COPY does.
const MOST: usize = 1000;
const MOST_BYTES: usize = 64 * 1024;
/// What others queue meanwhile has ids in between, but no more than that.
const MOST_IDS: i64 = 10_000;

impl Rows {
    /// In the current memory, which they live as long as.
    ///
    /// # Safety
    /// The relation is open.
    pub unsafe fn new(relation: pg_sys::Relation, columns: Columns) -> Result<Self, Error> {
        // SAFETY: the caller's promise, and look-ups in the catalogs.
        unsafe {
            let table = (*relation).rd_id;
            let columns = columns.iter().map(|name| number(table, name));
            let columns = columns.collect::<Result<_, _>>()?;
            let id = number(table, c"id")?;
            Ok(Self {
                table,
                memory: pg_sys::CurrentMemoryContext,
                shape: pg_sys::CreateTupleDescCopyConstr((*relation).rd_att),
                owner: (*(*relation).rd_rel).relowner,
                sequence: identity_sequence(relation, id as i16 + 1),
                columns,
                id,
                slots: Vec::new(),
                filled: 0,
                ids: None,
                bytes: 0,
            })
        }
    }

    pub fn shape(&self) -> pg_sys::TupleDesc {
        self.shape
    }

    pub fn filled(&self) -> &[*mut pg_sys::TupleTableSlot] {
        &self.slots[..self.filled]
    }

    pub fn is_full(&self) -> bool {
        let has_gaps = |ids: Ids| ids.greatest - ids.least >= MOST_IDS;
        self.filled >= MOST || self.bytes >= MOST_BYTES || self.ids.is_some_and(has_gaps)
    }

    pub fn ids(&self) -> Option<Ids> {
        self.ids
    }

    /// Makes a row with those values, which are copied, and returns its id.
    pub fn push(&mut self, values: &[Value]) -> Option<i64> {
        let sequence = self.sequence.into_datum();
        // SAFETY: as many values as columns, of their types; all that is made is in the memory of these rows.
        unsafe {
            let id: Option<i64> = as_owner(self.owner, || {
                direct_function_call(pg_sys::nextval_oid, &[sequence])
            });
            let before = pg_sys::MemoryContextSwitchTo(self.memory);
            if self.filled == self.slots.len() {
                let kind = &raw const pg_sys::TTSOpsHeapTuple;
                let slot = pg_sys::MakeSingleTupleTableSlot(self.shape, kind);
                self.slots.push(slot);
            }
            pg_sys::MemoryContextSwitchTo(before);
            let slot = self.slots[self.filled];
            let width = (*self.shape).natts as usize;
            let data = std::slice::from_raw_parts_mut((*slot).tts_values, width);
            let nulls = std::slice::from_raw_parts_mut((*slot).tts_isnull, width);
            nulls.fill(true);
            let mut set = |at: usize, datum: Option<pg_sys::Datum>| {
                nulls[at] = datum.is_none();
                data[at] = datum.unwrap_or(0.into());
            };
            set(self.id, id.into_datum());
            for (at, value) in self.columns.iter().zip(values) {
                set(*at, value.datum());
            }
            pg_sys::ExecStoreVirtualTuple(slot);
            // Which makes a tuple of it.
            let tuple = pg_sys::ExecFetchSlotHeapTuple(slot, true, std::ptr::null_mut());
            if let Some(id) = id {
                self.ids = Some(Ids::with(self.ids, id, self.filled));
            }
            self.filled += 1;
            self.bytes += (*tuple).t_len as usize;
            id
        }
    }

    /// Gives the row with the least id other values in these columns.
    pub fn change_first(&mut self, changes: &[(&CStr, Value)]) -> Result<(), Error> {
        let Some(ids) = self.ids else {
            return Ok(());
        };
        let slot = self.slots[ids.first];
        // SAFETY: a tuple of that shape, as is what is made of it, in the memory of these rows.
        unsafe {
            let width = (*self.shape).natts as usize;
            let (mut data, mut nulls) = (vec![pg_sys::Datum::from(0); width], vec![false; width]);
            let mut is_other = vec![false; width];
            for (name, value) in changes {
                let (at, datum) = (number(self.table, name)?, value.datum());
                is_other[at] = true;
                nulls[at] = datum.is_none();
                data[at] = datum.unwrap_or(0.into());
            }
            let before = pg_sys::MemoryContextSwitchTo(self.memory);
            let tuple = pg_sys::ExecFetchSlotHeapTuple(slot, true, std::ptr::null_mut());
            let changed = pg_sys::heap_modify_tuple(
                tuple,
                self.shape,
                data.as_mut_ptr(),
                nulls.as_mut_ptr(),
                is_other.as_mut_ptr(),
            );
            pg_sys::ExecStoreHeapTuple(changed, slot, true);
            pg_sys::MemoryContextSwitchTo(before);
        }
        Ok(())
    }

    /// When they are written.
    pub fn forget_filled(&mut self) {
        for &slot in self.filled() {
            // SAFETY: one of these.
            unsafe { pg_sys::ExecClearTuple(slot) };
        }
        self.filled = 0;
        self.ids = None;
        self.bytes = 0;
    }
}

impl Ids {
    fn with(others: Option<Self>, id: i64, at: usize) -> Self {
        let own = Self {
            least: id,
            greatest: id,
            first: at,
        };
        let Some(others) = others else {
            return own;
        };
        // A sequence may be set back.
        let first = match id < others.least {
            true => own,
            false => others,
        };
        Self {
            greatest: id.max(others.greatest),
            ..first
        }
    }
}

/// Of that column, from 0.
fn number(table: pg_sys::Oid, name: &CStr) -> Result<usize, Error> {
    // SAFETY: a look-up in the catalogs.
    let number = unsafe { pg_sys::get_attnum(table, name.as_ptr()) };
    let number = usize::try_from(number).ok().and_then(|n| n.checked_sub(1));
    number.ok_or_else(|| Error::stale_extension("a column of queued_calls is missing"))
}
