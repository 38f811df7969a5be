//! Owns that there is one session that delivers the calls of a role. Whoever holds the lock knows that no other
//! process is sending one of them.

// Takes and releases a lock of Postgres' own.
#![allow(unsafe_code)]

use pgrx::pg_sys;

use crate::pg::role::Role;

/// No SQL function takes such locks, so that no role can keep another one's calls.
const KIND: u16 = 14;
const MODE: pg_sys::LOCKMODE = pg_sys::ExclusiveLock as pg_sys::LOCKMODE;

/// It ends when it is dropped, or with the process, but not with a transaction.
pub struct Lock(pg_sys::LOCKTAG);

impl Lock {
    /// `None` while another session has it.
    pub fn take(role: Role) -> Option<Self> {
        // SAFETY: a variable of the backend.
        let database = unsafe { pg_sys::MyDatabaseId };
        let tag = pg_sys::LOCKTAG {
            locktag_field1: database.to_u32(),
            locktag_field2: role.0.to_u32(),
            locktag_field3: 0,
            locktag_field4: KIND,
            locktag_type: pg_sys::LockTagType::LOCKTAG_USERLOCK as u8,
            locktag_lockmethodid: pg_sys::USER_LOCKMETHOD as u8,
        };
        // SAFETY: a tag of that kind, for the session, without waiting.
        let taken = unsafe { pg_sys::LockAcquire(&raw const tag, MODE, true, true) };
        match taken {
            pg_sys::LockAcquireResult::LOCKACQUIRE_OK => Some(Self(tag)),
            // By this session itself: nobody knows who is to release it then.
            pg_sys::LockAcquireResult::LOCKACQUIRE_ALREADY_HELD => {
                drop(Self(tag));
                None
            }
            _ => None,
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // SAFETY: it was taken above. What can be said of it is a warning, and no error.
        unsafe { pg_sys::LockRelease(&raw const self.0, MODE, true) };
    }
}
