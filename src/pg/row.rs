//! Owns the making of rows: named composite types of this extension, filled by column name, so that
//! a type can gain a column.

use pgrx::pg_sys::errcodes::PgSqlErrorCode;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::{AllocatedByRust, IntoDatum};

use crate::error::{Error, ErrorKind};
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
            .map_err(|error| stale(&error.to_string()))
    }

    pub fn set<T: IntoDatum>(mut self, column: &str, value: T) -> Result<Self, ErrorReport> {
        self.0
            .set_by_name(column, value)
            .map_err(|error| stale(&error.to_string()))?;
        Ok(self)
    }

    pub fn text<'a>(
        self,
        column: &str,
        value: impl Into<Option<&'a str>>,
    ) -> Result<Self, ErrorReport> {
        let value = value.into();
        if value.is_some_and(|text| text.contains('\0')) {
            let message = format!("column \"{column}\" of Neon's answer has a NUL character");
            return Err(Error::new(ErrorKind::BadResponse, message).into());
        }
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

/// The library is newer or older than the extension's objects.
fn stale(what: &str) -> ErrorReport {
    ErrorReport::new(
        PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        format!("the extension neon_auth_admin does not fit its library: {what}"),
        "neon_auth_admin",
    )
    .set_hint("Run ALTER EXTENSION neon_auth_admin UPDATE;")
}
