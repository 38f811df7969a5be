//! Owns `run_queue`: the delivery of a role's calls in the session that calls it, with the transactions of a
//! procedure.

// Ends transactions, and says what they are like.
#![allow(unsafe_code)]

use std::cell::{Cell, RefCell};
use std::ffi::c_int;
use std::time::{Duration, Instant};

use pgrx::datum::Interval;
use pgrx::pg_sys;
use pgrx::prelude::*;

use super::deliver::Deliverer;
use super::delivery::{Delivery, Transactions};
use super::lock::{self, is_any_prepared};
use super::posts::{Pin, Post, Whose, is_alive, me};
use super::refuse_to_write;
use super::start::{Start, obstacle};
use crate::error::Error;
use crate::pg::report::{Raise, notice, raise};
use crate::pg::reserve::Entry;
use crate::pg::role::Role;
use crate::pg::{dry_run, guc};

/// Delivers the calls of the role in effect that are due, until none is, or until the time is over.
#[pg_extern(
    volatile,
    parallel_unsafe,
    requires = ["queue"],
    sql = r#"
CREATE PROCEDURE neon_auth_admin."run_queue"("max_duration" interval DEFAULT NULL)
LANGUAGE c /* Rust */
AS '@MODULE_PATHNAME@', '@FUNCTION_NAME@';
"#
)]
fn run_queue(
    _entry: Entry,
    max_duration: Option<Interval>,
    call: pg_sys::FunctionCallInfo,
) -> Result<(), Raise> {
    refuse_to_write("run_queue")?;
    if is_atomic(call) {
        raise(Error::queue_in_transaction());
    }
    dry_run::refuse()?;
    let end = match max_duration {
        None => None,
        Some(time) => {
            let time = u64::try_from(time.as_micros()).map(Duration::from_micros);
            let expected = "a positive length of time";
            let time = time.map_err(|_| Error::invalid_argument("max_duration", expected))?;
            Some(Instant::now() + time)
        }
    };
    // SAFETY: SPI is left below or, after an error, by Postgres.
    unsafe {
        pg_sys::SPI_connect_ext(pg_sys::SPI_OPT_NONATOMIC as c_int);
    }
    // What came before is over, and each transaction from here on is like the next.
    commit();
    // Not before: what SET LOCAL has said, of the role as well, ends with that.
    deliver(Role::in_effect(), end)?;
    // SAFETY: it was connected above.
    unsafe { pg_sys::SPI_finish() };
    Ok(())
}

fn deliver(role: Role, end: Option<Instant>) -> Result<(), Error> {
    if guc::queue_connections() == 0 {
        notice(Error::queue_is_stopped());
        return Ok(());
    }
    let mut stand_in = StandIn::of(role);
    let deliverer = match &stand_in {
        Some(_) => Deliverer::of(role)?,
        None => None,
    };
    match (&mut stand_in, deliverer) {
        (Some(stand_in), Some(deliverer)) => {
            // Before it looks for calls: those of one that ends meanwhile may be missed.
            let is_any_prepared = is_any_prepared(Whose::here(role));
            let next_due = Delivery::new(deliverer, InProcedure)?.deliver(end)?;
            stand_in.is_needed_no_more = next_due.is_none() && !is_any_prepared;
        }
        _ => notice(Error::queue_is_being_run(&role.to_string())),
    }
    Ok(())
}

/// Whether there is a transaction around the call that it could not end.
fn is_atomic(call: pg_sys::FunctionCallInfo) -> bool {
    // SAFETY: a call comes with its description; that of a procedure has a context of this kind.
    unsafe {
        let context = (*call).context;
        context.is_null()
            || (*context).type_ != pg_sys::NodeTag::T_CallContext
            || (*context.cast::<pg_sys::CallContext>()).atomic
    }
}

/// This session in the place of a worker, which it leaves to one if there may be any.
struct StandIn {
    pin: Option<Pin>,
    count: u64,
    is_needed_no_more: bool,
}

/// What it leaves, and to whom, even if the session ends without dropping anything.
struct Place {
    post: &'static Post,
    start: Option<Start>,
}

thread_local! {
    static PLACE: RefCell<Option<Place>> = const { RefCell::new(None) };
    static IS_REGISTERED: Cell<bool> = const { Cell::new(false) };
}

impl StandIn {
    /// `None` while there is a worker, or another session in its place. Where the role can have no post, the lock
    /// alone keeps two from it.
    fn of(role: Role) -> Option<Self> {
        let whose = Whose::here(role);
        let Some(pin) = Pin::of(whose) else {
            return Some(Self::new(None, 0));
        };
        let start = Start::of(whose, obstacle(role));
        if !IS_REGISTERED.replace(true) {
            // SAFETY: a function that stays loaded as long as the backend lives.
            unsafe { pg_sys::before_shmem_exit(Some(at_exit), 0.into()) };
        }
        let post = pin.post();
        let count = post.wake_up.count();
        if !post.wake_up.enter(me(), is_alive) {
            return None;
        }
        PLACE.set(Some(Place { post, start }));
        Some(Self::new(Some(pin), count))
    }

    fn new(pin: Option<Pin>, count: u64) -> Self {
        Self {
            pin,
            count,
            is_needed_no_more: false,
        }
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        let is_new = || {
            let post = self.pin.as_ref().map(Pin::post);
            post.is_some_and(|post| post.wake_up.count() != self.count)
        };
        if let Some(place) = PLACE.take() {
            place.leave(|| !self.is_needed_no_more || is_new());
        }
    }
}

impl Place {
    /// It neither raises nor allocates.
    fn leave(self, is_needed: impl Fn() -> bool) {
        self.post.wake_up.end(me());
        if is_needed()
            && let Some(start) = &self.start
        {
            start.if_wanted(self.post);
        }
    }
}

unsafe extern "C-unwind" fn at_exit(_: c_int, _: pg_sys::Datum) {
    let place = PLACE.try_with(|place| place.try_borrow_mut().ok()?.take());
    if let Ok(Some(place)) = place {
        // Or a worker would find it taken.
        lock::release();
        place.leave(|| true);
    }
}

/// Those of a procedure: one ends when the next begins.
struct InProcedure;

impl Transactions for InProcedure {
    fn begin(&mut self) {}

    fn commit(&mut self) {
        commit();
    }
}

/// Ends the transaction, and begins one that sees what others commit.
fn commit() {
    // SAFETY: SPI is connected for that. The new transaction has looked at nothing yet.
    unsafe {
        pg_sys::SPI_commit();
        // The first minor versions of 14 do not begin one by themselves.
        pg_sys::SPI_start_transaction();
        pg_sys::XactIsoLevel = pg_sys::XACT_READ_COMMITTED as c_int;
    }
}
