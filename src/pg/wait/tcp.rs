//! Owns the TCP sockets of a backend: ureq's connector and transport, which never block.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Instant;

use pgrx::pg_sys;
use socket2::{Domain, Socket, Type};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout, Transport,
};

use super::wait_set::{ExternalDescriptor, WaitSet};
use super::{Event, Failure, check_in, dns, wait_within};
use crate::neon::http::is_interrupted;

const MAX_UNSENT: usize = 16 * 1024;

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
            dns::forget(host);
        }
        Err(last_error)
    }
}

/// A non-blocking socket whose waits are on the backend's latch.
#[derive(Debug)]
pub struct LatchTransport {
    stream: Stream,
    buffers: LazyBuffers,
    /// Output that waits for more, or for the wish to read.
    unsent: Vec<u8>,
    /// After a failure nobody knows what the other side has got: nothing more is said on this one.
    is_broken: bool,
    /// Something was sent since ureq asked last whether this is open.
    was_used: bool,
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
        let is_underway = match socket.connect(&address.into()) {
            Ok(()) => false,
            Err(error) if error.raw_os_error() == Some(libc::EINPROGRESS) => true,
            Err(error) => return Err(error.into()),
        };
        let stream = Stream::new(socket.into()).map_err(|why| why.into_error(timeout))?;
        if is_underway {
            stream.wait(pg_sys::WL_SOCKET_CONNECTED, timeout, Event::Connect)?;
            if let Some(error) = stream.socket.take_error()? {
                return Err(error.into());
            }
        }
        let config = details.config;
        Ok(Self {
            stream,
            buffers: LazyBuffers::new(config.input_buffer_size(), config.output_buffer_size()),
            unsent: Vec::new(),
            is_broken: false,
            was_used: false,
            _descriptor: descriptor,
        })
    }
}

impl LatchTransport {
    fn flush(&mut self, timeout: NextTimeout) -> Result<(), ureq::Error> {
        if self.is_broken {
            return Err(io::Error::from(io::ErrorKind::BrokenPipe).into());
        }
        let unsent = std::mem::take(&mut self.unsent);
        self.is_broken = true;
        self.write_all(&unsent, timeout)?;
        self.is_broken = false;
        self.unsent = unsent;
        self.unsent.clear();
        Ok(())
    }

    fn write_all(&self, mut output: &[u8], timeout: NextTimeout) -> Result<(), ureq::Error> {
        while !output.is_empty() {
            match (&self.stream.socket).write(output) {
                Ok(written) => output = &output[written..],
                Err(error) => {
                    let what = pg_sys::WL_SOCKET_WRITEABLE;
                    self.stream
                        .wait_unless_failed(error, what, timeout, Event::Send)?;
                }
            }
        }
        Ok(())
    }
}

impl Transport for LatchTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    /// ureq hands over head and body of a request, and rustls each record, one by one. Sent together
    /// they are one packet, and wake the other side once.
    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        let output = &self.buffers.output()[..amount];
        self.unsent.extend_from_slice(output);
        self.was_used = true;
        if self.unsent.len() > MAX_UNSENT {
            self.flush(timeout)?;
        }
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        self.flush(timeout)?;
        // A server that never stops sending must not keep an interrupt, or the end of the call,
        // waiting.
        check_in(timeout)?;
        loop {
            match (&self.stream.socket).read(self.buffers.input_append_buf()) {
                Ok(amount) => {
                    self.buffers.input_appended(amount);
                    return Ok(amount > 0);
                }
                Err(error) => {
                    let what = pg_sys::WL_SOCKET_READABLE;
                    self.stream
                        .wait_unless_failed(error, what, timeout, Event::Receive)?;
                }
            }
        }
    }

    /// Open, and with nothing to read: an idle connection on which something arrived was closed, or
    /// is out of step. ureq's pool asks when it gets a connection back, and again when it gives it
    /// out: only then the socket itself is asked, as what it said before would be of no use.
    fn is_open(&mut self) -> bool {
        let is_given_back = std::mem::take(&mut self.was_used);
        !self.is_broken
            && self.buffers.input().is_empty()
            && (is_given_back || self.stream.is_silent())
    }
}

/// A socket, and what it takes to wait for it.
#[derive(Debug)]
struct Stream {
    /// To be gone before the socket is closed, as fields are dropped in their order.
    waits: WaitSet,
    socket: TcpStream,
}

impl Stream {
    fn new(socket: TcpStream) -> Result<Self, Failure> {
        let waits = WaitSet::new(&socket, pg_sys::WL_SOCKET_CONNECTED)?;
        Ok(Self { waits, socket })
    }

    fn wait(&self, what: u32, timeout: NextTimeout, event: Event) -> Result<(), ureq::Error> {
        wait_within(&self.waits, what, timeout, event)
    }

    fn is_silent(&self) -> bool {
        let peeked = self.socket.peek(&mut [0]);
        peeked.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }

    fn wait_unless_failed(
        &self,
        error: io::Error,
        what: u32,
        timeout: NextTimeout,
        event: Event,
    ) -> Result<(), ureq::Error> {
        match error.kind() {
            io::ErrorKind::WouldBlock => self.wait(what, timeout, event),
            io::ErrorKind::Interrupted => Ok(()),
            _ => Err(error.into()),
        }
    }
}
