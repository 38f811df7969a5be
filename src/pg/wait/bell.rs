//! Owns the wait of a process that has something else to do than one call: for its latch, for threads of its own, or
//! for a time. It knows nothing of what they do.

use std::io::{self, PipeReader, PipeWriter, Read};
use std::time::Instant;

use pgrx::pg_sys;

use super::{Event, Failure, WaitSet, begin, milliseconds, serve_interrupts, wait_for_latch};

/// A pipe into which threads write when there is something to look at.
pub struct Bell {
    /// To be gone before the pipe is closed, as fields are dropped in their order.
    waits: WaitSet,
    pipe: PipeReader,
}

/// Why a wait has ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Woken {
    Bell,
    /// Somebody has set the latch.
    Latch,
    TimeUp,
    /// [`super::raise_interrupt`] is to be called.
    Interrupted,
}

impl Bell {
    pub fn new() -> io::Result<(Self, PipeWriter)> {
        let (pipe, ring) = io::pipe()?;
        let waits = WaitSet::new(&pipe, pg_sys::WL_SOCKET_READABLE).map_err(|why| match why {
            Failure::Io(error) => error,
            Failure::Ended(_) => io::ErrorKind::Interrupted.into(),
        })?;
        Ok((Self { waits, pipe }, ring))
    }
}

/// Waits until it rings, the latch is set, or the time has come.
pub fn doze(bell: Option<&Bell>, until: Option<Instant>, event: Event) -> Woken {
    begin();
    loop {
        if serve_interrupts().is_err() {
            return Woken::Interrupted;
        }
        let Some(milliseconds) = milliseconds(until) else {
            return Woken::TimeUp;
        };
        let readable = pg_sys::WL_SOCKET_READABLE;
        let woken = match bell {
            Some(bell) => bell.waits.wait(readable, milliseconds, event),
            None => wait_for_latch(milliseconds, event),
        };
        let Ok(woken) = woken else {
            return Woken::Interrupted;
        };
        let is_latch = woken & pg_sys::WL_LATCH_SET != 0;
        if is_latch {
            // SAFETY: the backend's own latch, on its own thread.
            unsafe { pg_sys::ResetLatch(pg_sys::MyLatch) };
            if serve_interrupts().is_err() {
                return Woken::Interrupted;
            }
        }
        if let Some(bell) = bell
            && woken & readable != 0
        {
            // What is there is read at once, and if more is left, it rings again.
            let _ = (&bell.pipe).read(&mut [0; 64]);
            return Woken::Bell;
        }
        if is_latch {
            return Woken::Latch;
        }
    }
}
