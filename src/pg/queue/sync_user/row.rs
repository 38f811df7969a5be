//! Owns a row of a table as its calls know it: address, name, id and key in words.

// Takes tuples apart, and calls the output functions of types, which only superusers make.
#![allow(unsafe_code)]

use std::collections::BTreeMap;
use std::ffi::CStr;

use pgrx::{PgTupleDesc, pg_sys};
use serde::Deserialize;
use serde_json::Value as Json;

use super::super::calls::Queued;
use super::plan::Plan;
use crate::error::Error;
use crate::pg::local::set;
use crate::pg::text::{from_server, whole_text};

/// The values of the primary key, by the numbers of their columns.
pub type Key = BTreeMap<i16, String>;

pub struct Row {
    pub email: Option<String>,
    pub name: Option<String>,
    pub id: Option<String>,
    /// As JSON, and always in the same words: as its calls have it.
    pub key: String,
}

/// What is stored with a call: the row that it is for. Numbers of columns outlive a change of their names.
#[derive(Deserialize)]
pub struct RowOf {
    pub table: u32,
    /// Of a call after which the row is to have an id.
    pub columns: Option<Columns>,
    /// Whether the user was there before the call.
    #[serde(default)]
    pub is_linked: bool,
    /// The id that was taken from the row: the user with its address is that one, if any is there.
    pub former: Option<String>,
}

#[derive(Deserialize)]
pub struct Columns {
    pub email: i16,
    pub id: i16,
    pub key: Key,
}

impl RowOf {
    /// `None` for a call that is about no row.
    pub fn of(call: &Queued) -> Result<Option<Self>, Error> {
        let row = call.of_row.as_deref().map(serde_json::from_str).transpose();
        row.map_err(|error| Error::unreadable_call(&error.to_string()))
    }
}

pub struct Tuple {
    values: Vec<pg_sys::Datum>,
    nulls: Vec<bool>,
    shape: pg_sys::TupleDesc,
}

impl Tuple {
    /// # Safety
    /// A tuple of that shape; both live as long as this.
    pub unsafe fn new(tuple: pg_sys::HeapTuple, shape: pg_sys::TupleDesc) -> Self {
        // SAFETY: the caller's promise, and room for all columns.
        unsafe {
            let count = PgTupleDesc::from_pg_unchecked(shape).len();
            let mut values = vec![pg_sys::Datum::from(0); count];
            let mut nulls = vec![true; count];
            pg_sys::heap_deform_tuple(tuple, shape, values.as_mut_ptr(), nulls.as_mut_ptr());
            Self {
                values,
                nulls,
                shape,
            }
        }
    }

    fn text(&self, column: i16) -> Option<String> {
        let at = usize::try_from(column).ok()?.checked_sub(1)?;
        if *self.nulls.get(at)? {
            return None;
        }
        // SAFETY: a value of the column's type; what the output function returns has a NUL at its end.
        unsafe {
            let shape = PgTupleDesc::from_pg_unchecked(self.shape);
            let kind = shape.get(at)?.atttypid;
            match kind {
                pg_sys::TEXTOID | pg_sys::VARCHAROID => return Some(whole_text(self.values[at])),
                pg_sys::INT8OID => return Some((self.values[at].value() as i64).to_string()),
                pg_sys::INT4OID => return Some((self.values[at].value() as i32).to_string()),
                _ => {}
            }
            let (mut output, mut is_varlena) = (pg_sys::InvalidOid, false);
            pg_sys::getTypeOutputInfo(kind, &raw mut output, &raw mut is_varlena);
            let text = pg_sys::OidOutputFunctionCall(output, self.values[at]);
            let owned = from_server(CStr::from_ptr(text));
            pg_sys::pfree(text.cast());
            Some(owned)
        }
    }
}

impl Plan {
    pub fn row(&self, tuple: &Tuple) -> Row {
        let columns = &self.columns;
        Row {
            email: tuple.text(columns.email),
            name: columns.name.and_then(|column| tuple.text(column)),
            id: tuple.text(columns.id),
            key: match self.has_plain_key {
                true => self.key_of(tuple),
                false => in_plain_words(|| self.key_of(tuple)),
            },
        }
    }

    fn key_of(&self, tuple: &Tuple) -> String {
        let keys = self.columns.key.iter();
        in_json(keys.map(|&(here, above)| (above, tuple.text(here))))
    }
}

/// A [`Key`], whose columns come in the order of their numbers.
fn in_json(values: impl Iterator<Item = (i16, Option<String>)>) -> String {
    let mut json = String::new();
    for (column, value) in values {
        json.push_str(if json.is_empty() { "{\"" } else { ",\"" });
        json.push_str(&column.to_string());
        json.push_str("\":");
        match value.unwrap_or_default() {
            plain
                if plain
                    .bytes()
                    .all(|it| it.is_ascii_alphanumeric() || it == b'-') =>
            {
                json.push('"');
                json.push_str(&plain);
                json.push('"');
            }
            other => json.push_str(&Json::String(other).to_string()),
        }
    }
    json.push('}');
    json
}

/// Times, numbers and names as every session reads them.
pub fn in_plain_words<T>(work: impl FnOnce() -> T) -> T {
    // SAFETY: what is set ends here or, after an error, with the (sub)transaction.
    unsafe {
        let level = pg_sys::NewGUCNestLevel();
        set(c"search_path", c"pg_catalog, pg_temp");
        set(c"datestyle", c"ISO, YMD");
        set(c"intervalstyle", c"postgres");
        set(c"timezone", c"UTC");
        set(c"extra_float_digits", c"3");
        set(c"bytea_output", c"hex");
        set(c"lc_monetary", c"C");
        let result = work();
        pg_sys::AtEOXact_GUC(false, level);
        result
    }
}
