//! Owns that there is one session that delivers the calls of a role. Whoever holds the lock knows that no other
//! process is sending one of them.

// Takes and releases a lock of Postgres' own.
#![allow(unsafe_code)]

use std::cell::Cell;

use pgrx::pg_sys;

use super::posts::Whose;
use crate::pg::compat::holds_lock;
use crate::pg::role::Role;

/// No SQL function takes such locks, so that no role can keep another one's calls.
const DELIVERY: u16 = 14;
/// Of prepared transactions that have queued calls.
const PREPARED: u16 = 15;
const MODE: pg_sys::LOCKMODE = pg_sys::ExclusiveLock as pg_sys::LOCKMODE;

/// It ends when it is dropped, or with the process, but not with a transaction.
pub struct Lock(pg_sys::LOCKTAG);

thread_local! {
    static HELD: Cell<Option<pg_sys::LOCKTAG>> = const { Cell::new(None) };
}

/// For a process that ends: before Postgres releases what it holds, and others come.
pub fn release() {
    if let Some(tag) = HELD.take() {
        drop(Lock(tag));
    }
}

impl Lock {
    /// `None` while another session has it.
    pub fn take(role: Role) -> Option<Self> {
        let tag = tag(Whose::here(role), DELIVERY);
        // SAFETY: a tag of that kind, for the session, without waiting.
        let taken = unsafe { pg_sys::LockAcquire(&raw const tag, MODE, true, true) };
        match taken {
            pg_sys::LockAcquireResult::LOCKACQUIRE_OK => {
                HELD.set(Some(tag));
                Some(Self(tag))
            }
            // By this session itself: nobody knows who is to release it then.
            pg_sys::LockAcquireResult::LOCKACQUIRE_ALREADY_HELD => {
                drop(Self(tag));
                None
            }
            _ => None,
        }
    }
}

impl Lock {
    /// Takes it again if it was released by what has run in this session: `pg_advisory_unlock_all()` does. Whether it
    /// is there.
    pub fn hold(&self) -> bool {
        // SAFETY: as in `take`.
        let take = || unsafe { pg_sys::LockAcquire(&raw const self.0, MODE, true, true) };
        holds_lock(&self.0, MODE) || take() == pg_sys::LockAcquireResult::LOCKACQUIRE_OK
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        HELD.set(None);
        // SAFETY: it was taken above. What can be said of it is a warning, and no error.
        unsafe { pg_sys::LockRelease(&raw const self.0, MODE, true) };
    }
}

/// Transactions that have queued calls of that role and are prepared share it.
pub fn prepared_tag(whose: Whose) -> pg_sys::LOCKTAG {
    tag(whose, PREPARED)
}

/// Whether there is any such transaction.
pub fn is_any_prepared(whose: Whose) -> bool {
    let tag = prepared_tag(whose);
    // SAFETY: a tag of that kind, in a transaction, without waiting.
    unsafe {
        let taken = pg_sys::LockAcquire(&raw const tag, MODE, false, true);
        if taken == pg_sys::LockAcquireResult::LOCKACQUIRE_NOT_AVAIL {
            return true;
        }
        pg_sys::LockRelease(&raw const tag, MODE, false);
    }
    false
}

fn tag(whose: Whose, kind: u16) -> pg_sys::LOCKTAG {
    pg_sys::LOCKTAG {
        locktag_field1: whose.database.to_u32(),
        locktag_field2: whose.role.0.to_u32(),
        locktag_field3: 0,
        locktag_field4: kind,
        locktag_type: pg_sys::LockTagType::LOCKTAG_USERLOCK as u8,
        locktag_lockmethodid: pg_sys::USER_LOCKMETHOD as u8,
    }
}
