//! Owns what is the same for all rows that a statement writes: the table, its owner and columns, and whether
//! all is as it must be. The calls are the owner's, as those of a foreign key are; who writes has no say in them.

// Changes the role in effect, and reads a relation that is open.
#![allow(unsafe_code)]

use std::cell::{Cell, OnceCell};

use pgrx::pg_sys;

use super::super::load::Known;
use super::super::table::{self, Value};
use super::super::{origin, rights};
use super::columns;
use super::event::Event;
use crate::error::Error;
use crate::neon::queue::call::Operation;
use crate::neon::target::Target;
use crate::pg::report::Asked;
use crate::pg::role::Role;
use crate::pg::session::{prevent_if_read_only, refuse_wrong_place};
use crate::pg::{guc, server};

/// Where the trigger names none: what a session has set is its own affair.
const SERVER: &str = "neon";

pub struct Plan {
    /// The one that has the trigger: of a partition, a table above it.
    pub table: pg_sys::Oid,
    pub name: String,
    pub owner: Role,
    pub names: Names,
    pub columns: Columns,
    /// Address and id, by the numbers that they have in the table.
    pub stored: (i16, i16),
    pub has_plain_key: bool,
    pub server: String,
    /// Where the statement's calls are queued.
    pub origin: String,
    way: OnceCell<Option<Target>>,
    /// How many rows were inserted.
    pub inserted: Cell<u64>,
    /// Whether a row was queued, and whether all that come may be together.
    has_queued: Cell<bool>,
    is_bulk: OnceCell<bool>,
    /// How many times calls of a row were looked for.
    pub looked_for: Cell<u32>,
    pub known: OnceCell<Known>,
    /// Whether a request for a user could be made.
    pub target_is_checked: Cell<bool>,
}

pub struct Names {
    pub email: String,
    pub id: String,
}

/// By their numbers in what is written to, which may be a partition.
pub struct Columns {
    pub email: i16,
    pub name: Option<i16>,
    pub id: i16,
    /// And the numbers in the table.
    pub key: Vec<(i16, i16)>,
}

impl Plan {
    pub fn of(event: &Event) -> Result<Self, Error> {
        let written = event.relation();
        // SAFETY: the relation's row of its catalog.
        let class = unsafe { &*written.rd_rel };
        let kind = class.relkind as u8;
        let name = columns::qualified_name(written.rd_id);
        if kind != pg_sys::RELKIND_RELATION || class.relpersistence as u8 == b't' {
            return Err(Error::not_to_be_synced(
                &name,
                "It must be a table, and no temporary one.",
            ));
        }
        columns::check_rules(written.rd_id)?;
        let table = match class.relispartition {
            true => above(event.trigger())?.unwrap_or(written.rd_id),
            false => written.rd_id,
        };
        let arguments = event.arguments();
        let (email, name_column, id, of_server) = match &arguments[..] {
            [email, name, id] => (email, name, id, SERVER),
            [email, name, id, server] => (email, name, id, server.as_str()),
            _ => return Err(Error::wrong_arguments_to_sync()),
        };
        if [email, name_column].contains(&id) || email == name_column {
            return Err(Error::wrong_arguments_to_sync());
        }
        if event.is_twice_for(id) {
            let why = format!("Two of its triggers with sync_user() are for column \"{id}\".");
            return Err(Error::not_to_be_synced(&name, &why));
        }
        let columns = Columns::find(written.rd_id, table, [email, name_column, id])?;
        let stored = (columns::find(table, email)?, columns::find(table, id)?);
        let owner = Role(table::owner_of(table)?);
        // SAFETY: a look-up in the catalogs.
        if !unsafe { pg_sys::has_privs_of_role(class.relowner, owner.0) } {
            let why = "It is a partition of a table of another role.";
            return Err(Error::not_to_be_synced(&name, why));
        }
        Ok(Self {
            has_plain_key: columns
                .key
                .iter()
                .all(|(here, _)| columns::is_plain(written.rd_id, *here)),
            table,
            name,
            names: Names {
                email: email.clone(),
                id: id.clone(),
            },
            columns,
            stored,
            owner,
            server: of_server.to_owned(),
            origin: origin::here(),
            way: OnceCell::new(),
            inserted: Cell::new(0),
            has_queued: Cell::new(false),
            is_bulk: OnceCell::new(),
            looked_for: Cell::new(0),
            known: OnceCell::new(),
            target_is_checked: Cell::new(false),
        })
    }

    /// Where calls go, when there is one to be queued; `None` in a dry run.
    pub fn target(&self) -> Result<Option<&Target>, Error> {
        if let Some(target) = self.way.get() {
            return Ok(target.as_ref());
        }
        prevent_if_read_only("sync_user");
        if let Some(stranger) = who_may_attach_it(self.table)? {
            let owner = self.owner.to_string();
            return Err(Error::trigger_of_strangers(&self.name, &stranger, &owner));
        }
        let target = as_owner(self.owner, || usable(self.owner, &self.server))?;
        Ok(self.way.get_or_init(|| target).as_ref())
    }

    /// Whether a row that is inserted is queued with others: the first is not, as most statements have no other.
    pub fn is_bulk(&self, event: &Event) -> bool {
        self.has_queued.replace(true) && *self.is_bulk.get_or_init(|| event.is_nobody_elses())
    }

    pub fn asked(&self) -> Asked {
        Asked {
            server: self.server.clone(),
            role: self.owner,
            is_key_of_public: false,
        }
    }
}

impl Columns {
    fn find(
        written: pg_sys::Oid,
        table: pg_sys::Oid,
        [email, name, id]: [&String; 3],
    ) -> Result<Self, Error> {
        let found = |column: &str| columns::find(written, column);
        let text = |column: &str| {
            let number = found(column)?;
            columns::check_text(written, number, column)?;
            columns::check_given(written, number, column, true)?;
            Ok::<_, Error>(number)
        };
        let id_number = found(id)?;
        columns::check_id(written, id_number, id)?;
        columns::check_given(written, id_number, id, false)?;
        let keys = columns::key_of(table);
        if keys.is_empty() {
            let why = "It needs a primary key that is not deferrable.";
            return Err(Error::not_to_be_synced(
                &columns::qualified_name(table),
                why,
            ));
        }
        let key = keys.into_iter().map(|above| {
            let name = columns::name_of(table, above);
            let here = name.and_then(|name| columns::number_of(written, &name));
            match here.filter(|_| columns::has_own_operators(table, above)) {
                Some(here) => Ok((here, above)),
                None => Err(Error::not_to_be_synced(
                    &columns::qualified_name(table),
                    "The types of its primary key must be Postgres' own, or enums.",
                )),
            }
        });
        let key = key.collect::<Result<Vec<_>, _>>()?;
        if key.iter().any(|(here, _)| *here == id_number) {
            return Err(Error::wrong_column(id, "none of the primary key"));
        }
        Ok(Self {
            email: text(email)?,
            name: match name.as_str() {
                "" => None,
                name => Some(text(name)?),
            },
            id: id_number,
            key,
        })
    }
}

/// Does `work` with the rights of the owner.
fn as_owner<T>(owner: Role, work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    let (mut role, mut context) = (pg_sys::InvalidOid, 0);
    // SAFETY: put back below or, after an error that is raised, with the (sub)transaction.
    unsafe {
        pg_sys::GetUserIdAndSecContext(&raw mut role, &raw mut context);
        // Nothing is sent, and only catalogs are looked at. Since 16 the worker of a subscription restricts
        // what it does for owners of tables.
        let changed = (context | pg_sys::SECURITY_LOCAL_USERID_CHANGE as i32)
            & !(pg_sys::SECURITY_RESTRICTED_OPERATION as i32);
        pg_sys::SetUserIdAndSecContext(owner.0, changed);
        let result = work();
        pg_sys::SetUserIdAndSecContext(role, context);
        result
    }
}

fn usable(owner: Role, of_server: &str) -> Result<Option<Target>, Error> {
    refuse_wrong_place()?;
    if guc::is_dry_run() {
        return Ok(None);
    }
    rights::check_function("sync_user", owner)?;
    rights::check(Operation::CreateUser, owner)?;
    rights::check(Operation::DeleteUser, owner)?;
    let server = server::usable_server(Some(of_server), owner)?;
    let scope = Operation::CreateUser.endpoint().scope();
    Ok(Some(server::target(&server, scope)?))
}

/// The table whose trigger a partition's is.
fn above(trigger: pg_sys::Oid) -> Result<Option<pg_sys::Oid>, Error> {
    let found = table::run(
        c"WITH RECURSIVE up AS (
            SELECT tgparentid, tgrelid FROM pg_trigger WHERE oid = $1
            UNION ALL
            SELECT t.tgparentid, t.tgrelid FROM up JOIN pg_trigger AS t ON t.oid = up.tgparentid
          ) SELECT tgrelid::bigint FROM up WHERE tgparentid = 0",
        &[Value::Oid(trigger)],
        |found| found.int8(0),
    )?;
    let found = found.into_iter().flatten().next();
    Ok(found
        .and_then(|oid| u32::try_from(oid).ok())
        .map(Into::into))
}

/// A role that may make triggers on somebody else's table, and use this function in them, would spend the
/// owner's key: nobody knows who has made a trigger.
fn who_may_attach_it(table: pg_sys::Oid) -> Result<Option<String>, Error> {
    let found = table::run(
        c"SELECT r.rolname::text FROM pg_class AS c, pg_roles AS r
          WHERE c.oid = $1 AND c.relacl IS NOT NULL
            AND EXISTS (SELECT FROM aclexplode(c.relacl) AS a
                WHERE a.privilege_type = 'TRIGGER' AND a.grantee <> c.relowner)
            AND NOT pg_has_role(r.oid, c.relowner, 'USAGE')
            AND has_table_privilege(r.oid, c.oid, 'TRIGGER')
            AND has_function_privilege(r.oid, 'neon_auth_admin.sync_user()', 'EXECUTE')
          LIMIT 1",
        &[Value::Oid(table)],
        |found| found.text(0),
    )?;
    Ok(found.into_iter().next())
}
