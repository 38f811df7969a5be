//! Owns the delivery of a role's calls, step by step: what is claimed in one transaction is sent outside of
//! any, and stored in another. It knows nothing of when transactions end, nor of who runs the steps.

mod others;
mod recover;
mod rows;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::buckets::Name;
use super::calls::{Lane, Queued, Scope};
use super::fate::{Fate, begin_attempt, begin_writing, decide};
use super::load;
use super::lock::Lock;
use super::prepare::{Ready, Unready, prepare};
use super::senders::Back;
use super::sync_user::step::{Step, next_step};
use super::table::now;
use super::window::{Window, Wish};
use super::{buckets, look, origin, table};
use crate::error::{Advice, Error, ErrorKind};
use crate::neon::client::new_request_id;
use crate::neon::queue::back_off::{after_attempt, after_doubt};
use crate::neon::queue::call::{Call, Operation};
use crate::neon::queue::parcel::{Parcel, Returned};
use crate::neon::queue::verdict::{Verdict, judge};
use crate::pg::guc;
use crate::pg::role::Role;
use crate::pg::session::Session;

pub struct Deliverer {
    scope: Scope,
    timeline: i32,
    /// Another one if the extension was dropped and created again meanwhile.
    table: pgrx::pg_sys::Oid,
    window: Window,
    /// Ids of calls that are being sent, as far as this process knows.
    sent: Vec<i64>,
    /// Calls that have ended, of which nobody has been told.
    pub ended: Vec<i64>,
    /// Calls that rows wait for which are made: they need no turn among those that are yet to be sent.
    made: VecDeque<(i64, Lane)>,
    lock: Lock,
}

/// What is next.
pub enum Next {
    /// It is claimed: to be sent when that is committed.
    Send(Box<Sending>),
    /// It is claimed as well: a row waits for what it has made.
    Write(Box<Queued>),
    /// Calls have changed; there may be more.
    Again,
    /// Something is due, and nothing may be sent before then.
    Rest(Instant),
    Nothing,
}

/// A call that is claimed, with all that it takes to send it, and to make something of the answer.
pub struct Sending {
    pub id: i64,
    pub request_id: String,
    /// Until it is given away.
    pub parcel: Option<Parcel>,
    queued: Queued,
    operation: Operation,
    call: Call,
    session: Session,
    /// Where its token comes from.
    bucket: Name,
}

impl Deliverer {
    /// `None` while another session delivers the calls of that role.
    pub fn of(role: Role) -> Result<Option<Self>, Error> {
        let Some(lock) = Lock::take(role) else {
            return Ok(None);
        };
        buckets::prepare();
        Ok(Some(Self {
            scope: Scope {
                role,
                origin: origin::here(),
            },
            timeline: origin::timeline(),
            table: table::oid()?,
            window: Window::default(),
            sent: Vec::new(),
            ended: Vec::new(),
            made: VecDeque::new(),
            lock,
        }))
    }

    /// Claims what is next. A transaction of its own, to be flushed before anything is sent.
    pub fn claim(&mut self) -> Result<Next, Error> {
        if table::oid()? != self.table {
            return Err(Error::stale_extension("it was created again meanwhile"));
        }
        // Or they would be made with another's rights.
        if Role::in_effect() != self.scope.role {
            return Err(Error::another_role(&self.scope.role.to_string()));
        }
        loop {
            let wish = match self.made.pop_front() {
                Some((id, lane)) => Wish::Call(id, lane),
                None => self.window.next(&self.scope)?,
            };
            let (id, lane) = match wish {
                Wish::Call(id, lane) => (id, lane),
                Wish::Rest(until) => return Ok(Next::Rest(until)),
                Wish::Again => return Ok(Next::Again),
                Wish::Nothing => {
                    return Ok(match self.scope.free_forgotten()? {
                        true => Next::Again,
                        false => Next::Nothing,
                    });
                }
            };
            let Some(call) = self.scope.lock_due(id)? else {
                continue;
            };
            let (role, of) = (self.scope.role, (&call.server, &call.subject));
            if self.window.is_among_new && !load::settle_free_of(role, of.0, of.1)? {
                continue;
            }
            match self.scope.hold_behind_earlier(&call, &self.sent)? {
                Some(false) => {}
                Some(true) => {
                    self.window.moved();
                    return Ok(Next::Again);
                }
                None => continue,
            }
            return self.take(call, lane);
        }
    }

    /// A call that is due, and locked.
    fn take(&mut self, mut call: Queued, lane: Lane) -> Result<Next, Error> {
        call.in_doubt |= call.timeline != self.timeline;
        match next_step(&call, self.scope.role) {
            Step::Send => {}
            Step::Write => {
                begin_writing(call.id)?;
                self.window.moved();
                return Ok(Next::Write(Box::new(call)));
            }
            step => {
                self.do_step(call, "waiting", step)?;
                return Ok(Next::Again);
            }
        }
        match prepare(&call, self.scope.role) {
            Ok(ready) => return self.begin(call, lane, ready),
            Err(Unready::MadeBefore {
                result,
                is_from_before,
            }) => self.found(&call, "waiting", result, is_from_before)?,
            Err(Unready::Failed(why)) => self.end(&call, "waiting", Fate::Failed(&why))?,
            Err(Unready::Blocked { why, operation }) => {
                // It keeps its place.
                let until = call.next_attempt_at.unwrap_or_else(now);
                decide(&call, "waiting", Fate::Waits { until, why: &why })?;
                self.window.block(lane, operation.is_none());
            }
        }
        Ok(Next::Again)
    }

    /// With everything that it takes to send it but a token.
    fn begin(&mut self, mut call: Queued, lane: Lane, ready: Ready) -> Result<Next, Error> {
        let Ready {
            operation,
            call: what,
            session,
            request,
        } = ready;
        let Some((place, key)) = session.place_and_key() else {
            return Err(Error::dry_run());
        };
        let bucket = Name::of(place, key.expose(), operation.name());
        if let Err(later) = buckets::take(bucket) {
            self.window.put_back(call.id, lane.clone());
            self.window.rest(lane, later);
            return Ok(Next::Again);
        }
        let request_id = new_request_id();
        begin_attempt(call.id, &request_id, call.in_doubt)?;
        call.attempts += 1;
        self.sent.push(call.id);
        self.window.moved();
        Ok(Next::Send(Box::new(Sending {
            id: call.id,
            parcel: session.parcel(request, &request_id),
            request_id,
            queued: call,
            operation,
            call: what,
            session,
            bucket,
        })))
    }

    /// The ids of those of which nobody stands in the way: for who may not wait. They are locked.
    pub fn lock_sent(&self, back: &[Back]) -> Result<Vec<i64>, Error> {
        let ids: Vec<_> = back.iter().map(|back| back.sending.id).collect();
        self.scope.lock_sent(&ids)
    }

    /// What came of it is stored. A transaction of its own.
    pub fn store(&mut self, back: &Back) -> Result<(), Error> {
        let (sending, result) = (&back.sending, &back.result);
        let mut call = sending.queued.clone();
        self.sent.retain(|id| *id != call.id);
        // It may wait again, in a lane where nothing else did.
        self.window.moved();
        if table::oid()? != self.table {
            return Err(Error::stale_extension("it was created again meanwhile"));
        }
        let result_of = |id: Option<String>| sending.call.result(id.as_deref());
        let error = match result {
            Ok(id) => {
                call.failing_since = None;
                return self.done(&call, "sending", result_of(id.clone()));
            }
            Err(error) => error,
        };
        let mut verdict = judge(error, sending.operation, call.in_doubt);
        let rest = match error.advice {
            Some(Advice::SlowDown(rest)) => rest,
            _ => None,
        };
        if error.kind == ErrorKind::Unreachable {
            buckets::give_back(sending.bucket);
        }
        let mut error = sending.session.complete(error.clone());
        match verdict {
            Verdict::MadeBefore => {
                let id = look::id_of(&sending.session, &sending.call);
                if !call.waits_for_row() {
                    return self.end(&call, "sending", Fate::Done(result_of(id)));
                }
                if let Some(id) = id {
                    let was_there = look::was_there(&sending.session, &id, call.enqueued_at);
                    return self.found(&call, "sending", result_of(Some(id)), was_there);
                }
                error = Error::id_not_known();
                verdict = Verdict::InDoubt;
            }
            Verdict::Missing if look::is_gone(&sending.session, &sending.call) => {
                let was_deleted = call.in_doubt && sending.operation == Operation::DeleteUser;
                return match was_deleted {
                    true => self.end(&call, "sending", Fate::Done(result_of(None))),
                    false => self.fail(&call, sending, error),
                };
            }
            Verdict::Failed => return self.fail(&call, sending, error),
            Verdict::Configuration => {
                let until = call.next_attempt_at.unwrap_or_else(now);
                decide(&call, "sending", Fate::Waits { until, why: &error })?;
                self.window.block(call.lane(), true);
                return Ok(());
            }
            // One whose user is missing is in nobody's way.
            Verdict::Missing | Verdict::InDoubt | Verdict::Again | Verdict::TooMany => {}
        }
        call.in_doubt |= verdict == Verdict::InDoubt;
        if is_given_up(&mut call) {
            return self.end(&call, "sending", Fate::Failed(&error));
        }
        let jitter = fastrand::f64();
        let until = match verdict {
            Verdict::InDoubt => {
                error.kind = ErrorKind::OutcomeUnknown;
                // It says what a person would have to do.
                error.advice = None;
                let mut wait = after_doubt(call.attempts, jitter);
                if back.is_given_up {
                    wait = wait.max(sending.session.time_left());
                }
                later(wait)
            }
            Verdict::TooMany => {
                let until = buckets::refuse(sending.bucket, rest);
                self.window.rest(call.lane(), until);
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

    /// There may be calls that nobody has seen.
    pub fn look_again(&mut self) {
        self.window.look_again();
    }

    /// Also for servers that nothing could be sent to.
    pub fn look_at_all(&mut self) {
        self.window.unblock();
    }
}

impl Sending {
    /// Writes down what a thread has done.
    pub fn log(&self, returned: &Returned) {
        self.session.log(returned);
    }
}

fn later(wait: Duration) -> i64 {
    now().saturating_add(i64::try_from(wait.as_micros()).unwrap_or(i64::MAX))
}

/// Whether it has failed for long enough.
fn is_given_up(call: &mut Queued) -> bool {
    call.failing_since.get_or_insert_with(now);
    failing_for(call) >= guc::queue_give_up()
}

fn failing_for(call: &Queued) -> Duration {
    let since = call.failing_since.unwrap_or_else(now);
    let micros = u64::try_from(now().saturating_sub(since)).unwrap_or_default();
    Duration::from_micros(micros)
}
