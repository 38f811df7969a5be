//! Owns how a call comes into the queue: one row of its table, whoever queues it. It knows nothing of rights.

use std::ffi::CStr;

use pgrx::pg_sys;

use super::insertion::insert;
use super::table::{self, Value, now};
use super::{origin, rest, wake};
use crate::error::Error;
use crate::neon::queue::call::Operation;
use crate::pg::role::Role;

/// A call that was checked.
pub struct NewCall<'a> {
    pub operation: Operation,
    /// A jsonb.
    pub arguments: Option<pg_sys::Datum>,
    pub server: &'a str,
    /// See [`super::origin`].
    pub origin: &'a str,
    /// Whose it is: who makes it, and with whose key.
    pub role: Role,
    pub subject: &'a str,
    pub row: Option<OfRow<'a>>,
}

/// The row that a call is about, of a table that is kept together with its users.
pub struct OfRow<'a> {
    pub table: pg_sys::Oid,
    pub awaits: Option<Awaits<'a>>,
}

/// What it takes to store the id of a new user in it.
pub struct Awaits<'a> {
    /// As JSON: its values, by the numbers of their columns.
    pub key: &'a str,
    /// The numbers of columns.
    pub email: i16,
    pub id: i16,
    /// The id that it had.
    pub former: Option<&'a str>,
}

impl NewCall<'_> {
    /// Stores it in this transaction, after whose COMMIT it is delivered. Returns its id.
    pub fn store(self) -> Result<Option<i64>, Error> {
        rest::write()?;
        let values = self.values(false);
        let id = match insert(&COLUMNS, &values)? {
            Some(id) => Some(id),
            None => table::run(STATEMENT, &values, |found| found.int8(0))?
                .into_iter()
                .next()
                .flatten(),
        };
        wake::after_commit(self.role);
        Ok(id)
    }

    /// The same at the end of that statement, one of whose triggers is being called that is not deferrable, and
    /// which has stored one like it before.
    pub fn store_with_others(self, of: usize) -> Result<(), Error> {
        match rest::keep(of, &COLUMNS, |is_new| self.values(is_new))? {
            true => Ok(()),
            false => self.store().map(drop),
        }
    }

    /// As it is stored, or as one that is new: see [`super::load`].
    fn values(&self, is_new: bool) -> [Value<'_>; COLUMNS.len()] {
        let now = now();
        let row = self.row.as_ref();
        let awaits = row.and_then(|row| row.awaits.as_ref());
        let number = |it: Option<i16>| it.map_or(Value::Null(pg_sys::INT2OID), Value::Int2);
        [
            Value::Text(Some(self.operation.name())),
            Value::Json(self.arguments),
            Value::Text(Some(self.server)),
            Value::Oid(self.role.0),
            Value::Text(Some(self.subject)),
            Value::Text(Some(self.origin)),
            Value::Int4(origin::timeline()),
            Value::Time(Some(now)),
            Value::Time((!is_new).then_some(now)),
            row.map_or(Value::Null(pg_sys::OIDOID), |row| Value::Oid(row.table)),
            Value::Text(awaits.map(|it| it.key)),
            number(awaits.map(|it| it.email)),
            number(awaits.map(|it| it.id)),
            Value::Text(awaits.and_then(|it| it.former)),
            Value::Bool(false),
            Value::Text(Some("waiting")),
            Value::Bool(false),
            Value::Bool(false),
            Value::Int4(0),
            Value::Int4(0),
            Value::Bool(is_new),
        ]
    }
}

/// In the order of their values.
static COLUMNS: [&CStr; 21] = [
    c"operation",
    c"arguments",
    c"server",
    c"role",
    c"subject",
    c"origin",
    c"timeline",
    c"enqueued_at",
    c"next_attempt_at",
    c"of_table",
    c"of_key",
    c"of_email",
    c"of_id",
    c"of_former",
    c"is_linked",
    c"state",
    c"held",
    c"in_doubt",
    c"attempts",
    c"crashes",
    c"is_new",
];

/// The same.
const STATEMENT: &CStr = c"INSERT INTO neon_auth_admin.queued_calls
        (operation, arguments, server, role, subject, origin, timeline, enqueued_at, next_attempt_at, of_table, of_key,
            of_email, of_id, of_former, is_linked, state, held, in_doubt, attempts, crashes, is_new)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21) RETURNING id";
