//! Owns the trigger that keeps a table and the users of Neon Auth together: what happens to a row is queued as
//! a call of the table's owner. It knows nothing of how calls are delivered.

mod columns;
mod event;
mod judge;
mod place;
mod plan;
mod row;
mod statement;
mod statements;
pub mod step;

use pgrx::prelude::*;

use self::event::{Change, Event};
use self::plan::Plan;
use self::row::Row;
use super::store::{Awaits, NewCall, OfRow};
use crate::error::Error;
use crate::neon::queue::call::{Call, Operation};
use crate::neon::{argument, users};
use crate::pg::json;
use crate::pg::report::Raise;
use crate::pg::reserve::Entry;
use crate::pg::session::prevent_if_parallel;
use crate::pg::views::trigger::Written;

/// For AFTER triggers FOR EACH ROW; its arguments are the columns of address, name and id, and a server.
#[pg_extern(volatile, parallel_unsafe, cost = 1000, requires = ["queue"])]
fn sync_user(_entry: Entry, call: pg_sys::FunctionCallInfo) -> Result<Written, Raise> {
    prevent_if_parallel();
    let event = Event::of(call)?;
    let plan = event.plan()?;
    let is_owner = event.is_by(plan.owner);
    match event.change() {
        Change::Insert(new) => {
            let nth = plan.inserted.get() + 1;
            plan.inserted.set(nth);
            let inserted = plan.insert(&plan.row(&new), is_owner, plan.is_bulk(&event));
            inserted.map_err(|error| error.of_inserted_row(nth))
        }
        Change::Update(old, new) => {
            let assigns_address = event.assigns(plan.columns.email);
            plan.update(&plan.row(&old), &plan.row(&new), assigns_address, is_owner)
        }
        Change::Delete(old) => plan.delete(&plan.row(&old)),
    }?;
    Ok(Written::nothing())
}

impl Plan {
    fn insert(&self, new: &Row, is_owner: bool, is_bulk: bool) -> Result<(), Error> {
        let Some(id) = &new.id else {
            return self.create(new, None, is_bulk);
        };
        // A row that moves to another partition comes with its id. Nobody but the owner gets one back that somebody
        // else has deleted.
        if self.take_back_deletion(new, id, is_owner)? {
            return Ok(());
        }
        let was_there = match &new.email {
            Some(email) => self.was_there_before(email, id)?,
            None => false,
        };
        match was_there || is_owner {
            true => self.check_id(id),
            false => Err(self.id_is_of_owner()),
        }
    }

    fn check_id(&self, id: &str) -> Result<(), Error> {
        argument::id(&self.names.id, id).map(drop)
    }

    fn update(
        &self,
        old: &Row,
        new: &Row,
        assigns_address: bool,
        is_owner: bool,
    ) -> Result<(), Error> {
        if old.id != new.id && !is_owner {
            return Err(self.id_is_of_owner());
        }
        let is_same_address = match (&old.email, &new.email) {
            (Some(old), Some(new)) => old.eq_ignore_ascii_case(new),
            (old, new) => old == new,
        };
        if let Some(id) = &new.id
            && old.id != new.id
        {
            self.check_id(id)?;
        }
        if is_same_address {
            if let (Some(former), None) = (&old.id, &new.id) {
                return self.give_back(new, former);
            }
            if old.key != new.key && new.id.is_none() && self.is_under_way(old)? {
                self.move_waiting(old, new)?;
                if self.is_under_way(old)? {
                    // What it makes finds no row and is deleted again.
                    return self.create(new, None, false);
                }
            }
            // So rows get their users that were there before the trigger.
            if assigns_address && new.id.is_none() && !self.is_under_way(new)? {
                return self.create(new, None, false);
            }
            return Ok(());
        }
        self.take_back(old)?;
        if old.id.is_some() || new.id.is_some() || self.is_under_way(old)? {
            return Err(Error::address_of_user(&self.name, &self.names.email));
        }
        self.create(new, None, false)
    }

    /// Whoever saves a row as it was read before it had its user takes the id away. The user is the row's still.
    fn give_back(&self, new: &Row, former: &str) -> Result<(), Error> {
        let Some(email) = &new.email else {
            return Ok(());
        };
        // What gives it back is there, since it was taken before.
        if self.is_under_way(new)? {
            return Ok(());
        }
        // Who was there before is found as that again.
        let is_of_row =
            argument::id("id", former).is_ok() && !self.was_there_before(email, former)?;
        self.create(new, is_of_row.then_some(former), false)
    }

    fn delete(&self, old: &Row) -> Result<(), Error> {
        let Some(id) = &old.id else {
            self.take_back(old)?;
            return self.revive_unknown(old);
        };
        // Or who inserts and deletes a row could delete the user with any address.
        if let Some(email) = &old.email
            && self.was_there_before(email, id)?
        {
            return Ok(());
        }
        // No user ever had what was written there before the trigger.
        if argument::id("id", id).is_err() {
            return Ok(());
        }
        let call = Call::DeleteUser { id: id.clone() };
        if self.is_to_be_queued(&call)? {
            let subject = subject_of_deletion(old, id);
            let row = OfRow {
                table: self.table,
                awaits: None,
            };
            let arguments = json::object([("id", id)]);
            self.call(Operation::DeleteUser, arguments, &subject, row)
                .store()?;
        }
        Ok(())
    }

    fn id_is_of_owner(&self) -> Error {
        Error::id_is_of_owner(&self.name, &self.names.id)
    }

    /// `former`: the id that was taken from the row.
    fn create(&self, new: &Row, former: Option<&str>, is_bulk: bool) -> Result<(), Error> {
        let Some(email) = &new.email else {
            return Ok(());
        };
        if !self.is_user_to_be_queued(email, new.name.as_deref())? {
            return Ok(());
        }
        let arguments = match &new.name {
            Some(name) => json::object([("email", email), ("name", name)]),
            None => json::object([("email", email)]),
        };
        let row = OfRow {
            table: self.table,
            awaits: Some(Awaits {
                key: &new.key,
                email: self.stored.0,
                id: self.stored.1,
                former,
            }),
        };
        let subject = Call::subject_of(email);
        let call = self.call(Operation::CreateUser, arguments, &subject, row);
        match is_bulk {
            true => call.store_with_others(std::ptr::from_ref(self).addr()),
            false => call.store().map(drop),
        }
    }

    /// Checked as the function checks it, whose path is the same for all; not in a dry run.
    fn is_user_to_be_queued(&self, email: &str, name: Option<&str>) -> Result<bool, Error> {
        let is_known = self.target_is_checked.get();
        if is_known && users::check(email, name).is_ok() {
            return Ok(true);
        }
        let call = Call::CreateUser {
            email: email.to_owned(),
            name: name.map(str::to_owned),
        };
        let is_to_be_queued = self.is_to_be_queued(&call)?;
        self.target_is_checked.set(is_to_be_queued);
        Ok(is_to_be_queued)
    }

    /// Checked as the function checks it; not in a dry run.
    fn is_to_be_queued(&self, call: &Call) -> Result<bool, Error> {
        let Some(target) = self.target()? else {
            return Ok(false);
        };
        let request = call.request(target);
        request.map_err(|error| self.asked().complete(target, error))?;
        Ok(true)
    }

    fn call<'a>(
        &'a self,
        operation: Operation,
        arguments: pg_sys::Datum,
        subject: &'a str,
        row: OfRow<'a>,
    ) -> NewCall<'a> {
        NewCall {
            operation,
            arguments: Some(arguments),
            server: &self.server,
            origin: &self.origin,
            role: self.owner,
            subject,
            row: Some(row),
        }
    }
}

/// After whatever else was called for the address of the row.
fn subject_of_deletion(row: &Row, id: &str) -> String {
    match &row.email {
        Some(email) => Call::subject_of(email),
        None => Call::DeleteUser { id: id.to_owned() }.subject(),
    }
}
