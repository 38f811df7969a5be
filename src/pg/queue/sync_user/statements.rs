//! Owns what happens to queued calls of a row when the row changes. A call that is being sent is nobody's to
//! change: what it makes finds no row then, and is deleted.

// Asks for the transaction.
#![allow(unsafe_code)]

use pgrx::pg_sys;
use serde_json::json;

use super::super::calls::Scope;
use super::super::load::Known;
use super::super::table::{Value, change, now, run, statement, unknown};
use super::super::{fate, load, origin, wake};
use super::plan::Plan;
use super::row::Row;
use super::subject_of_deletion;
use crate::error::Error;
use crate::neon::queue::call::Call;
use crate::pg::row::jsonb_datum;

/// So many rows of a statement look for their calls among all that are new; more of them would take too long.
const FEW: u32 = 10;

/// Creations for a row: `$1` to `$5` are role, server, subject, the table and the row's key.
macro_rules! to_come {
    () => {
        "role = $1 AND server = $2 AND subject = $3 AND hashtextextended(subject, 0) = hashtextextended($3, 0)
         AND state IN ('waiting', 'sending') AND NOT is_new
         AND operation = 'create_user' AND of_table = $4 AND of_key = $5 "
    };
}

/// The same, that have ended and may have made a user.
macro_rules! given_up {
    () => {
        concat!(
            "role = $1 AND server = $2 AND subject = $3 AND of_table = $4 AND of_key = $5 AND ",
            unknown!()
        )
    };
}

impl Plan {
    /// Creations for the row that nothing was made by.
    pub fn take_back(&self, row: &Row) -> Result<(), Error> {
        let Some(email) = &row.email else {
            return Ok(());
        };
        self.settle_of(email)?;
        let [_, message, ..] = fate::words(&Error::row_is_gone());
        self.cancel(
            statement!(
                "UPDATE neon_auth_admin.queued_calls
                 SET state = 'cancelled', next_attempt_at = NULL, held = false, finished_at = $6, message = $7
                 WHERE ",
                to_come!(),
                "AND state = 'waiting' AND NOT in_doubt AND result IS NULL AND of_former IS NULL RETURNING id"
            ),
            email,
            &[
                Value::Text(Some(&row.key)),
                Value::Time(Some(now())),
                Value::Text(message.as_deref()),
            ],
        )?;
        Ok(())
    }

    /// That of the user of a row with this id, which is not sent yet; if not `anybodys`, only of this
    /// (sub)transaction. Whether there was one: the row has moved, and may not have another address by that.
    pub fn take_back_deletion(&self, row: &Row, id: &str, anybodys: bool) -> Result<bool, Error> {
        // SAFETY: in a transaction that writes.
        let own = unsafe { pg_sys::GetCurrentTransactionId() }.to_string();
        let own = (!anybodys).then_some(own);
        let found = run(
            c"SELECT id, subject FROM neon_auth_admin.queued_calls
              WHERE operation = 'delete_user' AND role = $1 AND server = $2 AND of_table = $3
                AND hashtextextended(arguments ->> 'id', 0) = hashtextextended($4, 0) AND arguments ->> 'id' = $4
                AND state = 'waiting' AND NOT in_doubt AND ($5 IS NULL OR xmin = $5::xid)
              FOR UPDATE",
            &[
                Value::Oid(self.owner.0),
                Value::Text(Some(&self.server)),
                Value::Oid(self.table),
                Value::Text(Some(id)),
                (&own).into(),
            ],
            |found| (found.int8(0).unwrap_or_default(), found.text(1)),
        )?;
        let subject = subject_of_deletion(row, id);
        for (call, of) in &found {
            if *of != subject {
                return Err(Error::address_of_user(&self.name, &self.names.email));
            }
            run(
                c"UPDATE neon_auth_admin.queued_calls
                  SET state = 'cancelled', next_attempt_at = NULL, held = false, finished_at = $2 WHERE id = $1",
                &[Value::Int8(*call), Value::Time(Some(now()))],
                |_| (),
            )?;
            self.free_next(&subject)?;
        }
        Ok(!found.is_empty())
    }

    /// Whether the user was there before a row had its id: it is not deleted with one, whoever owns the table by now,
    /// and whatever table and server are called.
    pub fn was_there_before(&self, email: &str, id: &str) -> Result<bool, Error> {
        let (subject, id) = (Call::subject_of(email), json!({"id": id}));
        change(
            c"SELECT id FROM neon_auth_admin.queued_calls
              WHERE subject = $1 AND state = 'done' AND is_linked AND result @> $2
              LIMIT 1",
            &[Value::Text(Some(&subject)), Value::Json(jsonb_datum(id))],
        )
    }

    /// Whether a user is still to come for the row, or may be there and nobody knows.
    pub fn is_under_way(&self, row: &Row) -> Result<bool, Error> {
        let Some(email) = &row.email else {
            return Ok(false);
        };
        self.settle_of(email)?;
        self.change(
            statement!(
                "SELECT id FROM neon_auth_admin.queued_calls WHERE ",
                to_come!(),
                "UNION ALL SELECT id FROM neon_auth_admin.queued_calls WHERE ",
                given_up!(),
                "LIMIT 1"
            ),
            email,
            &[Value::Text(Some(&row.key))],
        )
    }

    /// Creations that wait, or were given up and may have made a user, are for the row with its new key.
    pub fn move_waiting(&self, old: &Row, new: &Row) -> Result<(), Error> {
        let Some(email) = &old.email else {
            return Ok(());
        };
        let keys = [Value::Text(Some(&old.key)), Value::Text(Some(&new.key))];
        let moved = self.change(
            statement!(
                "UPDATE neon_auth_admin.queued_calls SET of_key = $6 WHERE ",
                to_come!(),
                "AND state = 'waiting' RETURNING id"
            ),
            email,
            &keys,
        )?;
        self.change(
            statement!(
                "UPDATE neon_auth_admin.queued_calls SET of_key = $6 WHERE ",
                given_up!(),
                "RETURNING id"
            ),
            email,
            &keys,
        )?;
        if moved {
            wake::after_end(self.owner);
        }
        Ok(())
    }

    /// Has what was given up, and may have made a user, tried again: so the user is found and deleted.
    pub fn revive_unknown(&self, row: &Row) -> Result<(), Error> {
        let Some(email) = &row.email else {
            return Ok(());
        };
        let revived = self.change(
            statement!(
                "UPDATE neon_auth_admin.queued_calls
                 SET state = 'waiting', crashes = 0, failing_since = NULL, finished_at = NULL, next_attempt_at = $6
                 WHERE ",
                given_up!(),
                "RETURNING id"
            ),
            email,
            &[
                Value::Text(Some(&row.key)),
                Value::Time(Some(now())),
            ],
        )?;
        if revived {
            wake::after_end(self.owner);
        }
        Ok(())
    }

    /// Creations that are new are found from now on.
    fn settle_of(&self, email: &str) -> Result<(), Error> {
        let count = self.looked_for.get();
        self.looked_for.set(count + 1);
        if count >= FEW && self.known.get().is_none() {
            // What a row of this statement waits for was there before the statement.
            let found = Known::of(self.owner, &self.server)?;
            self.known.get_or_init(|| found);
        }
        let subject = Call::subject_of(email);
        load::settle_of(self.owner, &self.server, &subject, self.known.get())
    }

    fn cancel(
        &self,
        text: &'static std::ffi::CStr,
        email: &str,
        more: &[Value],
    ) -> Result<bool, Error> {
        let cancelled = self.change(text, email, more)?;
        if cancelled {
            self.free_next(&Call::subject_of(email))?;
        }
        Ok(cancelled)
    }

    /// When a call of that subject was cancelled.
    fn free_next(&self, subject: &str) -> Result<(), Error> {
        let (role, origin) = (self.owner, origin::here());
        Scope { role, origin }.free_next(&self.server, subject)?;
        wake::after_end(self.owner);
        Ok(())
    }

    /// `$1` to `$4` are role, server, subject and the table.
    fn change(
        &self,
        text: &'static std::ffi::CStr,
        email: &str,
        more: &[Value],
    ) -> Result<bool, Error> {
        let subject = Call::subject_of(email);
        let mut values = vec![
            Value::Oid(self.owner.0),
            Value::Text(Some(&self.server)),
            Value::Text(Some(&subject)),
            Value::Oid(self.table),
        ];
        values.extend_from_slice(more);
        change(text, &values)
    }
}
