//! Owns the links that are put on ureq's chain of resolver and connectors. They know of the request that
//! is on its way when all of it must have ended, and notice what of it was sent.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use ureq::Timeout;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, NextTimeout, Transport, time,
};

use super::failure::interrupted;

/// The request that is on its way. ureq hands a limit of time down to its sockets, too, but copies its
/// whole configuration for each request that has one, and looks at the clock at every step.
#[derive(Clone, Debug, Default)]
pub struct Underway(Arc<State>);

#[derive(Debug, Default)]
struct State {
    deadline: Mutex<Option<Instant>>,
    sent: AtomicBool,
    is_given_up: AtomicBool,
}

impl Underway {
    pub fn begin(&self, deadline: Instant) {
        *self.deadline() = Some(deadline);
        self.0.sent.store(false, Ordering::Relaxed);
    }

    /// For good: this one, and what comes after it.
    pub fn give_up(&self) {
        self.0.is_given_up.store(true, Ordering::Relaxed);
    }

    /// Whether any byte of it may have left.
    pub fn is_sent(&self) -> bool {
        self.0.sent.load(Ordering::Relaxed)
    }

    fn deadline(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.0
            .deadline
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// ureq's limit, or what is left until the deadline.
    fn limit(&self, timeout: NextTimeout) -> Result<NextTimeout, ureq::Error> {
        let Some(deadline) = *self.deadline() else {
            return Ok(timeout);
        };
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ureq::Error::Timeout(Timeout::Global));
        }
        if !timeout.after.is_not_happening() && *timeout.after <= left {
            return Ok(timeout);
        }
        Ok(NextTimeout {
            after: left.into(),
            reason: Timeout::Global,
            ..timeout
        })
    }
}

/// What looks names up, or opens connections, within the time that there is.
#[derive(Debug)]
pub struct Limited<T> {
    pub inner: T,
    pub underway: Underway,
}

impl<T: Resolver> Resolver for Limited<T> {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let timeout = self.underway.limit(timeout)?;
        self.inner.resolve(uri, config, timeout)
    }
}

impl<In: Transport, T: Connector<In>> Connector<In> for Limited<T> {
    type Out = T::Out;

    fn connect(
        &self,
        details: &ConnectionDetails,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        // ureq counts its own limit from when it began to connect.
        let now = (details.current_time)();
        let mut timeout = details.timeout;
        if let (time::Instant::Exact(began), time::Instant::Exact(now)) = (details.now, now)
            && !timeout.after.is_not_happening()
        {
            let spent = now.saturating_duration_since(began);
            timeout.after = timeout.after.saturating_sub(spent).into();
        }
        let details = ConnectionDetails {
            uri: details.uri,
            addrs: details.addrs.clone(),
            config: details.config,
            request_level: details.request_level,
            resolver: details.resolver,
            now,
            timeout: self.underway.limit(timeout)?,
            current_time: details.current_time.clone(),
            run_connector: details.run_connector.clone(),
            register_shutdown: details.register_shutdown.clone(),
        };
        self.inner.connect(&details, chained)
    }
}

/// The last link of the chain: what passes it is a request, and no longer a handshake.
#[derive(Debug)]
pub struct Watch {
    pub proxied: bool,
    pub underway: Underway,
}

impl<In: Transport> Connector<In> for Watch {
    type Out = Watched<In>;

    fn connect(
        &self,
        details: &ConnectionDetails,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        // The connection to the proxy comes through here as well, with a config without a proxy;
        // what it carries first is CONNECT, which is no request of ours.
        let is_to_proxy = self.proxied && details.config.proxy().is_none();
        Ok(chained.map(|inner| Watched {
            inner,
            underway: self.underway.clone(),
            is_to_proxy,
        }))
    }
}

#[derive(Debug)]
pub struct Watched<T> {
    inner: T,
    underway: Underway,
    is_to_proxy: bool,
}

impl<T: Transport> Transport for Watched<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        let timeout = self.underway.limit(timeout)?;
        if self.underway.0.is_given_up.load(Ordering::Relaxed) {
            return Err(interrupted());
        }
        if !self.is_to_proxy {
            self.underway.0.sent.store(true, Ordering::Relaxed);
        }
        self.inner.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        let timeout = self.underway.limit(timeout)?;
        self.inner.await_input(timeout)
    }

    fn is_open(&mut self) -> bool {
        self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}
