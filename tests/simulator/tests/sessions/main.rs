//! What the simulator writes into a database, in the private cluster that tests/run.sh starts.

use std::time::{Duration, Instant};

use neon_simulator::{Options, Simulator};
use postgres::error::SqlState;
use postgres::{Client, Config, NoTls};
use serde_json::{Value, json};

const DELAY: Duration = Duration::from_millis(200);

/// A database of its own, with a simulator that writes into it.
struct Place {
    simulator: Option<Simulator>,
    database: &'static str,
    session: Client,
}

impl Place {
    fn new(database: &'static str) -> Self {
        let mut admin = connect("postgres");
        for statement in ["DROP DATABASE IF EXISTS", "CREATE DATABASE"] {
            let statement = format!("{statement} {database}");
            admin.batch_execute(&statement).expect(&statement);
        }
        let simulator = Simulator::start(Options {
            database_url: Some(dsn(database)),
            sync_delay: DELAY,
            ..Options::default()
        });
        Self {
            simulator: Some(simulator.expect("it starts")),
            database,
            session: connect(database),
        }
    }

    /// `tail` is what follows `.../auth` of the branch.
    fn call(&self, branch: &str, method: &str, tail: &str, body: Value) -> Value {
        let path = format!("/projects/test-a/branches/{branch}/auth{tail}");
        self.send(method, &path, body)
    }

    fn create(&self, branch: &str, body: Value) -> String {
        let created = self.call(branch, "POST", "/users", body);
        created["id"].as_str().expect("an id").to_owned()
    }

    fn send(&self, method: &str, path: &str, body: Value) -> Value {
        let url = self.simulator.as_ref().expect("it runs").url();
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{url}{path}"))
            .header("authorization", "Bearer napi_simulator")
            .header("content-type", "application/json");
        let body = match body {
            Value::Null => String::new(),
            body => body.to_string(),
        };
        let agent = ureq::Agent::config_builder()
            .allow_non_standard_methods(true)
            .build()
            .new_agent();
        let mut answer = agent
            .run(request.body(body).expect("a request"))
            .expect("success");
        let text = answer.body_mut().read_to_string().expect("text");
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Waits until `query`, a boolean, is true.
    fn until(&mut self, query: &str) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !self.is(query) {
            assert!(Instant::now() < deadline, "not within 20 s: {query}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Not as long as a table is not there.
    fn is(&mut self, query: &str) -> bool {
        match self.session.query_one(query, &[]) {
            Err(error) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => false,
            row => row.expect(query).get(0),
        }
    }

    /// The users as `email|name|role`, and that their other columns are as they should be.
    fn users(&mut self) -> Vec<String> {
        let query = r#"SELECT concat_ws('|', email, name, coalesce(role, '-')),
                NOT "emailVerified" AND "createdAt" <= now() AND "updatedAt" <= now()
                AND num_nulls(image, banned, "banReason", "banExpires") = 4
            FROM neon_auth."user" ORDER BY email COLLATE "C""#;
        let rows = self.session.query(query, &[]).expect("the table");
        assert!(rows.iter().all(|row| row.get(1)));
        rows.iter().map(|row| row.get(0)).collect()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // It would connect again.
        self.simulator = None;
        let drop = format!("DROP DATABASE {} WITH (FORCE)", self.database);
        connect("postgres").batch_execute(&drop).expect(&drop);
    }
}

fn dsn(database: &str) -> String {
    let dsn = std::env::var("NEON_AUTH_ADMIN_TEST_DSN").expect("tests/run.sh sets it");
    format!("{dsn} dbname={database}")
}

fn connect(database: &str) -> Client {
    let config: Config = dsn(database).parse().expect("a connection string");
    config.connect(NoTls).expect("a connection")
}

#[test]
fn users_of_a_branch_are_rows_of_better_auth() {
    let mut place = Place::new("simulator_users");
    assert!(place.is(r#"SELECT to_regclass('neon_auth."user"') IS NULL"#));
    let start = Instant::now();
    let zoe = place.create("br-a", json!({"email": "zoe@example.com", "name": "Zoë"}));
    place.until(&format!(
        r#"SELECT EXISTS (SELECT FROM neon_auth."user" WHERE id = '{zoe}')"#
    ));
    assert!(start.elapsed() >= DELAY, "as Neon, not at once");
    place.create("br-a", json!({"email": "Ada@Example.com"}));
    let odd = "Robert'); DROP TABLE neon_auth.\"user\"; --";
    place.create("br-a", json!({"email": "bob@example.com", "name": odd}));
    let roles = format!("/users/{zoe}/role");
    place.call("br-a", "PUT", &roles, json!({"roles": ["admin", "o'wner"]}));
    place.until(r#"SELECT count(role) = 1 FROM neon_auth."user""#);
    assert_eq!(
        place.users(),
        [
            "ada@example.com|ada|-".to_owned(),
            format!("bob@example.com|{odd}|-"),
            "zoe@example.com|Zoë|admin,o'wner".to_owned(),
        ]
    );

    place.call("br-a", "DELETE", &format!("/users/{zoe}"), Value::Null);
    place.until(r#"SELECT count(*) = 2 FROM neon_auth."user""#);
    place.create("br-a", json!({"email": "zoe@example.com"}));
    place.until(r#"SELECT count(*) = 3 FROM neon_auth."user""#);
    assert!(place.is("SELECT count(*) = 0 FROM neon_auth.users_sync"));
}

#[test]
fn users_of_the_project_level_and_of_stack_auth_are_rows_of_users_sync() {
    let mut place = Place::new("simulator_layouts");
    let user = json!({
        "project_id": "test-a", "auth_provider": "stack", "email": "zoe@example.com",
    });
    place.send("POST", "/projects/auth/user", user);
    let stack = json!({"auth_provider": "stack"});
    place.call("br-empty-stack", "POST", "", stack);
    let ada = place.create("br-empty-stack", json!({"email": "ada@example.com"}));
    let ada = format!("/users/{ada}");
    let roles = json!({"roles": ["admin"]});
    place.call("br-empty-stack", "PUT", &format!("{ada}/role"), roles);
    place.call("br-empty-stack", "DELETE", &ada, Value::Null);
    place.until(
        "SELECT array_agg(email ORDER BY email) = '{ada@example.com,zoe@example.com}'
            AND count(deleted_at) = 1 FROM neon_auth.users_sync",
    );
    assert!(place.is(r#"SELECT to_regclass('neon_auth."user"') IS NULL"#));
}

#[test]
fn deleted_data_is_gone_and_comes_back_with_the_integration() {
    let mut place = Place::new("simulator_schema");
    place.create("br-a", json!({"email": "zoe@example.com"}));
    place.until(r#"SELECT count(*) = 1 FROM neon_auth."user""#);
    place.call("br-b", "DELETE", "", Value::Null);
    place.call("br-a", "DELETE", "", json!({"delete_data": true}));
    place.until("SELECT to_regnamespace('neon_auth') IS NULL");
    let better_auth = json!({"auth_provider": "better_auth"});
    place.call("br-a", "POST", "", better_auth);
    place.until(r#"SELECT to_regclass('neon_auth."user"') IS NOT NULL"#);
    assert_eq!(place.users(), [""; 0]);
    place.create("br-a", json!({"email": "zoe@example.com"}));
    place.until(r#"SELECT count(*) = 1 FROM neon_auth."user""#);
}

#[test]
fn a_write_makes_the_tables_that_it_misses() {
    let mut place = Place::new("simulator_tables");
    place.call("br-a", "DELETE", "", json!({"delete_data": true}));
    place.until("SELECT to_regnamespace('neon_auth') IS NULL");
    place.create("br-b", json!({"email": "zoe@example.com"}));
    place.until(r#"SELECT to_regclass('neon_auth."user"') IS NOT NULL"#);
    place.until(r#"SELECT count(*) = 1 FROM neon_auth."user""#);
}

#[test]
fn an_address_belongs_to_the_branch_that_took_it_last() {
    let mut place = Place::new("simulator_branches");
    let first = place.create("br-a", json!({"email": "zoe@example.com"}));
    place.call(
        "br-a",
        "PUT",
        &format!("/users/{first}/role"),
        json!({"roles": ["admin"]}),
    );
    let second = place.create("br-b", json!({"email": "zoe@example.com", "name": "Zoë"}));
    place.until(&format!(
        r#"SELECT EXISTS (SELECT FROM neon_auth."user" WHERE id = '{second}')"#
    ));
    assert_eq!(place.users(), ["zoe@example.com|Zoë|-"]);
}
