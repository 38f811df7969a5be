//! Owns the course of a delivery: what is to be sent is committed before, and nothing is open while it is: no
//! snapshot, no number, no lock. It knows nothing of who delivers, nor of what is delivered.

// Makes a memory context, and sets a setting.
#![allow(unsafe_code)]

use std::ffi::c_int;
use std::time::{Duration, Instant};

use pgrx::{direct_function_call, pg_sys};

use super::deliver::{Deliverer, Next};
use super::senders::Senders;
use super::table::{self, Value, run};
use crate::error::Error;
use crate::pg::guc;
use crate::pg::report::warn;
use crate::pg::wait::{Event, Woken, doze, raise_interrupt, uninterrupted};

/// So many ids are in a notification, at most.
const TOLD_AT_ONCE: usize = 200;
/// Nobody waits longer for one.
const TOLD_AFTER: Duration = Duration::from_secs(1);
/// Of Postgres' queue for notifications: a commit with one fails where it is full.
const NEARLY_FULL: f64 = 0.9;
/// So long other calls are begun, and rows written.
const AT_A_TIME: Duration = Duration::from_millis(100);
/// What has ended long ago is looked for that often.
const BETWEEN_REMOVALS: Duration = Duration::from_secs(60);

/// How its transactions begin and end. One is open in between, and none where a call waits for Neon.
pub trait Transactions {
    fn begin(&mut self);
    fn commit(&mut self);
}

pub struct Delivery<T> {
    steps: Steps<T>,
    senders: Senders,
    has_begun: bool,
    told: Instant,
    removed: Option<Instant>,
}

/// What there is to do besides waiting for what is under way.
enum Outlook {
    /// No more can be under way.
    Busy,
    /// Nothing may be sent before then.
    Rest(Instant),
    Nothing,
    /// The time is.
    Over,
}

impl<T: Transactions> Delivery<T> {
    /// With memory that is a part of the current context.
    pub fn new(deliverer: Deliverer, transactions: T) -> Result<Self, Error> {
        Ok(Self {
            steps: Steps {
                deliverer,
                transactions,
                scratch: scratch(),
            },
            senders: Senders::new()?,
            has_begun: false,
            told: Instant::now(),
            removed: None,
        })
    }

    /// Delivers what is due, until nothing is and nothing is under way, or until the time is over: then nothing
    /// more is begun. When the next call will be due, if one waits for its time. It may be called again after an
    /// error: what is under way is not lost.
    pub fn deliver(&mut self, until: Option<Instant>) -> Result<Option<Instant>, Error> {
        let is_over = || until.is_some_and(|end| end <= Instant::now());
        if !self.has_begun {
            self.steps.in_transaction(Deliverer::recover)?;
            while !is_over() && self.steps.in_transaction(|it| it.settle())? {}
            while !is_over() && self.steps.in_transaction(|it| it.put_copies_aside())? {}
            self.has_begun = true;
        }
        self.steps.deliverer.look_again();
        let next_due = loop {
            self.senders.collect();
            self.store()?;
            if self.steps.deliverer.ended.len() >= TOLD_AT_ONCE || self.told.elapsed() > TOLD_AFTER
            {
                self.tell()?;
            }
            let outlook = match is_over() {
                true => Outlook::Over,
                false => self.begin()?,
            };
            let is_idle = self.senders.under_way() == 0 && self.senders.back.is_empty();
            let (wake, event) = match outlook {
                // Some could not be given away.
                _ if !self.senders.back.is_empty() => continue,
                Outlook::Over if is_idle => break until,
                Outlook::Rest(rest) if is_idle && until.is_some_and(|end| end < rest) => {
                    break Some(rest);
                }
                Outlook::Nothing if is_idle => {
                    break self.steps.in_transaction(|it| it.next_due())?;
                }
                Outlook::Rest(rest) if is_idle => (Some(rest), Event::QueueRest),
                Outlook::Rest(rest) => (Some(rest), Event::QueueReceive),
                _ => (None, Event::QueueReceive),
            };
            match doze(Some(self.senders.bell()), wake, event) {
                Woken::Interrupted => return self.leave(),
                Woken::Latch => self.steps.deliverer.look_again(),
                Woken::Bell | Woken::TimeUp => {}
            }
        };
        self.tell()?;
        if self
            .removed
            .is_none_or(|at| at.elapsed() > BETWEEN_REMOVALS)
        {
            self.removed = Some(Instant::now());
            let mut after = 0;
            while let Some(last) = self.steps.in_transaction(|it| it.remove_old(after))? {
                after = last;
                if is_over() {
                    break;
                }
            }
        }
        Ok(next_due)
    }

    /// Claims calls and has them sent, as many as there may be under way.
    fn begin(&mut self) -> Result<Outlook, Error> {
        let began = Instant::now();
        loop {
            // What comes back is stored meanwhile, and whoever ends this is heard.
            if began.elapsed() > AT_A_TIME {
                return Ok(Outlook::Rest(Instant::now()));
            }
            let under_way = self.senders.under_way();
            if under_way >= guc::queue_connections() {
                return Ok(Outlook::Busy);
            }
            // Whoever cancels it would lose what is under way: that is looked at where it is waited for.
            let next = match under_way {
                0 => self.steps.in_transaction(Deliverer::claim),
                _ => self.steps.in_transaction(|it| {
                    table::lock()?;
                    uninterrupted(|| it.claim())
                }),
            };
            match next? {
                Next::Send(sending) => self.senders.send(*sending),
                // Whoever cancels it has waited for as long as it runs, and is heard when it is stored.
                Next::Write(call) => {
                    let write = |it: &mut Deliverer| it.write(*call);
                    uninterrupted(|| self.steps.in_transaction(write))?;
                }
                Next::Again => {}
                Next::Rest(until) => return Ok(Outlook::Rest(until)),
                Next::Nothing => return Ok(Outlook::Nothing),
            }
            if !self.senders.back.is_empty() {
                return Ok(Outlook::Busy);
            }
        }
    }

    /// Whatever happens meanwhile: what has come back is stored.
    fn store(&mut self) -> Result<(), Error> {
        if self.senders.back.is_empty() {
            return Ok(());
        }
        let back = &self.senders.back;
        uninterrupted(|| {
            let store = |it: &mut Deliverer| back.iter().try_for_each(|back| it.store(back));
            self.steps.in_transaction(store)
        })?;
        self.senders.back.clear();
        Ok(())
    }

    /// Ends as whoever ends this wants it, when what has come back is stored, and of what has not that nobody knows
    /// of it. Nobody is waited for any more.
    fn leave(&mut self) -> Result<Option<Instant>, Error> {
        self.senders.give_up();
        let back = &self.senders.back;
        uninterrupted(|| {
            self.steps.in_transaction(|it| {
                let free = it.lock_sent(back)?;
                let mut back = back.iter().filter(|back| free.contains(&back.sending.id));
                back.try_for_each(|back| it.store(back))
            })
        })?;
        self.senders.back.clear();
        raise_interrupt();
        Ok(None)
    }

    /// What was not configured may be by now.
    pub fn look_at_all(&mut self) {
        self.steps.deliverer.look_at_all();
    }

    /// In a transaction of its own, since a notification can fail.
    fn tell(&mut self) -> Result<(), Error> {
        self.told = Instant::now();
        while !self.steps.deliverer.ended.is_empty() {
            self.steps.in_transaction(|it| {
                let count = it.ended.len().min(TOLD_AT_ONCE);
                let ids = it.ended.drain(..count);
                let ids: Vec<_> = ids.map(|id| id.to_string()).collect();
                // SAFETY: a function without arguments.
                let usage = unsafe {
                    direct_function_call::<f64>(pg_sys::pg_notification_queue_usage, &[])
                };
                if usage.is_some_and(|usage| usage > NEARLY_FULL) {
                    warn(Error::notification_queue_is_full());
                    return Ok(());
                }
                run(
                    c"SELECT pg_notify('neon_auth_admin', $1)",
                    &[Value::Text(Some(&ids.join(",")))],
                    |_| (),
                )?;
                Ok(())
            })?;
        }
        Ok(())
    }
}

/// A deliverer, whose steps are transactions.
struct Steps<T> {
    deliverer: Deliverer,
    transactions: T,
    /// Memory that lives no longer than a transaction.
    scratch: pg_sys::MemoryContext,
}

impl<T: Transactions> Steps<T> {
    fn in_transaction<R>(
        &mut self,
        work: impl FnOnce(&mut Deliverer) -> Result<R, Error>,
    ) -> Result<R, Error> {
        self.transactions.begin();
        // SAFETY: nothing that lives longer than a transaction is in it.
        unsafe {
            pg_sys::MemoryContextReset(self.scratch);
            pg_sys::MemoryContextSwitchTo(self.scratch);
        }
        keep_commits();
        let result = work(&mut self.deliverer)?;
        self.transactions.commit();
        // SAFETY: it lives as long as this.
        unsafe { pg_sys::MemoryContextSwitchTo(self.scratch) };
        Ok(result)
    }
}

impl<T> Drop for Steps<T> {
    fn drop(&mut self) {
        // SAFETY: nothing of it is needed any more, and it is left before.
        unsafe {
            if pg_sys::CurrentMemoryContext == self.scratch {
                pg_sys::MemoryContextSwitchTo((*self.scratch).parent);
            }
            pg_sys::MemoryContextDelete(self.scratch);
        }
    }
}

/// A memory context for what lives no longer than a transaction.
fn scratch() -> pg_sys::MemoryContext {
    // SAFETY: it is a part of the current one, and ends with it.
    unsafe {
        pg_sys::AllocSetContextCreateInternal(
            pg_sys::CurrentMemoryContext,
            c"neon_auth_admin queue".as_ptr(),
            pg_sys::ALLOCSET_DEFAULT_MINSIZE as usize,
            pg_sys::ALLOCSET_DEFAULT_INITSIZE as usize,
            pg_sys::ALLOCSET_DEFAULT_MAXSIZE as usize,
        )
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
