//! Owns `run_queue`: the delivery of a role's calls in its own session, with the transactions that it takes. What
//! is to be sent is committed before, and nothing is open while it is: no snapshot, no number, no lock.

// Ends transactions, and says what they are like.
#![allow(unsafe_code)]

use std::ffi::c_int;
use std::time::{Duration, Instant};

use pgrx::datum::Interval;
use pgrx::prelude::*;
use pgrx::{direct_function_call, pg_sys};

use super::deliver::{Deliverer, Next, Sending};
use super::refuse_to_write;
use super::table::{Value, run};
use crate::error::Error;
use crate::pg::dry_run;
use crate::pg::report::{Raise, notice, raise, warn};
use crate::pg::reserve::Entry;
use crate::pg::role::Role;
use crate::pg::wait::{Event, is_interrupted, pause, raise_interrupt, uninterrupted};

/// So many ids are in a notification, at most.
const TOLD_AT_ONCE: usize = 200;
/// Nobody waits longer for one.
const TOLD_AFTER: Duration = Duration::from_secs(1);
/// Of Postgres' queue for notifications: a commit with one fails where it is full.
const NEARLY_FULL: f64 = 0.9;

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
    let role = Role::in_effect();
    // SAFETY: SPI is left below or, after an error, by Postgres.
    unsafe {
        pg_sys::SPI_connect_ext(pg_sys::SPI_OPT_NONATOMIC as c_int);
    }
    // What came before is over, and each transaction from here on is like the next.
    commit();
    match Deliverer::of(role)? {
        Some(deliverer) => Run::new(deliverer, end).deliver()?,
        None => notice(Error::queue_is_being_run(&role.to_string())),
    }
    // SAFETY: it was connected above.
    unsafe { pg_sys::SPI_finish() };
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

struct Run {
    deliverer: Deliverer,
    end: Option<Instant>,
    told: Instant,
}

impl Run {
    fn new(deliverer: Deliverer, end: Option<Instant>) -> Self {
        Self {
            deliverer,
            end,
            told: Instant::now(),
        }
    }

    fn is_over(&self) -> bool {
        self.end.is_some_and(|end| end <= Instant::now())
    }

    fn deliver(mut self) -> Result<(), Error> {
        self.deliverer.recover()?;
        commit();
        while !self.is_over() && self.deliverer.put_copies_aside()? {
            commit();
        }
        let scratch = scratch();
        while !self.is_over() {
            // SAFETY: nothing that lives longer than a round is in it.
            unsafe { pg_sys::MemoryContextReset(scratch) };
            keep_commits();
            let next = self.deliverer.claim()?;
            commit();
            match next {
                Next::Send(sending) => self.send(*sending)?,
                Next::Again => {}
                Next::Rest(until) if self.end.is_some_and(|end| end < until) => break,
                Next::Rest(until) => {
                    let left = until.saturating_duration_since(Instant::now());
                    pause(left, Event::QueueRest);
                }
                Next::Nothing => break,
            }
            if self.deliverer.ended.len() >= TOLD_AT_ONCE || self.told.elapsed() > TOLD_AFTER {
                self.tell()?;
            }
        }
        self.tell()?;
        self.remove_old()
    }

    /// Whatever happens meanwhile: what came of it is stored.
    fn send(&mut self, sending: Sending) -> Result<(), Error> {
        let result = sending.send();
        let is_interrupted = is_interrupted();
        uninterrupted(|| {
            keep_commits();
            self.deliverer.store(sending, result)?;
            commit();
            Ok::<_, Error>(())
        })?;
        if is_interrupted {
            raise_interrupt();
        }
        Ok(())
    }

    /// In a transaction of its own, since a notification can fail.
    fn tell(&mut self) -> Result<(), Error> {
        self.told = Instant::now();
        while !self.deliverer.ended.is_empty() {
            let count = self.deliverer.ended.len().min(TOLD_AT_ONCE);
            let ids = self.deliverer.ended.drain(..count);
            let ids: Vec<_> = ids.map(|id| id.to_string()).collect();
            // SAFETY: a function without arguments.
            let usage =
                unsafe { direct_function_call::<f64>(pg_sys::pg_notification_queue_usage, &[]) };
            if usage.is_some_and(|usage| usage > NEARLY_FULL) {
                warn(Error::notification_queue_is_full());
                continue;
            }
            run(
                c"SELECT pg_notify('neon_auth_admin', $1)",
                &[Value::Text(Some(&ids.join(",")))],
                |_| (),
            )?;
            commit();
        }
        Ok(())
    }

    fn remove_old(&self) -> Result<(), Error> {
        let mut after = 0;
        while let Some(last) = self.deliverer.remove_old(after)? {
            commit();
            if self.is_over() {
                break;
            }
            after = last;
        }
        Ok(())
    }
}

/// Makes a memory context of a round the current one, until SPI is left.
fn scratch() -> pg_sys::MemoryContext {
    // SAFETY: SPI is connected, and it ends with its memory, which outlives transactions.
    unsafe {
        let scratch = pg_sys::AllocSetContextCreateInternal(
            pg_sys::CurrentMemoryContext,
            c"neon_auth_admin queue".as_ptr(),
            pg_sys::ALLOCSET_DEFAULT_MINSIZE as usize,
            pg_sys::ALLOCSET_DEFAULT_INITSIZE as usize,
            pg_sys::ALLOCSET_DEFAULT_MAXSIZE as usize,
        );
        pg_sys::MemoryContextSwitchTo(scratch);
        scratch
    }
}

/// This transaction is flushed when it is committed, wherever the session would not wait for that.
fn keep_commits() {
    // SAFETY: a variable of the backend, and NUL-terminated texts.
    unsafe {
        if pg_sys::synchronous_commit == pg_sys::SyncCommitLevel::SYNCHRONOUS_COMMIT_OFF as c_int {
            pg_sys::set_config_option(
                c"synchronous_commit".as_ptr(),
                c"local".as_ptr(),
                pg_sys::GucContext::PGC_USERSET,
                pg_sys::GucSource::PGC_S_SESSION,
                pg_sys::GucAction::GUC_ACTION_LOCAL,
                true,
                0,
                false,
            );
        }
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
