//! Owns every wait of a backend: the socket transport and the resolver that ureq uses, and the
//! pause between attempts. Each wait is on the backend's own latch, so that it can be cancelled and
//! terminated at once and takes part in barriers. It knows nothing of HTTP.

// The only unsafe code outside the glue to Postgres' own functions.
#![allow(unsafe_code)]

use std::any::Any;
use std::cell::RefCell;
use std::collections::HashMap;
use std::io::{self, PipeReader, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::os::fd::{AsRawFd, RawFd};
use std::panic::{catch_unwind, resume_unwind};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use pgrx::pg_sys;
use socket2::{Domain, Socket, Type};
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout, Transport,
};

use crate::neon::client::{Host, SleepInterrupted};
use crate::neon::http::{interrupted, is_interrupted};

thread_local! {
    /// An error that Postgres raised during a wait. It must not unwind through ureq, so it stays
    /// here until ureq has returned: see [`raise_interrupt`].
    static PARKED: RefCell<Option<Box<dyn Any + Send>>> = const { RefCell::new(None) };
    /// Addresses by host, each with the time it was found.
    static ADDRESSES: RefCell<HashMap<String, (Instant, Vec<IpAddr>)>> = RefCell::default();
    /// A look-up whose caller was interrupted. A second thread is not started while it runs.
    static LOOKUP: RefCell<Option<Lookup>> = const { RefCell::new(None) };
}

const ADDRESS_LIFETIME: Duration = Duration::from_secs(60);

/// Why a wait ended without what it waited for.
enum Ended {
    Interrupted,
    TimeUp,
}

/// What a backend is shown to wait for, in `pg_stat_activity.wait_event` (17 and later).
#[derive(Clone, Copy)]
enum Event {
    Resolve,
    Connect,
    Send,
    Receive,
    BackOff,
}

/// Raises what ended the last wait. To be called when no frame of ureq is left on the stack; returns
/// only when there was nothing to raise.
pub fn raise_interrupt() {
    if let Some(parked) = PARKED.take() {
        resume_unwind(parked);
    }
    pg_sys::check_for_interrupts!();
}

/// Serves whatever interrupts are pending.
fn serve_interrupts() -> Result<(), Ended> {
    // SAFETY: variables of the backend, read on its own thread.
    let dying = unsafe {
        pg_sys::ProcDiePending != 0
            && pg_sys::InterruptHoldoffCount == 0
            && pg_sys::CritSectionCount == 0
    };
    // Termination leaves the process from within ProcessInterrupts. Postponed to `raise_interrupt`,
    // it finds the sockets closed and the fate of a write reported.
    if dying {
        return Err(Ended::Interrupted);
    }
    catch_unwind(|| {
        pg_sys::check_for_interrupts!();
    })
    .map_err(|raised| {
        PARKED.set(Some(raised));
        Ended::Interrupted
    })
}

/// Waits until `fd` is ready for `what` (`WL_SOCKET_*`; nothing when there is no `fd`), or `deadline`
/// has come.
fn wait(
    fd: Option<RawFd>,
    what: u32,
    deadline: Option<Instant>,
    event: Event,
) -> Result<(), Ended> {
    loop {
        let mut wake = pg_sys::WL_LATCH_SET | pg_sys::WL_EXIT_ON_PM_DEATH | what;
        let mut milliseconds = -1;
        if let Some(deadline) = deadline {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Ended::TimeUp);
            }
            wake |= pg_sys::WL_TIMEOUT;
            // Rounded up: a wait that ends early would only start again.
            milliseconds = left.as_micros().div_ceil(1000).min(i32::MAX as u128) as i64;
        }
        // SAFETY: the backend's own latch, on its own thread; `fd` is open, its owner is borrowed
        // by the caller.
        let woken = unsafe {
            pg_sys::WaitLatchOrSocket(
                pg_sys::MyLatch,
                wake as i32,
                fd.unwrap_or(pg_sys::PGINVALID_SOCKET),
                milliseconds as _,
                wait_event(event),
            )
        } as u32;
        if woken & pg_sys::WL_LATCH_SET != 0 {
            // SAFETY: as above.
            unsafe { pg_sys::ResetLatch(pg_sys::MyLatch) };
            serve_interrupts()?;
        }
        if woken & what != 0 {
            return Ok(());
        }
    }
}

#[cfg(any(feature = "pg14", feature = "pg15", feature = "pg16"))]
fn wait_event(_: Event) -> u32 {
    pg_sys::PG_WAIT_EXTENSION
}

#[cfg(not(any(feature = "pg14", feature = "pg15", feature = "pg16")))]
fn wait_event(event: Event) -> u32 {
    thread_local!(static IDS: RefCell<HashMap<&'static std::ffi::CStr, u32>> = RefCell::default());
    let name = match event {
        Event::Resolve => c"NeonAuthAdminResolve",
        Event::Connect => c"NeonAuthAdminConnect",
        Event::Send => c"NeonAuthAdminSend",
        Event::Receive => c"NeonAuthAdminReceive",
        Event::BackOff => c"NeonAuthAdminBackOff",
    };
    IDS.with_borrow_mut(|ids| {
        *ids.entry(name)
            // SAFETY: a NUL-terminated name that Postgres copies into shared memory.
            .or_insert_with(|| unsafe { pg_sys::WaitEventExtensionNew(name.as_ptr()) })
    })
}

/// The backend as the client's host.
pub struct Backend;

impl Host for Backend {
    fn sleep(&self, pause: Duration) -> Result<(), SleepInterrupted> {
        match wait(None, 0, Some(Instant::now() + pause), Event::BackOff) {
            Err(Ended::Interrupted) => Err(SleepInterrupted),
            Ok(()) | Err(Ended::TimeUp) => Ok(()),
        }
    }
}

/// Waits for a socket within ureq's time limit.
fn wait_within(
    fd: RawFd,
    what: u32,
    timeout: NextTimeout,
    event: Event,
) -> Result<(), ureq::Error> {
    let deadline = deadline(timeout);
    wait(Some(fd), what, deadline, event).map_err(|ended| ended.into_error(timeout))
}

fn deadline(timeout: NextTimeout) -> Option<Instant> {
    let limited = !timeout.after.is_not_happening();
    limited.then(|| Instant::now() + *timeout.after)
}

impl Ended {
    fn into_error(self, timeout: NextTimeout) -> ureq::Error {
        match self {
            Self::Interrupted => interrupted(),
            Self::TimeUp => ureq::Error::Timeout(timeout.reason),
        }
    }
}

/// Opens TCP connections without ever blocking.
#[derive(Debug)]
pub struct LatchConnector;

impl<In: Transport> Connector<In> for LatchConnector {
    type Out = Either<In, LatchTransport>;

    fn connect(
        &self,
        details: &ConnectionDetails,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        if let Some(chained) = chained {
            return Ok(Some(Either::A(chained)));
        }
        let started = Instant::now();
        let mut last_error = ureq::Error::HostNotFound;
        let addresses = details.addrs.len() as u32;
        for (address, behind) in details.addrs.iter().zip((1..=addresses).rev()) {
            // Each address gets an equal share of the time that is left.
            let mut timeout = details.timeout;
            if !timeout.after.is_not_happening() {
                let left = timeout.after.saturating_sub(started.elapsed());
                timeout.after = (left / behind).into();
            }
            match LatchTransport::connect(*address, timeout, details) {
                Ok(transport) => return Ok(Some(Either::B(transport))),
                // An interrupt concerns the call, other errors one address.
                Err(error) if is_interrupted(&error) => return Err(error),
                Err(error) => last_error = error,
            }
        }
        // The next attempt asks for the addresses again.
        if let Some(host) = details.uri.host() {
            ADDRESSES.with_borrow_mut(|addresses| addresses.remove(host));
        }
        Err(last_error)
    }
}

/// A non-blocking socket whose waits are on the backend's latch.
#[derive(Debug)]
pub struct LatchTransport {
    stream: TcpStream,
    buffers: LazyBuffers,
    _descriptor: ExternalDescriptor,
}

impl LatchTransport {
    fn connect(
        address: SocketAddr,
        timeout: NextTimeout,
        details: &ConnectionDetails,
    ) -> Result<Self, ureq::Error> {
        let descriptor = ExternalDescriptor::acquire()?;
        let kind = Type::STREAM.nonblocking().cloexec();
        let socket = Socket::new(Domain::for_address(address), kind, None)?;
        socket.set_tcp_nodelay(true)?;
        match socket.connect(&address.into()) {
            Err(error) if error.raw_os_error() == Some(libc::EINPROGRESS) => {
                let fd = socket.as_raw_fd();
                wait_within(fd, pg_sys::WL_SOCKET_CONNECTED, timeout, Event::Connect)?;
                if let Some(error) = socket.take_error()? {
                    return Err(error.into());
                }
            }
            connected => connected?,
        }
        let config = details.config;
        Ok(Self {
            stream: socket.into(),
            buffers: LazyBuffers::new(config.input_buffer_size(), config.output_buffer_size()),
            _descriptor: descriptor,
        })
    }
}

impl Transport for LatchTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        let fd = self.stream.as_raw_fd();
        let mut output = &self.buffers.output()[..amount];
        while !output.is_empty() {
            match (&self.stream).write(output) {
                Ok(written) => output = &output[written..],
                Err(error) => {
                    wait_unless_failed(
                        error,
                        fd,
                        pg_sys::WL_SOCKET_WRITEABLE,
                        timeout,
                        Event::Send,
                    )?;
                }
            }
        }
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        let fd = self.stream.as_raw_fd();
        loop {
            match (&self.stream).read(self.buffers.input_append_buf()) {
                Ok(amount) => {
                    self.buffers.input_appended(amount);
                    return Ok(amount > 0);
                }
                Err(error) => {
                    wait_unless_failed(
                        error,
                        fd,
                        pg_sys::WL_SOCKET_READABLE,
                        timeout,
                        Event::Receive,
                    )?;
                }
            }
        }
    }

    /// Open, and with nothing to read: an idle connection on which something arrived was closed, or
    /// is out of step.
    fn is_open(&mut self) -> bool {
        matches!(self.stream.peek(&mut [0]), Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }
}

fn wait_unless_failed(
    error: io::Error,
    fd: RawFd,
    what: u32,
    timeout: NextTimeout,
    event: Event,
) -> Result<(), ureq::Error> {
    match error.kind() {
        io::ErrorKind::WouldBlock => wait_within(fd, what, timeout, event),
        io::ErrorKind::Interrupted => Ok(()),
        _ => Err(error.into()),
    }
}

/// A place in the number of descriptors that Postgres lets extensions hold.
#[derive(Debug)]
struct ExternalDescriptor;

impl ExternalDescriptor {
    fn acquire() -> io::Result<Self> {
        // SAFETY: counts, and closes cached files of Postgres' own when there are too many.
        if unsafe { pg_sys::AcquireExternalFD() } {
            Ok(Self)
        } else {
            Err(io::Error::last_os_error())
        }
    }
}

impl Drop for ExternalDescriptor {
    fn drop(&mut self) {
        // SAFETY: undoes exactly one successful acquire.
        unsafe { pg_sys::ReleaseExternalFD() }
    }
}

/// A look-up on its own thread. The pipe becomes readable when the answer is there.
struct Lookup {
    host: String,
    answer: mpsc::Receiver<io::Result<Vec<IpAddr>>>,
    done: PipeReader,
}

impl Lookup {
    fn start(host: &str) -> io::Result<Self> {
        let (done, alarm) = io::pipe()?;
        let (sender, answer) = mpsc::channel();
        let name = host.to_owned();
        with_signals_blocked(|| {
            std::thread::Builder::new()
                .name("neon_auth_admin resolver".to_owned())
                .spawn(move || {
                    let found = (name.as_str(), 0)
                        .to_socket_addrs()
                        .map(|addresses| addresses.map(|address| address.ip()).collect());
                    // The receiver is gone when the backend gave up waiting.
                    let _ = sender.send(found);
                    drop(alarm);
                })
        })?;
        Ok(Self {
            host: host.to_owned(),
            answer,
            done,
        })
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
        let host = uri.host().unwrap_or_default();
        let default_port = if uri.scheme_str() == Some("http") {
            80
        } else {
            443
        };
        let port = uri.port_u16().unwrap_or(default_port);
        let addresses = match host.trim_matches(['[', ']']).parse() {
            Ok(literal) => vec![literal],
            Err(_) => find(host, timeout)?,
        };
        let addresses = addresses.into_iter().map(|ip| SocketAddr::new(ip, port));
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

fn find(host: &str, timeout: NextTimeout) -> Result<Vec<IpAddr>, ureq::Error> {
    let known = ADDRESSES.with_borrow(|addresses| match addresses.get(host) {
        Some((found, addresses)) if found.elapsed() < ADDRESS_LIFETIME => Some(addresses.clone()),
        _ => None,
    });
    if let Some(addresses) = known {
        return Ok(addresses);
    }
    let deadline = deadline(timeout);
    loop {
        let lookup = match LOOKUP.take() {
            Some(running) => running,
            None => Lookup::start(host)?,
        };
        let fd = lookup.done.as_raw_fd();
        if let Err(ended) = wait(
            Some(fd),
            pg_sys::WL_SOCKET_READABLE,
            deadline,
            Event::Resolve,
        ) {
            LOOKUP.set(Some(lookup));
            return Err(ended.into_error(timeout));
        }
        let found = lookup
            .answer
            .recv()
            .map_err(|_| ureq::Error::HostNotFound)?;
        if lookup.host != host {
            // What an interrupted call had asked for; now the thread is free for ours.
            continue;
        }
        let found = found.map_err(io::Error::other)?;
        ADDRESSES.with_borrow_mut(|addresses| {
            addresses.retain(|_, (found, _)| found.elapsed() < ADDRESS_LIFETIME);
            addresses.insert(host.to_owned(), (Instant::now(), found.clone()));
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
