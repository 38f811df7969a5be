//! Databases, sessions and the simulator's ledger.

use std::collections::BTreeSet;
use std::env;
use std::thread;
use std::time::{Duration, Instant};

use postgres::error::{DbError, SqlState};
use postgres::{Client, Config, Error, GenericClient, NoTls, Row};
use serde_json::Value;

pub fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run these tests with make test"))
}

/// What of a test is left out on this server. tests/run.sh counts these lines, and lists them.
pub fn skipped(what: &str, reason: &str) {
    println!("skipped: {what}: {reason}");
}

/// How to get a session on `database` as `user`.
pub fn config(database: &str, user: &str) -> Config {
    config_of("NEON_AUTH_ADMIN_TEST_DSN", database, user)
}

pub fn config_of(dsn: &str, database: &str, user: &str) -> Config {
    let mut config: Config = variable(dsn).parse().expect("a connection string");
    config.dbname(database).user(user);
    config
}

/// A session on `database` as `user`.
pub fn connect(database: &str, user: &str) -> Client {
    connect_to("NEON_AUTH_ADMIN_TEST_DSN", database, user)
}

/// The same on the server of that variable.
pub fn connect_to(dsn: &str, database: &str, user: &str) -> Client {
    let config = config_of(dsn, database, user);
    config.connect(NoTls).expect("a session")
}

/// A fresh database with the extension, owned by a fresh role of the same name that is no superuser.
pub struct Database {
    pub name: String,
}

impl Database {
    pub fn new(name: &str) -> Self {
        let mut admin = connect("postgres", "postgres");
        admin.run(&format!("CREATE ROLE {name} LOGIN"));
        admin.run(&format!("CREATE DATABASE {name} OWNER {name}"));
        let database = Self { name: name.into() };
        database.session().run("CREATE EXTENSION neon_auth_admin");
        database
    }

    /// A session of the owner.
    pub fn session(&self) -> Client {
        connect(&self.name, &self.name)
    }

    /// The same, started with these options, as PGOPTIONS gives them.
    pub fn session_with(&self, options: &str) -> Client {
        let mut config = config(&self.name, &self.name);
        config.options(options).connect(NoTls).expect("a session")
    }

    /// A server with these options, and the API key for the owner.
    pub fn add_server(&self, server: &str, project: &str, url: &str, options: &str) {
        let mut owner = self.session();
        owner.run(&format!(
            "CREATE SERVER {server} FOREIGN DATA WRAPPER neon_auth_admin \
             OPTIONS (project_id '{project}', api_url '{url}'{options})"
        ));
        set_api_key(&mut owner, server);
    }
}

/// Bound, so that the key is in no statement.
pub fn set_api_key(session: &mut Client, server: &str) {
    let key = variable("NEON_API_KEY");
    session
        .execute(
            "SELECT neon_auth_admin.set_api_key($1, $2)",
            &[&key, &server],
        )
        .expect("a key");
}

pub fn sqlstate(error: &Error) -> SqlState {
    error.code().cloned().expect("an error of the server")
}

/// What a test says in a session.
pub trait Statements {
    /// They succeed.
    fn run(&mut self, statements: &str);

    /// They fail with this SQLSTATE, and how.
    fn refused(&mut self, statements: &str, state: &SqlState) -> DbError;
}

impl<C: GenericClient> Statements for C {
    #[track_caller]
    fn run(&mut self, statements: &str) {
        let ran = self.batch_execute(statements);
        ran.unwrap_or_else(|error| panic!("{statements}: {error:?}"));
    }

    #[track_caller]
    fn refused(&mut self, statements: &str, state: &SqlState) -> DbError {
        let error = self.batch_execute(statements).expect_err(statements);
        match error.as_db_error() {
            Some(refusal) if refusal.code() == state => refusal.clone(),
            _ => panic!("{statements}: {error:?}, not {state:?}"),
        }
    }
}

pub fn one(session: &mut Client, query: &str) -> Row {
    session.query_one(query, &[]).expect("one row")
}

/// Waits until `query`, a boolean, is true.
pub fn wait_until(session: &mut Client, what: &str, query: &str) {
    wait_for(what, || one(session, query).get(0));
}

pub fn wait_for(what: &str, condition: impl FnMut() -> bool) {
    assert!(comes_true(condition), "{what}: not within 60 s");
}

/// Whether it does within 60 s.
pub fn comes_true(mut condition: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        if condition() {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// The server's log; databases of other encodings leave bytes in it that are not UTF-8.
pub fn server_log() -> String {
    let log = std::fs::read(variable("NEON_AUTH_ADMIN_SERVER_LOG")).expect("the log");
    String::from_utf8_lossy(&log).into_owned()
}

/// The ledger of the simulator for one project, as JSON.
pub fn ledger(project: &str) -> Value {
    ask_simulator(&format!("/_requests?project={project}"))
}

/// The numbers of the connections on which the requests of a ledger arrived.
pub fn connections_of(ledger: &Value) -> BTreeSet<u64> {
    numbers(ledger, |request| &request["connection"])
}

/// The numbers of the connections that are open now, for whatever project.
pub fn open_connections() -> BTreeSet<u64> {
    numbers(&ask_simulator("/_connections")["open"], |number| number)
}

fn numbers(list: &Value, number: impl Fn(&Value) -> &Value) -> BTreeSet<u64> {
    let list = list.as_array().expect("a list");
    list.iter()
        .map(|item| number(item).as_u64().expect("a number"))
        .collect()
}

fn ask_simulator(path: &str) -> Value {
    let url = variable("NEON_SIMULATOR_URL").replace("/api/v2", path);
    let mut answer = ureq::get(url).call().expect("the simulator");
    let body = answer.body_mut().with_config().limit(1 << 30);
    let body = body.read_to_string().expect("text");
    serde_json::from_str(&body).expect("JSON")
}

pub fn arrived(project: &str) -> usize {
    ledger(project).as_array().expect("a list").len()
}
