//! Owns what is asked of a table and its columns before its rows are kept together with users.

// Looks into Postgres' catalog caches.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString};

use pgrx::pg_sys;

use crate::error::Error;
use crate::pg::compat::has_deferrable_key;
use crate::pg::text::{from_server, to_server};

const LOCK: pg_sys::LOCKMODE = pg_sys::AccessShareLock as pg_sys::LOCKMODE;

/// By its name, quoted where it must be.
pub fn quoted(name: &CStr) -> String {
    // SAFETY: NUL-terminated names.
    unsafe { from_server(CStr::from_ptr(pg_sys::quote_identifier(name.as_ptr()))) }
}

pub fn qualified_name(table: pg_sys::Oid) -> String {
    // SAFETY: NUL-terminated names, or none.
    unsafe {
        let schema = pg_sys::get_namespace_name(pg_sys::get_rel_namespace(table));
        let name = pg_sys::get_rel_name(table);
        if schema.is_null() || name.is_null() {
            return table.to_u32().to_string();
        }
        let (schema, name) = (CStr::from_ptr(schema), CStr::from_ptr(name));
        format!("{}.{}", quoted(schema), quoted(name))
    }
}

/// The name of a column, if there is one of that number.
pub fn name_of(table: pg_sys::Oid, column: i16) -> Option<CString> {
    // SAFETY: a NUL-terminated copy, or none; a dropped column keeps its number and loses its type.
    unsafe {
        let name = pg_sys::get_attname(table, column, true);
        (!name.is_null() && type_of(table, column) != pg_sys::InvalidOid)
            .then(|| CStr::from_ptr(name).to_owned())
    }
}

pub fn number_of(table: pg_sys::Oid, column: &CStr) -> Option<i16> {
    // SAFETY: a NUL-terminated name, and a look-up in the catalogs.
    let number = unsafe { pg_sys::get_attnum(table, column.as_ptr()) };
    (number > 0).then_some(number)
}

/// The number of a column that a trigger names.
pub fn find(table: pg_sys::Oid, column: &str) -> Result<i16, Error> {
    let missing = || Error::no_such_column(&qualified_name(table), column);
    number_of(table, &to_server(column)).ok_or_else(missing)
}

pub fn type_of(table: pg_sys::Oid, column: i16) -> pg_sys::Oid {
    // SAFETY: a look-up in the catalogs.
    unsafe { pg_sys::get_atttype(table, column) }
}

/// Whatever is a text to Postgres, without a function in between.
pub fn check_text(table: pg_sys::Oid, column: i16, name: &str) -> Result<(), Error> {
    // SAFETY: look-ups in the catalogs.
    let is_text = unsafe {
        let base = pg_sys::getBaseType(type_of(table, column));
        pg_sys::IsBinaryCoercible(base, pg_sys::TEXTOID)
    };
    match is_text {
        true => Ok(()),
        false => Err(Error::wrong_column(name, "text")),
    }
}

/// No domain: a value that comes later would run what it checks.
pub fn check_id(table: pg_sys::Oid, column: i16, name: &str) -> Result<(), Error> {
    match type_of(table, column) {
        pg_sys::TEXTOID | pg_sys::VARCHAROID | pg_sys::UUIDOID => Ok(()),
        _ => Err(Error::wrong_column(
            name,
            "text, varchar or uuid, and no domain",
        )),
    }
}

/// Refused is what an UPDATE would be something else by.
pub fn check_rules(table: pg_sys::Oid) -> Result<(), Error> {
    // SAFETY: a relation that is there, open for as long as it is looked at. What its row in the catalog says of
    // rules is true until the next VACUUM.
    let has_rules = unsafe {
        let relation = pg_sys::relation_open(table, LOCK);
        let has_rules = !(*relation).rd_rules.is_null();
        pg_sys::relation_close(relation, pg_sys::NoLock as pg_sys::LOCKMODE);
        has_rules
    };
    let refuse = || Error::not_to_be_synced(&qualified_name(table), "It has rules.");
    match has_rules {
        true => Err(refuse()),
        false => Ok(()),
    }
}

/// Refused is a column whose values come from elsewhere: one that is computed, be it when it is read.
pub fn check_given(
    table: pg_sys::Oid,
    column: i16,
    name: &str,
    may_be_stored: bool,
) -> Result<(), Error> {
    // SAFETY: a look-up in the catalogs.
    let generated = unsafe { pg_sys::get_attgenerated(table, column) } as u8;
    match generated {
        0 => Ok(()),
        b's' if may_be_stored => Ok(()),
        _ => Err(Error::wrong_column(name, "none that is generated")),
    }
}

/// The columns of the primary key, if it is not deferrable.
pub fn key_of(table: pg_sys::Oid) -> Vec<i16> {
    // SAFETY: a relation that is there, open for as long as it is looked at.
    unsafe {
        let relation = pg_sys::relation_open(table, LOCK);
        let kind = pg_sys::IndexAttrBitmapKind::INDEX_ATTR_BITMAP_PRIMARY_KEY;
        let set = pg_sys::RelationGetIndexAttrBitmap(relation, kind);
        let is_deferrable = has_deferrable_key(relation);
        pg_sys::relation_close(relation, pg_sys::NoLock as pg_sys::LOCKMODE);
        let mut columns = Vec::new();
        if is_deferrable {
            return columns;
        }
        let mut member = pg_sys::bms_next_member(set, -1);
        while member >= 0 {
            let number = member + pg_sys::FirstLowInvalidHeapAttributeNumber;
            columns.extend(i16::try_from(number));
            member = pg_sys::bms_next_member(set, member);
        }
        columns
    }
}

/// A type of Postgres' own, or an enum: they are compared by operators of Postgres' own.
pub fn has_own_operators(table: pg_sys::Oid, column: i16) -> bool {
    // SAFETY: look-ups in the catalogs.
    unsafe {
        let base = pg_sys::getBaseType(type_of(table, column));
        base.to_u32() < pg_sys::FirstNormalObjectId || pg_sys::type_is_enum(base)
    }
}

/// Whether values look the same whatever a session has set.
pub fn is_plain(table: pg_sys::Oid, column: i16) -> bool {
    // SAFETY: look-ups in the catalogs.
    let base = unsafe { pg_sys::getBaseType(type_of(table, column)) };
    matches!(
        base,
        pg_sys::INT2OID
            | pg_sys::INT4OID
            | pg_sys::INT8OID
            | pg_sys::TEXTOID
            | pg_sys::VARCHAROID
            | pg_sys::UUIDOID
    )
}
