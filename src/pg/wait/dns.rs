//! Owns the look-up of host names: ureq's resolver, whose only thread is the one that asks the
//! system, and whose answers are kept for a minute.

use std::cell::RefCell;
use std::io::{self, PipeReader};
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::mpsc;
use std::time::Instant;

use pgrx::pg_sys;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

use super::{Event, Failure, WaitSet, deadline, wait};
use crate::neon::http::addresses::{Addresses, is_good};
use crate::pg::threads;

thread_local! {
    static LOOK_UPS: RefCell<LookUps> = RefCell::default();
}

/// What is known, and a look-up whose caller was interrupted. A second thread is not started while it runs.
#[derive(Debug, Default)]
pub struct LookUps {
    addresses: Addresses,
    left_over: Option<LookUp>,
}

/// A look-up on its own thread. The pipe becomes readable when the answer is there.
#[derive(Debug)]
struct LookUp {
    host: String,
    started: Instant,
    answer: mpsc::Receiver<io::Result<Vec<IpAddr>>>,
    done: PipeReader,
}

impl LookUp {
    fn start(host: &str) -> io::Result<Self> {
        let (done, alarm) = io::pipe()?;
        let (sender, answer) = mpsc::channel();
        let name = host.to_owned();
        threads::start("resolver", "look the host up", move || {
            let found = (name.as_str(), 0)
                .to_socket_addrs()
                .map(|addresses| addresses.map(|address| address.ip()).collect());
            // The receiver is gone when whoever asked gave up waiting.
            let _ = sender.send(found);
            drop(alarm);
        })?;
        Ok(Self {
            host: host.to_owned(),
            started: Instant::now(),
            answer,
            done,
        })
    }
}

impl LookUps {
    /// Makes the next call look the host up again.
    pub fn forget(&mut self, host: &str) {
        self.addresses.forget(host);
    }

    /// The addresses of a host, as it stands in a URL. `wait` waits until a pipe is readable.
    pub fn find(
        &mut self,
        host: &str,
        wait: impl Fn(&PipeReader) -> Result<(), Failure>,
    ) -> Result<Vec<IpAddr>, Failure> {
        if let Ok(literal) = host.trim_matches(['[', ']']).parse() {
            return Ok(vec![literal]);
        }
        if let Some(addresses) = self.addresses.get(host, Instant::now()) {
            return Ok(addresses.to_vec());
        }
        loop {
            let (look_up, is_left_over) = match self.left_over.take() {
                Some(left_over) => (left_over, true),
                None => (LookUp::start(host)?, false),
            };
            if let Err(failure) = wait(&look_up.done) {
                self.left_over = Some(look_up);
                return Err(failure);
            }
            let gone = |_| io::Error::other("the look-up ended without an answer");
            let found = look_up.answer.recv().map_err(gone)?;
            // What an interrupted call had asked for may be another host, a failure of that time, or an
            // old answer. In any case its thread is free now.
            let now = Instant::now();
            let is_old = found.is_err() || !is_good(look_up.started, now);
            if look_up.host != host || (is_left_over && is_old) {
                continue;
            }
            let found = found.map_err(io::Error::other)?;
            self.addresses
                .insert(host, found.clone(), look_up.started, now);
            return Ok(found);
        }
    }
}

/// Finds addresses: literals at once, names on a helper thread, answers kept for a minute.
#[derive(Debug)]
pub struct LatchResolver;

impl Resolver for LatchResolver {
    fn resolve(
        &self,
        uri: &ureq::http::Uri,
        config: &ureq::config::Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let find = |host: &str| look_up(host, deadline(timeout));
        resolve(uri, config, self.empty(), timeout, find)
    }
}

/// What ureq wants to know, of what `find` finds.
pub fn resolve(
    uri: &ureq::http::Uri,
    config: &ureq::config::Config,
    mut resolved: ResolvedSocketAddrs,
    timeout: NextTimeout,
    find: impl FnOnce(&str) -> Result<Vec<IpAddr>, Failure>,
) -> Result<ResolvedSocketAddrs, ureq::Error> {
    let default_port = if uri.scheme_str() == Some("http") {
        80
    } else {
        443
    };
    let port = uri.port_u16().unwrap_or(default_port);
    let found = find(uri.host().unwrap_or_default()).map_err(|why| why.into_error(timeout));
    let addresses = found?.into_iter().map(|ip| SocketAddr::new(ip, port));
    for address in config.ip_family().keep_wanted(addresses).take(16) {
        resolved.push(address);
    }
    if resolved.is_empty() {
        return Err(ureq::Error::HostNotFound);
    }
    Ok(resolved)
}

/// Makes the next call look the host up again.
pub fn forget(host: &str) {
    LOOK_UPS.with_borrow_mut(|look_ups| look_ups.forget(host));
}

/// The addresses of a host, as it stands in a URL.
pub fn look_up(host: &str, deadline: Option<Instant>) -> Result<Vec<IpAddr>, Failure> {
    // A wait may serve an interrupt.
    let mut look_ups = LOOK_UPS.take();
    let found = look_ups.find(host, |pipe| {
        let readable = pg_sys::WL_SOCKET_READABLE;
        let waits = WaitSet::new(pipe, readable)?;
        Ok(wait(Some(&waits), readable, deadline, Event::Resolve)?)
    });
    LOOK_UPS.set(look_ups);
    found
}
