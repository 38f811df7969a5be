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
use crate::neon::http::in_words;
use crate::pg::allocator::has_room_for_thread;

thread_local! {
    static ADDRESSES: RefCell<Addresses> = RefCell::default();
    /// A look-up whose caller was interrupted. A second thread is not started while it runs.
    static LOOKUP: RefCell<Option<Lookup>> = const { RefCell::new(None) };
}

/// Of the thread: as much as Rust gives one by default.
const STACK: usize = 2 << 20;

/// A look-up on its own thread. The pipe becomes readable when the answer is there.
struct Lookup {
    host: String,
    started: Instant,
    answer: mpsc::Receiver<io::Result<Vec<IpAddr>>>,
    done: PipeReader,
}

impl Lookup {
    fn start(host: &str) -> io::Result<Self> {
        if !has_room_for_thread(STACK) {
            return Err(no_thread(&io::ErrorKind::OutOfMemory.into()));
        }
        let (done, alarm) = io::pipe()?;
        let (sender, answer) = mpsc::channel();
        let name = host.to_owned();
        let started = with_signals_blocked(|| {
            std::thread::Builder::new()
                .name("neon_auth_admin resolver".to_owned())
                .stack_size(STACK)
                .spawn(move || {
                    let found = (name.as_str(), 0)
                        .to_socket_addrs()
                        .map(|addresses| addresses.map(|address| address.ip()).collect());
                    // The receiver is gone when the backend gave up waiting.
                    let _ = sender.send(found);
                    drop(alarm);
                })
        });
        started.map_err(|error| no_thread(&error))?;
        Ok(Self {
            host: host.to_owned(),
            started: Instant::now(),
            answer,
            done,
        })
    }
}

fn no_thread(error: &io::Error) -> io::Error {
    let why = in_words(error);
    io::Error::other(format!(
        "no thread could be started to look the host up: {why}"
    ))
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
        let host = uri.host().unwrap_or_default();
        let default_port = if uri.scheme_str() == Some("http") {
            80
        } else {
            443
        };
        let port = uri.port_u16().unwrap_or(default_port);
        let found = look_up(host, deadline(timeout)).map_err(|why| why.into_error(timeout));
        let addresses = found?.into_iter().map(|ip| SocketAddr::new(ip, port));
        let mut resolved = self.empty();
        for address in config.ip_family().keep_wanted(addresses).take(16) {
            resolved.push(address);
        }
        if resolved.is_empty() {
            return Err(ureq::Error::HostNotFound);
        }
        Ok(resolved)
    }
}

/// Makes the next call look the host up again.
pub fn forget(host: &str) {
    ADDRESSES.with_borrow_mut(|addresses| addresses.forget(host));
}

/// The addresses of a host, as it stands in a URL.
pub fn look_up(host: &str, deadline: Option<Instant>) -> Result<Vec<IpAddr>, Failure> {
    if let Ok(literal) = host.trim_matches(['[', ']']).parse() {
        return Ok(vec![literal]);
    }
    let known = ADDRESSES
        .with_borrow(|addresses| addresses.get(host, Instant::now()).map(<[IpAddr]>::to_vec));
    if let Some(addresses) = known {
        return Ok(addresses);
    }
    loop {
        let (lookup, is_left_over) = match LOOKUP.take() {
            Some(left_over) => (left_over, true),
            None => (Lookup::start(host)?, false),
        };
        let readable = pg_sys::WL_SOCKET_READABLE;
        let answered = WaitSet::new(&lookup.done, readable)
            .and_then(|pipe| Ok(wait(Some(&pipe), readable, deadline, Event::Resolve)?));
        if let Err(failure) = answered {
            LOOKUP.set(Some(lookup));
            return Err(failure);
        }
        let gone = |_| io::Error::other("the look-up ended without an answer");
        let found = lookup.answer.recv().map_err(gone)?;
        // What an interrupted call had asked for may be another host, a failure of that time, or an
        // old answer. In any case its thread is free now.
        let now = Instant::now();
        let is_old = found.is_err() || !is_good(lookup.started, now);
        if lookup.host != host || (is_left_over && is_old) {
            continue;
        }
        let found = found.map_err(io::Error::other)?;
        ADDRESSES.with_borrow_mut(|addresses| {
            addresses.insert(host, found.clone(), lookup.started, now);
        });
        return Ok(found);
    }
}

/// A thread inherits the signal mask it is started with: none of Postgres' handlers can ever run on
/// one that is started here.
fn with_signals_blocked<T>(start: impl FnOnce() -> T) -> T {
    // SAFETY: both sets are initialized by the calls that fill them, and the old mask is restored.
    unsafe {
        let mut all = std::mem::MaybeUninit::uninit();
        let mut old = std::mem::MaybeUninit::uninit();
        libc::sigfillset(all.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), old.as_mut_ptr());
        let result = start();
        libc::pthread_sigmask(libc::SIG_SETMASK, old.as_ptr(), std::ptr::null_mut());
        result
    }
}
