//! Owns what a delivery does for the row of a call: looks before it is sent whether the row still waits for it,
//! and stores the id of the new user there when it was. It knows nothing of how a row is read or written.

use serde_json::Value as Json;

use super::super::calls::Queued;
use super::super::table::{Value, change, now};
use super::place::{Place, State};
use super::row::RowOf;
use crate::error::Error;
use crate::pg::role::Role;
use crate::pg::subtransaction::{served_apart, served_kept_apart};

/// What is next for a call.
pub enum Step {
    /// It is sent.
    Send,
    /// It is made at Neon, and its row comes next: see [`write`].
    Write,
    /// Nobody waits for it.
    Cancel(Error),
    /// The row has its id.
    Done(Json),
    /// It had that one before: not by this call, which says nothing of who was there.
    HadIt(Json),
    /// The user that was made is no row's.
    Delete(String),
    Later(Error),
    /// And so do all other calls for rows of that table.
    AllLater(u32, Error),
}

/// The call is due, and locked.
pub fn next_step(call: &Queued, role: Role) -> Step {
    let row = match RowOf::of(call) {
        Ok(Some(row)) => row,
        Ok(None) => return Step::Send,
        Err(why) => return Step::Later(why),
    };
    let email = email_of(call);
    match Place::of(&row, &email, role) {
        None => Step::Send,
        Some(_) if call.result.is_some() => Step::Write,
        // Whether there is a user has to be found out first.
        Some(_) if call.in_doubt => Step::Send,
        Some(place) => look_before(&place, &row),
    }
}

/// What comes of it is stored with what this does, or neither is. Whatever ends the process meanwhile, the call is
/// known to be in hand.
pub fn write(call: &Queued, role: Role) -> Step {
    let row = match RowOf::of(call) {
        Ok(row) => row,
        Err(why) => return Step::Later(why),
    };
    let result: Option<Json> = call
        .result
        .as_ref()
        .and_then(|it| serde_json::from_str(it).ok());
    let id = result.as_ref().and_then(|it| it["id"].as_str());
    let (Some(row), Some(id)) = (&row, id) else {
        return Step::Later(Error::id_not_known());
    };
    let email = email_of(call);
    let Some(place) = Place::of(row, &email, role) else {
        return Step::Later(Error::id_not_known());
    };
    let work = || match place.look(true)? {
        State::Waits(tables) => {
            place.write(id, &tables)?;
            Ok(None)
        }
        state => Ok(Some(state)),
    };
    match served_kept_apart(|| place.restricted(work)) {
        Err(message) => Step::Later(Error::id_not_stored(&message)),
        Ok(Err(why)) => Step::Later(why),
        Ok(Ok(None)) => Step::Done(result.unwrap_or_default()),
        Ok(Ok(Some(State::Locked))) => {
            Step::AllLater(row.table, Error::table_is_locked(&place.name()))
        }
        Ok(Ok(Some(State::Has(other)))) if other == id => Step::HadIt(result.unwrap_or_default()),
        Ok(Ok(_)) if row.is_linked => Step::Done(result.unwrap_or_default()),
        Ok(Ok(_)) => Step::Delete(id.to_owned()),
    }
}

fn look_before(place: &Place, row: &RowOf) -> Step {
    match served_apart(|| place.restricted(|| place.look(false))) {
        Err(message) => Step::Later(Error::row_cannot_be_read(&message)),
        Ok(Err(why)) => Step::Later(why),
        Ok(Ok(State::Locked)) => Step::AllLater(row.table, Error::table_is_locked(&place.name())),
        Ok(Ok(State::Waits(_))) => Step::Send,
        Ok(Ok(State::Has(_))) => Step::Cancel(Error::row_has_its_user()),
        Ok(Ok(State::Gone)) => match &row.former {
            Some(former) if place.is_there() => Step::Delete(former.clone()),
            _ => Step::Cancel(Error::row_is_gone()),
        },
    }
}

fn email_of(call: &Queued) -> String {
    let arguments: Option<Json> = serde_json::from_str(&call.arguments).ok();
    let email = arguments.as_ref().and_then(|it| it["email"].as_str());
    email.unwrap_or_default().to_owned()
}

/// Whether the user of that call was there before it, and is not to be deleted with its row.
pub fn link(id: i64, was_there: bool) -> Result<bool, Error> {
    change(
        c"UPDATE neon_auth_admin.queued_calls SET is_linked = $2 WHERE id = $1
          RETURNING id",
        &[Value::Int8(id), Value::Bool(was_there)],
    )
}

/// The user of that call, as it says.
pub fn is_former(call: &Queued, result: &Json) -> bool {
    let row = RowOf::of(call).ok().flatten();
    let former = row.and_then(|row| row.former);
    former.is_some() && former.as_deref() == result["id"].as_str()
}

/// In its place, and so before whatever comes after it, the user is deleted.
pub fn become_deletion(call: &Queued, state: &str, id: &str) -> Result<bool, Error> {
    change(
        c"UPDATE neon_auth_admin.queued_calls
          SET state = 'waiting', operation = 'delete_user', arguments = jsonb_build_object('id', $3), of_table = NULL,
            of_key = NULL, of_email = NULL, of_id = NULL, of_former = NULL, is_linked = false, result = NULL,
            in_doubt = false, failing_since = NULL, next_attempt_at = $4,
            sqlstate = NULL, message = NULL, detail = NULL, hint = NULL
          WHERE id = $1 AND state = $5 AND attempts = $2 RETURNING id",
        &[
            Value::Int8(call.id),
            Value::Int4(call.attempts),
            Value::Text(Some(id)),
            Value::Time(Some(now())),
            Value::Text(Some(state)),
        ],
    )
}

/// What comes after it in the order of its subject comes before it: a deletion of the user that it has found.
pub fn put_behind(call: &Queued, state: &str) -> Result<bool, Error> {
    change(
        c"UPDATE neon_auth_admin.queued_calls
          SET id = DEFAULT, state = 'waiting', held = false, in_doubt = false, failing_since = NULL, next_attempt_at = $4
          WHERE id = $1 AND state = $2 AND attempts = $3 AND new_until IS NULL -- by which others are found
          RETURNING id",
        &[
            Value::Int8(call.id),
            Value::Text(Some(state)),
            Value::Int4(call.attempts),
            Value::Time(Some(now())),
        ],
    )
}
