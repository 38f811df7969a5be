//! A simulator of the Neon Auth management API on loopback, for tests and for the demo.
//!
//! Ids choose how the service behaves; [`IDS`] says which does what, and `fault.rs` lists the kinds of
//! faults.

mod api;
mod connections;
mod database;
mod fault;
mod ledger;
mod limit;
mod server;
mod state;
mod tls;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

pub use ledger::Recorded;
pub use tls::TlsFault;

/// What the program's help says about ids and addresses.
pub const IDS: &str = "\
Projects:
  test-*, bench-*            exist, with an integration; so do those given by --project, and
                             quiet-bar-123456 and staging-lake-654321
  test-empty-*               exist, without an integration on any branch
  test-better-*              exist; what exists already is answered with 400, as Better Auth does
  fault-<kind>[-after<M>][-x<N>][--<tag>]
                             fail in the way that <kind> names (fault.rs lists them); with -after<M>
                             not before the first M requests have passed, with -x<N> N times
  bench-*                    users are not written into the database
Branches, in paths below /projects/{project_id}/branches/{branch_id}:
  br-missing*                do not exist
  br-empty*                  exist, without an integration
  br-preview*                exist, and are not the root branch: no OAuth server can be enabled there
  any other valid id         exists, with an integration of Better Auth
  What the project-level operations write, the branch-level ones do not see, and the reverse.
An OAuth client whose name is an https URL has that as its id; all others have random ids.
Lists, GET /projects and GET /projects/{project_id}/branches:
  *-branches-<N>             a project with so many branches; every other has two
  *-projects-<N>             an organization with so many projects; every other has two
  org-missing*               an organization that does not exist
  fault-<kind>...            an organization can be one of these as well
Keys: each of --api-key is personal, with _org after it that of an organization, and with _project
after it that of a project, which may list no projects and not ask GET /auth.
Test e-mails are never sent; they fail for the host smtp.fail.example and for recipients fail@*.
The database of --database-url stands for that of every branch: deleting the data of one drops the
schema neon_auth, and an e-mail address that a second branch takes moves to its user. A branch that
was disabled without delete_data counts as having the schema, even if somebody drops it.
/_requests is the ledger: the newest 100,000 requests, of one project with ?project=ID.";

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
    /// Answers 429 beyond so many times what Neon lets through: 700 requests a minute and bursts of 40, per route.
    pub rate_limit: Option<f64>,
    /// Where users are written, into `neon_auth.users_sync` and `neon_auth."user"`: key words and
    /// values, or a URL.
    pub database_url: Option<String>,
    /// So long after the request.
    pub sync_delay: Duration,
    /// Users are there before the request is answered, whatever the delay is.
    pub sync_first: bool,
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
            rate_limit: None,
            database_url: None,
            sync_delay: Duration::from_millis(300),
            sync_first: false,
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
    /// Returns when requests can be sent and, with a database, when its tables are there.
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

    /// The newest 100,000; [`Recorded::n`] counts the older ones too.
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
