//! Owns the delivery of a role's calls, step by step: what is claimed in one transaction is sent outside of
//! any, and stored in another. It knows nothing of when transactions end, nor of who runs the steps.

use std::time::{Duration, Instant};

use super::calls::{Queued, Scope};
use super::fate::{Fate, begin_attempt, decide};
use super::lock::Lock;
use super::prepare::{Ready, Unready, prepare};
use super::table::now;
use super::window::{Window, Wish};
use super::{look, origin, table};
use crate::error::{Error, ErrorKind};
use crate::neon::client::new_request_id;
use crate::neon::queue::back_off::{after_attempt, after_crash, after_doubt};
use crate::neon::queue::verdict::{Verdict, judge};
use crate::pg::guc;
use crate::pg::role::Role;

/// After a 429 that does not say how long.
const REST: Duration = Duration::from_secs(1);
/// No answer is believed that asks for more.
const LONGEST_REST: Duration = Duration::from_secs(300);

pub struct Deliverer {
    scope: Scope,
    timeline: i32,
    /// Another one if the extension was dropped and created again meanwhile.
    table: pgrx::pg_sys::Oid,
    window: Window,
    /// Calls that have ended, of which nobody has been told.
    pub ended: Vec<i64>,
    _lock: Lock,
}

/// What is next.
pub enum Next {
    /// It is claimed: to be sent when that is committed.
    Send(Box<Sending>),
    /// Calls have changed; there may be more.
    Again,
    /// Something is due, and its server wants no calls before then.
    Rest(Instant),
    Nothing,
}

/// A call that is claimed, with all that it takes to send it.
pub struct Sending {
    call: Queued,
    ready: Ready,
    request_id: String,
}

impl Deliverer {
    /// `None` while another session delivers the calls of that role.
    pub fn of(role: Role) -> Result<Option<Self>, Error> {
        let Some(lock) = Lock::take(role) else {
            return Ok(None);
        };
        Ok(Some(Self {
            scope: Scope {
                role,
                origin: origin::here(),
            },
            timeline: origin::timeline(),
            table: table::oid()?,
            window: Window::default(),
            ended: Vec::new(),
            _lock: lock,
        }))
    }

    /// Takes up what a delivery left behind that ended with its process. A transaction of its own.
    pub fn recover(&mut self) -> Result<(), Error> {
        for mut call in self.scope.orphans()? {
            call.crashes += 1;
            call.in_doubt = true;
            match after_crash(call.crashes) {
                Some(wait) => {
                    let (until, why) = (later(wait), &Error::lost_delivery());
                    decide(&call, "sending", Fate::Waits { until, why })?;
                }
                None => {
                    let why = Error::crashed_delivery(call.crashes);
                    self.end(&call, "sending", Fate::Failed(&why))?;
                }
            }
        }
        self.scope.free_forgotten()?;
        Ok(())
    }

    /// Says of calls that were queued elsewhere that they are not sent from here, 1,000 at a time. Whether
    /// there are more. A transaction of its own.
    pub fn put_copies_aside(&self) -> Result<bool, Error> {
        self.scope.put_copies_aside(&Error::queued_elsewhere())
    }

    /// Claims what is next. A transaction of its own, to be flushed before anything is sent.
    pub fn claim(&mut self) -> Result<Next, Error> {
        if table::oid()? != self.table {
            return Err(Error::stale_extension("it was created again meanwhile"));
        }
        loop {
            let (id, server) = match self.window.next(&self.scope)? {
                Wish::Call(id, server) => (id, server),
                Wish::Rest(until) => return Ok(Next::Rest(until)),
                Wish::Nothing => {
                    return Ok(match self.scope.free_forgotten()? {
                        true => Next::Again,
                        false => Next::Nothing,
                    });
                }
            };
            if self.window.is_closed(&server) {
                continue;
            }
            let Some(call) = self.scope.lock_due(id)? else {
                continue;
            };
            match self.scope.hold_behind_earlier(&call)? {
                Some(false) => {}
                Some(true) => {
                    self.window.moved();
                    return Ok(Next::Again);
                }
                None => continue,
            }
            match self.take(call)? {
                Some(sending) => return Ok(Next::Send(Box::new(sending))),
                None => return Ok(Next::Again),
            }
        }
    }

    /// A call that is due, and locked.
    fn take(&mut self, mut call: Queued) -> Result<Option<Sending>, Error> {
        call.in_doubt |= call.timeline != self.timeline;
        match prepare(&call, self.scope.role) {
            Ok(ready) => {
                let request_id = new_request_id();
                begin_attempt(call.id, &request_id, call.in_doubt)?;
                call.attempts += 1;
                self.window.moved();
                return Ok(Some(Sending {
                    call,
                    ready,
                    request_id,
                }));
            }
            Err(Unready::MadeBefore(result)) => {
                self.end(&call, "waiting", Fate::Done(result))?;
            }
            Err(Unready::Failed(why)) => self.end(&call, "waiting", Fate::Failed(&why))?,
            Err(Unready::Blocked { why, operation }) => {
                // It keeps its place.
                let until = call.next_attempt_at.unwrap_or_else(now);
                decide(&call, "waiting", Fate::Waits { until, why: &why })?;
                self.window.block(call.server, operation);
            }
        }
        Ok(None)
    }

    /// What came of it is stored. A transaction of its own.
    pub fn store(
        &mut self,
        sending: Sending,
        result: Result<Option<String>, Error>,
    ) -> Result<(), Error> {
        let Sending {
            mut call, ready, ..
        } = sending;
        if table::oid()? != self.table {
            return Err(Error::stale_extension("it was created again meanwhile"));
        }
        let done = |id: Option<String>| Fate::Done(ready.call.result(id.as_deref()));
        let error = match result {
            Ok(id) => {
                call.failing_since = None;
                return self.end(&call, "sending", done(id));
            }
            Err(error) => error,
        };
        let verdict = judge(&error, ready.operation, call.in_doubt);
        let rest = ready.rest(&error);
        let mut error = ready.session.complete(error);
        match verdict {
            Verdict::MadeBefore => {
                let id = look::id_of(&ready.session, &ready.call);
                return self.end(&call, "sending", done(id));
            }
            Verdict::GoneBefore if look::is_gone(&ready.session, &ready.call) => {
                return self.end(&call, "sending", done(None));
            }
            Verdict::GoneBefore | Verdict::Failed => {
                return self.end(&call, "sending", Fate::Failed(&error));
            }
            Verdict::Configuration => {
                let until = call.next_attempt_at.unwrap_or_else(now);
                decide(&call, "sending", Fate::Waits { until, why: &error })?;
                self.window.block(call.server, None);
                return Ok(());
            }
            Verdict::InDoubt | Verdict::Again | Verdict::TooMany => {}
        }
        if error.kind == ErrorKind::Interrupted && verdict == Verdict::Again {
            let until = call.next_attempt_at.unwrap_or_else(now);
            let why = &Error::interrupted_delivery();
            decide(&call, "sending", Fate::Waits { until, why })?;
            return Ok(());
        }
        let since = *call.failing_since.get_or_insert_with(now);
        let patience = i64::try_from(guc::queue_give_up().as_micros()).unwrap_or(i64::MAX);
        call.in_doubt |= verdict == Verdict::InDoubt;
        if now().saturating_sub(since) >= patience {
            return self.end(&call, "sending", Fate::Failed(&error));
        }
        let jitter = fastrand::f64();
        let until = match verdict {
            Verdict::InDoubt => {
                error.kind = ErrorKind::OutcomeUnknown;
                // It says what a person would have to do.
                error.advice = None;
                later(after_doubt(call.attempts, jitter))
            }
            Verdict::TooMany => {
                let rest = rest.unwrap_or(REST).min(LONGEST_REST);
                self.window.rest(&call.server, Instant::now() + rest);
                call.next_attempt_at.unwrap_or_else(now)
            }
            _ => later(after_attempt(call.attempts, jitter)),
        };
        let why = &error;
        decide(&call, "sending", Fate::Waits { until, why })?;
        Ok(())
    }

    /// A call ends, and the next of its subject is free.
    fn end(&mut self, call: &Queued, state: &str, fate: Fate) -> Result<(), Error> {
        if decide(call, state, fate)? {
            self.scope.free_next(&call.server, &call.subject)?;
            self.ended.push(call.id);
        }
        self.window.moved();
        Ok(())
    }

    /// Removes what ended long ago, of the next 1,000 ids after `after`. The last of them, while there may be
    /// more. A transaction of its own.
    pub fn remove_old(&self, after: i64) -> Result<Option<i64>, Error> {
        let keep = i64::try_from(guc::queue_keep().as_micros()).unwrap_or(i64::MAX);
        self.scope.remove_old(after, now().saturating_sub(keep))
    }
}

impl Sending {
    /// Sends it, outside of any transaction that matters. The id of a new user, or nothing to tell.
    pub fn send(&self) -> Result<Option<String>, Error> {
        self.ready.send(&self.request_id)
    }
}

fn later(wait: Duration) -> i64 {
    now().saturating_add(i64::try_from(wait.as_micros()).unwrap_or(i64::MAX))
}
