//! Owns the use of ureq: the agent and its limits, the TLS roots, and the answer to "was it sent?".
//! It sends one request once, and knows nothing of operations, retries or what an error means.

pub mod addresses;
mod chain;
mod failure;
pub mod proxy;
pub mod retry_after;
mod roots;

use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use ureq::Agent;
use ureq::http::{self, HeaderName, HeaderValue, header};
use ureq::tls::TlsConfig;
use ureq::unversioned::resolver::{DefaultResolver, Resolver};
use ureq::unversioned::transport::{
    ConnectProxyConnector, Connector, Either, RustlsConnector, TcpConnector, Transport,
};
use zeroize::Zeroizing;

use self::chain::{Limited, Underway, Watch};
pub use self::failure::{Cause, Failure, in_words, interrupted, is_interrupted};
use self::failure::{io_failure, tls_failure};
use self::proxy::{Proxy, ProxySettings};
use crate::error::Error;
use crate::neon::request::Method;
use crate::secret::{Secret, blank_out};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longer than a statement, shorter than the idle limits of servers and middleboxes.
pub const MAX_IDLE: Duration = Duration::from_secs(15);
const MAX_HEADERS: usize = 8 * 1024;
const BUFFER: usize = 16 * 1024;

/// What an agent is built from; a change needs another agent.
#[derive(Clone, Debug)]
pub struct Settings {
    pub user_agent: String,
    /// PEM file of the trusted certificates; `None` for the system's.
    pub ca_file: Option<PathBuf>,
    pub proxy: Option<ProxySettings>,
    /// A connection that was idle for longer is closed at the next request, and not used again.
    pub max_idle: Duration,
}

/// What is to be sent once.
#[derive(Clone, Copy)]
pub struct HttpRequest<'a> {
    pub method: Method,
    pub url: &'a str,
    pub api_key: &'a Secret,
    pub request_id: &'a str,
    pub body: Option<&'a Secret>,
    /// When all of it must have ended. It goes on to the sockets and the resolver.
    pub deadline: Instant,
    /// A longer body is an error, and is not read to its end.
    pub max_body: u64,
}

pub struct Response {
    pub status: u16,
    pub retry_after: Option<Duration>,
    pub body: Zeroizing<Vec<u8>>, // it may hold keys and client secrets
}

/// The agent with its kept-alive connections. Not for use from two threads at a time: it has one request
/// underway.
pub struct Http {
    agent: Agent,
    user_agent: HeaderValue,
    proxied: bool,
    proxy_password: Option<Secret>,
    underway: Underway,
}

impl Http {
    /// An agent over plain blocking sockets, for use outside Postgres.
    pub fn blocking(settings: &Settings) -> Result<Self, Error> {
        Self::new(
            settings,
            TcpConnector::default(),
            DefaultResolver::default(),
        )
    }

    /// An agent over the sockets that `tcp` opens and the addresses that `resolver` finds.
    pub fn new(
        settings: &Settings,
        tcp: impl Connector<Either<(), Box<dyn Transport>>>,
        resolver: impl Resolver,
    ) -> Result<Self, Error> {
        let proxy = settings.proxy.as_ref().map(Proxy::new).transpose()?;
        let proxied = proxy.is_some();
        let (proxy, proxy_password) = proxy.map(|proxy| (proxy.ureq, proxy.password)).unzip();
        let underway = Underway::default();
        let connector = ConnectProxyConnector::default()
            .chain(Limited {
                inner: tcp,
                underway: underway.clone(),
            })
            .chain(Limited {
                inner: RustlsConnector::default(),
                underway: underway.clone(),
            })
            .chain(Watch {
                proxied,
                underway: underway.clone(),
            });
        let resolver = Limited {
            inner: resolver,
            underway: underway.clone(),
        };
        let tls = TlsConfig::builder()
            .root_certs(roots::load(settings.ca_file.as_deref())?)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .build();
        let config = Agent::config_builder()
            .tls_config(tls)
            .proxy(proxy)
            .user_agent(settings.user_agent.as_str()) // for a proxy
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_response_header_size(MAX_HEADERS)
            .input_buffer_size(BUFFER)
            .output_buffer_size(BUFFER)
            .max_idle_connections(4)
            .max_idle_connections_per_host(1)
            .max_idle_age(settings.max_idle)
            .build();
        let user_agent =
            HeaderValue::from_bytes(settings.user_agent.as_bytes()).expect("a name and versions");
        let agent = Agent::with_parts(config, connector, resolver);
        Ok(Self {
            agent,
            user_agent,
            proxied,
            proxy_password: proxy_password.flatten(),
            underway,
        })
    }

    /// Lets nothing leave any more, on whatever thread.
    pub fn give_up(&self) {
        self.underway.give_up();
    }

    pub fn send(&self, request: HttpRequest) -> Result<Response, Failure> {
        self.underway.begin(request.deadline);
        // ApiUrl::through_proxy says it better; nobody gets past this.
        if self.proxied && !request.url.starts_with("https://") {
            return Err(Failure {
                cause: Cause::Connection,
                sent: false,
                reason: "plain http would show the API key to the proxy".into(),
            });
        }
        let response = self.call(request).map_err(|error| self.failure(error))?;
        let status = response.status().as_u16();
        let header = response.headers().get("retry-after");
        let retry_after = header
            .and_then(|value| value.to_str().ok())
            .and_then(|value| retry_after::parse(value, Timestamp::now()));
        let body = read(response.into_body(), request.max_body).map_err(|error| {
            match self.failure(error.into()) {
                Failure {
                    cause: Cause::Connection,
                    ..
                } => Failure {
                    cause: Cause::CutShort,
                    sent: true,
                    reason: "the answer was cut short".into(),
                },
                failure => failure,
            }
        })?;
        Ok(Response {
            status,
            retry_after,
            body,
        })
    }

    fn call(&self, wanted: HttpRequest) -> Result<http::Response<ureq::Body>, ureq::Error> {
        let mut request = http::Request::new(());
        *request.uri_mut() = wanted.url.parse().map_err(http::Error::from)?;
        *request.method_mut() = match wanted.method {
            Method::Get => http::Method::GET,
            Method::Post => http::Method::POST,
            Method::Put => http::Method::PUT,
            Method::Patch => http::Method::PATCH,
            Method::Delete => http::Method::DELETE,
        };
        let mut bearer = HeaderValue::try_from(["Bearer ", wanted.api_key.expose()].concat())
            .map_err(http::Error::from)?;
        bearer.set_sensitive(true);
        let request_id = HeaderValue::from_str(wanted.request_id).map_err(http::Error::from)?;
        let json = HeaderValue::from_static("application/json");
        let headers = request.headers_mut();
        headers.reserve(8);
        headers.insert(header::USER_AGENT, self.user_agent.clone());
        headers.insert(header::ACCEPT, json.clone());
        headers.insert(
            header::ACCEPT_ENCODING,
            HeaderValue::from_static("identity"),
        );
        headers.insert(header::AUTHORIZATION, bearer);
        headers.insert(HeaderName::from_static("x-request-id"), request_id);
        if wanted.body.is_some() {
            headers.insert(header::CONTENT_TYPE, json);
        }
        let body = match (wanted.body, wanted.method) {
            (Some(body), _) => body.expose(),
            (None, Method::Post | Method::Put | Method::Patch) => "",
            (None, Method::Get | Method::Delete) => return self.agent.run(request),
        };
        self.agent.run(request.map(|()| body))
    }

    fn failure(&self, error: ureq::Error) -> Failure {
        use ureq::Error as E;
        let (cause, reason) = match &error {
            error if is_interrupted(error) => (Cause::Interrupted, "interrupted".to_owned()),
            E::Timeout(_) => (Cause::Timeout, "the time was up".to_owned()),
            E::HostNotFound => (Cause::Connection, "the host was not found".to_owned()),
            E::BodyExceedsLimit(limit) => {
                let reason = format!("the answer is larger than {limit} bytes");
                (Cause::TooLarge, reason)
            }
            E::LargeResponseHeader(..) => {
                let reason = format!("the answer's headers are larger than {MAX_HEADERS} bytes");
                (Cause::LargeHead, reason)
            }
            E::Rustls(error) => tls_failure(error),
            E::Io(error) => io_failure(error),
            E::ConnectProxyFailed(reason) => (Cause::Connection, reason.clone()),
            E::Protocol(_) | E::Http(_) => (Cause::Malformed, "the answer is not HTTP".to_owned()),
            other => (Cause::Connection, other.to_string()),
        };
        let sent = self.underway.is_sent();
        let is_on_the_way = self.proxied && !sent && matches!(error, E::Io(_));
        let reason = match cause {
            Cause::Connection if is_on_the_way => format!("on the way through the proxy, {reason}"),
            _ => reason,
        };
        Failure {
            cause,
            sent,
            reason: blank_out(&reason, &self.proxy_password),
        }
    }
}

/// A body of at most that many bytes. What it says of its own length is believed only for a start.
fn read(body: ureq::Body, max: u64) -> io::Result<Zeroizing<Vec<u8>>> {
    let length = body.content_length().unwrap_or(0).min(BUFFER as u64);
    let mut bytes = Zeroizing::new(Vec::with_capacity(length.min(max) as usize));
    let mut reader = body.into_with_config().limit(max).reader();
    reader.read_to_end(&mut bytes)?;
    Ok(bytes)
}
