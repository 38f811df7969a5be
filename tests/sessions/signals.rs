//! A call in a storm of signals: it succeeds, and is made once.

use std::thread;

use postgres::Client;

use crate::backend::Backend;
use crate::by_hand::ByHand;
use crate::configuration::Configuration;
use crate::hanging_name::HangingName;
use crate::phases::list;
use crate::support::{Database, Statements, arrived, connect};

/// What a busy server does to a backend.
struct Storm {
    session: Client,
    round: String,
    other: String,
    _turn: Configuration,
}

impl Storm {
    fn new(database: &Database, backend: Backend) -> Self {
        let session = connect(&database.name, "postgres");
        let round = format!(
            "SELECT pg_reload_conf(), pg_notify('storm', 'x'), pg_log_backend_memory_contexts({})",
            backend.pid
        );
        let other = format!("{}_other", database.name);
        Self {
            session,
            round,
            other,
            _turn: Configuration::own(),
        }
    }

    fn blow(&mut self) {
        self.session.batch_execute(&self.round).expect("a round");
    }

    /// Postgres waits until every backend has taken part.
    fn barrier(&mut self) {
        for verb in ["CREATE", "DROP"] {
            let statement = format!("{verb} DATABASE {}", self.other);
            self.session.batch_execute(&statement).expect("a barrier");
        }
    }
}

/// A session that is signalled every 10 ms besides, and its backend.
fn shaken(database: &Database) -> (Client, Backend) {
    let mut session = database.session();
    session.run("SET client_connection_check_interval = '10ms'; LISTEN storm");
    let backend = Backend::of(&mut session);
    (session, backend)
}

/// That the signals were not only sent but served.
#[track_caller]
fn assert_served(backend: Backend) {
    let log = backend.log();
    let mark = "LOG:  logging memory contexts of PID";
    let served = log.iter().filter(|line| line.contains(mark)).count();
    assert!(served > 1, "{served}");
}

#[test]
fn an_answer_may_come_between_signals() {
    let database = Database::new("it_signals");
    let server = ByHand::new();
    let patient = ", timeout '60s'";
    database.add_server("neon", "test-signals", &server.url(), patient);
    let (mut session, backend) = shaken(&database);
    let mut storm = Storm::new(&database, backend);
    let created = thread::scope(|scope| {
        let call = scope.spawn(|| {
            let create = "SELECT id FROM neon_auth_admin.create_user('ada@example.com')";
            session.query_one(create, &[]).map(|row| row.get(0))
        });
        let mut waiting = server.next();
        assert!(waiting.request.starts_with("POST /projects/auth/user "));
        backend.wait_for("NeonAuthAdminReceive");
        storm.barrier();
        waiting.answer(r#"{"id":"from-the-storm"}"#, || storm.blow());
        call.join().expect("no panic")
    });
    let created: String = created.expect("created");
    assert_eq!(created, "from-the-storm");
    assert!(server.is_quiet(), "sent once");
    assert_served(backend);
}

#[test]
fn a_name_may_be_found_between_signals() {
    let database = Database::new("it_signals_name");
    let name = HangingName::new();
    let (project, patient) = ("test-signals-name", ", timeout '60s'");
    database.add_server("neon", project, &name.url(), patient);
    let (mut session, backend) = shaken(&database);
    let mut storm = Storm::new(&database, backend);
    thread::scope(|scope| {
        let call = scope.spawn(|| session.query(&list("neon"), &[]).map(drop));
        backend.wait_for("NeonAuthAdminResolve");
        storm.barrier();
        (0..100).for_each(|_| storm.blow());
        drop(name);
        call.join().expect("no panic").expect("listed");
    });
    assert_eq!(arrived(project), 1);
    assert_served(backend);
}
