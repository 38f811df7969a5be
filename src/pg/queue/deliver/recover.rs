//! Owns what becomes of calls that were in the hands of a process that is gone.

use super::{Deliverer, later};
use crate::error::Error;
use crate::neon::queue::back_off::after_crash;
use crate::pg::queue::calls::Queued;
use crate::pg::queue::fate::{Fate, decide};

impl Deliverer {
    /// Takes up what a delivery left behind that ended with its process. A transaction of its own.
    pub fn recover(&mut self) -> Result<(), Error> {
        for mut call in self.scope.orphans()? {
            call.crashes += 1;
            // What was made already had only its row to come.
            call.in_doubt |= call.result.is_none();
            match after_crash(call.crashes) {
                Some(wait) => {
                    let (until, why) = (later(wait), &lost(&call));
                    decide(&call, "sending", Fate::Waits { until, why })?;
                }
                None => self.end(&call, "sending", Fate::Failed(&crashed(&call)))?,
            }
        }
        self.scope.free_forgotten()?;
        Ok(())
    }
}

fn lost(call: &Queued) -> Error {
    match call.result {
        Some(_) => Error::lost_writing(),
        None => Error::lost_delivery(),
    }
}

fn crashed(call: &Queued) -> Error {
    match call.result {
        Some(_) => Error::crashed_writing(call.crashes),
        None => Error::crashed_delivery(call.crashes),
    }
}
