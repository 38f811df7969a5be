//! Where memory is limited, as by `ulimit -v`: a call succeeds, fails, or ends its session, and never
//! the server. A session that is open all the while sees to that, as a crash would end it.

use std::collections::BTreeMap;

use postgres::{Client, Error};

use crate::backend::Backend;
use crate::hanging_name::HangingName;
use crate::large_answers::{answering, plugins};
use crate::phases::list;
use crate::support::{Database, Statements, one, variable, wait_for};

// Postgres itself (15 and later) can fall over when it is refused memory for its statistics, which grow with what other
// sessions do: so there are none beside these tests.

/// In KiB.
const STEP: usize = 64;

/// Loads the library, and makes no call.
const LOADED: &str = "SELECT neon_auth_admin.set_api_key('********')";

/// Looks once.
const WAIT: &str = "SELECT neon_auth_admin.wait_for_user(id::text, '0')
    FROM (SELECT id FROM neon_auth.\"user\" LIMIT 1) AS one";

/// For large answers.
const LARGE: &str = "SELECT neon_auth_admin.get_plugins(server => 'http'),
    set_config('neon_auth_admin.max_response_size', '16MB', false)";

/// What became of a statement. The server's last words are an error of its own; without them it has
/// crashed.
fn outcome<T>(backend: Backend, result: Result<T, Error>) -> String {
    let Err(error) = result else {
        return "success".to_owned();
    };
    if let Some(error) = error.as_db_error() {
        return format!("{} {}", error.severity(), error.code().code());
    }
    // A client that sees words and end at once may tell of the end alone.
    backend.wait_until_gone();
    let log = backend.log();
    let words = log
        .iter()
        .any(|line| line.contains("FATAL:  out of memory"));
    assert!(words, "{error}: {:?}", log.last());
    "FATAL 53200".to_owned()
}

/// There is enough memory for it; what it says is none of its business.
fn prepare(session: &mut Client, query: &str) {
    if let Err(error) = session.query(query, &[]) {
        assert!(query == LOADED, "{error}");
    }
}

fn get_plugins(server: &str) -> String {
    format!(
        "SELECT length(organization::text) FROM neon_auth_admin.get_plugins(server => '{server}')"
    )
}

struct World {
    database: Database,
    bystander: Client,
}

impl World {
    fn new(name: &str) -> Self {
        let database = Database::new(name);
        let url = variable("NEON_SIMULATOR_URL");
        // On another thread, the name of the host is looked up.
        let https = variable("NEON_SIMULATOR_HTTPS_URL");
        database.add_server("http", "test-memory", &url, ", branch_id 'br-main-000001'");
        database.add_server(
            "https",
            "test-memory",
            &https,
            ", branch_id 'br-main-000001'",
        );
        let long = format!("\"{}\"", "x".repeat(1 << 20));
        for (server, answer) in [
            ("long", plugins(&long, 2 << 20)),
            ("many", plugins("{\"a\":1}", 390_000)),
        ] {
            let options = ", branch_id 'br-main-000001', timeout '60s'";
            database.add_server(server, "test-memory", &answering(answer), options);
        }
        let mut bystander = database.session();
        bystander.run(
            "CREATE SCHEMA neon_auth;
             CREATE TABLE neon_auth.\"user\" AS
                 SELECT gen_random_uuid() AS id, repeat('e', 40) AS email, repeat('n', 40) AS name,
                     now() AS \"createdAt\", now() AS \"updatedAt\" FROM generate_series(1, 20000)",
        );
        Self {
            database,
            bystander,
        }
    }

    fn assert_alive(&mut self) {
        assert_eq!(one(&mut self.bystander, "SELECT 1").get::<_, i32>(0), 1);
    }

    /// What becomes of `query` in sessions that have `before` behind them and may then take ever more
    /// memory, until there is enough.
    fn sweep(&mut self, before: Option<&str>, query: &str, step: usize) -> BTreeMap<String, usize> {
        let mut outcomes = BTreeMap::new();
        let mut successes = 0;
        for n in 0.. {
            assert!(n < 400, "never enough: {outcomes:?}");
            let mut session = self.database.session();
            if let Some(before) = before {
                prepare(&mut session, before);
            }
            let backend = Backend::of(&mut session);
            let limit = backend.address_space() + n * step;
            backend.limit("as", limit * 1024);
            let outcome = outcome(backend, session.query(query, &[]));
            self.assert_alive();
            successes = if outcome == "success" {
                successes + 1
            } else {
                0
            };
            *outcomes.entry(outcome).or_default() += 1;
            if successes == 3 {
                break;
            }
        }
        println!("{query} after {before:?}: {outcomes:?}");
        outcomes
    }
}

/// However much memory is left, in steps that are smaller than what a call needs.
#[test]
#[ignore = "tests/run.sh runs this alone"]
fn whatever_memory_is_left_the_server_lives() {
    let mut world = World::new("it_memory");
    let (http, https) = (list("http"), list("https"));
    let users = "SELECT count(*) FROM neon_auth_admin.list_users()";
    let check = "SELECT count(*) FROM neon_auth_admin.check_connection('http')";
    let mut refused = 0;
    for (before, query, step) in [
        (Some(LOADED), &*http, STEP),
        (Some(LOADED), &*https, STEP),
        // The library itself is large.
        (None, &*https, 128 * STEP),
        (Some(LOADED), users, STEP),
        (Some(LOADED), WAIT, STEP),
        (Some(LOADED), check, STEP),
    ] {
        // A small call may find all that it needs in what is free.
        refused += world.sweep(before, query, step).len() - 1;
    }
    assert!(refused > 0, "nothing was ever refused");

    for (server, step) in [("long", 8 * STEP), ("many", 128 * STEP)] {
        let outcomes = world.sweep(Some(LARGE), &get_plugins(server), step);
        assert!(outcomes.contains_key("FATAL 53200"), "{outcomes:?}");
    }
}

/// At its COMMIT, a queued call needs no memory: whoever wakes the worker could not say so.
#[test]
#[ignore = "tests/run.sh runs this alone"]
fn a_commit_that_wakes_a_worker_succeeds() {
    let mut world = World::new("it_memory_commit");
    let queue = "SELECT neon_auth_admin.enqueue('create_user',
        jsonb_build_object('email', gen_random_uuid() || '@example.com'), 'http')";
    let waiting = "SELECT count(*) FROM neon_auth_admin.queue WHERE state <> 'done'";
    for smallest in [20, 13, 8, 0] {
        let mut session = world.database.session();
        session.run(&format!("BEGIN; {queue}"));
        let backend = Backend::of(&mut session);
        backend.limit("as", backend.address_space() * 1024);
        for size in (smallest..=20).rev().map(|bits| 1 << bits) {
            let setting = format!("set_config('fill.s' || random(), repeat('x', {size}), false)");
            while session
                .batch_execute(&format!("SAVEPOINT one; SELECT length({setting})"))
                .is_ok()
            {}
            // Which takes memory as well: without any, the transaction stays aborted.
            let _ = session.batch_execute("ROLLBACK TO one");
        }
        let outcome = outcome(backend, session.batch_execute("COMMIT"));
        println!("COMMIT without 2^{smallest} bytes: {outcome}");
        world.assert_alive();
        wait_for("the call is made", || {
            one(&mut world.bystander, waiting).get::<_, i64>(0) == 0
        });
    }
    let whole = world.sweep(Some(LOADED), queue, STEP);
    println!("{whole:?}");
}

/// The next call of a session without memory ends it, or survives it.
#[test]
#[ignore = "tests/run.sh runs this alone"]
fn a_session_full_of_settings_ends_alone() {
    let mut world = World::new("it_memory_full");
    let mut ended = 0;
    for (before, query) in [
        (LOADED, list("http")),
        (LOADED, list("https")),
        (LARGE, get_plugins("many")),
    ] {
        for smallest in [20, 17, 15, 13, 11, 8, 0] {
            let mut session = world.database.session();
            prepare(&mut session, before);
            let backend = Backend::of(&mut session);
            backend.limit("as", (backend.address_space() + 16 * 1024) * 1024);
            let settings = fill(backend, &mut session, smallest);
            let outcome = outcome(backend, session.query(&query, &[]));
            println!("{query} after {settings} settings of 2^{smallest} bytes or more: {outcome}");
            world.assert_alive();
            ended += usize::from(outcome == "FATAL 53200");
        }
    }
    assert!(ended > 0, "no call was refused memory");
}

/// Makes settings until there is no memory for one of 2 to the power of `smallest` bytes.
fn fill(backend: Backend, session: &mut Client, smallest: u32) -> usize {
    let mut settings = 0;
    for size in (smallest..=20).rev().map(|bits| 1 << bits) {
        loop {
            let value = format!("repeat('x', {size})");
            let set = format!("SELECT length(set_config('fill.s{settings}', {value}, false))");
            match outcome(backend, session.query(&set, &[])).as_str() {
                "success" => settings += 1,
                refused => {
                    assert_eq!(refused, "ERROR 53200");
                    break;
                }
            }
        }
    }
    settings
}

/// The thread that looks a name up must not call Postgres: the main one ends the session for it.
#[test]
#[ignore = "tests/run.sh runs this alone"]
fn a_look_up_that_is_refused_memory_ends_its_session_alone() {
    let mut world = World::new("it_memory_look_up");
    let name = HangingName::new();
    name.take_all_memory();
    world
        .database
        .add_server("neon", "test-memory", &name.url(), "");
    let mut session = world.database.session();
    let backend = Backend::of(&mut session);
    name.let_go();
    let outcome = outcome(backend, session.query(&list("neon"), &[]));
    assert_eq!(outcome, "FATAL 53200");
    world.assert_alive();
}
