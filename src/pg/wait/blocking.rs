//! Owns the sockets and name look-ups of threads that are not the backend's own: ureq's, which block for no longer
//! than a call may take. Nothing in here calls Postgres.

use std::io::PipeReader;
use std::os::fd::AsRawFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    ConnectionDetails, Connector, NextTimeout, TcpConnector, Transport,
};

use super::dns::{self, LookUps};
use super::{Ended, Failure, deadline, milliseconds};

/// The resolver of one agent, and its connector, which has it look up again what nobody answers at.
pub fn blocking() -> (BlockingConnector, BlockingResolver) {
    let found = Found::default();
    (BlockingConnector(found.clone()), BlockingResolver(found))
}

#[derive(Clone, Debug, Default)]
struct Found(Arc<Mutex<LookUps>>);

impl Found {
    fn look_ups(&self) -> MutexGuard<'_, LookUps> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
pub struct BlockingResolver(Found);

impl Resolver for BlockingResolver {
    fn resolve(
        &self,
        uri: &ureq::http::Uri,
        config: &ureq::config::Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let end = deadline(timeout);
        let mut look_ups = self.0.look_ups();
        let find = |host: &str| look_ups.find(host, |pipe| poll(pipe, end));
        dns::resolve(uri, config, self.empty(), timeout, find)
    }
}

/// Waits until the pipe is readable.
fn poll(pipe: &PipeReader, end: Option<std::time::Instant>) -> Result<(), Failure> {
    let mut watched = libc::pollfd {
        fd: pipe.as_raw_fd(),
        events: libc::POLLIN,
        revents: 0,
    };
    loop {
        let Some(left) = milliseconds(end) else {
            return Err(Ended::TimeUp.into());
        };
        let left = i32::try_from(left).unwrap_or(i32::MAX);
        // SAFETY: one descriptor, which is open as long as the pipe.
        if unsafe { libc::poll(&raw mut watched, 1, left) } > 0 {
            return Ok(());
        }
    }
}

#[derive(Debug)]
pub struct BlockingConnector(Found);

impl<In: Transport> Connector<In> for BlockingConnector {
    type Out = <TcpConnector as Connector<In>>::Out;

    fn connect(
        &self,
        details: &ConnectionDetails,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        let connected = TcpConnector::default().connect(details, chained);
        if connected.is_err()
            && let Some(host) = details.uri.host()
        {
            self.0.look_ups().forget(host);
        }
        connected
    }
}
