//! Owns the turns of sessions that read something at Neon before they write it: one after the other, so that
//! none writes what it has read before another one's change. It knows nothing of what that is.

// Takes and releases a lock of Postgres' own.
#![allow(unsafe_code)]

use std::hash::{DefaultHasher, Hash, Hasher};
use std::thread::panicking;
use std::time::{Duration, Instant};

use pgrx::pg_sys;

use crate::pg::wait::{Event, pause};

/// An advisory lock of a kind that no SQL function takes: those have 1 and 2 here.
const KIND: u16 = 3;
const LOCK: pg_sys::LOCKMODE = pg_sys::ExclusiveLock as pg_sys::LOCKMODE;
/// Between two looks whether it is our turn.
const PAUSE: Duration = Duration::from_millis(10);

/// The turn of this session, as long as it lives. After an error Postgres ends it with the
/// (sub)transaction.
pub struct Turn(pg_sys::LOCKTAG);

impl Turn {
    /// Waits for it, but never in Postgres' queue; `None` if it does not come in time.
    pub fn take(of: &impl Hash, deadline: Instant) -> Option<Self> {
        let tag = tag(of);
        let is_free = || {
            // SAFETY: a tag of that kind, for the current transaction.
            let taken = unsafe { pg_sys::LockAcquire(&raw const tag, LOCK, false, true) };
            taken != pg_sys::LockAcquireResult::LOCKACQUIRE_NOT_AVAIL
        };
        while !is_free() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            pause(PAUSE.min(left), Event::WaitForTurn);
        }
        Some(Self(tag))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if !panicking() {
            // SAFETY: it was taken above, by the same owner.
            unsafe { pg_sys::LockRelease(&raw const self.0, LOCK, false) };
        }
    }
}

/// Of this database. Two things that share a tag by chance only wait for each other.
fn tag(of: &impl Hash) -> pg_sys::LOCKTAG {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    let hash = hasher.finish();
    // SAFETY: a variable of the backend.
    let database = unsafe { pg_sys::MyDatabaseId };
    pg_sys::LOCKTAG {
        locktag_field1: database.to_u32(),
        locktag_field2: (hash >> 32) as u32,
        locktag_field3: hash as u32,
        locktag_field4: KIND,
        locktag_type: pg_sys::LockTagType::LOCKTAG_ADVISORY as u8,
        locktag_lockmethodid: pg_sys::USER_LOCKMETHOD as u8,
    }
}
