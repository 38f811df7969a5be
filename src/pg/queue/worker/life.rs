//! Owns the life of a worker between connecting and leaving: it delivers, waits for more, and goes when nobody
//! needs it. It knows nothing of processes, and of a delivery only when it is to go on.

// Ends transactions, and reads variables of the backend.
#![allow(unsafe_code)]

use std::ffi::c_int;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use pgrx::pg_sys::panic::CaughtError;
use pgrx::{PgTryBuilder, pg_sys};

use super::settings;
use super::transactions::InWorker;
use crate::error::Error;
use crate::pg::guc;
use crate::pg::queue::deliver::Deliverer;
use crate::pg::queue::delivery::{Delivery, Transactions};
use crate::pg::queue::lock::is_any_prepared;
use crate::pg::queue::posts::{Post, Whose, is_to_make_room, me, wanted};
use crate::pg::queue::start::start_again;
use crate::pg::queue::table;
use crate::pg::queue::wake::can_deliver;
use crate::pg::report::warn;
use crate::pg::role::Role;
use crate::pg::wait::{Event, nap};

/// A worker looks by itself that often: what wakes it must not be all that there is.
const LOOK: Duration = Duration::from_secs(1);
/// Also at what could not be sent to for want of configuration.
const LOOK_AT_ALL: Duration = Duration::from_secs(60);
/// For so long it delivers without looking at anything else.
const TURN: Duration = Duration::from_secs(30);
/// After an error of Postgres', and at most.
const FIRST_REST: Duration = Duration::from_secs(1);
const LONGEST_REST: Duration = Duration::from_secs(60);

pub struct Life {
    role: Role,
    post: &'static Post,
    born: Instant,
    /// Which table it is of.
    table: pg_sys::Oid,
    looked_for_others: Instant,
    makes_room: bool,
    failures: u32,
    last_failure: Option<String>,
}

/// Why a worker does not go on as it was.
enum End {
    /// Nothing is to be done, as of that number of commits.
    Idle(u64),
    /// It begins anew.
    Again,
    /// It is to leave, whatever there is to do.
    Stop,
    /// The same, and somebody is to start it again.
    Yield,
}

impl Life {
    pub fn new(role: Role, post: &'static Post) -> Self {
        let now = Instant::now();
        Self {
            role,
            post,
            born: now,
            table: pg_sys::InvalidOid,
            looked_for_others: now,
            makes_room: false,
            failures: 0,
            last_failure: None,
        }
    }

    /// Until the process is to end: with that code.
    pub fn live(mut self) -> c_int {
        settings::fix();
        loop {
            match self.deliver() {
                // Somebody has committed since, and has seen this worker.
                End::Idle(count) if !self.post.wake_up.leave(me(), count) => {}
                End::Again => {}
                End::Idle(_) => break,
                End::Stop => {
                    self.post.wake_up.end(me());
                    // Whoever calls something when the reason is gone finds what is left.
                    self.post.is_looked_after.store(false, Ordering::Relaxed);
                    break;
                }
                End::Yield => {
                    self.post.wait_for_turn();
                    self.post.wake_up.end(me());
                    break;
                }
            }
        }
        // The postmaster starts it again soon, and then it is somebody else's: see `take_post`.
        c_int::from(self.makes_room || self.others_wanted().next().is_some())
    }

    /// Of whom a worker is wanted and could not be started.
    fn others_wanted(&self) -> impl Iterator<Item = Whose> + use<> {
        let own = Whose::here(self.role);
        wanted().into_iter().filter(move |whose| *whose != own)
    }

    /// The lock ends with it, before anybody else can have the post.
    fn deliver(&mut self) -> End {
        let role = self.role;
        let mut oid = pg_sys::InvalidOid;
        let deliverer = self.attempt(|| {
            InWorker.begin();
            oid = table::oid()?;
            let deliverer = match settings::acts_as(role) {
                // Without one, a session delivers that has no post: its library is an older one.
                true => Deliverer::of(role)?,
                false => None,
            };
            if deliverer.is_none() {
                warn(Error::not_for_worker(&role.to_string()));
            }
            InWorker.commit();
            Ok(deliverer)
        });
        self.table = oid;
        match deliverer {
            Ok(Some(deliverer)) => match Delivery::new(deliverer, InWorker) {
                Ok(delivery) => self.deliver_until_idle(delivery),
                Err(error) => {
                    warn(error);
                    self.after_failure()
                }
            },
            Ok(None) => End::Stop,
            Err(()) => self.after_failure(),
        }
    }

    fn deliver_until_idle(&mut self, mut delivery: Delivery<InWorker>) -> End {
        let mut idle_since: Option<Instant> = None;
        let mut last_count = None;
        let mut looked_at_all = Instant::now();
        loop {
            if let Some(end) = self.serve() {
                return end;
            }
            let count = self.post.wake_up.count();
            if last_count.replace(count) != Some(count) || looked_at_all.elapsed() > LOOK_AT_ALL {
                idle_since = None;
                looked_at_all = Instant::now();
                delivery.look_at_all();
            }
            // Before it looks for calls: nobody else looks for those of one that ends meanwhile.
            let was_any_prepared = idle_since.map(|_| self.is_any_prepared());
            let due = match self.attempt(|| delivery.deliver(Some(Instant::now() + TURN))) {
                Ok(due) => {
                    self.failures = 0;
                    self.last_failure = None;
                    due
                }
                Err(()) => match self.after_failure() {
                    // What is under way is not lost.
                    End::Again => continue,
                    end => return end,
                },
            };
            let now = Instant::now();
            let mut nap_until = now + LOOK;
            if let Some(due) = due {
                idle_since = None;
                // A delivery ends before its time where nothing is due until then.
                if self.born.elapsed() + LOOK >= TURN && self.is_to_make_room() {
                    return End::Yield;
                }
                nap_until = nap_until.min(due);
            } else {
                let since = *idle_since.get_or_insert(now);
                let linger = match self.is_to_make_room() {
                    true => Duration::ZERO,
                    false => guc::queue_linger().unwrap_or_default(),
                };
                nap_until = nap_until.min(since + linger);
                if since + linger <= now {
                    match was_any_prepared {
                        None => continue,
                        Some(false) => return End::Idle(count),
                        Some(true) if self.makes_room => return End::Yield,
                        Some(true) => nap_until = now + LOOK,
                    }
                }
            }
            if nap_until > now {
                nap(nap_until - now, Event::QueueIdle);
            }
        }
    }

    /// What has nothing to do with calls; and why it is to leave, if it is.
    fn serve(&mut self) -> Option<End> {
        // SAFETY: a variable of the backend, and what Postgres' own workers do about it.
        unsafe {
            if pg_sys::ConfigReloadPending != 0 {
                pg_sys::ConfigReloadPending = 0;
                pg_sys::ProcessConfigFile(pg_sys::GucContext::PGC_SIGHUP);
            }
        }
        let is_stopped = guc::queue_connections() == 0 || guc::queue_linger().is_none();
        if is_stopped || guc::is_dry_run() || !can_deliver() {
            return Some(End::Stop);
        }
        if self.looked_for_others.elapsed() > LOOK {
            self.looked_for_others = Instant::now();
            self.others_wanted().for_each(start_again);
        }
        None
    }

    /// Whether this worker is to leave for one of another role.
    fn is_to_make_room(&mut self) -> bool {
        self.makes_room = self.makes_room || is_to_make_room(Whose::here(self.role));
        self.makes_room
    }

    fn is_any_prepared(&mut self) -> bool {
        let whose = Whose::here(self.role);
        let is_any = self.attempt(|| {
            InWorker.begin();
            let is_any = is_any_prepared(whose);
            InWorker.commit();
            Ok(is_any)
        });
        is_any.unwrap_or(true)
    }

    /// The extension was dropped, and perhaps created again.
    fn is_another_table(&mut self) -> bool {
        let before = self.table;
        let found = self.attempt(|| {
            InWorker.begin();
            let found = table::oid();
            InWorker.commit();
            Ok(found.is_ok_and(|oid| oid == before))
        });
        found != Ok(true)
    }

    /// It goes on after a rest.
    fn after_failure(&mut self) -> End {
        if self.is_another_table() {
            return End::Stop;
        }
        let rest = FIRST_REST.saturating_mul(1 << self.failures.min(6));
        self.failures += 1;
        nap(rest.min(LONGEST_REST), Event::QueueIdle);
        End::Again
    }

    /// What is raised ends the transaction and not the process. It is logged, but not again and again.
    fn attempt<T>(&mut self, work: impl FnOnce() -> Result<T, Error>) -> Result<T, ()> {
        let raised = |caught: CaughtError| {
            let (CaughtError::PostgresError(report)
            | CaughtError::ErrorReport(report)
            | CaughtError::RustPanic {
                ereport: report, ..
            }) = caught;
            Err(report.message().to_owned())
        };
        let mut work = Some(work);
        let attempt = AssertUnwindSafe(|| match work.take() {
            Some(work) => work().map_err(|error| error.message),
            None => Err(String::new()),
        });
        let result = PgTryBuilder::new(attempt)
            .catch_others(raised)
            .catch_rust_panic(raised)
            .execute();
        result.map_err(|message| {
            // SAFETY: as Postgres' own main loops do after an error; of one that Rust has raised, Postgres
            // knows nothing yet.
            unsafe {
                pg_sys::InterruptHoldoffCount = 1;
                pg_sys::QueryCancelHoldoffCount = 0;
                pg_sys::AbortCurrentTransaction();
                pg_sys::InterruptHoldoffCount = 0;
            }
            if self.last_failure.as_ref() != Some(&message) {
                warn(Error::delivery_failed(&message));
                self.last_failure = Some(message);
            }
        })
    }
}
