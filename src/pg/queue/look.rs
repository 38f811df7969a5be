//! Owns what this database's table of users says of a call that may have been made before. Where it cannot be
//! read, it says nothing.

use std::time::Duration;

use super::prepare::apart;
use crate::neon::queue::call::Call;
use crate::pg::local_users;
use crate::pg::server::current;
use crate::pg::session::Session;
use crate::pg::text::Text;

/// The id of the user with the address of the call.
pub fn id_of(neon: &Session, call: &Call) -> Option<String> {
    let Call::CreateUser { email, .. } = call else {
        return None;
    };
    // Another branch's users have other ids than those here.
    if current::own_branch_beside(neon.target()).is_some() {
        return None;
    }
    let find = || local_users::id_by_address(neon.target(), time(neon), Text::new(email));
    apart(find).ok()?.ok()?
}

/// Whether the user of the call is not there, or no more.
pub fn is_gone(neon: &Session, call: &Call) -> bool {
    let Call::DeleteUser { id } = call else {
        return false;
    };
    let find = || local_users::is_gone(neon.target(), time(neon), id);
    current::own_branch_beside(neon.target()).is_none() && matches!(apart(find), Ok(Ok(true)))
}

/// Most of it is for the call.
fn time(neon: &Session) -> Duration {
    neon.time_left() / 4
}
