//! Views in the eyes of the ledger: what each statement sends. What the tests share is here.

mod changes;
mod forms;
mod inserts;
mod kept;
mod rights;
mod secrets;

use std::io::Write;

use postgres::Client;
use postgres::error::{DbError, SqlState};
use serde_json::Value;

use crate::support::{Database, Statements, ledger, variable};

/// That of this compute: the view of users refuses to write to another one.
const BRANCH: &str = ", branch_id 'br-current-1'";

const VERSION: &str = "SELECT current_setting('server_version_num')::int / 10000";

/// A database with a table of users that nobody but the test writes to: what is deleted at Neon stays.
const USERS: &str = "CREATE SCHEMA neon_auth;
    CREATE TABLE neon_auth.\"user\" (
        id uuid PRIMARY KEY, name text, email text, role text,
        \"createdAt\" timestamptz DEFAULT now(), \"updatedAt\" timestamptz DEFAULT now())";

struct World {
    session: Client,
    database: Database,
    project: String,
    /// How many requests were looked at.
    seen: usize,
}

impl World {
    fn new(name: &str) -> Self {
        let database = Database::new(name);
        let project = format!("test-{}", name.replace('_', "-"));
        database.add_server("neon", &project, &variable("NEON_SIMULATOR_URL"), BRANCH);
        let mut session = database.session();
        session.run(USERS);
        Self {
            session,
            database,
            project,
            seen: 0,
        }
    }

    /// Users at Neon and here, with these names before the `@`.
    fn add_users(&mut self, names: &[&str]) {
        let emails: Vec<_> = names.iter().map(|name| self.email(name)).collect();
        let insert = "WITH made AS (
                INSERT INTO neon_auth_admin.users (email) SELECT unnest($1::text[]) RETURNING id, email)
            INSERT INTO neon_auth.\"user\" (id, email, name) SELECT id::uuid, email, split_part(email, '@', 1) FROM made";
        self.session.execute(insert, &[&emails]).expect("users");
        assert_eq!(self.sent().len(), names.len());
    }

    fn email(&self, name: &str) -> String {
        format!("{name}@{}.example", self.project)
    }

    /// What was sent since it was asked for: method, and path below `auth/`.
    fn sent(&mut self) -> Vec<String> {
        let ledger = ledger(&self.project);
        let requests = ledger.as_array().expect("a list");
        let new = requests[self.seen..].iter().map(|request| {
            let path = request["path"].as_str().expect("a path");
            let (_, below) = path.split_once("/auth").expect("below a branch");
            let what = below
                .trim_start_matches('/')
                .split('/')
                .next()
                .unwrap_or_default();
            format!("{} {what}", request["method"].as_str().expect("a method"))
        });
        let new = new.collect();
        self.seen = requests.len();
        new
    }

    /// The body of the last request.
    fn body(&self) -> Value {
        let ledger = ledger(&self.project);
        ledger.as_array().and_then(|all| all.last()).expect("one")["body"].clone()
    }

    /// The statement changes so many rows, and sends this.
    #[track_caller]
    fn assert(&mut self, statement: &str, rows: u64, expected: &[&str]) {
        let count = self.session.execute(statement, &[]);
        let count = count.unwrap_or_else(|error| panic!("{statement}: {error:?}"));
        assert_eq!(self.sent(), expected, "{statement}");
        assert_eq!(count, rows, "{statement}");
    }

    /// The statement fails, and sends this.
    #[track_caller]
    fn assert_refused(&mut self, statement: &str, state: &str, expected: &[&str]) -> DbError {
        let error = self.session.refused(statement, &SqlState::from_code(state));
        assert_eq!(self.sent(), expected, "{statement}");
        error
    }
}

fn copy_in(session: &mut Client, statement: &str, lines: &str) -> Result<u64, postgres::Error> {
    let mut copy = session.copy_in(statement)?;
    copy.write_all(lines.as_bytes()).expect("sent");
    copy.finish()
}
