//! A simulator of the Neon Auth management API on loopback, for tests and for the demo.
//!
//! A project id chooses how the service behaves: `test-*`, `bench-*` and the ids in
//! [`Options::projects`] are normal projects, `test-empty-*` ones without an integration, and
//! `fault-<kind>[-x<N>][--<tag>]` ones that fail in the way that `<kind>` names (the list is in
//! `fault.rs`), with `-x<N>` only for the first N requests.

mod api;
mod connections;
mod fault;
mod ledger;
mod limit;
mod server;
mod state;
mod tls;
mod users_sync;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

pub use ledger::Recorded;
pub use tls::TlsFault;

#[derive(Clone, Debug)]
pub struct Options {
    /// Where plain HTTP is served; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Serves HTTPS too, on a free port of the same address.
    pub tls: bool,
    /// What is wrong with the HTTPS listener, if anything.
    pub tls_fault: Option<TlsFault>,
    /// What the certificate is for besides `localhost` and `127.0.0.1`.
    pub tls_names: Vec<String>,
    pub api_keys: Vec<String>,
    /// Known besides `test-*`, `fault-*`, `bench-*` and the two default projects.
    pub projects: Vec<String>,
    /// Passes before any request is looked at.
    pub latency: Duration,
    pub rate_limit: bool,
    /// Where created users are written: key words and values, or a URL.
    pub database_url: Option<String>,
    pub sync_delay: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            tls: false,
            tls_fault: None,
            tls_names: Vec::new(),
            api_keys: vec!["napi_simulator".to_owned()],
            projects: Vec::new(),
            latency: Duration::ZERO,
            rate_limit: false,
            database_url: None,
            sync_delay: Duration::from_millis(300),
        }
    }
}

/// A running simulator on a thread of its own; dropping it closes every connection.
pub struct Simulator {
    app: Arc<api::App>,
    url: String,
    https_url: Option<String>,
    ca_pem: Option<String>,
    _server: server::Server,
}

impl Simulator {
    /// Returns when requests can be sent and, with a database, when its table is there.
    pub fn start(options: Options) -> std::io::Result<Self> {
        server::start(options)
    }

    /// `http://127.0.0.1:PORT/api/v2`
    pub fn url(&self) -> &str {
        &self.url
    }

    /// `https://localhost:PORT/api/v2`
    pub fn https_url(&self) -> Option<&str> {
        self.https_url.as_deref()
    }

    /// The certificate of the CA that a client must trust.
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca_pem.as_deref()
    }

    pub fn requests(&self) -> Vec<Recorded> {
        self.app.ledger.all()
    }

    pub fn requests_of(&self, project: &str) -> Vec<Recorded> {
        self.app.ledger.of(project)
    }

    /// Empties the ledger; projects and the counters of faults and connections stay.
    pub fn clear(&self) {
        self.app.ledger.clear();
    }

    /// How many connections were accepted.
    pub fn connections(&self) -> u64 {
        self.app.connections.accepted()
    }

    /// How many connections are open now.
    pub fn open_connections(&self) -> u64 {
        self.app.connections.open().len() as u64
    }
}
