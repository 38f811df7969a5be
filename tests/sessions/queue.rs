//! Queued calls: what is made of them, against what the simulator has seen.

mod alone;
mod checked;
mod copies;
mod crash;
mod doubt;
mod faults;
mod order;
mod pace;
mod rights;
mod sending;
mod threads;
pub mod worker;
mod written;

use postgres::Client;
use serde_json::Value;

use crate::support::{Database, Statements, connect, ledger, one, set_api_key, variable};

/// A database with a server whose project is for it alone.
pub struct Queue {
    pub database: Database,
    project: String,
}

impl Queue {
    /// With no worker: what is delivered when is the test's to say.
    pub fn new(name: &str, project: &str) -> Self {
        let queue = Self::with_worker(name, project);
        let mut admin = connect("postgres", "postgres");
        for whose in ["DATABASE", "ROLE"] {
            admin.run(&format!(
                "ALTER {whose} {name} SET neon_auth_admin.queue_linger = -1"
            ));
        }
        queue
    }

    pub fn with_worker(name: &str, project: &str) -> Self {
        let database = Database::new(name);
        let url = variable("NEON_SIMULATOR_URL");
        // The branch of this server, as tests/run.sh has it. Whatever is tried again is tried by the queue.
        let options = ", branch_id 'br-current-1', max_attempts '1'";
        database.add_server("neon", project, &url, options);
        let project = project.to_owned();
        Self { database, project }
    }

    pub fn session(&self) -> Client {
        self.database.session()
    }

    /// Another role with all rights, and with the key.
    pub fn add_role(&self, role: &str) {
        let name = &self.database.name;
        connect(name, "postgres").run(&format!(
            "CREATE ROLE {role} LOGIN;
             GRANT USAGE ON SCHEMA neon_auth_admin TO {role};
             GRANT EXECUTE ON ALL ROUTINES IN SCHEMA neon_auth_admin TO {role};
             GRANT USAGE ON FOREIGN SERVER neon TO {role}"
        ));
        set_api_key(&mut connect(name, role), "neon");
    }

    /// With a table of users, in which nobody is.
    pub fn with_users(self) -> Self {
        self.session().run(
            r#"CREATE SCHEMA neon_auth;
               CREATE TABLE neon_auth."user" (id uuid PRIMARY KEY, name text, email text,
                   "createdAt" timestamptz DEFAULT now(), "updatedAt" timestamptz DEFAULT now())"#,
        );
        self
    }

    /// What was asked of Neon: the method, what it was about, and the status of the answer, if it was seen.
    pub fn requests(&self) -> Vec<String> {
        let requests = ledger(&self.project);
        let requests = requests.as_array().expect("a list").iter();
        requests.map(request).collect()
    }

    /// As nobody but a superuser can: the time of that call does not come soon.
    pub fn postpone(&self, id: i64) {
        let mut admin = connect(&self.database.name, "postgres");
        admin.run(&format!(
            "UPDATE neon_auth_admin.queued_calls SET next_attempt_at = now() + interval '1 hour' WHERE id = {id}"
        ));
    }

    /// As nobody but a superuser can: the time comes now.
    pub fn hasten(&self) {
        let mut admin = connect(&self.database.name, "postgres");
        admin.run(
            "UPDATE neon_auth_admin.queued_calls SET next_attempt_at = now() - interval '1 minute'
             WHERE next_attempt_at > now()",
        );
    }
}

fn request(request: &Value) -> String {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let body = &request["body"];
    let path = request["path"].as_str().expect("a path");
    let about = text(&body["email"])
        .or_else(|| text(&body["domain"]))
        .or_else(|| text(&body["domains"][0]["domain"]))
        .unwrap_or_else(|| path.rsplit("/users/").next().unwrap_or(path).to_owned());
    let method = request["method"].as_str().expect("a method");
    format!("{method} {about} {}", request["status"])
}

pub fn enqueue(session: &mut Client, operation: &str, arguments: &Value) -> i64 {
    let arguments = arguments.to_string();
    let query = "SELECT neon_auth_admin.enqueue($1, $2::text::jsonb)";
    let row = session.query_one(query, &[&operation, &arguments]);
    row.expect("queued").get(0)
}

pub fn run(session: &mut Client) {
    session.run("CALL neon_auth_admin.run_queue()");
}

/// `1 done, 2 failed P0002`, by id.
pub fn states(session: &mut Client) -> String {
    let query =
        "SELECT coalesce(string_agg(concat_ws(' ', id, state, sqlstate), ', ' ORDER BY id), '')
                 FROM neon_auth_admin.queue";
    one(session, query).get(0)
}
