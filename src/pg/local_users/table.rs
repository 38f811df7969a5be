//! Owns the two layouts in which Neon Auth keeps users in a database.

// Looks the tables up in Postgres' catalog caches.
#![allow(unsafe_code)]

pub mod queries;

use std::ffi::CStr;
use std::time::Instant;

use pgrx::pg_sys;

use crate::error::Error;
use crate::neon::target::Target;
use crate::pg::compat::may_use_schema;
use crate::pg::local::{Failure, Relation, is_locked_by_us};
use crate::pg::role::Role;

/// A table of users. The queries are parsed with the caller's `search_path`, so everything in them
/// is qualified.
pub struct Table {
    oid: pg_sys::Oid,
    layout: Layout,
}

#[derive(Clone, Copy)]
enum Layout {
    /// Better Auth, on branch level: a user that is deleted is gone.
    User,
    /// Stack Auth, on project level: a copy, in which a deleted user stays.
    UsersSync,
}

/// Whoever has both tables moved on to the current one.
const LAYOUTS: [Layout; 2] = [Layout::User, Layout::UsersSync];

impl Layout {
    fn relation(self) -> &'static CStr {
        match self {
            Self::User => c"user",
            Self::UsersSync => c"users_sync",
        }
    }

    /// As SQL has it.
    fn name(self) -> &'static str {
        match self {
            Self::User => "neon_auth.\"user\"",
            Self::UsersSync => "neon_auth.users_sync",
        }
    }

    /// Where each column of a row is. Every table is to have the ones with `true`; without them it is
    /// something else, and Postgres says so. What a row has no place for is NULL.
    fn columns(self) -> &'static [Column] {
        match self {
            Self::User => &[
                Column("id", c"id", pg_sys::TEXTOID, true),
                Column("email", c"email", pg_sys::TEXTOID, true),
                Column("name", c"name", pg_sys::TEXTOID, true),
                Column("email_verified", c"emailVerified", pg_sys::BOOLOID, false),
                Column("image", c"image", pg_sys::TEXTOID, false),
                // Of a plugin.
                Column("role", c"role", pg_sys::TEXTOID, false),
                Column("banned", c"banned", pg_sys::BOOLOID, false),
                Column("ban_reason", c"banReason", pg_sys::TEXTOID, false),
                Column("ban_expires", c"banExpires", pg_sys::TIMESTAMPTZOID, false),
                Column("created_at", c"createdAt", pg_sys::TIMESTAMPTZOID, true),
                Column("updated_at", c"updatedAt", pg_sys::TIMESTAMPTZOID, true),
            ],
            Self::UsersSync => &[
                Column("id", c"id", pg_sys::TEXTOID, true),
                Column("email", c"email", pg_sys::TEXTOID, true),
                Column("name", c"name", pg_sys::TEXTOID, true),
                Column("created_at", c"created_at", pg_sys::TIMESTAMPTZOID, true),
                // It came in 2025; tables from before lack it.
                Column("updated_at", c"updated_at", pg_sys::TIMESTAMPTZOID, false),
                Column("deleted_at", c"deleted_at", pg_sys::TIMESTAMPTZOID, true),
            ],
        }
    }
}

/// The name in a row and in the table, the type in a row, and whether it has to be there.
struct Column(&'static str, &'static CStr, pg_sys::Oid, bool);

impl Table {
    /// The current table of this database.
    pub fn find() -> Result<Option<Self>, Error> {
        Ok(Self::find_all()?.into_iter().next())
    }

    /// The table that users of that level come into; its name if there is none.
    pub fn find_for(target: &Target) -> Result<Result<Self, &'static str>, Error> {
        let name = target.table_of_users();
        let mut tables = Self::find_all()?.into_iter();
        Ok(tables.find(|table| table.name() == name).ok_or(name))
    }

    /// The tables of this database, the current one first.
    pub fn find_all() -> Result<Vec<Self>, Error> {
        match schema() {
            Some(schema) if !may_use_schema(schema, Role::in_effect().0) => {
                Err(Error::schema_of_users_denied())
            }
            _ => Ok(Self::find_unread()),
        }
    }

    /// The same, whoever asks: for who reads nothing of them.
    pub fn find_unread() -> Vec<Self> {
        let Some(schema) = schema() else {
            return Vec::new();
        };
        let find = |layout: Layout| {
            // SAFETY: a NUL-terminated name, and look-ups in the catalogs.
            unsafe {
                let oid = pg_sys::get_relname_relid(layout.relation().as_ptr(), schema);
                // Tables of each kind, and views; an index, say, may have the name as well.
                let kind = pg_sys::get_rel_relkind(oid) as u8;
                b"rpvmf".contains(&kind).then_some(Self { oid, layout })
            }
        };
        LAYOUTS.into_iter().filter_map(find).collect()
    }

    /// Whether this transaction holds at least that lock on it, or on a child of it.
    pub fn is_locked_by_us(&self, least: pg_sys::LOCKMODE) -> Result<bool, Failure> {
        is_locked_by_us(self.oid, least)
    }

    pub fn name(&self) -> &'static str {
        self.layout.name()
    }

    /// Whether the role in effect may read what the queries read: the table, or each of the columns.
    pub fn is_readable(&self) -> bool {
        let select = pg_sys::ACL_SELECT as pg_sys::AclMode;
        let granted = pg_sys::AclResult::ACLCHECK_OK;
        // SAFETY: NUL-terminated names, and look-ups in the catalogs; a table that is gone is raised as
        // Postgres does.
        unsafe {
            let role = pg_sys::GetUserId();
            let mut columns = self.layout.columns().iter();
            pg_sys::pg_class_aclcheck(self.oid, role, select) == granted
                || columns.all(|Column(_, name, ..)| {
                    let number = self.number_of(name);
                    number == NO_COLUMN
                        || pg_sys::pg_attribute_aclcheck(self.oid, number, role, select) == granted
                })
        }
    }

    /// Locks it for reading, if it is still the one that was found and may be looked at.
    pub fn open(&self, deadline: Instant) -> Result<Relation, Failure> {
        Relation::open(self.oid, self.name(), deadline, || {
            Self::find_all().is_ok_and(|tables| tables.iter().any(|table| table.oid == self.oid))
        })
    }

    /// All users. A column that is of the right type is not cast: parsing and resolving the casts would take
    /// a third of what a single user costs.
    fn select(&self) -> String {
        let mut query = String::with_capacity(512);
        query.push_str("SELECT ");
        for Column(name, column, of_type, must_be) in self.layout.columns() {
            let number = self.number_of(column);
            if number == NO_COLUMN && !must_be {
                continue;
            }
            if !query.ends_with(' ') {
                query.push(',');
            }
            let column = column.to_str().expect("a name in ASCII");
            let cast = match self.type_of(number) == *of_type {
                true => "",
                false => cast_to(*of_type),
            };
            for part in ["\"", column, "\"", cast] {
                query.push_str(part);
            }
            if column != *name || !cast.is_empty() {
                query.push_str(" AS ");
                query.push_str(name);
            }
        }
        query.push_str(" FROM ");
        query.push_str(self.name());
        query
    }

    fn has_uuids(&self) -> bool {
        self.type_of(self.number_of(c"id")) == pg_sys::UUIDOID
    }

    fn type_of(&self, column: pg_sys::AttrNumber) -> pg_sys::Oid {
        // SAFETY: a look-up in the catalogs; number 0 has no type.
        unsafe { pg_sys::get_atttype(self.oid, column) }
    }

    fn number_of(&self, column: &CStr) -> pg_sys::AttrNumber {
        // SAFETY: a NUL-terminated name, and a look-up in the catalogs.
        unsafe { pg_sys::get_attnum(self.oid, column.as_ptr()) }
    }
}

const NO_COLUMN: pg_sys::AttrNumber = pg_sys::InvalidAttrNumber as _;

/// To one of the types that a row has.
fn cast_to(of_type: pg_sys::Oid) -> &'static str {
    match of_type {
        pg_sys::BOOLOID => "::pg_catalog.bool",
        pg_sys::TIMESTAMPTZOID => "::pg_catalog.timestamptz",
        _ => "::pg_catalog.text",
    }
}

/// Where the tables are.
fn schema() -> Option<pg_sys::Oid> {
    // SAFETY: a NUL-terminated name. While a function waits, nobody else has the caches brought up to
    // date.
    let schema = unsafe {
        pg_sys::AcceptInvalidationMessages();
        pg_sys::get_namespace_oid(c"neon_auth".as_ptr(), true)
    };
    (schema != pg_sys::InvalidOid).then_some(schema)
}
