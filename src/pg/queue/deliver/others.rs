//! Owns what a delivery does about calls that it does not send: those that are not as any yet, those that were
//! queued elsewhere, and those that ended long ago. Each step is a transaction of its own.

use std::time::{Duration, Instant};

use super::Deliverer;
use crate::error::Error;
use crate::pg::guc;
use crate::pg::queue::load::{self, New};
use crate::pg::queue::table::now;

impl Deliverer {
    /// When the next call is due that waits for its time.
    pub fn next_due(&self) -> Result<Option<Instant>, Error> {
        let mut next = None;
        for lane in self.scope.lanes()? {
            if !self.window.is_blocked(&lane) {
                let due = self.scope.next_due(&lane)?;
                next = [next, due].into_iter().flatten().min();
            }
        }
        Ok(next.map(|due| {
            let left = u64::try_from(due.saturating_sub(now())).unwrap_or_default();
            Instant::now() + Duration::from_micros(left)
        }))
    }

    /// Has calls become as any that are new. Whether there may be more.
    pub fn settle(&self) -> Result<bool, Error> {
        Ok(load::settle(self.scope.role)? == New::Settled)
    }

    /// Says of calls that were queued elsewhere that they are not sent from here, 1,000 at a time. Whether
    /// there are more.
    pub fn put_copies_aside(&self) -> Result<bool, Error> {
        self.scope.put_copies_aside(&Error::queued_elsewhere())
    }

    /// Removes what ended long ago, of the next 1,000 ids after `after`. The last of them, while there may be
    /// more.
    pub fn remove_old(&self, after: i64) -> Result<Option<i64>, Error> {
        let keep = i64::try_from(guc::queue_keep().as_micros()).unwrap_or(i64::MAX);
        self.scope.remove_old(after, now().saturating_sub(keep))
    }
}
