//! A client with its simulator, and what tests ask of them.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use neon_auth_admin::error::Error;
use neon_auth_admin::neon::api_url::ApiUrl;
use neon_auth_admin::neon::client::{Client, Connection, Interrupted, Pause, new_request_id};
use neon_auth_admin::neon::email_server::EmailServer;
use neon_auth_admin::neon::http::proxy::ProxySettings;
use neon_auth_admin::neon::http::{Http, MAX_IDLE, Settings};
use neon_auth_admin::neon::request::Request;
use neon_auth_admin::neon::target::Target;
use neon_auth_admin::neon::{domains, users};
use neon_auth_admin::secret::Secret;
use neon_simulator::{Options, Recorded, Simulator, TlsFault};

pub const KEY: &str = "napi_simulator";

pub fn target() -> Target {
    Target::new("quiet-bar-123456", None, None).expect("a valid target")
}

pub fn settings() -> Settings {
    Settings {
        user_agent: "neon_auth_admin tests".into(),
        ca_file: None,
        proxy: None,
        max_idle: MAX_IDLE,
    }
}

pub struct World {
    pub simulator: Simulator,
    pub http: Http,
    pub connection: Connection,
    /// The time of a call.
    pub timeout: Duration,
}

struct Sleeper;

impl Pause for Sleeper {
    fn pause_until(&self, end: Instant) -> Result<(), Interrupted> {
        std::thread::sleep(end.saturating_duration_since(Instant::now()));
        Ok(())
    }
}

impl World {
    pub fn new() -> Self {
        Self::start(Options::default())
    }

    /// With TLS, and trust in the simulator's certificate authority.
    pub fn with_tls() -> Self {
        Self::start(Options {
            tls: true,
            ..Options::default()
        })
    }

    /// The same with something wrong.
    pub fn with_tls_fault(fault: TlsFault) -> Self {
        Self::start(Options {
            tls: true,
            tls_fault: Some(fault),
            ..Options::default()
        })
    }

    fn start(options: Options) -> Self {
        let simulator = Simulator::start(options).expect("a simulator");
        let url = simulator.https_url().unwrap_or(simulator.url()).to_owned();
        let connection = Connection {
            api_url: allowed(&url),
            target: target(),
            api_key: Secret::new(KEY),
            max_attempts: 3,
            max_response: 256 * 1024,
        };
        let http = trusting(&simulator);
        Self {
            simulator,
            http,
            connection,
            timeout: Duration::from_secs(5),
        }
    }

    /// The same, for another project: that is how a fault is chosen.
    pub fn project(&mut self, project_id: &str) -> &mut Self {
        self.connection.target = Target::new(project_id, None, None).expect("a valid project id");
        self
    }

    /// The same, for a branch of another project.
    pub fn branch(&mut self, project_id: &str, branch_id: &str) -> &mut Self {
        self.connection.target =
            Target::new(project_id, Some(branch_id), None).expect("valid project and branch ids");
        self
    }

    /// The same, for another API.
    pub fn at(&mut self, url: &str) -> &mut Self {
        self.connection.api_url = allowed(url);
        self
    }

    pub fn client(&self) -> Client<'_> {
        Client {
            connection: &self.connection,
            http: &self.http,
            place: &Sleeper,
            listener: &(),
            deadline: Instant::now() + self.timeout,
        }
    }

    pub fn send<T>(
        &self,
        request: impl FnOnce(&Target) -> Result<Request<T>, Error>,
    ) -> Result<T, Error> {
        let request = request(&self.connection.target).expect("a valid request");
        self.client().send(&request, &new_request_id())
    }

    pub fn create_user(&self) -> Result<String, Error> {
        self.send(|target| users::create(target, "ada@example.com", Some("Ada")))
            .map(|created| created.id)
    }

    pub fn add_domain(&self, domain: &str) -> Result<(), Error> {
        self.send(|target| domains::add(target, domain))
    }

    /// What arrived for the present project.
    pub fn arrived(&self) -> Vec<Recorded> {
        self.simulator
            .requests_of(self.connection.target.project_id().expect("a project"))
    }

    /// Waits until every connection is closed.
    pub fn wait_until_closed(&self) {
        self.wait_until_open(0);
    }

    /// Waits until no more than so many connections are open.
    pub fn wait_until_open(&self, connections: u64) {
        let deadline = Instant::now() + Duration::from_secs(5);
        while self.simulator.open_connections() > connections {
            assert!(Instant::now() < deadline, "connections are closed");
            std::thread::sleep(Duration::from_micros(50));
        }
    }
}

/// Any port of these hosts, and one name that cannot exist (RFC 6761).
fn allowed(url: &str) -> ApiUrl {
    let hosts = "127.0.0.1:*,localhost:*,no-such-host.invalid";
    ApiUrl::parse(url, hosts).expect("an allowed URL")
}

/// An agent of its own, with trust in the simulator's certificate authority if there is one.
pub fn trusting(simulator: &Simulator) -> Http {
    trusting_through(simulator, None)
}

/// The same, through a proxy.
pub fn trusting_through(simulator: &Simulator, proxy: Option<ProxySettings>) -> Http {
    let settings = Settings {
        proxy,
        ..settings()
    };
    trusting_agent(simulator, settings, Http::blocking)
}

/// The same, of these settings and made by `make`.
pub fn trusting_agent(
    simulator: &Simulator,
    settings: Settings,
    make: impl FnOnce(&Settings) -> Result<Http, Error>,
) -> Http {
    let ca_file = simulator.ca_pem().map(write_file);
    let settings = Settings {
        ca_file: ca_file.clone(),
        ..settings
    };
    let http = make(&settings).expect("an agent");
    if let Some(file) = ca_file {
        fs::remove_file(file).expect("our own file");
    }
    http
}

/// A file of its own, for nobody else to read.
pub fn write_file(content: impl AsRef<[u8]>) -> PathBuf {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let name = format!("neon_auth_admin-{}-{number}", std::process::id());
    let file = std::env::temp_dir().join(name);
    fs::write(&file, content).expect("a writable folder");
    set_mode(&file, 0o600);
    file
}

pub fn set_mode(file: &Path, mode: u32) {
    fs::set_permissions(file, Permissions::from_mode(mode)).expect("our own file");
}

/// An email server of one's own, with all of its fields but the type.
pub fn email_server(password: &str) -> EmailServer {
    let text = |text: &str| Some(text.to_owned());
    EmailServer {
        r#type: None,
        host: text("smtp.example.com"),
        port: Some(587),
        username: text("mailer"),
        password: Some(Secret::new(password)),
        sender_email: text("no-reply@example.com"),
        sender_name: text("Example"),
    }
}

/// The same, of that type.
pub fn email_server_of(kind: &str, server: EmailServer) -> EmailServer {
    EmailServer {
        r#type: Some(kind.to_owned()),
        ..server
    }
}

/// The result, and how long it took to come.
pub fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let started = Instant::now();
    let result = work();
    (result, started.elapsed())
}

/// Whether a detail says that the request was not sent, and why.
pub fn is_unsent(detail: &str, why: &str) -> bool {
    let end = detail.split_once(" was not sent to ").map(|(_, end)| end);
    end.is_some_and(|end| end.contains(&format!(": {why}")))
}
