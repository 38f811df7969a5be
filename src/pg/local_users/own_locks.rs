//! Owns what this transaction itself does to whoever writes users: the locks that it holds, for which Neon
//! would wait while this transaction waits for Neon. Locks on rows are in the rows, where nobody finds them.

// Reads a variable of the backend.
#![allow(unsafe_code)]

use pgrx::pg_sys;

use super::table::Table;
use crate::error::Error;
use crate::neon::target::Target;
use crate::pg::server::current;

/// What Neon does to the table of users before it answers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Need {
    Write,
    Drop,
}

impl Need {
    /// The weakest lock of ours that is in the way. All that are stronger are, too.
    fn least(self) -> pg_sys::LOCKMODE {
        let lock = match self {
            Self::Write => pg_sys::ShareLock,
            Self::Drop => pg_sys::AccessShareLock,
        };
        lock as pg_sys::LOCKMODE
    }
}

/// For a request to `target`. Where that is not this branch, the table here is a copy, for which no answer
/// waits; nor does one of the project level, from which users come later.
pub fn refuse_to_wait_for_us(target: &Target, purpose: &str, need: Need) -> Result<(), Error> {
    if !current::is_own_branch(target) {
        return Ok(());
    }
    let name = target.table_of_users();
    let table = Table::find_unread()
        .into_iter()
        .find(|table| table.name() == name);
    let Some(table) = table else {
        return Ok(());
    };
    let is_locked = table.is_locked_by_us(need.least());
    match is_locked.map_err(|failure| failure.into_error(name))? {
        false => Ok(()),
        true if need == Need::Drop => Err(Error::drop_waits_for_itself(purpose, name)),
        true => Err(Error::write_waits_for_itself(purpose, name)),
    }
}

/// The current table, if no other session can write to it as long as this transaction lasts. (Whoever has
/// a former one as well gets no more users there.)
pub fn kept_from_all_others() -> Result<Option<&'static str>, Error> {
    let Some(table) = Table::find_unread().into_iter().next() else {
        return Ok(None);
    };
    let is_locked = table.is_locked_by_us(Need::Write.least());
    let is_locked = is_locked.map_err(|failure| failure.into_error(table.name()))?;
    Ok(is_locked.then_some(table.name()))
}

/// Whether this transaction may hold locks on rows: it has an id then.
pub fn may_be_on_rows() -> bool {
    // SAFETY: reads a variable of the backend.
    unsafe { pg_sys::GetTopTransactionIdIfAny() != pg_sys::InvalidTransactionId }
}
