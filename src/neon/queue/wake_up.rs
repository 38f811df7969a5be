//! Owns how those who commit calls and the one who delivers them find each other, without a lock: no call is
//! left to nobody, and no two deliver. It knows neither what a call is nor what a process is.
//!
//! Who commits writes `calls` and then reads `worker`; who leaves writes `worker` and then reads `calls`. So at
//! least one of them sees the other. All of it are read-modify-writes: they have an order that both agree on.

use std::sync::atomic::{AtomicU64, Ordering};

/// A number that processes share.
pub trait Word {
    fn get(&self) -> u64;
    fn increment(&self);
    /// Whether it was `from`.
    fn change(&self, from: u64, to: u64) -> bool;
}

impl Word for AtomicU64 {
    fn get(&self) -> u64 {
        self.fetch_add(0, Ordering::SeqCst)
    }

    fn increment(&self) {
        self.fetch_add(1, Ordering::SeqCst);
    }

    fn change(&self, from: u64, to: u64) -> bool {
        let changed = self.compare_exchange(from, to, Ordering::SeqCst, Ordering::SeqCst);
        changed.is_ok()
    }
}

/// A process that delivers: where the server keeps it, below 2³⁰, and its number in the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Id {
    pub place: u32,
    pub pid: u32,
}

/// In milliseconds, of a clock that all processes share and nobody sets.
pub type Time = u64;

/// A worker that has not begun by then never will.
const TO_START: Time = 10_000;

const FREE: u64 = 0;
const STARTING: u64 = 1 << 62;
const RUNNING: u64 = 1 << 63;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Worker {
    Free,
    Starting(Time),
    Running(Id),
}

impl Worker {
    fn of(word: u64) -> Self {
        if word & RUNNING != 0 {
            Self::Running(Id {
                place: ((word & !RUNNING) >> 32) as u32,
                pid: word as u32,
            })
        } else if word & STARTING != 0 {
            Self::Starting(word & !STARTING)
        } else {
            Self::Free
        }
    }

    fn word(self) -> u64 {
        match self {
            Self::Free => FREE,
            Self::Starting(since) => STARTING | since,
            Self::Running(id) => RUNNING | u64::from(id.place) << 32 | u64::from(id.pid),
        }
    }
}

/// What is shared of the calls of one role. All of it is zero at first.
pub struct WakeUp<W> {
    /// How often some were committed.
    calls: W,
    worker: W,
}

/// What has to be done about calls that were committed.
#[derive(Debug, PartialEq, Eq)]
pub enum Action {
    /// A worker is about to look for them.
    Nothing,
    /// This one may be asleep.
    Wake(Id),
    /// There is none, and it is for the caller to start one, or to say that it could not.
    Start(Time),
}

/// Who delivers, as it is seen by somebody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    Nobody,
    Starting,
    Running(Id),
}

impl<W: Word> WakeUp<W> {
    /// To be called when they can be seen.
    pub fn committed(&self, now: Time, is_alive: impl Fn(Id) -> bool) -> Action {
        self.calls.increment();
        self.wanted(now, is_alive)
    }

    /// The same, where nothing is new.
    pub fn wanted(&self, now: Time, is_alive: impl Fn(Id) -> bool) -> Action {
        loop {
            let seen = self.worker.get();
            match Worker::of(seen) {
                Worker::Running(id) if is_alive(id) => return Action::Wake(id),
                Worker::Starting(since) if is_young(since, now) => return Action::Nothing,
                _ => {}
            }
            if self.worker.change(seen, Worker::Starting(now).word()) {
                return Action::Start(now);
            }
        }
    }

    /// After [`Action::Start`], where no worker can be started.
    pub fn cannot_start(&self, since: Time) {
        self.worker.change(Worker::Starting(since).word(), FREE);
    }

    /// Whether somebody has asked for a worker that is not there yet.
    pub fn is_starting(&self) -> bool {
        matches!(Worker::of(self.worker.get()), Worker::Starting(_))
    }

    /// Whether this process is to deliver: not while another one does.
    pub fn enter(&self, me: Id, is_alive: impl Fn(Id) -> bool) -> bool {
        loop {
            let seen = self.worker.get();
            if matches!(Worker::of(seen), Worker::Running(id) if is_alive(id)) {
                return false;
            }
            if self.worker.change(seen, Worker::Running(me).word()) {
                return true;
            }
        }
    }

    /// To be read before one looks for calls, for [`Self::leave`].
    pub fn count(&self) -> u64 {
        self.calls.get()
    }

    /// Ends the delivery, and says whether that is so: calls that were committed since `count` was read are
    /// this worker's to look for, unless another one has begun.
    pub fn leave(&self, me: Id, count: u64) -> bool {
        let me = Worker::Running(me).word();
        !(self.worker.change(me, FREE) && self.calls.get() != count && self.worker.change(FREE, me))
    }

    /// Ends the delivery, whatever there is to do.
    pub fn end(&self, me: Id) {
        self.worker.change(Worker::Running(me).word(), FREE);
    }

    /// For another role, when nobody has anything to do with it any more.
    pub fn forget(&self) {
        let seen = self.worker.get();
        self.worker.change(seen, FREE);
    }

    /// Whether nobody has anything to do with it.
    pub fn is_idle(&self, now: Time, is_alive: impl Fn(Id) -> bool) -> bool {
        self.seen(now, is_alive) == Seen::Nobody
    }

    /// Who delivers.
    pub fn seen(&self, now: Time, is_alive: impl Fn(Id) -> bool) -> Seen {
        match Worker::of(self.worker.get()) {
            Worker::Starting(since) if is_young(since, now) => Seen::Starting,
            Worker::Running(id) if is_alive(id) => Seen::Running(id),
            _ => Seen::Nobody,
        }
    }
}

fn is_young(since: Time, now: Time) -> bool {
    now.saturating_sub(since) < TO_START
}

#[cfg(test)]
mod tests;
