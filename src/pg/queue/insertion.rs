//! Owns the short way of rows into the table of queued calls: they are put there as COPY puts them, without a
//! statement, whose beginning and end cost several times what a row does. It knows nothing of what a row says.

// Calls Postgres' executor, and changes the role in effect.
#![allow(unsafe_code)]

mod rows;

use std::cell::RefCell;
use std::ffi::{CStr, c_void};
use std::ptr::null_mut;

use pgrx::pg_sys;

use super::table::{self, Value};
use crate::error::Error;
use crate::pg::compat::insert_index_entries;

pub use self::rows::Rows;

const LOCK: pg_sys::LOCKMODE = pg_sys::RowExclusiveLock as pg_sys::LOCKMODE;
/// What is locked stays so until the transaction ends.
const NO_LOCK: pg_sys::LOCKMODE = pg_sys::NoLock as pg_sys::LOCKMODE;

/// The columns that have values, by their names, which are always the same ones.
pub type Columns<'a> = &'a [&'a CStr];

/// What is the same for all rows of a transaction, as long as nobody changes the table in it. Relations are open
/// only while rows are written, so that what is here has to be compared with them.
struct Insertion {
    table: pg_sys::Oid,
    /// That of which it was compared.
    command: pg_sys::CommandId,
    executor: *mut pg_sys::EState,
    into: *mut pg_sys::ResultRelInfo,
    indexes: Vec<pg_sys::Oid>,
    /// For those that are written one by one.
    one: Rows,
}

thread_local! {
    /// In use it is not here, so that none is used again after an error.
    static KNOWN: RefCell<Option<Insertion>> = const { RefCell::new(None) };
}

/// Stores a row and returns its id; `None`, and nothing is stored, where more is to happen than the table itself is
/// made for: a superuser may have put triggers there.
pub fn insert(columns: Columns, values: &[Value]) -> Result<Option<i64>, Error> {
    let inserted = with_table(columns, |insertion, relation| {
        let id = insertion.one.push(values);
        // SAFETY: open, and the role is its owner.
        unsafe { insertion.write_one(relation) };
        id
    })?;
    Ok(inserted.flatten())
}

/// Room for rows, in the current memory; the same `None`.
pub fn room(columns: Columns) -> Result<Option<Rows>, Error> {
    // SAFETY: the relation is open.
    let made = with_table(columns, |_, relation| unsafe {
        Rows::new(relation, columns)
    })?;
    made.transpose()
}

/// Stores these rows, unless it is the same `None`.
pub fn insert_all(columns: Columns, rows: &mut Rows) -> Result<Option<()>, Error> {
    with_table(columns, |insertion, relation| {
        // SAFETY: open, and the role is its owner.
        unsafe { insertion.write(relation, rows.filled()) };
        rows.forget_filled();
    })
}

/// Has the table's own trigger called when all triggers have been that are to be called for the current statement,
/// as Postgres does for what the trigger of a foreign key changes. `None` where there is none any more.
///
/// # Safety
/// A trigger is being called that is not deferrable.
pub unsafe fn call_at_end_of_statement(columns: Columns) -> Result<Option<()>, Error> {
    let called = with_table(columns, |insertion, relation| {
        // SAFETY: the relation is open, and nobody keeps what is made of it.
        unsafe {
            if !has_own_trigger(relation) {
                return None;
            }
            pg_sys::ExecASInsertTriggers(insertion.executor, result_of(relation), null_mut());
            Some(())
        }
    })?;
    Ok(called.flatten())
}

/// Does `work` as the owner of the table.
fn with_table<T>(
    columns: Columns,
    work: impl FnOnce(&mut Insertion, pg_sys::Relation) -> T,
) -> Result<Option<T>, Error> {
    let table = table::oid()?;
    // SAFETY: open until the work is done or, after an error, until the (sub)transaction ends, which puts the
    // role back as well.
    unsafe {
        let relation = pg_sys::table_open(table, LOCK);
        if !is_plain(relation) {
            pg_sys::table_close(relation, NO_LOCK);
            return Ok(None);
        }
        let known = KNOWN.take().and_then(|known| known.still_of(relation));
        let mut insertion = match known {
            Some(insertion) => insertion,
            None => Insertion::new(relation, columns)?,
        };
        let done = as_owner((*(*relation).rd_rel).relowner, || {
            work(&mut insertion, relation)
        });
        pg_sys::table_close(relation, NO_LOCK);
        KNOWN.set(Some(insertion));
        Ok(Some(done))
    }
}

fn as_owner<T>(owner: pg_sys::Oid, work: impl FnOnce() -> T) -> T {
    let (mut role, mut context) = (pg_sys::InvalidOid, 0);
    // SAFETY: put back below or, after an error, with the (sub)transaction.
    unsafe {
        pg_sys::GetUserIdAndSecContext(&raw mut role, &raw mut context);
        let changed = context | pg_sys::SECURITY_LOCAL_USERID_CHANGE as i32;
        pg_sys::SetUserIdAndSecContext(owner, changed);
        let done = work();
        pg_sys::SetUserIdAndSecContext(role, context);
        done
    }
}

/// Whether it is as its script has made it, as far as a row that is inserted would notice.
///
/// # Safety
/// The relation is open.
unsafe fn is_plain(relation: pg_sys::Relation) -> bool {
    // SAFETY: the caller's promise.
    unsafe {
        let class = &*(*relation).rd_rel;
        let constraints = (*(*relation).rd_att).constr.as_ref();
        let acts = |all: &pg_sys::TriggerDesc| {
            all.trig_insert_before_statement
                || all.trig_insert_before_row
                || all.trig_insert_after_row
                || all.trig_insert_after_statement && !has_own_trigger(relation)
        };
        class.relkind as u8 == pg_sys::RELKIND_RELATION
            && class.relam == pg_sys::HEAP_TABLE_AM_OID
            && !class.relhasrules
            && !class.relispartition
            && !constraints.is_some_and(|all| all.has_generated_stored || all.num_check > 0)
            && !(*relation).trigdesc.as_ref().is_some_and(acts)
    }
}

/// Whether it has the trigger that its script has made, as it was made, and no other at the end of an INSERT.
///
/// # Safety
/// The relation is open.
unsafe fn has_own_trigger(relation: pg_sys::Relation) -> bool {
    // SAFETY: the caller's promise; names have a NUL at their end.
    unsafe {
        let Some(all) = (*relation).trigdesc.as_ref() else {
            return false;
        };
        let count = usize::try_from(all.numtriggers).unwrap_or_default();
        let triggers = std::slice::from_raw_parts(all.triggers, count).iter();
        let at_insert = |it: &&pg_sys::Trigger| it.tgtype as u32 & pg_sys::TRIGGER_TYPE_INSERT != 0;
        let mut triggers = triggers.filter(at_insert);
        let is_own = |it: &pg_sys::Trigger| {
            CStr::from_ptr(it.tgname) == c"write_rest"
                && it.tgtype as u32 == pg_sys::TRIGGER_TYPE_INSERT
                && it.tgenabled as u8 == pg_sys::TRIGGER_FIRES_ALWAYS
                && it.tgqual.is_null()
        };
        triggers.next().is_some_and(is_own) && triggers.next().is_none()
    }
}

impl Insertion {
    /// In memory of this (sub)transaction, with which it ends.
    ///
    /// # Safety
    /// The relation is open.
    unsafe fn new(relation: pg_sys::Relation, columns: Columns) -> Result<Self, Error> {
        // SAFETY: all is made in a context of its own, which says when it ends. Indexes are open for as long as
        // they are looked at.
        unsafe {
            let before = pg_sys::MemoryContextSwitchTo(pg_sys::CurTransactionContext);
            let executor = pg_sys::CreateExecutorState();
            pg_sys::MemoryContextSwitchTo((*executor).es_query_cxt);
            at_end_of((*executor).es_query_cxt, forget);
            let into = result_of(relation);
            pg_sys::ExecOpenIndices(into, false);
            let (count, open) = indexes_of(into);
            let indexes = (0..count).map(|n| (**open.add(n)).rd_id).collect();
            close(into);
            let one = Rows::new(relation, columns);
            pg_sys::MemoryContextSwitchTo(before);
            Ok(Self {
                table: (*relation).rd_id,
                command: pg_sys::GetCurrentCommandId(false),
                executor,
                into,
                indexes,
                one: one?,
            })
        }
    }

    /// Others are kept from changes by the lock, and those of this transaction count from the next command on.
    ///
    /// # Safety
    /// The relation is open.
    unsafe fn still_of(mut self, relation: pg_sys::Relation) -> Option<Self> {
        // SAFETY: what is here was made in this transaction.
        unsafe {
            let command = pg_sys::GetCurrentCommandId(false);
            if self.table == (*relation).rd_id && self.command == command {
                return Some(self);
            }
            let list = pg_sys::RelationGetIndexList(relation);
            let indexes = pgrx::PgList::<c_void>::from_pg(list);
            let is_same = self.table == (*relation).rd_id
                && indexes.iter_oid().eq(self.indexes.iter().copied())
                && pg_sys::equalTupleDescs(self.one.shape(), (*relation).rd_att);
            if is_same {
                self.command = command;
                return Some(self);
            }
            pg_sys::FreeExecutorState(self.executor);
            None
        }
    }

    /// # Safety
    /// The relation is open, and the role in effect its owner.
    unsafe fn write_one(&mut self, relation: pg_sys::Relation) {
        let slots = self.one.filled().to_vec();
        // SAFETY: the caller's promise.
        unsafe { self.write(relation, &slots) };
        self.one.forget_filled();
    }

    /// # Safety
    /// The same; these have rows of it.
    unsafe fn write(&self, relation: pg_sys::Relation, slots: &[*mut pg_sys::TupleTableSlot]) {
        // SAFETY: the caller's promise. The function does not change the array.
        unsafe {
            (*self.into).ri_RelationDesc = relation;
            let (count, open) = indexes_of(self.into);
            for n in 0..count {
                *open.add(n) = pg_sys::index_open(self.indexes[n], LOCK);
            }
            // They have the same columns that are NULL, and nothing else is asked of any: see `is_plain`.
            if let Some(&first) = slots.first() {
                pg_sys::ExecConstraints(self.into, first, self.executor);
            }
            let command = pg_sys::GetCurrentCommandId(true);
            let number = i32::try_from(slots.len()).unwrap_or_default();
            let first = slots.as_ptr().cast_mut();
            pg_sys::heap_multi_insert(relation, first, number, command, 0, null_mut());
            for &slot in slots {
                insert_index_entries(self.into, slot, self.executor);
                let each = (*self.executor).es_per_tuple_exprcontext;
                if !each.is_null() {
                    pg_sys::MemoryContextReset((*each).ecxt_per_tuple_memory);
                }
            }
            close(self.into);
        }
    }
}

/// # Safety
/// The relation is open.
unsafe fn result_of(relation: pg_sys::Relation) -> *mut pg_sys::ResultRelInfo {
    // SAFETY: the caller's promise; made in the current memory.
    unsafe {
        let into = pg_sys::palloc0(size_of::<pg_sys::ResultRelInfo>());
        let into = into.cast::<pg_sys::ResultRelInfo>();
        pg_sys::InitResultRelInfo(into, relation, 0, null_mut(), 0);
        into
    }
}

/// # Safety
/// A table to be written to.
unsafe fn indexes_of(into: *mut pg_sys::ResultRelInfo) -> (usize, pg_sys::RelationPtr) {
    // SAFETY: the caller's promise.
    let (count, open) = unsafe { ((*into).ri_NumIndices, (*into).ri_IndexRelationDescs) };
    (usize::try_from(count).unwrap_or_default(), open)
}

/// # Safety
/// Its indexes are open.
unsafe fn close(into: *mut pg_sys::ResultRelInfo) {
    // SAFETY: the caller's promise.
    unsafe {
        let (count, open) = indexes_of(into);
        for n in 0..count {
            pg_sys::index_close(*open.add(n), NO_LOCK);
        }
    }
}

/// Has a function called when that memory ends.
///
/// # Safety
/// It is memory, and the function neither allocates nor raises.
pub unsafe fn at_end_of(
    memory: pg_sys::MemoryContext,
    call: unsafe extern "C-unwind" fn(*mut c_void),
) {
    // SAFETY: the caller's promise; what is registered is in that memory.
    unsafe {
        let size = size_of::<pg_sys::MemoryContextCallback>();
        let end = pg_sys::MemoryContextAllocZero(memory, size);
        let end = end.cast::<pg_sys::MemoryContextCallback>();
        (*end).func = Some(call);
        pg_sys::MemoryContextRegisterResetCallback(memory, end);
    }
}

/// The memory ends.
unsafe extern "C-unwind" fn forget(_: *mut c_void) {
    let _ = KNOWN.try_with(|known| {
        if let Ok(mut known) = known.try_borrow_mut() {
            *known = None;
        }
    });
}
