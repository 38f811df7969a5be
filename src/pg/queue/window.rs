//! Owns which of the calls that are due is next: some of each lane at a time, in turn, and none of a lane that is
//! not configured or wants a rest. So no lane's calls are in the way of another's, and what is dead in an index is
//! passed once for many calls.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use super::calls::{Lane, Place, START, Scope};
use super::load::{self, New};
use crate::error::Error;

/// So many calls of a lane are looked for at a time.
const SIZE: i32 = 64;
/// Calls may appear before those that were seen, for which is looked that often.
const FROM_START: Duration = Duration::from_secs(1);
/// But looking takes no more of the time than this part, however much is dead.
const LOOKING: u32 = 20;

#[derive(Default)]
pub struct Window {
    calls: VecDeque<(i64, Lane)>,
    lanes: Vec<Lane>,
    /// Up to where each lane's calls have been seen.
    seen: HashMap<Lane, Place>,
    /// When it is to be looked from the start again.
    look_at: Option<Instant>,
    /// Whether something was done since all was looked at.
    has_moved: bool,
    /// Lanes that nothing can be sent on.
    blocked: Vec<Blocked>,
    /// Whether some that are new are in somebody else's hands. What was seen was queued before or after them.
    pub is_among_new: bool,
    resting: HashMap<Lane, Instant>,
}

/// A server, or an operation at it.
struct Blocked {
    server: String,
    operation: Option<String>,
}

pub enum Wish {
    Call(i64, Lane),
    Rest(Instant),
    /// Some that were new have become as any.
    Again,
    Nothing,
}

impl Window {
    pub fn next(&mut self, scope: &Scope) -> Result<Wish, Error> {
        let now = Instant::now();
        let count = self.resting.len();
        self.resting.retain(|_, until| *until > now);
        // Calls of it may have been passed over.
        self.has_moved |= self.resting.len() < count;
        if let Some(call) = self.pop() {
            return Ok(call);
        }
        let mut is_from_start = self.look_at.is_none_or(|at| at <= now);
        loop {
            let began = Instant::now();
            if is_from_start {
                self.calls.clear();
                self.seen.clear();
                self.has_moved = false;
                self.lanes = scope.lanes()?;
            }
            self.fill(scope)?;
            // After that: what was seen may have been queued after they were.
            match load::settle(scope.role)? {
                New::Settled => {
                    self.look_at = None;
                    self.calls.clear();
                    return Ok(Wish::Again);
                }
                new => self.is_among_new = new == New::Held,
            }
            if is_from_start {
                let pause = FROM_START.max(began.elapsed() * LOOKING);
                self.look_at = Some(began + pause);
            }
            if let Some(call) = self.pop() {
                return Ok(call);
            }
            if !self.has_moved {
                break;
            }
            is_from_start = true;
        }
        let resting = self.lanes.iter().filter(|lane| !self.is_blocked(lane));
        let resting = resting.filter_map(|lane| self.resting.get(lane)).min();
        Ok(resting.map_or(Wish::Nothing, |until| Wish::Rest(*until)))
    }

    /// The first that can be sent. Those of a lane that rests keep their places.
    fn pop(&mut self) -> Option<Wish> {
        let first = self
            .calls
            .iter()
            .position(|(_, lane)| !self.is_closed(lane));
        let (id, lane) = self.calls.remove(first?)?;
        Some(Wish::Call(id, lane))
    }

    /// There may be calls that nobody has seen.
    pub fn look_again(&mut self) {
        self.look_at = None;
    }

    /// With calls of each lane in turn.
    fn fill(&mut self, scope: &Scope) -> Result<(), Error> {
        let mut found: Vec<_> = Vec::new();
        for lane in &self.lanes {
            if self.is_closed(lane) {
                continue;
            }
            let after = self.seen.get(lane).copied().unwrap_or(START);
            let due = scope.due(lane, after, SIZE)?;
            if let Some(last) = due.last() {
                self.seen.insert(lane.clone(), *last);
            }
            let nth = due.into_iter().enumerate();
            found.extend(nth.map(|(n, place)| (n, place, lane)));
        }
        found.sort_by_key(|(n, place, _)| (*n, *place));
        let found = found.into_iter();
        self.calls
            .extend(found.map(|(_, (_, id), lane)| (id, lane.clone())));
        Ok(())
    }

    /// Something was done, so that other calls may be due now.
    pub fn moved(&mut self) {
        self.has_moved = true;
    }

    /// The server, or that operation at it.
    pub fn block(&mut self, lane: Lane, whole_server: bool) {
        self.has_moved = true;
        self.blocked.push(Blocked {
            server: lane.server,
            operation: (!whole_server).then_some(lane.operation),
        });
        let (blocked, calls) = (&self.blocked, &mut self.calls);
        calls.retain(|(_, lane)| !blocked.iter().any(|it| it.has(lane)));
    }

    pub fn unblock(&mut self) {
        self.blocked.clear();
        self.has_moved = true;
    }

    pub fn rest(&mut self, lane: Lane, until: Instant) {
        let rest = self.resting.entry(lane).or_insert(until);
        *rest = until.max(*rest);
    }

    /// A call that could not be sent yet keeps its place.
    pub fn put_back(&mut self, id: i64, lane: Lane) {
        self.calls.push_front((id, lane));
    }

    /// Whether nothing can be sent now.
    pub fn is_closed(&self, lane: &Lane) -> bool {
        self.is_blocked(lane) || self.resting.contains_key(lane)
    }

    pub fn is_blocked(&self, lane: &Lane) -> bool {
        self.blocked.iter().any(|blocked| blocked.has(lane))
    }
}

impl Blocked {
    fn has(&self, lane: &Lane) -> bool {
        let operation = self.operation.as_ref();
        self.server == lane.server && operation.is_none_or(|it| *it == lane.operation)
    }
}
