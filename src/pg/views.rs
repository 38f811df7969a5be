//! Owns the trigger of the views: each row that a statement writes is one call of the operation behind a
//! function, with that function's checks. What is written through which view is below.

mod domains;
mod oauth_providers;
mod rights;
mod statement;
mod transaction;
pub mod trigger;
mod users;

use std::ffi::CStr;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use pgrx::prelude::*;

use self::statement::{Changes, Fate, Statement};
use self::trigger::{Event, Trigger, Written};
use crate::error::Error;
use crate::neon::endpoint::Endpoint;
use crate::pg::report::{Raise, warn};
use crate::pg::reserve::Entry;
use crate::pg::row::Row;
use crate::pg::session::Session;
use crate::pg::{guc, queue};
use crate::secret::Secret;

/// A view whose rows can be written.
struct View {
    name: &'static CStr,
    /// The column that no two rows have the same value of.
    key: &'static str,
    insert: Operation,
    update: Option<Operation>,
    delete: Operation,
    /// A column that is masked, and that no COPY brings.
    secret: Option<&'static str>,
    /// Whether a row is still shown for a moment when it is gone, because this database shows it and not Neon.
    lingers: bool,
    /// Whether another value of a column means the same.
    is_alike: fn(&str, &str) -> bool,
    /// What is looked at before anything is sent.
    check: fn(&Session) -> Result<(), Error>,
}

/// What a row is sent with.
struct Operation {
    endpoint: &'static Endpoint,
    /// The columns that it takes.
    takes: &'static [&'static str],
    /// Sends a row: of an INSERT the new one; of an UPDATE the key, and what changes; of a DELETE the old
    /// one. Returns the row that the view shows then, where that is not the one that the statement has.
    send: fn(&Session, &Row) -> Result<Option<Row>, Error>,
}

static VIEWS: [&View; 3] = [&users::VIEW, &oauth_providers::VIEW, &domains::VIEW];

/// For the triggers of the views: before each statement, and instead of each row.
#[pg_extern(volatile, parallel_unsafe, cost = 1000)]
fn neon_auth_admin_write(_entry: Entry, call: pg_sys::FunctionCallInfo) -> Result<Written, Raise> {
    let trigger = Trigger::of(call)?;
    if trigger.is_on(c"queued_calls", pg_sys::RELKIND_RELATION) {
        queue::statement_ends()?;
        return Ok(Written::nothing());
    }
    let view = VIEWS
        .into_iter()
        .find(|view| trigger.is_on(view.name, pg_sys::RELKIND_VIEW));
    let view = view.ok_or_else(Error::no_view_to_write)?;
    let operation = match trigger.event() {
        Event::Insert => Some(&view.insert),
        Event::Update => view.update.as_ref(),
        Event::Delete => Some(&view.delete),
    };
    if let Some(operation) = operation {
        rights::check_execute(operation.endpoint.function)?;
    }
    if !trigger.is_for_a_row() {
        return Ok(Written::nothing());
    }
    let statement = trigger.statement();
    let write = || match trigger.event() {
        Event::Insert => view.insert(&trigger, statement),
        Event::Update => view.update(&trigger, statement),
        Event::Delete => view.delete(&trigger, statement),
    };
    match catch_unwind(AssertUnwindSafe(write)) {
        Ok(written) => Ok(written.map_err(|error| error.after(statement.done))?),
        Err(raised) => {
            // By Postgres, as an interrupt is: nothing can be added to that.
            if let Some(stays) = Error::interrupted_after(statement.done) {
                warn(stays);
            }
            resume_unwind(raised)
        }
    }
}

impl View {
    fn insert(&self, trigger: &Trigger, statement: &mut Statement) -> Result<Written, Error> {
        let new = trigger.new_row();
        let takes = self.insert.takes;
        for column in new.columns() {
            // For a key that Neon makes, an ORM sends an empty text.
            let is_given = match column == self.key {
                true => !new.text_at(column)?.is_empty(),
                false => !new.is_null(column)?,
            };
            if is_given && !takes.contains(&column) {
                let function = self.insert.endpoint.function;
                return Err(Error::not_taken(self.name(), column, function, takes));
            }
            if is_given {
                self.refuse_copied(column)?;
            }
        }
        let neon = self.open(&self.insert, statement)?;
        let shown = (self.insert.send)(&neon, &new).map_err(Error::if_it_was_there)?;
        statement.done.created += 1;
        Ok(Written::row(&shown.unwrap_or(new)))
    }

    fn update(&self, trigger: &Trigger, statement: &mut Statement) -> Result<Written, Error> {
        let (old, new) = (trigger.old_row(), trigger.new_row());
        let changes = self.changes(&old, &new)?;
        let key = old.text_at(self.key)?;
        match statement.fate(&key) {
            // A join has brought the row again.
            Some(Fate::Changed(before)) if changes.are_like(before) => {
                return Ok(Written::nothing());
            }
            Some(_) => return Err(Error::changed_twice(self.name())),
            None => {}
        }
        let mut shown = None;
        if let Some(update) = self.update.as_ref().filter(|_| !changes.0.is_empty()) {
            let neon = self.open(update, statement)?;
            if self.is_gone(&neon, &key) {
                return Ok(Written::nothing());
            }
            let mut row = new.emptied();
            row.copy(&old, self.key)?;
            for (column, _) in &changes.0 {
                row.copy(&new, column)?;
            }
            shown = (update.send)(&neon, &row)?;
            statement.done.changed += 1;
        }
        statement.note(key, Fate::Changed(changes));
        Ok(Written::row(&shown.unwrap_or(new)))
    }

    fn delete(&self, trigger: &Trigger, statement: &mut Statement) -> Result<Written, Error> {
        let old = trigger.old_row();
        let key = old.text_at(self.key)?;
        match statement.fate(&key) {
            Some(Fate::Deleted) => return Ok(Written::nothing()),
            Some(Fate::Changed(_)) => return Err(Error::changed_twice(self.name())),
            None => {}
        }
        let neon = self.open(&self.delete, statement)?;
        if self.is_gone(&neon, &key) {
            return Ok(Written::nothing());
        }
        (self.delete.send)(&neon, &old)?;
        statement.done.deleted += 1;
        if self.lingers {
            transaction::note_deleted(neon.target(), &key);
        }
        statement.note(key, Fate::Deleted);
        Ok(Written::row(&old))
    }

    /// Where the server leads that the session began with, if this statement may write another row.
    fn open(&self, operation: &Operation, statement: &Statement) -> Result<Session, Error> {
        let most = guc::max_rows();
        if statement.done.rows() >= most {
            return Err(Error::too_many_writes(self.name(), most));
        }
        let neon = Session::try_open(operation.endpoint, None)?;
        (self.check)(&neon)?;
        Ok(neon)
    }

    /// What of the row is to change.
    fn changes(&self, old: &Row, new: &Row) -> Result<Changes, Error> {
        let takes = self.update.as_ref().map_or(&[][..], |update| update.takes);
        let mut changes = Vec::new();
        for column in new.columns() {
            if new.is_same(old, column)? {
                continue;
            }
            let Some(column) = takes.iter().copied().find(|taken| *taken == column) else {
                return Err(Error::not_changeable(self.name(), column, takes));
            };
            let Some(value) = new.text(column)? else {
                return Err(Error::not_clearable(self.name(), column));
            };
            let old = old.text(column)?;
            let is_mask = self.secret == Some(column) && Secret::new(&*value).is_mask();
            if !is_mask && !old.is_some_and(|old| (self.is_alike)(&old, &value)) {
                self.refuse_copied(column)?;
                changes.push((column, value));
            }
        }
        Ok(Changes(changes))
    }

    fn refuse_copied(&self, column: &str) -> Result<(), Error> {
        if self.secret == Some(column) && trigger::leave_copy() {
            return Err(Error::secret_by_copy(self.name(), column));
        }
        Ok(())
    }

    /// Whether this transaction has deleted the row, which is still shown.
    fn is_gone(&self, neon: &Session, key: &str) -> bool {
        self.lingers && transaction::has_deleted(neon.target(), key)
    }

    fn name(&self) -> &'static str {
        self.name.to_str().unwrap_or_default()
    }
}
