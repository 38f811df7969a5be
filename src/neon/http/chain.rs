//! Owns the links that are put on ureq's chain of connectors: TLS that keeps its roots, and the marker
//! of what was sent.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, NextTimeout, RustlsConnector, Transport,
};

/// ureq's own TLS. A config given with a request (ours gives the time budget) makes ureq parse the
/// root certificates anew for every connection and drop its TLS sessions; the roots are always the
/// agent's here, so it may keep them.
#[derive(Debug, Default)]
pub struct Tls(RustlsConnector);

impl<In: Transport> Connector<In> for Tls {
    type Out = <RustlsConnector as Connector<In>>::Out;

    fn connect(
        &self,
        details: &ConnectionDetails,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        let details = ConnectionDetails {
            uri: details.uri,
            addrs: details.addrs.clone(),
            config: details.config,
            request_level: false,
            resolver: details.resolver,
            now: details.now,
            timeout: details.timeout,
            current_time: details.current_time.clone(),
            run_connector: details.run_connector.clone(),
            register_shutdown: details.register_shutdown.clone(),
        };
        self.0.connect(&details, chained)
    }
}

/// The last link of the chain: what passes it is a request, and no longer a handshake.
#[derive(Debug)]
pub struct SentMarker {
    pub proxied: bool,
    pub sent: Arc<AtomicBool>,
}

impl<In: Transport> Connector<In> for SentMarker {
    type Out = Marked<In>;

    fn connect(
        &self,
        details: &ConnectionDetails,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        // The connection to the proxy comes through here as well, with a config without a proxy;
        // what it carries first is CONNECT, which is no request of ours.
        let is_to_proxy = self.proxied && details.config.proxy().is_none();
        let sent = (!is_to_proxy).then(|| self.sent.clone());
        Ok(chained.map(|inner| Marked { inner, sent }))
    }
}

#[derive(Debug)]
pub struct Marked<T> {
    inner: T,
    sent: Option<Arc<AtomicBool>>,
}

impl<T: Transport> Transport for Marked<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        if let Some(sent) = &self.sent {
            sent.store(true, Ordering::Relaxed);
        }
        self.inner.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        self.inner.await_input(timeout)
    }

    fn is_open(&mut self) -> bool {
        self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}
