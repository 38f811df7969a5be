//! Owns the making of rows: named composite types of this extension, whose columns are the fields of the
//! struct that a row is made of.

// Looks types up in Postgres' catalog caches.
#![allow(unsafe_code)]

mod tuple;

use std::ffi::CStr;
use std::marker::PhantomData;

use pgrx::callconv::{BoxRet, FcInfo};
use pgrx::datum::Datum;
use pgrx::pgrx_sql_entity_graph::metadata::{
    ArgumentError, ReturnsError, ReturnsRef, SqlMappingRef, SqlTranslatable, TypeOrigin,
};
use pgrx::prelude::*;
use pgrx::{IntoDatum, PgTupleDesc, direct_function_call_as_datum, pg_sys};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::Error;
use crate::fields::fields;
use crate::pg::args::required;
use crate::pg::text::{Text, text_datum, to_server};
use crate::secret::mask;

/// A struct that is a row of a composite type.
pub trait RowType: Serialize + Deserialize<'static> {
    const NAME: &'static CStr;
    /// The same as SQL has it, alone and in a set.
    const SQL: &'static str;
    const SET_IN_SQL: &'static str;
    /// Columns that came after 1.0: a database that has not been updated is served without them.
    const LATER: &'static [&'static str];
}

/// Says which type a struct is a row of, and which of its columns came after 1.0.
macro_rules! row_type {
    ($row:ty, $name:literal $(, later $later:literal)*) => {
        impl crate::pg::row::RowType for $row {
            const NAME: &'static std::ffi::CStr =
                match std::ffi::CStr::from_bytes_with_nul(concat!($name, "\0").as_bytes()) {
                    Ok(name) => name,
                    Err(_) => c"",
                };
            const SQL: &'static str = concat!("neon_auth_admin.", $name);
            const SET_IN_SQL: &'static str = concat!("SETOF neon_auth_admin.", $name);
            const LATER: &'static [&'static str] = &[$($later),*];
        }
    };
}
pub(crate) use row_type;

/// Whether secrets are shown in a row. A reader's caller says so in an argument; a writer shows none that
/// it was just given.
#[derive(Clone, Copy)]
pub enum Secrets {
    Masked,
    Shown,
}

impl Secrets {
    /// What the argument `show_secrets` asks for.
    pub fn asked_for(show_secrets: Option<bool>) -> Result<Self, Error> {
        Ok(match required("show_secrets", show_secrets)? {
            true => Self::Shown,
            false => Self::Masked,
        })
    }
}

/// A row under construction; columns not set are NULL.
pub struct Row {
    /// Lives as long as the memory context it was looked up in, and so do the rows.
    shape: PgTupleDesc<'static>,
    values: Vec<Option<pg_sys::Datum>>,
    later: &'static [&'static str],
}

/// Another row of the same type: a list looks its type up once.
impl Clone for Row {
    fn clone(&self) -> Self {
        // SAFETY: the same description, which no row owns.
        let shape = unsafe { PgTupleDesc::from_pg_unchecked(self.shape.as_ptr()) };
        let values = self.values.clone();
        Self {
            shape,
            values,
            ..*self
        }
    }
}

impl Row {
    /// A row of that type in the extension's own schema: no `search_path` decides what is meant. (Parsing
    /// a qualified name for every row took a tenth of a call's time.) It has to have all the columns of
    /// 1.0: what does not fit this library must show before something happens at Neon.
    pub fn new<T: RowType>() -> Result<Self, Error> {
        // SAFETY: NUL-terminated names; the caches are asked each time, so that an extension that
        // was dropped and created again is found.
        let oid = unsafe {
            let schema = pg_sys::get_namespace_oid(c"neon_auth_admin".as_ptr(), true);
            pg_sys::GetSysCacheOid(
                pg_sys::SysCacheIdentifier::TYPENAMENSP as _,
                pg_sys::Anum_pg_type_oid as _,
                T::NAME.as_ptr().into(),
                schema.into(),
                0.into(),
                0.into(),
            )
        };
        if oid == pg_sys::InvalidOid {
            let missing = format!("no type {}", T::NAME.to_string_lossy());
            return Err(Error::stale_extension(&missing));
        }
        // SAFETY: the type exists. pgrx would copy the description again for each row.
        let shape =
            unsafe { PgTupleDesc::from_pg_unchecked(pg_sys::lookup_rowtype_tupdesc_copy(oid, -1)) };
        let values = vec![None; shape.len()];
        let row = Self {
            shape,
            values,
            later: T::LATER,
        };
        row.check::<T>()?;
        Ok(row)
    }

    /// Whether it has all the columns that every version has.
    fn check<T: RowType>(&self) -> Result<(), Error> {
        // There are none if serde reads it as a map: then nothing would be compared.
        let columns = fields::<T>();
        if columns.is_empty() {
            return Err(Error::stale_extension("no columns are known"));
        }
        columns
            .iter()
            .filter(|column| !T::LATER.contains(column))
            .try_for_each(|column| self.place_of(column).map(drop))
    }

    /// The same row with the fields of `item` in it.
    pub fn filled(mut self, item: impl Serialize, secrets: Secrets) -> Result<Self, Error> {
        let fields = serde_json::to_value(&item)
            .map_err(|error| Error::unusable_value("row", &format!("It is not JSON: {error}.")))?;
        drop(item); // it may be large
        let fields = match secrets {
            Secrets::Masked => mask(fields),
            Secrets::Shown => fields,
        };
        if let Value::Object(fields) = fields {
            for (name, value) in fields {
                let place = match self.place_of(&name) {
                    // This database has not been updated yet.
                    Err(_) if self.later.contains(&name.as_str()) => continue,
                    place => place?,
                };
                let kind = self.shape.iter().nth(place).map(|column| column.atttypid);
                self.values[place] = to_datum(&name, value, kind.unwrap_or(pg_sys::InvalidOid))?;
            }
        }
        Ok(self)
    }

    fn place_of(&self, column: &str) -> Result<usize, Error> {
        let place = self.shape.iter().position(|own| is_named(own, column));
        place.ok_or_else(|| Error::stale_extension(&format!("no column {column}")))
    }

    /// The value of a column of type text; empty for NULL.
    pub fn text_at(&self, column: &str) -> Result<String, Error> {
        let text = self.text(column)?;
        Ok(text.map(|text| text.to_string()).unwrap_or_default())
    }

    /// The value of a column of type text.
    pub fn text(&self, column: &str) -> Result<Option<Text>, Error> {
        let value = self.values[self.place_of(column)?];
        // SAFETY: a text, or none.
        Ok(value.and_then(|value| unsafe {
            Text::from_polymorphic_datum(value, false, pg_sys::TEXTOID)
        }))
    }

    pub fn shape(&self) -> *mut pg_sys::TupleDescData {
        self.shape.as_ptr()
    }

    /// The values (0 for NULL), and which of them are NULL.
    pub fn values(&self) -> impl Iterator<Item = (pg_sys::Datum, bool)> {
        let values = self.values.iter();
        values.map(|value| (value.unwrap_or(0.into()), value.is_none()))
    }
}

/// pgrx's own way to the name of a column first makes sure that it is UTF-8.
fn is_named(column: &pg_sys::FormData_pg_attribute, name: &str) -> bool {
    // SAFETY: Postgres ends its names with a NUL.
    let own = unsafe { CStr::from_ptr(column.attname.data.as_ptr()) };
    own.to_bytes() == name.as_bytes()
}

/// The text of a JSON value. (pgrx's own type takes every database for one that speaks UTF-8.)
pub fn jsonb_datum(value: Value) -> Option<pg_sys::Datum> {
    let text = value.to_string();
    drop(value); // it may be large
    let text = to_server(&text);
    // SAFETY: a NUL-terminated text in the server's encoding.
    unsafe { direct_function_call_as_datum(pg_sys::jsonb_in, &[text.as_c_str().into_datum()]) }
}

/// A value as one of that type; an error where it is none.
fn to_datum(column: &str, value: Value, kind: pg_sys::Oid) -> Result<Option<pg_sys::Datum>, Error> {
    Ok(match (kind, value) {
        (_, Value::Null) => None,
        (pg_sys::JSONBOID, value) => jsonb_datum(value),
        (pg_sys::TEXTOID, Value::String(text)) => text_datum(&Text::new(text)),
        (pg_sys::BOOLOID, Value::Bool(value)) => value.into_datum(),
        (pg_sys::INT4OID, Value::Number(number)) => match number.as_i64().map(i32::try_from) {
            Some(Ok(number)) => number.into_datum(),
            _ => return Err(Error::unusable_value(column, "The number is out of range.")),
        },
        (pg_sys::TIMESTAMPTZOID, Value::String(text)) => to_timestamptz(&text)
            .ok_or_else(|| Error::unusable_value(column, "The time is out of range."))?
            .into_datum(),
        (pg_sys::TEXTARRAYOID, Value::Array(items)) => {
            let texts = items.into_iter().filter_map(|item| match item {
                Value::String(text) => Some(Text::new(text)),
                _ => None,
            });
            texts.collect::<Vec<_>>().into_datum()
        }
        _ => return Err(Error::stale_extension(&format!("no such column {column}"))),
    })
}

/// Microseconds since 2000-01-01, as Postgres counts.
fn to_timestamptz(text: &str) -> Option<TimestampWithTimeZone> {
    const POSTGRES_EPOCH: i64 = 946_684_800_000_000;
    let time: jiff::Timestamp = text.parse().ok()?;
    TimestampWithTimeZone::try_from(time.as_microsecond() - POSTGRES_EPOCH).ok()
}

/// What a function that returns one row returns.
pub struct One<T> {
    row: Option<pg_sys::Datum>,
    of: PhantomData<T>,
}

impl<T> One<T> {
    pub fn new(row: Row) -> Self {
        // SAFETY: a shape of a type. The row is in the current memory context.
        let row = unsafe {
            pg_sys::BlessTupleDesc(row.shape());
            pg_sys::HeapTupleHeaderGetDatum((*row.to_tuple()).t_data)
        };
        Self {
            row: Some(row),
            of: PhantomData,
        }
    }

    pub fn null() -> Self {
        Self {
            row: None,
            of: PhantomData,
        }
    }
}

// SAFETY: a row in the memory context of the call.
unsafe impl<T> BoxRet for One<T> {
    unsafe fn box_into<'fcx>(self, fcinfo: &mut FcInfo<'fcx>) -> Datum<'fcx> {
        match self.row {
            // SAFETY: as above.
            Some(row) => unsafe { fcinfo.return_raw_datum(row) },
            None => fcinfo.return_null(),
        }
    }
}

// SAFETY: the row has the shape of the type that is named here.
unsafe impl<T: RowType> SqlTranslatable for One<T> {
    const TYPE_IDENT: &'static str = T::SQL;
    const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
    const ARGUMENT_SQL: Result<SqlMappingRef, ArgumentError> = Ok(SqlMappingRef::literal(T::SQL));
    const RETURN_SQL: Result<ReturnsRef, ReturnsError> =
        Ok(ReturnsRef::One(SqlMappingRef::literal(T::SQL)));
}
