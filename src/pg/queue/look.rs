//! Owns what this database's table of users says of a call that may have been made before. Where it cannot be
//! read, it says nothing.

use std::time::Duration;

use super::table::{Value, change};
use crate::error::Error;
use crate::neon::queue::call::Call;
use crate::pg::local_users;
use crate::pg::server::current;
use crate::pg::session::Session;
use crate::pg::subtransaction::apart;
use crate::pg::text::Text;

/// Of Postgres' own epoch, in seconds of Unix.
const UNIX_EPOCH: f64 = 946_684_800.0;

/// The id of the user with the address of the call. One that the queue has deleted may still be in the table, which
/// is behind Neon, and is not meant.
pub fn id_of(neon: &Session, call: &Call) -> Option<String> {
    let Call::CreateUser { email, .. } = call else {
        return None;
    };
    // Another branch's users have other ids than those here.
    if current::own_branch_beside(neon.target()).is_some() {
        return None;
    }
    let find = || local_users::ids_by_address(neon.target(), time(neon), Text::new(email));
    who_is_there(apart(find).ok()?.ok()?)
}

/// The first of the ids of users in this database whom no call has deleted.
pub fn who_is_there(ids: Vec<String>) -> Option<String> {
    let mut ids = ids.into_iter();
    ids.find(|id| matches!(is_deleted(id), Ok(false)))
}

/// Whether a call has deleted the user, whoever's it was: no other ever has that id.
fn is_deleted(id: &str) -> Result<bool, Error> {
    change(
        c"SELECT id FROM neon_auth_admin.queued_calls
          WHERE operation = 'delete_user' AND state = 'done'
            AND hashtextextended(arguments ->> 'id', 0) = hashtextextended($1, 0) AND arguments ->> 'id' = $1
          LIMIT 1",
        &[Value::Text(Some(id))],
    )
}

/// Whether the user of the call is not there, or no more.
pub fn is_gone(neon: &Session, call: &Call) -> bool {
    let (Call::DeleteUser { id } | Call::SetUserRoles { id, .. }) = call else {
        return false;
    };
    let find = || local_users::is_gone(neon.target(), time(neon), id);
    current::own_branch_beside(neon.target()).is_none() && matches!(apart(find), Ok(Ok(true)))
}

/// Whether the user was there before the call was queued, as far as can be known: then no call has made it.
pub fn was_there(neon: &Session, id: &str, enqueued_at: i64) -> bool {
    // Neon's clock counts in milliseconds.
    let at = (enqueued_at - 1_000) as f64 / 1e6 + UNIX_EPOCH;
    let find = || local_users::was_there(neon.target(), time(neon), id, at);
    !matches!(apart(find), Ok(Ok(false)))
}

/// Most of it is for the call.
fn time(neon: &Session) -> Duration {
    neon.time_left() / 4
}
