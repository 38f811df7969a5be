//! Owns the making of rows: named composite types of this extension, filled by column name, so that
//! a type can gain a column.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::{AllocatedByRust, IntoDatum};

use crate::error::Error;
use crate::pg::guc;
use crate::secret::{MASK, Secret};

/// What a function that returns a composite type returns.
pub type Composite = PgHeapTuple<'static, AllocatedByRust>;

/// A row under construction; columns not set are NULL.
pub struct Row(Composite);

impl Row {
    /// `type_name` with its schema: no `search_path` decides what is meant.
    pub fn new(type_name: &str) -> Result<Self, ErrorReport> {
        PgHeapTuple::new_composite_type(type_name)
            .map(Self)
            .map_err(|error| Error::stale_extension(&error.to_string()).into())
    }

    pub fn set<T: IntoDatum>(mut self, column: &str, value: T) -> Result<Self, ErrorReport> {
        self.0
            .set_by_name(column, value)
            .map_err(|error| Error::stale_extension(&error.to_string()))?;
        Ok(self)
    }

    pub fn text<'a>(
        self,
        column: &str,
        value: impl Into<Option<&'a str>>,
    ) -> Result<Self, ErrorReport> {
        let value = value.into();
        let value = value.map(|text| presentable(column, text)).transpose()?;
        self.set(column, value)
    }

    /// A secret that is shown only when the session asks for it.
    pub fn secret(self, column: &str, value: Option<&Secret>) -> Result<Self, ErrorReport> {
        let shown = guc::show_secrets();
        let value = value.map(|secret| match secret.expose() {
            "" => "",
            exposed if shown => exposed,
            _ => MASK,
        });
        self.text(column, value)
    }

    pub fn finish(self) -> Composite {
        self.0
    }
}

/// JSON text may hold what Postgres' text cannot.
pub fn presentable<'a>(column: &str, text: &'a str) -> Result<&'a str, Error> {
    if text.contains('\0') {
        return Err(Error::unusable_value(column, "It has a NUL character."));
    }
    Ok(text)
}
