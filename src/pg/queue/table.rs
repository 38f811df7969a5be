//! Owns the way to the table of queued calls: statements that run as its owner, with a path of their own, so
//! that a role needs no right on it and nothing of the caller's has a say. It knows nothing of what they are for.

// Calls SPI, and changes the role in effect.
#![allow(unsafe_code)]

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::{CStr, c_char, c_int};

use pgrx::pg_sys::SysCacheIdentifier::RELOID;
use pgrx::{FromDatum, IntoDatum, pg_sys};

use crate::error::Error;
use crate::pg::json;
use crate::pg::local::set;
use crate::pg::text::{Text, text_datum};

/// A value of a statement.
pub enum Value<'a> {
    Int4(i32),
    Int8(i64),
    Bool(bool),
    Oid(pg_sys::Oid),
    /// Microseconds, as Postgres counts.
    Time(Option<i64>),
    Text(Option<&'a str>),
    Texts(&'a [&'a str]),
    Json(Option<pg_sys::Datum>),
}

impl Value<'_> {
    fn kind(&self) -> pg_sys::Oid {
        match self {
            Self::Int4(_) => pg_sys::INT4OID,
            Self::Int8(_) => pg_sys::INT8OID,
            Self::Bool(_) => pg_sys::BOOLOID,
            Self::Oid(_) => pg_sys::OIDOID,
            Self::Time(_) => pg_sys::TIMESTAMPTZOID,
            Self::Text(_) => pg_sys::TEXTOID,
            Self::Texts(_) => pg_sys::TEXTARRAYOID,
            Self::Json(_) => pg_sys::JSONBOID,
        }
    }

    fn datum(&self) -> Option<pg_sys::Datum> {
        match self {
            Self::Int4(value) => value.into_datum(),
            Self::Int8(value) => value.into_datum(),
            Self::Bool(value) => value.into_datum(),
            Self::Oid(value) => value.into_datum(),
            // A timestamp is a number of 64 bits.
            Self::Time(value) => value.into_datum(),
            Self::Text(value) => value.and_then(text_datum),
            Self::Texts(values) => {
                let texts: Vec<_> = values.iter().map(|text| Text::new(*text)).collect();
                texts.into_datum()
            }
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
}

/// Which table it is now: another one, when the extension was dropped and created again.
pub fn oid() -> Result<pg_sys::Oid, Error> {
    // SAFETY: NUL-terminated names, and look-ups in the catalogs.
    let oid = unsafe {
        let schema = pg_sys::get_namespace_oid(c"neon_auth_admin".as_ptr(), true);
        pg_sys::get_relname_relid(c"queued_calls".as_ptr(), schema)
    };
    match oid == pg_sys::InvalidOid {
        true => Err(Error::stale_extension("no table queued_calls")),
        false => Ok(oid),
    }
}

/// Runs a statement, and hands each of its rows to `each`. Raises what Postgres raises.
pub fn run<T>(
    text: &'static CStr,
    values: &[Value],
    mut each: impl FnMut(&Found) -> T,
) -> Result<Vec<T>, Error> {
    let owner = owner_of(oid()?)?;
    let (mut role, mut context) = (pg_sys::InvalidOid, 0);
    // SAFETY: role and settings are put back below or, after an error, with the (sub)transaction; so is SPI.
    unsafe {
        pg_sys::GetUserIdAndSecContext(&raw mut role, &raw mut context);
        let as_owner = context | pg_sys::SECURITY_LOCAL_USERID_CHANGE as i32;
        pg_sys::SetUserIdAndSecContext(owner, as_owner);
        let level = pg_sys::NewGUCNestLevel();
        // Operators are found by it, too.
        set(c"search_path", c"pg_catalog, pg_temp");
        // The statistics of a queue are always old.
        set(c"enable_seqscan", c"off");
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

fn owner_of(table: pg_sys::Oid) -> Result<pg_sys::Oid, Error> {
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
