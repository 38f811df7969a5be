//! Owns the making of rows: named composite types of this extension, filled by column name, so that
//! a type can gain a column.

// Looks types up in Postgres' catalog caches.
#![allow(unsafe_code)]

use std::ffi::CStr;

use pgrx::prelude::*;
use pgrx::{AllocatedByRust, IntoDatum, PgTupleDesc, direct_function_call_as_datum, pg_sys};
use serde_json::Value;

use crate::error::Error;
use crate::pg::call::required;
use crate::pg::reserve::{keep, with_reserve};
use crate::pg::text::{Text, text_datum, to_server};
use crate::secret::{MASK, Secret, mask};

/// The text of a JSON value. (pgrx's own type takes every database for one that speaks UTF-8.)
struct Jsonb(String);

impl IntoDatum for Jsonb {
    fn into_datum(self) -> Option<pg_sys::Datum> {
        let text = to_server(&self.0);
        // SAFETY: a NUL-terminated text in the server's encoding.
        unsafe { direct_function_call_as_datum(pg_sys::jsonb_in, &[text.as_c_str().into_datum()]) }
    }

    fn type_oid() -> pg_sys::Oid {
        pg_sys::JSONBOID
    }
}

/// Whether secrets are shown in a row. A reader's caller says so in an argument; a writer shows none,
/// not even the one it was just given.
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

/// What a function that returns a composite type returns.
pub type Composite = PgHeapTuple<'static, AllocatedByRust>;

/// A row under construction; columns not set are NULL.
pub struct Row {
    /// Lives as long as the memory context it was looked up in, and so do the rows.
    shape: PgTupleDesc<'static>,
    values: Vec<Option<pg_sys::Datum>>,
}

/// Another row of the same type: a list looks its type up once.
impl Clone for Row {
    fn clone(&self) -> Self {
        // SAFETY: the same description, which no row owns.
        let shape = unsafe { PgTupleDesc::from_pg_unchecked(self.shape.as_ptr()) };
        let values = self.values.clone();
        Self { shape, values }
    }
}

impl Row {
    /// A row of the type of that name in the extension's own schema: no `search_path` decides what
    /// is meant. (Parsing a qualified name for every row took a tenth of a call's time.) A writer
    /// makes its row before its request, and names the columns: a type that does not fit this library
    /// must show before something happens at Neon.
    pub fn new(type_name: &CStr, columns: &[&str]) -> Result<Self, Error> {
        keep()?;
        with_reserve(|| Self::look_up(type_name, columns))
    }

    fn look_up(type_name: &CStr, columns: &[&str]) -> Result<Self, Error> {
        // SAFETY: NUL-terminated names; the caches are asked each time, so that an extension that
        // was dropped and created again is found.
        let oid = unsafe {
            let schema = pg_sys::get_namespace_oid(c"neon_auth_admin".as_ptr(), true);
            pg_sys::GetSysCacheOid(
                pg_sys::SysCacheIdentifier::TYPENAMENSP as _,
                pg_sys::Anum_pg_type_oid as _,
                type_name.as_ptr().into(),
                schema.into(),
                0.into(),
                0.into(),
            )
        };
        let missing =
            || Error::stale_extension(&format!("no type {}", type_name.to_string_lossy()));
        if oid == pg_sys::InvalidOid {
            return Err(missing());
        }
        // SAFETY: the type exists. pgrx would copy the description again for each row.
        let shape =
            unsafe { PgTupleDesc::from_pg_unchecked(pg_sys::lookup_rowtype_tupdesc_copy(oid, -1)) };
        for column in columns {
            if !shape.iter().any(|attribute| is_named(attribute, column)) {
                return Err(Error::stale_extension(&format!("no column {column}")));
            }
        }
        let values = vec![None; shape.len()];
        Ok(Self { shape, values })
    }

    pub fn set<T: IntoDatum>(self, column: &str, value: T) -> Result<Self, Error> {
        self.set_datum(column, T::is_compatible_with, || value.into_datum())
    }

    pub fn text<'a>(self, column: &str, value: impl Into<Option<&'a str>>) -> Result<Self, Error> {
        let datum = || value.into().and_then(text_datum);
        self.set_datum(column, |oid| oid == pg_sys::TEXTOID, datum)
    }

    fn set_datum(
        mut self,
        column: &str,
        fits: fn(pg_sys::Oid) -> bool,
        datum: impl FnOnce() -> Option<pg_sys::Datum>,
    ) -> Result<Self, Error> {
        let index = self
            .shape
            .iter()
            .position(|attribute| is_named(attribute, column) && fits(attribute.atttypid))
            .ok_or_else(|| Error::stale_extension(&format!("no column {column}")))?;
        self.values[index] = with_reserve(datum);
        Ok(self)
    }

    /// JSON, with whatever in it is a secret, as Postgres' `jsonb`.
    pub fn jsonb(
        self,
        column: &str,
        value: Option<Value>,
        secrets: Secrets,
    ) -> Result<Self, Error> {
        let value = match secrets {
            Secrets::Masked => value.map(mask),
            Secrets::Shown => value,
        };
        self.set(column, value.map(|value| Jsonb(value.to_string())))
    }

    pub fn secret(
        self,
        column: &str,
        value: Option<&Secret>,
        secrets: Secrets,
    ) -> Result<Self, Error> {
        let value = value.map(|secret| match (secret.expose(), secrets) {
            ("", _) => "",
            (exposed, Secrets::Shown) => exposed,
            (_, Secrets::Masked) => MASK,
        });
        self.text(column, value)
    }

    /// Where columns of another shape are in this one: by name, and of the same types.
    pub fn places_of(&self, other: &PgTupleDesc) -> Result<Vec<usize>, Error> {
        let place_of = |column: &pg_sys::FormData_pg_attribute| {
            let mut shape = self.shape.iter();
            shape
                .position(|own| own.name() == column.name() && own.atttypid == column.atttypid)
                .ok_or_else(|| Error::stale_extension(&format!("no column {}", column.name())))
        };
        other.iter().map(place_of).collect()
    }

    /// Sets a column by a place of [`Row::places_of`].
    pub fn set_raw(&mut self, place: usize, value: Option<pg_sys::Datum>) {
        self.values[place] = value;
    }

    /// The value of a column of type text; empty for NULL.
    pub fn text_at(&self, column: &str) -> Result<String, Error> {
        let place = self
            .shape
            .iter()
            .position(|own| is_named(own, column) && own.atttypid == pg_sys::TEXTOID)
            .ok_or_else(|| Error::stale_extension(&format!("no column {column}")))?;
        // SAFETY: a text, or none.
        let text = self.values[place].and_then(|value| unsafe {
            Text::from_polymorphic_datum(value, false, pg_sys::TEXTOID)
        });
        Ok(text.map(|text| text.to_string()).unwrap_or_default())
    }

    pub fn shape(&self) -> *mut pg_sys::TupleDescData {
        self.shape.as_ptr()
    }

    /// The values (0 for NULL), and which of them are NULL.
    pub fn values(&self) -> impl Iterator<Item = (pg_sys::Datum, bool)> {
        let values = self.values.iter();
        values.map(|value| (value.unwrap_or(0.into()), value.is_none()))
    }

    pub fn finish(self) -> Result<Composite, Error> {
        // SAFETY: each value was made for the type of its column.
        with_reserve(|| unsafe { PgHeapTuple::from_datums(self.shape, self.values) })
            .map_err(|error| Error::stale_extension(&error.to_string()))
    }
}

/// pgrx's own way to the name of a column first makes sure that it is UTF-8.
fn is_named(column: &pg_sys::FormData_pg_attribute, name: &str) -> bool {
    // SAFETY: Postgres ends its names with a NUL.
    let own = unsafe { CStr::from_ptr(column.attname.data.as_ptr()) };
    own.to_bytes() == name.as_bytes()
}
