//! Owns which of the calls that are due is next: some of each server at a time, in turn, and none of a server
//! that is not configured or wants a rest. So no server's calls are in the way of another's, and what is
//! dead in an index is passed once for many calls.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use super::calls::{Place, START, Scope};
use crate::error::Error;
use crate::neon::queue::call::Operation;

/// So many calls of a server are looked for at a time.
const SIZE: i32 = 64;
/// Calls may appear before those that were seen, for which is looked that often.
const FROM_START: Duration = Duration::from_secs(1);

#[derive(Default)]
pub struct Window {
    calls: VecDeque<(i64, String)>,
    /// Up to where each server's calls have been seen.
    seen: HashMap<String, Place>,
    /// Since when.
    since: Option<Instant>,
    /// Whether something was done since all was looked at.
    has_moved: bool,
    /// Servers that nothing can be sent to, or none of that operation, as long as this is.
    blocked: Vec<(String, Option<Operation>)>,
    resting: HashMap<String, Instant>,
}

pub enum Wish {
    Call(i64, String),
    Rest(Instant),
    Nothing,
}

impl Window {
    pub fn next(&mut self, scope: &Scope) -> Result<Wish, Error> {
        if let Some((id, server)) = self.calls.pop_front() {
            return Ok(Wish::Call(id, server));
        }
        if self.since.is_none_or(|since| since.elapsed() > FROM_START) {
            self.look_from_start();
        }
        let servers = scope.servers()?;
        loop {
            self.fill(scope, &servers)?;
            if let Some((id, server)) = self.calls.pop_front() {
                return Ok(Wish::Call(id, server));
            }
            if !self.has_moved {
                break;
            }
            self.look_from_start();
        }
        let open = servers.iter().filter(|server| !self.is_blocked(server));
        let resting = open.filter_map(|server| self.rests_until(server));
        Ok(resting.min().map_or(Wish::Nothing, Wish::Rest))
    }

    fn look_from_start(&mut self) {
        self.seen.clear();
        self.since = Some(Instant::now());
        self.has_moved = false;
    }

    /// With calls of each server in turn.
    fn fill(&mut self, scope: &Scope, servers: &[String]) -> Result<(), Error> {
        let mut found = Vec::new();
        for server in servers {
            if self.is_closed(server) {
                continue;
            }
            let of_it = self.blocked.iter().filter(|(blocked, _)| blocked == server);
            let except: Vec<_> = of_it
                .filter_map(|(_, one)| one.map(Operation::name))
                .collect();
            let after = self.seen.get(server).copied().unwrap_or(START);
            let due = scope.due(server, after, &except, SIZE)?;
            if let Some((_, last)) = due.last() {
                self.seen.insert(server.clone(), *last);
            }
            let nth = due.into_iter().enumerate();
            found.extend(nth.map(|(n, (id, _))| (n, id, server)));
        }
        found.sort_by_key(|(n, ..)| *n);
        self.calls = found
            .into_iter()
            .map(|(_, id, server)| (id, server.clone()))
            .collect();
        Ok(())
    }

    /// Something was done, so that other calls may be due now.
    pub fn moved(&mut self) {
        self.has_moved = true;
    }

    pub fn block(&mut self, server: String, operation: Option<Operation>) {
        self.calls.retain(|(_, other)| *other != server);
        // Some of them may be of other operations.
        self.has_moved = true;
        self.blocked.push((server, operation));
    }

    pub fn rest(&mut self, server: &str, until: Instant) {
        self.has_moved = true;
        self.resting.insert(server.to_owned(), until);
    }

    fn rests_until(&self, server: &str) -> Option<Instant> {
        let until = self.resting.get(server).copied();
        until.filter(|until| *until > Instant::now())
    }

    /// Whether nothing can be sent to it now.
    pub fn is_closed(&self, server: &str) -> bool {
        self.is_blocked(server) || self.rests_until(server).is_some()
    }

    fn is_blocked(&self, server: &str) -> bool {
        let mut whole = self
            .blocked
            .iter()
            .filter(|(_, operation)| operation.is_none());
        whole.any(|(blocked, _)| blocked == server)
    }
}
