//! Owns the two layouts in which Neon Auth keeps users in a database, and the queries on them.

// Looks the tables up in Postgres' catalog caches.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString};
use std::time::Instant;

use pgrx::pg_sys;

use crate::error::Error;
use crate::neon::target::Target;
use crate::pg::compat::may_use_schema;
use crate::pg::local::{Failure, Relation, is_locked_by_us};
use crate::pg::query::{Query, Sees};
use crate::pg::role::Role;
use crate::pg::text::Text;

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

/// So many users are counted.
const MOST: usize = 10_000;

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

    /// What the queries read, as far as it is there.
    fn columns(self) -> [&'static CStr; 6] {
        let (role, created_at, updated_at) = match self {
            Self::User => (c"role", c"createdAt", c"updatedAt"),
            Self::UsersSync => (c"deleted_at", c"created_at", c"updated_at"),
        };
        [c"id", c"email", c"name", role, created_at, updated_at]
    }
}

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
            let mut columns = self.layout.columns().into_iter();
            pg_sys::pg_class_aclcheck(self.oid, role, select) == granted
                || columns.all(|column| {
                    let number = pg_sys::get_attnum(self.oid, column.as_ptr());
                    number == pg_sys::InvalidAttrNumber as pg_sys::AttrNumber
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

    pub fn all(&self, include_deleted: bool) -> Query {
        let mut query = self.select();
        if let (Layout::UsersSync, false) = (self.layout, include_deleted) {
            query += " WHERE deleted_at IS NULL";
        }
        Query::new(query, None, Sees::Statement)
    }

    /// The user with this id, unless it was deleted; `None` if no user here can have such an id.
    pub fn one(&self, id: &str) -> Option<Query> {
        let mut query = self.select();
        if self.type_of("id") == pg_sys::UUIDOID {
            if uuid::Uuid::try_parse(id).is_err() {
                return None;
            }
            query += " WHERE id OPERATOR(pg_catalog.=) $1::pg_catalog.uuid";
        } else {
            query += " WHERE id OPERATOR(pg_catalog.=) $1";
        }
        if let Layout::UsersSync = self.layout {
            query += " AND deleted_at IS NULL";
        }
        Some(Query::new(query, Some(Text::new(id)), Sees::Latest))
    }

    /// The id of the user with this address, whatever its case.
    pub fn id_of(&self, email: Text) -> Query {
        let mut query = format!(
            "SELECT id::pg_catalog.text AS id FROM {} \
             WHERE pg_catalog.lower(email::pg_catalog.text) OPERATOR(pg_catalog.=) pg_catalog.lower($1)",
            self.name()
        );
        if let Layout::UsersSync = self.layout {
            query += " AND deleted_at IS NULL";
        }
        query += " ORDER BY (email::pg_catalog.text OPERATOR(pg_catalog.=) $1) DESC, id LIMIT 1";
        Query::new(query, Some(email), Sees::Latest)
    }

    /// How many users there are, and how old the latest change is, in words, as the column `detail`. No
    /// more of them are looked at than take a moment: on a standby, whoever reads for long is in the way.
    pub fn state(&self) -> Query {
        let text = format!(
            "SELECT CASE WHEN pg_catalog.count(*) OPERATOR(pg_catalog.>) {MOST} \
             THEN '{name}: more than {MOST} users' \
             ELSE pg_catalog.concat('{name}: ', pg_catalog.count(*), ' users', ', the latest change ' \
             OPERATOR(pg_catalog.||) pg_catalog.date_trunc('second', pg_catalog.clock_timestamp() \
             OPERATOR(pg_catalog.-) pg_catalog.max(GREATEST(created_at, updated_at, deleted_at))) \
             ::pg_catalog.text OPERATOR(pg_catalog.||) ' ago') END AS detail \
             FROM (SELECT * FROM ({users}) AS users LIMIT {limit}) AS users",
            name = self.name(),
            limit = MOST + 1,
            users = self.select()
        );
        Query::new(text, None, Sees::Latest)
    }

    fn select(&self) -> String {
        let (role, created_at, updated_at, deleted_at) = match self.layout {
            // A column of a plugin, which need not be there.
            Layout::User => (
                self.if_there("role"),
                "\"createdAt\"",
                "\"updatedAt\"",
                "NULL",
            ),
            // updated_at came in 2025; tables from before lack it.
            Layout::UsersSync => (
                "NULL",
                "created_at",
                self.if_there("updated_at"),
                "deleted_at",
            ),
        };
        let table = self.name();
        format!(
            "SELECT id::pg_catalog.text AS id, email::pg_catalog.text AS email, \
             name::pg_catalog.text AS name, {role}::pg_catalog.text AS role, \
             {created_at}::pg_catalog.timestamptz AS created_at, \
             {updated_at}::pg_catalog.timestamptz AS updated_at, \
             {deleted_at}::pg_catalog.timestamptz AS deleted_at FROM {table}"
        )
    }

    fn if_there(&self, column: &'static str) -> &'static str {
        if self.type_of(column) == pg_sys::InvalidOid {
            "NULL"
        } else {
            column
        }
    }

    /// The type of a column; none if there is no such column.
    fn type_of(&self, column: &str) -> pg_sys::Oid {
        let column = CString::new(column).expect("the name of a column has no NUL");
        // SAFETY: a NUL-terminated name; number 0 has no type.
        unsafe {
            let number = pg_sys::get_attnum(self.oid, column.as_ptr());
            pg_sys::get_atttype(self.oid, number)
        }
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
