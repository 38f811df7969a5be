//! Owns the way to the table of queued calls: statements that run as its owner, with a path of their own, so
//! that a role needs no right on it and nothing of the caller's has a say. It knows nothing of what they are for.

// Calls SPI, and changes the role in effect.
#![allow(unsafe_code)]

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ffi::{CStr, c_char, c_int};

use pgrx::pg_sys::SysCacheIdentifier::RELOID;
use pgrx::{FromDatum, IntoDatum, pg_sys};

use super::rest;
use crate::error::Error;
use crate::pg::json;
use crate::pg::local::set;
use crate::pg::role::Role;
use crate::pg::text::{Text, text_datum};

/// A statement, of which parts stand elsewhere as well.
macro_rules! statement {
    ($($part:tt)+) => {
        const {
            match std::ffi::CStr::from_bytes_with_nul(concat!($($part)+, "\0").as_bytes()) {
                Ok(text) => text,
                Err(_) => panic!(),
            }
        }
    };
}
pub(super) use statement;

/// Calls of rows that have ended and may have made a user: the index of those says it in the same words.
macro_rules! unknown {
    () => {
        "of_table IS NOT NULL AND (in_doubt OR result IS NOT NULL OR of_former IS NOT NULL)
         AND state IN ('failed', 'cancelled') AND operation = 'create_user' "
    };
}
pub(super) use unknown;

/// A value of a statement.
#[derive(Clone, Copy)]
pub enum Value<'a> {
    /// Of that type.
    Null(pg_sys::Oid),
    Int2(i16),
    Int4(i32),
    Int8(i64),
    Bool(bool),
    Oid(pg_sys::Oid),
    /// Microseconds, as Postgres counts.
    Time(Option<i64>),
    Text(Option<&'a str>),
    Json(Option<pg_sys::Datum>),
}

impl Value<'_> {
    fn kind(&self) -> pg_sys::Oid {
        match self {
            Self::Null(kind) => *kind,
            Self::Int2(_) => pg_sys::INT2OID,
            Self::Int4(_) => pg_sys::INT4OID,
            Self::Int8(_) => pg_sys::INT8OID,
            Self::Bool(_) => pg_sys::BOOLOID,
            Self::Oid(_) => pg_sys::OIDOID,
            Self::Time(_) => pg_sys::TIMESTAMPTZOID,
            Self::Text(_) => pg_sys::TEXTOID,
            Self::Json(_) => pg_sys::JSONBOID,
        }
    }

    pub fn datum(&self) -> Option<pg_sys::Datum> {
        match self {
            Self::Null(_) => None,
            Self::Int2(value) => value.into_datum(),
            Self::Int4(value) => value.into_datum(),
            Self::Int8(value) => value.into_datum(),
            Self::Bool(value) => value.into_datum(),
            Self::Oid(value) => value.into_datum(),
            // A timestamp is a number of 64 bits.
            Self::Time(value) => value.into_datum(),
            Self::Text(value) => value.and_then(text_datum),
            Self::Json(value) => *value,
        }
    }
}

/// A row that a statement gives. Columns count from 0.
pub struct Found {
    tuple: pg_sys::HeapTuple,
    shape: pg_sys::TupleDesc,
}

impl Found {
    fn datum(&self, column: i32) -> Option<pg_sys::Datum> {
        let mut is_null = false;
        // SAFETY: a row of that shape.
        let datum =
            unsafe { pg_sys::SPI_getbinval(self.tuple, self.shape, column + 1, &raw mut is_null) };
        (!is_null).then_some(datum)
    }

    fn value<T: FromDatum>(&self, column: i32) -> Option<T> {
        let datum = self.datum(column)?;
        // SAFETY: whoever wrote the statement knows the types of its columns.
        unsafe { T::from_polymorphic_datum(datum, false, pg_sys::InvalidOid) }
    }

    /// A number, or a time.
    pub fn int8(&self, column: i32) -> Option<i64> {
        self.value(column)
    }

    pub fn int4(&self, column: i32) -> i32 {
        self.value(column).unwrap_or_default()
    }

    pub fn bool(&self, column: i32) -> bool {
        self.value(column).unwrap_or_default()
    }

    /// Of a role's number, as a bigint.
    pub fn role(&self, column: i32) -> Role {
        let number = self.int8(column).and_then(|role| u32::try_from(role).ok());
        Role(number.unwrap_or_default().into())
    }

    pub fn text(&self, column: i32) -> String {
        let text = self.value::<Text>(column);
        text.map(|text| text.to_string()).unwrap_or_default()
    }

    pub fn json(&self, column: i32) -> String {
        // SAFETY: a jsonb.
        let text = self
            .datum(column)
            .map(|json| unsafe { json::text_of(json) });
        text.unwrap_or_default()
    }

    /// A transaction's number.
    pub fn is_of_this_transaction(&self, column: i32) -> bool {
        let number = self.datum(column).map(|datum| datum.value() as u32);
        // SAFETY: a look at what this backend knows of its own transactions.
        number.is_some_and(|number| unsafe {
            pg_sys::TransactionIdIsCurrentTransactionId(number.into())
        })
    }

    /// All of it.
    pub fn parts(&self) -> (pg_sys::HeapTuple, pg_sys::TupleDesc) {
        (self.tuple, self.shape)
    }
}

thread_local! {
    /// Plans, by their texts, which are constants. Postgres makes them anew when what they name has changed.
    static PLANS: RefCell<HashMap<*const c_char, pg_sys::SPIPlanPtr>> = RefCell::default();
    /// The table that was found to be the extension's.
    static KNOWN: Cell<pg_sys::Oid> = const { Cell::new(pg_sys::InvalidOid) };
}

/// Which table it is now: another one, when the extension was dropped and created again. After DROP EXTENSION,
/// anybody may have made one of that name.
pub fn oid() -> Result<pg_sys::Oid, Error> {
    // SAFETY: NUL-terminated names, and look-ups in the catalogs.
    let oid = unsafe {
        let schema = pg_sys::get_namespace_oid(c"neon_auth_admin".as_ptr(), true);
        pg_sys::get_relname_relid(c"queued_calls".as_ptr(), schema)
    };
    if oid == pg_sys::InvalidOid || (KNOWN.get() != oid && !is_the_extensions(oid)) {
        return Err(Error::stale_extension("no table queued_calls"));
    }
    KNOWN.set(oid);
    Ok(oid)
}

fn is_the_extensions(table: pg_sys::Oid) -> bool {
    // SAFETY: look-ups in the catalogs.
    unsafe {
        let extension = pg_sys::get_extension_oid(c"neon_auth_admin".as_ptr(), true);
        extension != pg_sys::InvalidOid
            && pg_sys::getExtensionOfObject(pg_sys::RelationRelationId, table) == extension
    }
}

/// Waits for whoever has locked the table, as any statement would.
pub fn lock() -> Result<(), Error> {
    let table = oid()?;
    let mode = pg_sys::RowExclusiveLock as pg_sys::LOCKMODE;
    // SAFETY: it ends with the transaction.
    unsafe { pg_sys::LockRelationOid(table, mode) };
    Ok(())
}

/// Runs a statement, and hands each of its rows to `each`. Raises what Postgres raises.
pub fn run<T>(
    text: &'static CStr,
    values: &[Value],
    mut each: impl FnMut(&Found) -> T,
) -> Result<Vec<T>, Error> {
    let owner = owner_of(oid()?)?;
    rest::write()?;
    let (mut role, mut context) = (pg_sys::InvalidOid, 0);
    // SAFETY: role and settings are put back below or, after an error, with the (sub)transaction; so is SPI.
    unsafe {
        pg_sys::GetUserIdAndSecContext(&raw mut role, &raw mut context);
        // Restricted, so that nothing that its owner may have put there is left to run at the end of the
        // transaction, which is another role's.
        let as_owner = context
            | (pg_sys::SECURITY_LOCAL_USERID_CHANGE | pg_sys::SECURITY_RESTRICTED_OPERATION) as i32;
        pg_sys::SetUserIdAndSecContext(owner, as_owner);
        let level = pg_sys::NewGUCNestLevel();
        // Operators are found by it, too.
        set(c"search_path", c"pg_catalog, pg_temp");
        // The statistics of a queue are always old.
        set(c"enable_seqscan", c"off");
        // What reads all of a catalog looks so dear by that, that half a second would be spent on machine code.
        set(c"jit", c"off");
        set(c"plan_cache_mode", c"force_generic_plan");
        pg_sys::SPI_connect();
        let rows = execute(text, values, &mut each);
        pg_sys::SPI_finish();
        pg_sys::AtEOXact_GUC(false, level);
        pg_sys::SetUserIdAndSecContext(role, context);
        rows
    }
}

/// # Safety
/// SPI is connected.
unsafe fn execute<T>(
    text: &'static CStr,
    values: &[Value],
    each: &mut impl FnMut(&Found) -> T,
) -> Result<Vec<T>, Error> {
    let (mut datums, mut nulls) = (Vec::new(), Vec::new());
    for value in values {
        let datum = value.datum();
        nulls.push(if datum.is_none() { b'n' } else { b' ' } as c_char);
        datums.push(datum.unwrap_or(0.into()));
    }
    // SAFETY: the plan is one for these types. What SPI gives is used before the next call of it.
    unsafe {
        let plan = plan(text, values)?;
        let code = pg_sys::SPI_execute_plan(plan, datums.as_mut_ptr(), nulls.as_ptr(), false, 0);
        if code < 0 {
            return Err(Error::stale_extension("its table cannot be used"));
        }
        let Some(found) = pg_sys::SPI_tuptable.as_ref() else {
            return Ok(Vec::new());
        };
        let count = pg_sys::SPI_processed as usize;
        let tuples = std::slice::from_raw_parts(found.vals, count).iter();
        let shape = found.tupdesc;
        Ok(tuples.map(|&tuple| each(&Found { tuple, shape })).collect())
    }
}

/// The same, of a statement that gives nothing; says whether there was a row that it changed.
pub fn change(text: &'static CStr, values: &[Value]) -> Result<bool, Error> {
    Ok(!run(text, values, |_| ())?.is_empty())
}

/// # Safety
/// SPI is connected.
unsafe fn plan(text: &'static CStr, values: &[Value]) -> Result<pg_sys::SPIPlanPtr, Error> {
    let known = PLANS.with_borrow(|plans| plans.get(&text.as_ptr()).copied());
    if let Some(plan) = known {
        return Ok(plan);
    }
    let mut kinds: Vec<_> = values.iter().map(Value::kind).collect();
    // SAFETY: a NUL-terminated text, and as many types as it has values. The plan is kept for good.
    unsafe {
        let plan = pg_sys::SPI_prepare(text.as_ptr(), kinds.len() as c_int, kinds.as_mut_ptr());
        if plan.is_null() {
            return Err(Error::stale_extension("its table cannot be used"));
        }
        pg_sys::SPI_keepplan(plan);
        PLANS.with_borrow_mut(|plans| plans.insert(text.as_ptr(), plan));
        Ok(plan)
    }
}

/// Whether a call of that role is there to be looked after, as far as this transaction sees; `None` while
/// somebody keeps everybody else from the table.
pub fn is_any_waiting(role: Role) -> Result<Option<bool>, Error> {
    // SAFETY: a lock until the end of the transaction, without waiting.
    if !unsafe { pg_sys::ConditionalLockRelationOid(oid()?, pg_sys::AccessShareLock as c_int) } {
        return Ok(None);
    }
    let found = change(
        c"(SELECT FROM neon_auth_admin.queued_calls WHERE role = $1 AND next_attempt_at IS NOT NULL
           ORDER BY hashtext(origin), hashtextextended(operation, hashtextextended(server, 0)) LIMIT 1)
          UNION ALL
          (SELECT FROM neon_auth_admin.queued_calls WHERE role = $1 AND held ORDER BY origin, server, subject LIMIT 1)
          UNION ALL
          (SELECT FROM neon_auth_admin.queued_calls WHERE role = $1 AND state = 'sending' LIMIT 1)
          UNION ALL
          (SELECT FROM neon_auth_admin.queued_calls WHERE role = $1 AND new_until IS NOT NULL LIMIT 1)",
        &[Value::Oid(role.0)],
    )?;
    Ok(Some(found))
}

pub fn owner_of(table: pg_sys::Oid) -> Result<pg_sys::Oid, Error> {
    // SAFETY: a tuple of that catalog, released after its last use.
    unsafe {
        let tuple = pg_sys::SearchSysCache1(RELOID as _, table.into());
        if tuple.is_null() {
            return Err(Error::stale_extension("no table queued_calls"));
        }
        let class = pg_sys::GETSTRUCT(tuple).cast::<pg_sys::FormData_pg_class>();
        let owner = (*class).relowner;
        pg_sys::ReleaseSysCache(tuple);
        Ok(owner)
    }
}

/// Now, as Postgres counts. The clock of a transaction stands still.
pub fn now() -> i64 {
    // SAFETY: reads the system's clock.
    unsafe { pg_sys::GetCurrentTimestamp() }
}
