//! The calls in a backend. They are timed there, with `clock_timestamp()`, so that the round trip of
//! a client is no part of it.

use std::fs;

use postgres::{Client, Config, NoTls};

use crate::{Operation, Scheme, variable};

pub struct Backend {
    session: Client,
}

/// Microseconds.
pub struct FirstCall {
    pub loading: f64,
    pub calling: f64,
}

/// Kilobytes.
pub struct Growth {
    pub before: i64,
    pub after: i64,
}

const TIMERS: &str = "
    CREATE EXTENSION IF NOT EXISTS neon_auth_admin;
    CREATE SCHEMA bench;
    CREATE FUNCTION bench.list_domains(server text, calls integer) RETURNS double precision[]
    LANGUAGE plpgsql AS $$
    DECLARE
        times double precision[];
        started timestamptz;
    BEGIN
        FOR n IN 1 .. calls LOOP
            started := clock_timestamp();
            PERFORM domain, auth_provider FROM neon_auth_admin.list_domains(server);
            times[n] := extract(epoch FROM clock_timestamp() - started) * 1e6;
        END LOOP;
        RETURN times;
    END $$;
    CREATE FUNCTION bench.create_user(server text, calls integer) RETURNS double precision[]
    LANGUAGE plpgsql AS $$
    DECLARE
        times double precision[];
        started timestamptz;
        address text;
    BEGIN
        FOR n IN 1 .. calls LOOP
            address := gen_random_uuid() || '@example.com';
            started := clock_timestamp();
            PERFORM id FROM neon_auth_admin.create_user(address, server => server);
            times[n] := extract(epoch FROM clock_timestamp() - started) * 1e6;
        END LOOP;
        RETURN times;
    END $$;
    CREATE FUNCTION bench.load() RETURNS double precision[]
    LANGUAGE plpgsql AS $$
    DECLARE
        started timestamptz := clock_timestamp();
    BEGIN
        PERFORM neon_auth_admin.set_api_key(NULL);
    EXCEPTION WHEN null_value_not_allowed THEN
        RETURN ARRAY[extract(epoch FROM clock_timestamp() - started) * 1e6];
    END $$;";

impl Backend {
    pub fn new() -> Self {
        let mut session = connect();
        session.batch_execute(TIMERS).expect("the timers");
        for scheme in [Scheme::Http, Scheme::Https] {
            let (server, url) = (scheme.name(), scheme.url());
            session
                .batch_execute(&format!(
                    "CREATE SERVER \"{server}\" FOREIGN DATA WRAPPER neon_auth_admin
                     OPTIONS (project_id 'bench-sql-{}', api_url '{url}')",
                    std::process::id()
                ))
                .expect("a server");
            let key = variable("NEON_API_KEY");
            session
                .execute(
                    "SELECT neon_auth_admin.set_api_key($1, $2)",
                    &[&key, &server],
                )
                .expect("a key");
        }
        for domain in ["https://a.example.com", "https://b.example.com"] {
            session
                .execute("SELECT neon_auth_admin.add_domain($1, 'HTTP')", &[&domain])
                .expect("added");
        }
        Self { session }
    }

    /// Microseconds of each call.
    pub fn time(&mut self, scheme: Scheme, operation: Operation, calls: usize) -> Vec<f64> {
        let query = match operation {
            Operation::ListDomains => "SELECT bench.list_domains($1, $2)",
            Operation::CreateUser => "SELECT bench.create_user($1, $2)",
        };
        let calls = i32::try_from(calls).expect("few calls");
        self.session
            .query_one(query, &[&scheme.name(), &calls])
            .expect("timed calls")
            .get(0)
    }

    /// In a new backend: a call that does no more than load the library, then the first that goes
    /// out.
    pub fn first_call() -> FirstCall {
        let mut session = connect();
        let mut time = |query| {
            let times: Vec<f64> = session.query_one(query, &[]).expect("timed calls").get(0);
            times[0]
        };
        FirstCall {
            loading: time("SELECT bench.load()"),
            calling: time("SELECT bench.list_domains('HTTPS', 1)"),
        }
    }

    /// The backend's private memory before and after these calls.
    pub fn growth(&mut self, calls: usize) -> Growth {
        let pid: i32 = self
            .session
            .query_one("SELECT pg_backend_pid()", &[])
            .expect("a pid")
            .get(0);
        let run = |backend: &mut Self, calls: usize| {
            for _ in 0..calls / 200 {
                backend.time(Scheme::Https, Operation::ListDomains, 100);
                backend.time(Scheme::Https, Operation::CreateUser, 100);
            }
        };
        run(self, 200);
        let before = private_memory(pid);
        run(self, calls);
        let after = private_memory(pid);
        Growth { before, after }
    }
}

/// Kilobytes.
pub fn private_memory(pid: i32) -> i64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("a live backend");
    status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"))
        .and_then(|line| line.trim().trim_end_matches(" kB").parse().ok())
        .expect("a size in kB")
}

pub fn connect() -> Client {
    Client::connect(&variable("NEON_AUTH_ADMIN_TEST_DSN"), NoTls).expect("a session")
}

/// To another database of that server.
pub fn connect_to(database: &str) -> Client {
    let config = variable("NEON_AUTH_ADMIN_TEST_DSN").parse::<Config>();
    let mut config = config.expect("a connection string");
    config.dbname(database).connect(NoTls).expect("a session")
}
