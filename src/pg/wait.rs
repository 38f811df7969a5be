//! Owns every wait of a backend: sockets, name look-ups and the pause between attempts. Each wait is
//! on the backend's own latch, so that it can be cancelled and terminated at once and takes part in
//! barriers. It knows nothing of HTTP.

// With its parts, the only unsafe code outside the glue to Postgres' own functions.
#![allow(unsafe_code)]

mod bell;
mod blocking;
mod dns;
mod tcp;
mod wait_set;

use std::any::Any;
use std::cell::RefCell;
use std::ffi::CStr;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::{Duration, Instant};

use pgrx::pg_sys;
use ureq::unversioned::transport::NextTimeout;

use crate::neon::client::{Interrupted, Pause};
use crate::neon::http::interrupted;
use crate::pg::allocator::end_for_helper;
use crate::pg::compat::{is_transaction_timed_out, wait_event};
use crate::pg::raised::{Raised, attempt};

use wait_set::WaitSet;

pub use bell::{Bell, Woken, doze};
pub use blocking::blocking;
pub use dns::{LatchResolver, look_up};
pub use tcp::LatchConnector;

thread_local! {
    /// What was raised during a wait. It must not unwind through ureq, so it stays here until ureq
    /// has returned: see [`raise_interrupt`].
    static PARKED: RefCell<Option<Parked>> = const { RefCell::new(None) };
}

enum Parked {
    /// By what serves interrupts.
    Raised(Raised),
    /// By what pgrx guards.
    Unwinding(Box<dyn Any + Send>),
}

/// Why a wait ended without what it waited for.
pub enum Ended {
    Interrupted,
    TimeUp,
}

/// Why there is nothing that could be waited for, or no use in it.
pub enum Failure {
    Ended(Ended),
    Io(io::Error),
}

#[derive(Clone, Copy)]
pub enum Event {
    Resolve,
    Connect,
    Send,
    Receive,
    BackOff,
    WaitForUser,
    WaitForTable,
    WaitForTurn,
    WaitForQueued,
    QueueRest,
    QueueIdle,
    QueueReceive,
}

/// To be called before the first wait of a request.
pub fn begin() {
    PARKED.take();
}

/// Whether a wait of this call was ended from outside. It stays so: libraries between a wait and its
/// call may swallow the error (rustls does when it writes), and must not go on.
pub fn is_interrupted() -> bool {
    PARKED.with_borrow(Option::is_some) || is_dying()
}

/// Raises what ended the last wait. To be called when no frame of ureq is left on the stack; returns
/// only when there was nothing to raise.
pub fn raise_interrupt() {
    end_for_helper();
    match PARKED.take() {
        Some(Parked::Raised(raised)) => raised.resume(),
        Some(Parked::Unwinding(payload)) => resume_unwind(payload),
        None => {}
    }
    if let Err(raised) = process_interrupts() {
        raised.resume();
    }
}

fn process_interrupts() -> Result<(), Raised> {
    unsafe extern "C-unwind" {
        // Without pgrx' guard.
        fn ProcessInterrupts();
    }
    // SAFETY: as CHECK_FOR_INTERRUPTS.
    unsafe {
        if pg_sys::InterruptPending == 0 {
            return Ok(());
        }
        attempt(|| ProcessInterrupts())
    }
}

/// Serves whatever interrupts are pending.
fn serve_interrupts() -> Result<(), Ended> {
    if is_interrupted() {
        return Err(Ended::Interrupted);
    }
    look_for_client()?;
    if !is_dying() {
        process_interrupts().map_err(|raised| park(Parked::Raised(raised)))?;
    }
    if is_interrupted() {
        return Err(Ended::Interrupted);
    }
    Ok(())
}

/// Calls Postgres, and parks what it raises, if it is the first.
fn park_errors<T>(call: impl FnOnce() -> T) -> Result<T, Ended> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|payload| park(Parked::Unwinding(payload)))
}

fn park(raised: Parked) -> Ended {
    PARKED.with_borrow_mut(|parked| {
        parked.get_or_insert(raised);
    });
    Ended::Interrupted
}

/// Looks whether the client is still there when `client_connection_check_interval` says that it is
/// time, as ProcessInterrupts is about to do: that would end the backend at once.
fn look_for_client() -> Result<(), Ended> {
    unsafe extern "C-unwind" {
        // Not among pgrx' bindings.
        fn pq_check_connection() -> bool;
    }
    // SAFETY: variables and a function of the backend, on its own thread, used as ProcessInterrupts
    // uses them; what the function raises is caught.
    unsafe {
        if pg_sys::CheckClientConnectionPending != 0
            && may_serve()
            && !attempt(|| pq_check_connection()).map_err(|raised| park(Parked::Raised(raised)))?
        {
            pg_sys::ClientConnectionLost = 1;
            pg_sys::InterruptPending = 1;
        }
    }
    Ok(())
}

/// Whether the backend is about to end. It does so from within ProcessInterrupts; postponed to
/// [`raise_interrupt`], it finds the sockets closed and the fate of a write reported.
fn is_dying() -> bool {
    // SAFETY: variables of the backend, read on its own thread.
    unsafe {
        let pending = pg_sys::ProcDiePending != 0 || pg_sys::ClientConnectionLost != 0;
        (pending || is_transaction_timed_out()) && may_serve()
    }
}

/// Does `work` without serving interrupts, as Postgres does whenever it has reported something.
pub fn uninterrupted<T>(work: impl FnOnce() -> T) -> T {
    // SAFETY: a counter of the backend, on its own thread. An error that `work` raises sets it to zero.
    unsafe {
        pg_sys::InterruptHoldoffCount += 1;
        let result = work();
        pg_sys::InterruptHoldoffCount -= 1;
        result
    }
}

/// Whether ProcessInterrupts would do anything.
fn may_serve() -> bool {
    // SAFETY: variables of the backend, read on its own thread.
    unsafe { pg_sys::InterruptHoldoffCount == 0 && pg_sys::CritSectionCount == 0 }
}

/// Waits until the descriptor is ready for `what` (`WL_SOCKET_*`; nothing when there is none), or
/// `deadline` has come.
fn wait(
    descriptor: Option<&WaitSet>,
    what: u32,
    deadline: Option<Instant>,
    event: Event,
) -> Result<(), Ended> {
    loop {
        // The latch may have been reset by somebody else since the interrupt came.
        serve_interrupts()?;
        let milliseconds = milliseconds(deadline).ok_or(Ended::TimeUp)?;
        let woken = match descriptor {
            Some(descriptor) => descriptor.wait(what, milliseconds, event)?,
            None => wait_for_latch(milliseconds, event)?,
        };
        if woken & pg_sys::WL_LATCH_SET != 0 {
            // SAFETY: the backend's own latch, on its own thread.
            unsafe { pg_sys::ResetLatch(pg_sys::MyLatch) };
            serve_interrupts()?;
        }
        if woken & what != 0 {
            return Ok(());
        }
    }
}

/// What is left, rounded up, as a wait that ends early would only start again: -1 is no limit, `None` is over.
fn milliseconds(deadline: Option<Instant>) -> Option<i64> {
    let Some(deadline) = deadline else {
        return Some(-1);
    };
    let left = deadline.saturating_duration_since(Instant::now());
    let milliseconds = left.as_micros().div_ceil(1000).min(i32::MAX as u128) as i64;
    (milliseconds > 0).then_some(milliseconds)
}

/// What has happened of `WL_LATCH_SET` within that time (-1: no limit).
fn wait_for_latch(milliseconds: i64, event: Event) -> Result<u32, Ended> {
    let mut wake = pg_sys::WL_LATCH_SET | pg_sys::WL_EXIT_ON_PM_DEATH;
    if milliseconds >= 0 {
        wake |= pg_sys::WL_TIMEOUT;
    }
    // SAFETY: the backend's own latch, on its own thread.
    park_errors(|| unsafe {
        pg_sys::WaitLatch(
            pg_sys::MyLatch,
            wake as i32,
            milliseconds as _,
            wait_event(event.name()),
        ) as u32
    })
}

impl Event {
    fn name(self) -> &'static CStr {
        match self {
            Self::Resolve => c"NeonAuthAdminResolve",
            Self::Connect => c"NeonAuthAdminConnect",
            Self::Send => c"NeonAuthAdminSend",
            Self::Receive => c"NeonAuthAdminReceive",
            Self::BackOff => c"NeonAuthAdminBackOff",
            Self::WaitForUser => c"NeonAuthAdminWaitForUser",
            Self::WaitForTable => c"NeonAuthAdminWaitForTable",
            Self::WaitForTurn => c"NeonAuthAdminWaitForTurn",
            Self::WaitForQueued => c"NeonAuthAdminWaitForQueued",
            Self::QueueRest => c"NeonAuthAdminQueueRest",
            Self::QueueIdle => c"NeonAuthAdminQueueIdle",
            Self::QueueReceive => c"NeonAuthAdminQueueReceive",
        }
    }
}

/// The backend, where the client waits between attempts.
pub struct Backend;

impl Pause for Backend {
    fn pause_until(&self, end: Instant) -> Result<(), Interrupted> {
        match wait(None, 0, Some(end), Event::BackOff) {
            Err(Ended::Interrupted) => Err(Interrupted),
            Ok(()) | Err(Ended::TimeUp) => Ok(()),
        }
    }
}

/// A pause outside of any call. Raises what ends it from outside.
pub fn pause(length: Duration, event: Event) {
    begin();
    let end = Instant::now() + length;
    if let Err(Ended::Interrupted) = wait(None, 0, Some(end), event) {
        raise_interrupt();
    }
}

/// The same, until somebody sets the latch.
pub fn nap(length: Duration, event: Event) {
    begin();
    let milliseconds = i64::try_from(length.as_millis()).unwrap_or(i64::MAX) + 1;
    if wait_for_latch(milliseconds, event).is_ok() {
        // SAFETY: the backend's own latch, on its own thread.
        unsafe { pg_sys::ResetLatch(pg_sys::MyLatch) };
    }
    raise_interrupt();
}

/// Waits for a descriptor within ureq's time limit.
fn wait_within(
    descriptor: &WaitSet,
    what: u32,
    timeout: NextTimeout,
    event: Event,
) -> Result<(), ureq::Error> {
    let deadline = deadline(timeout);
    wait(Some(descriptor), what, deadline, event).map_err(|ended| ended.into_error(timeout))
}

/// For a loop that need not wait.
fn check_in(timeout: NextTimeout) -> Result<(), ureq::Error> {
    let result = match timeout.after.is_zero() {
        true => Err(Ended::TimeUp),
        false => serve_interrupts(),
    };
    result.map_err(|ended| ended.into_error(timeout))
}

fn deadline(timeout: NextTimeout) -> Option<Instant> {
    let limited = !timeout.after.is_not_happening();
    limited.then(|| Instant::now() + *timeout.after)
}

impl Ended {
    fn into_error(self, timeout: NextTimeout) -> ureq::Error {
        match self {
            Self::Interrupted => interrupted(),
            Self::TimeUp => ureq::Error::Timeout(timeout.reason),
        }
    }
}

impl Failure {
    fn into_error(self, timeout: NextTimeout) -> ureq::Error {
        match self {
            Self::Ended(ended) => ended.into_error(timeout),
            Self::Io(error) => error.into(),
        }
    }
}

impl From<Ended> for Failure {
    fn from(ended: Ended) -> Self {
        Self::Ended(ended)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
