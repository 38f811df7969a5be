//! A project or branch of a test's own, what it is given, and what befalls a write there.

use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use neon_auth_admin::error::Error;
use neon_auth_admin::neon::any_operation::{self, endpoint};
use neon_auth_admin::neon::client::new_request_id;
use neon_auth_admin::neon::configuration::{
    self, ConfigurationChange, Document, Options, Step, Way,
};
use neon_auth_admin::neon::email_server::EmailServer;
use neon_auth_admin::neon::oauth_clients::{self, Registration};
use neon_auth_admin::neon::oauth_providers::Credentials;
use neon_auth_admin::neon::plugins::{MagicLink, Organization, PhoneNumber};
use neon_auth_admin::neon::request::Request;
use neon_auth_admin::neon::sign_in::EmailAndPassword;
use neon_auth_admin::neon::target::Target;
use neon_auth_admin::neon::webhooks::{Fields, Webhooks};
use neon_auth_admin::neon::{
    domains, email_server, oauth_providers, oauth_server, plugins, sign_in, webhooks,
};
use neon_auth_admin::secret::Secret;
use neon_simulator::Recorded;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::support::World;

/// Every secret begins so, and nothing else has it.
const CANARY: &str = "s3cret-";

/// A project or branch that no other test has.
pub struct Place {
    pub world: World,
    /// What is to befall a write, counted from 0.
    pub fault: RefCell<Option<(usize, Fault)>>,
    writes: Cell<usize>,
    /// What was said of the steps that were made.
    pub heard: RefCell<Vec<String>>,
    /// Whether the answer of what is configured has none of its members.
    pub shows_no_plugins: Cell<bool>,
}

/// What befalls a write.
pub enum Fault {
    /// It is not sent, and this comes of it.
    NotSent(Error),
    /// It is sent, and this comes of it.
    Sent(Error),
    /// Somebody else is faster.
    After(Box<dyn Fn(&World)>),
}

impl Way for Place {
    fn target(&self) -> &Target {
        &self.world.connection.target
    }

    fn sends(&self) -> bool {
        true
    }

    fn send<T>(&self, request: &Request<T>) -> Result<T, Error> {
        if self.shows_no_plugins.get() && request.path().ends_with("/plugins") {
            return Ok(request
                .decode(200, b"{}")
                .expect("an answer without members"));
        }
        self.world.client().send(request, &new_request_id())
    }

    fn make(&self, request: &Request<()>, progress: &str) -> Result<(), Error> {
        assert!(!progress.contains(CANARY), "{progress}");
        let n = self.writes.replace(self.writes.get() + 1);
        let fault = self.fault.borrow();
        match fault.as_ref().filter(|(at, _)| *at == n) {
            Some((_, Fault::NotSent(error))) => Err(error.clone()),
            Some((_, Fault::Sent(error))) => {
                self.send(request).expect("it would have been made");
                Err(error.clone())
            }
            Some((_, Fault::After(other))) => {
                other(&self.world);
                self.send(request)
            }
            None => self.send(request),
        }
    }

    fn made(&self, _: i32, step: &Step, note: Option<&str>) {
        let note = note.map_or(String::new(), |note| format!(" ({note})"));
        let mut heard = self.heard.borrow_mut();
        heard.push(step.summary() + &note);
    }

    fn time_left(&self) -> Duration {
        self.world.timeout
    }
}

type Rows = Result<Vec<ConfigurationChange>, Error>;

impl Place {
    pub fn new(is_branch: bool) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let project = format!("test-configuration-{number}");
        Self::of(&project, is_branch.then_some("br-a"))
    }

    /// A project or branch of that id, in a simulator of its own.
    pub fn of(project: &str, branch: Option<&str>) -> Self {
        let mut world = World::new();
        match branch {
            Some(branch) => world.branch(project, branch),
            None => world.project(project),
        };
        Self {
            world,
            fault: RefCell::default(),
            writes: Cell::default(),
            heard: RefCell::default(),
            shows_no_plugins: Cell::default(),
        }
    }

    fn asked(&self, document: &Value, options: &Asked) -> Result<(Document, Options), Error> {
        let document = Document::parse(&document.to_string(), self.target())?;
        let prune = configuration::prune(options.prune.iter().copied(), &document)?;
        let options = Options {
            prune,
            unmanaged: options.unmanaged,
            resend: options.resend,
        };
        Ok((document, options))
    }

    pub fn plan_with(&self, document: &Value, options: &Asked) -> Rows {
        let (document, options) = self.asked(document, options)?;
        told_nobody(configuration::plan(self, &document, &options))
    }

    pub fn apply_with(&self, document: &Value, options: &Asked) -> Rows {
        let (document, options) = self.asked(document, options)?;
        told_nobody(configuration::apply(self, &document, &options))
    }

    pub fn plan(&self, document: &Value) -> Rows {
        self.plan_with(document, &Asked::default())
    }

    pub fn apply(&self, document: &Value) -> Rows {
        self.apply_with(document, &Asked::default())
    }

    pub fn export(&self) -> Value {
        let exported = configuration::export(self).expect("an export");
        let exported = exported.document.expect("something is sent");
        assert!(!exported.to_string().contains(CANARY), "{exported}");
        exported
    }

    /// What arrived since this was last asked.
    pub fn arrived(&self) -> Vec<Recorded> {
        let arrived = self.world.arrived();
        self.world.simulator.clear();
        arrived
    }

    /// What Neon answers to a read of a section, as it is. The name is beside what it has no part in.
    pub fn shown(&self, section: &str) -> Value {
        let path = match section {
            "domains" | "oauth_providers" | "webhooks" => section,
            "email_server" if self.target().branch_id().is_some() => "email_provider",
            "email_server" => "email_server",
            "oauth_server" => "plugins/oauth-provider",
            "oauth_clients" => "oauth-provider/clients",
            _ => "plugins",
        };
        let get = endpoint("method", "GET").expect("a method");
        let request = any_operation::call(get, self.target(), path, None);
        let answer = self.sent(request).body.expect("an answer");
        match path {
            "plugins" => answer[section].clone(),
            _ => answer,
        }
    }

    fn sent<T>(&self, request: Result<Request<T>, Error>) -> T {
        self.send(&request.expect("a valid request")).expect("done")
    }

    /// Brings a fresh project or branch into the state that a document describes, with the requests of the
    /// API themselves.
    pub fn give(&self, state: &Value) {
        let target = self.target();
        for (section, wanted) in state.as_object().expect("a document") {
            match section.as_str() {
                "integration" => {}
                "name" => drop(self.sent(sign_in::update_config(target, text(wanted)))),
                "domains" => {
                    for domain in wanted.as_array().expect("a list") {
                        self.sent(domains::add(target, text(domain)));
                    }
                }
                "allow_localhost" => {
                    let allow = wanted.as_bool().expect("a boolean");
                    self.sent(sign_in::update_allow_localhost(target, allow));
                }
                "oauth_providers" => self.give_providers(wanted),
                "email_server" => {
                    let server: EmailServer = read(wanted);
                    self.sent(email_server::update(target, &server));
                }
                "email_and_password" => {
                    let update: EmailAndPassword = read(wanted);
                    self.sent(sign_in::update_email_and_password(target, &update));
                }
                "organization" => {
                    let update: Organization = read(wanted);
                    self.sent(plugins::update_organization(target, &update));
                }
                "magic_link" => {
                    let update: MagicLink = read(wanted);
                    self.sent(plugins::update_magic_link(target, &update));
                }
                "phone_number" => {
                    let update: PhoneNumber = read(wanted);
                    self.sent(plugins::update_phone_number(target, &update));
                }
                "oauth_server" => self.give_server(wanted),
                "oauth_clients" => self.give_clients(wanted, &state["oauth_server"]),
                "webhooks" => {
                    let update: Webhooks = read(wanted);
                    let none = Fields::new();
                    self.sent(webhooks::replace(target, none, &update));
                }
                other => panic!("{other}"),
            }
        }
        self.arrived();
    }

    fn give_server(&self, wanted: &Value) {
        let json = |name: &str| wanted.get(name).map(Value::to_string);
        let (mcp, resources) = (json("mcp"), json("resources"));
        let update = oauth_server::Update {
            enabled: wanted.get("enabled").and_then(Value::as_bool),
            login_page: wanted.get("login_page").map(text),
            consent_page: wanted.get("consent_page").map(text),
            mcp: mcp.as_deref(),
            resources: resources.as_deref(),
        };
        self.sent(oauth_server::update(self.target(), &update));
    }

    /// Their names are their ids first.
    fn give_clients(&self, wanted: &Value, server: &Value) {
        self.give_server(server);
        for (id, client) in wanted.as_object().expect("clients") {
            let mut registered = client.clone();
            registered["name"] = id.as_str().into();
            let registered: Registration = read(&registered);
            self.sent(oauth_clients::create(self.target(), &registered));
            let update = read(client);
            self.sent(oauth_clients::update(self.target(), id, &update));
        }
    }

    fn give_providers(&self, wanted: &Value) {
        let target = self.target();
        for there in self.sent(oauth_providers::list(target)).providers {
            self.sent(oauth_providers::delete(target, &there.id));
        }
        for (id, provider) in wanted.as_object().expect("an object") {
            let text = |name: &str| provider.get(name).map(text);
            let secret = text("client_secret").map(Secret::new);
            let credentials = Credentials {
                client_id: text("client_id"),
                client_secret: secret.as_ref(),
                microsoft_tenant_id: text("microsoft_tenant_id"),
            };
            self.sent(oauth_providers::add(target, id, credentials));
        }
    }
}

/// Beyond the document.
#[derive(Clone, Default)]
pub struct Asked {
    pub prune: Vec<&'static str>,
    pub unmanaged: bool,
    pub resend: bool,
}

/// No secret is in what comes of a document.
fn told_nobody(rows: Rows) -> Rows {
    let told = format!("{rows:?}");
    assert!(!told.contains(CANARY), "{told}");
    rows
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

fn read<T: DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).expect("the fields of a struct")
}
