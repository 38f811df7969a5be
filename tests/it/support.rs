//! A client with its simulator, and what tests ask of them.

use std::time::Duration;

use neon_auth_admin::error::Error;
use neon_auth_admin::neon::api_url::ApiUrl;
use neon_auth_admin::neon::client::{Client, Connection, Host, SleepInterrupted};
use neon_auth_admin::neon::http::{Http, Settings};
use neon_auth_admin::neon::request::Request;
use neon_auth_admin::neon::scope::Scope;
use neon_auth_admin::secret::Secret;
use neon_simulator::{Options, Recorded, Simulator};

pub const KEY: &str = "napi_simulator";

pub fn scope() -> Scope {
    Scope::new("quiet-bar-123456", "stack").expect("a valid scope")
}

pub fn settings() -> Settings {
    Settings {
        user_agent: "neon_auth_admin tests".into(),
        ca_file: None,
        proxy: None,
    }
}

pub struct World {
    pub simulator: Simulator,
    pub http: Http,
    pub connection: Connection,
}

struct Sleeper;

impl Host for Sleeper {
    fn sleep(&self, wait: Duration) -> Result<(), SleepInterrupted> {
        std::thread::sleep(wait);
        Ok(())
    }
}

impl World {
    pub fn new() -> Self {
        let simulator = Simulator::start(Options::default()).expect("a simulator");
        Self::at(simulator, |simulator| simulator.url().to_owned(), settings)
    }

    /// With TLS, and trust in the simulator's certificate authority.
    pub fn with_tls(name: &str) -> Self {
        let options = Options {
            tls: true,
            ..Options::default()
        };
        let simulator = Simulator::start(options).expect("a simulator");
        let file = std::env::temp_dir().join(format!("{name}-{}.pem", std::process::id()));
        std::fs::write(&file, simulator.ca_pem().expect("a CA")).expect("a writable folder");
        Self::at(
            simulator,
            |simulator| simulator.https_url().expect("TLS").to_owned(),
            || Settings {
                ca_file: Some(file),
                ..settings()
            },
        )
    }

    fn at(
        simulator: Simulator,
        url: impl FnOnce(&Simulator) -> String,
        settings: impl FnOnce() -> Settings,
    ) -> Self {
        let api_url = ApiUrl::parse(&url(&simulator), "127.0.0.1:*,localhost:*");
        let connection = Connection {
            server: "neon".into(),
            role: "app".into(),
            api_url: api_url.expect("an allowed URL"),
            scope: scope(),
            api_key: Secret::new(KEY),
            key_of_public: false,
            timeout: Duration::from_secs(5),
            max_attempts: 3,
            max_response: 256 * 1024,
        };
        Self {
            simulator,
            http: Http::blocking(&settings()).expect("an agent"),
            connection,
        }
    }

    /// The same, for another project: that is how a fault is chosen.
    pub fn project(&mut self, project_id: &str) -> &mut Self {
        self.connection.scope = Scope::new(project_id, "stack").expect("a valid project id");
        self
    }

    pub fn client(&self) -> Client<'_> {
        Client::new(&self.connection, &self.http, &Sleeper)
    }

    pub fn send<T>(&self, request: impl FnOnce(&Scope) -> Request<T>) -> Result<T, Error> {
        self.client().send(&request(&self.connection.scope))
    }

    /// What arrived for the present project.
    pub fn arrived(&self) -> Vec<Recorded> {
        self.simulator
            .requests_of(self.connection.scope.project_id())
    }
}
