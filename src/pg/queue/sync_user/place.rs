//! Owns the row of a call in its table: what it says, and the id that it gets. It runs with the rights of the table's
//! owner, restricted as the code of an index is, and runs nobody's code but that of who has those rights: see
//! [`judge`].

// Locks tables, changes the role in effect, and calls SPI.
#![allow(unsafe_code)]

use std::cell::Cell;
use std::ffi::CStr;

use pgrx::pg_sys;

use super::super::table;
use super::columns;
use super::judge::judge;
use super::row::{Columns, RowOf};
use super::statement::{self, Parameter};
use crate::error::Error;
use crate::pg::local::{set, with_children};
use crate::pg::role::Role;

thread_local! {
    static IS_WRITING: Cell<bool> = const { Cell::new(false) };
}

/// Whether it is a delivery that writes to a table now: with the rights of the owner.
pub fn is_writing() -> bool {
    IS_WRITING.get()
}

/// Until it is dropped, by an error as well.
struct Writing;

impl Writing {
    fn begin() -> Self {
        IS_WRITING.set(true);
        Self
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        IS_WRITING.set(false);
    }
}

/// Others' calls wait as long, and it is tried again. Tables and the row are not waited for at all; this is for what
/// Postgres locks besides, as for a foreign key.
const LOCK_TIMEOUT: &CStr = c"10ms";

pub struct Place<'a> {
    table: pg_sys::Oid,
    columns: &'a Columns,
    email: &'a str,
    owner: Role,
}

/// What the row says.
pub enum State {
    /// And the tables that are locked: a partition is one, too.
    Waits(Vec<pg_sys::Oid>),
    Has(String),
    Gone,
    /// Somebody has locked the table.
    Locked,
}

impl<'a> Place<'a> {
    /// `None` where no row waits for the call.
    pub fn of(row: &'a RowOf, email: &'a str, owner: Role) -> Option<Self> {
        let columns = row.columns.as_ref()?;
        Some(Self {
            table: row.table.into(),
            columns,
            email,
            owner,
        })
    }

    pub fn name(&self) -> String {
        columns::qualified_name(self.table)
    }

    /// With the owner's rights, in a state that ends with the (sub)transaction, if not before.
    pub fn restricted<T>(&self, work: impl FnOnce() -> T) -> T {
        let (mut role, mut context) = (pg_sys::InvalidOid, 0);
        // SAFETY: all is put back, here or with the (sub)transaction.
        unsafe {
            pg_sys::GetUserIdAndSecContext(&raw mut role, &raw mut context);
            let level = pg_sys::NewGUCNestLevel();
            set(c"lock_timeout", LOCK_TIMEOUT);
            pg_sys::SPI_connect();
            // What is deferred would come when nothing is restricted any more.
            pg_sys::SPI_execute(c"SET CONSTRAINTS ALL IMMEDIATE".as_ptr(), false, 0);
            let restricted = pg_sys::SECURITY_RESTRICTED_OPERATION
                | pg_sys::SECURITY_LOCAL_USERID_CHANGE
                | pg_sys::SECURITY_NOFORCE_RLS;
            pg_sys::SetUserIdAndSecContext(self.owner.0, context | restricted as i32);
            let result = work();
            pg_sys::SPI_finish();
            pg_sys::AtEOXact_GUC(false, level);
            pg_sys::SetUserIdAndSecContext(role, context);
            result
        }
    }

    /// Locks the row, if it `is_to_write`. Raises what Postgres raises.
    pub fn look(&self, is_to_write: bool) -> Result<State, Error> {
        let (lock, lock_row) = match is_to_write {
            // No code comes to it, or to a partition, after it was judged.
            true => (pg_sys::RowExclusiveLock, " FOR NO KEY UPDATE NOWAIT"),
            false => (pg_sys::AccessShareLock, ""),
        };
        let Some(tables) = self.lock(lock as pg_sys::LOCKMODE)? else {
            return Ok(State::Locked);
        };
        if self.kind() == 0 {
            return Ok(State::Gone);
        }
        if table::owner_of(self.table)? != self.owner.0 {
            return Err(Error::table_of_another(&self.name()));
        }
        tables
            .iter()
            .try_for_each(|table| columns::check_rules(*table))?;
        judge(&tables, self.owner)?;
        let (email, id) = (
            self.name_of(self.columns.email)?,
            self.name_of(self.columns.id)?,
        );
        columns::check_text(self.table, self.columns.email, &email)?;
        columns::check_id(self.table, self.columns.id, &id)?;
        columns::check_given(self.table, self.columns.id, &id, false)?;
        let (condition, values) = self.condition(1)?;
        let text = format!(
            "SELECT {email}::pg_catalog.text, {id}::pg_catalog.text FROM {} WHERE {condition} LIMIT 2{lock_row}",
            self.relation()
        );
        let found = statement::run(&text, &values, &tables)?;
        match &found[..] {
            [] => Ok(State::Gone),
            [(Some(email), _)] if !email.eq_ignore_ascii_case(self.email) => Ok(State::Gone),
            [(None, _)] => Ok(State::Gone),
            [(_, None)] => Ok(State::Waits(tables)),
            [(_, Some(id))] => Ok(State::Has(id.clone())),
            _ => Err(Error::key_of_several_rows(&self.name())),
        }
    }

    /// On these tables, as [`State::Waits`] has them.
    pub fn write(&self, id: &str, tables: &[pg_sys::Oid]) -> Result<(), Error> {
        let column = self.columns.id;
        let (condition, values) = self.condition(2)?;
        let kind = columns::type_of(self.table, column);
        let mut all = vec![(kind, id.to_owned())];
        all.extend(values);
        let text = format!(
            "UPDATE {} SET {} = $1 WHERE {condition} RETURNING NULL::pg_catalog.text, NULL::pg_catalog.text",
            self.relation(),
            self.name_of(column)?
        );
        let _writing = Writing::begin();
        match statement::run(&text, &all, tables)?.len() {
            1 => Ok(()),
            _ => Err(Error::id_not_stored(
                "A trigger has left the row as it was.",
            )),
        }
    }

    /// The table and, if they are parts of it, its children, until the transaction ends. `None` if somebody is in
    /// the way: who waits would keep all calls waiting.
    fn lock(&self, lock: pg_sys::LOCKMODE) -> Result<Option<Vec<pg_sys::Oid>>, Error> {
        let mut locked = Vec::new();
        let mut found = vec![self.table];
        while let Some(oid) = found.pop() {
            // SAFETY: it is no harm if there is no such relation.
            if !unsafe { pg_sys::ConditionalLockRelationOid(oid, lock) } {
                return Ok(None);
            }
            locked.push(oid);
            if found.is_empty() {
                // SAFETY: in a transaction.
                unsafe { pg_sys::AcceptInvalidationMessages() };
                if self.kind() == pg_sys::RELKIND_PARTITIONED_TABLE {
                    let all = with_children(&[self.table]);
                    found = all.map_err(|failure| failure.into_error(&self.name()))?;
                    found.retain(|oid| !locked.contains(oid));
                }
            }
        }
        Ok(Some(locked))
    }

    fn name_of(&self, column: i16) -> Result<String, Error> {
        let name = columns::name_of(self.table, column);
        let missing = || Error::column_is_gone(&self.name());
        name.map(|name| columns::quoted(&name)).ok_or_else(missing)
    }

    /// A partition is found from above; what else inherits is no part of a table here.
    fn relation(&self) -> String {
        let name = self.name();
        match self.kind() {
            pg_sys::RELKIND_PARTITIONED_TABLE => name,
            _ => format!("ONLY {name}"),
        }
    }

    pub fn is_there(&self) -> bool {
        self.kind() != 0
    }

    /// 0 if it is gone.
    fn kind(&self) -> u8 {
        // SAFETY: a look-up in the catalogs.
        unsafe { pg_sys::get_rel_relkind(self.table) as u8 }
    }

    /// That a row has the key, with the types and values of its parameters.
    fn condition(&self, first: usize) -> Result<(String, Vec<Parameter>), Error> {
        let (mut conditions, mut values) = (Vec::new(), Vec::new());
        for (n, (column, value)) in (first..).zip(&self.columns.key) {
            let name = self.name_of(*column)?;
            if !columns::has_own_operators(self.table, *column) {
                return Err(Error::column_is_gone(&self.name()));
            }
            conditions.push(format!("{name} OPERATOR(pg_catalog.=) ${n}"));
            // SAFETY: a look-up in the catalogs.
            let base = unsafe { pg_sys::getBaseType(columns::type_of(self.table, *column)) };
            values.push((base, value.clone()));
        }
        Ok((conditions.join(" AND "), values))
    }
}
