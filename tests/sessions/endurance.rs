//! Many calls, many sessions, callers that stop early: what is left behind is nothing.

use std::thread;

use postgres::Client;
use serde_json::Value;

use crate::backend::Backend;
use crate::support::{
    Database, Statements, arrived, connections_of, ledger, one, open_connections, variable,
    wait_for,
};

/// In KiB: less than two hundred calls leak if each leaks the list of what it returned.
const GROWTH: usize = 256;

/// What a backend holds.
#[derive(Debug)]
struct Holdings {
    memory: usize,
    descriptors: usize,
    threads: usize,
}

impl Holdings {
    fn of(backend: Backend) -> Self {
        Self {
            memory: backend.memory(),
            descriptors: backend.descriptors(),
            threads: backend.threads().len(),
        }
    }

    #[track_caller]
    fn assert_no_more(&self, backend: Backend, what: &str) {
        let now = Self::of(backend);
        println!(
            "memory, {what}: {} KiB, then {} KiB",
            self.memory, now.memory
        );
        assert!(
            now.memory < self.memory + GROWTH,
            "{what}: {self:?}, {now:?}"
        );
        assert_eq!(now.descriptors, self.descriptors, "{what}");
        assert_eq!(now.threads, 1, "{what}");
    }
}

/// Ten calls a round, of which one is two requests: of readers and writers, with one row and with many, four of them failing.
const ROUNDS: &str = "
    CREATE FUNCTION rounds(count integer) RETURNS void LANGUAGE plpgsql AS $$
    DECLARE
        user_id text;
    BEGIN
        FOR n IN 1 .. count LOOP
            SELECT id INTO STRICT user_id FROM neon_auth_admin.create_user('ada@example.com', 'Ada');
            BEGIN
                PERFORM neon_auth_admin.create_user('ada@example.com');
            EXCEPTION WHEN unique_violation THEN
            END;
            PERFORM neon_auth_admin.delete_user(user_id);
            BEGIN
                PERFORM neon_auth_admin.delete_user(user_id);
            EXCEPTION WHEN no_data_found THEN
            END;
            PERFORM neon_auth_admin.add_domain('https://ada.example.com');
            PERFORM domain FROM neon_auth_admin.list_domains();
            PERFORM neon_auth_admin.delete_domain('https://ada.example.com');
            PERFORM id FROM neon_auth_admin.list_oauth_providers();
            BEGIN
                PERFORM neon_auth_admin.update_oauth_provider('vercel', 'id', 'secret');
            EXCEPTION WHEN no_data_found THEN
            END;
            BEGIN
                PERFORM neon_auth_admin.get_email_server(server => 'failing');
            EXCEPTION WHEN SQLSTATE 'NA005' THEN
            END;
        END LOOP;
    END $$";

#[test]
fn ten_thousand_calls_in_one_session() {
    let database = Database::new("it_many_calls");
    let (project, failing) = ("test-many-calls", "fault-500--many-calls");
    let url = variable("NEON_SIMULATOR_HTTPS_URL");
    database.add_server("neon", project, &url, "");
    database.add_server("failing", failing, &url, "");
    let mut session = database.session();
    session.run(ROUNDS);
    for n in 1..=5 {
        add_domain(&mut session, n);
    }
    let backend = Backend::of(&mut session);
    let mut call = |rounds: i32| {
        session
            .execute("SELECT rounds($1)", &[&rounds])
            .expect("no other error");
    };
    call(10);
    let (before, highest) = (Holdings::of(backend), backend.peak());
    // In one statement: what would be freed at its end must not pile up either.
    call(990);
    before.assert_no_more(backend, "10,000 calls");
    let growth = backend.growth_of_peak(highest);
    assert!(growth < 4 * GROWTH, "{growth} KiB more at the highest");
    let (well, failed) = (ledger(project), ledger(failing));
    let count = |ledger: &Value| ledger.as_array().map_or(0, Vec::len);
    assert_eq!((count(&well), count(&failed)), (5 + 10_000, 1000));
    assert_eq!(connections_of(&well).len(), 1);
    assert_eq!(connections_of(&well), connections_of(&failed));
}

fn add_domain(session: &mut Client, n: usize) {
    session
        .execute(
            "SELECT neon_auth_admin.add_domain($1)",
            &[&format!("https://{n}.example.com")],
        )
        .expect("added");
}

#[test]
fn a_hundred_sessions_at_once() {
    const SESSIONS: usize = 100;
    let database = Database::new("it_many_sessions");
    let project = "test-many-sessions";
    let url = variable("NEON_SIMULATOR_HTTPS_URL");
    database.add_server("neon", project, &url, "");
    let sessions: Vec<_> = (0..SESSIONS).map(|_| database.session()).collect();
    let sessions: Vec<_> = thread::scope(|scope| {
        let calls = |(n, mut session): (usize, Client)| {
            for _ in 0..3 {
                add_domain(&mut session, n);
                let own = format!(
                    "SELECT count(*) FROM neon_auth_admin.list_domains()
                     WHERE domain = 'https://{n}.example.com'"
                );
                assert_eq!(one(&mut session, &own).get::<_, i64>(0), 1);
                let delete = "SELECT neon_auth_admin.delete_domain($1)";
                session
                    .execute(delete, &[&format!("https://{n}.example.com")])
                    .expect("deleted");
            }
            session
        };
        let threads: Vec<_> = sessions
            .into_iter()
            .enumerate()
            .map(|it| scope.spawn(move || calls(it)))
            .collect();
        let sessions = threads
            .into_iter()
            .map(|thread| thread.join().expect("no error"));
        sessions.collect()
    });
    assert_eq!(arrived(project), SESSIONS * 3 * 4, "nothing was sent again");
    let connections = connections_of(&ledger(project));
    assert_eq!(connections.len(), SESSIONS, "one each");
    assert!(connections.is_subset(&open_connections()));

    drop(sessions);
    wait_for("no connection outlives its session", || {
        connections.is_disjoint(&open_connections())
    });
}

/// Each makes one call that has many rows for a caller who wants one.
const STOPPING_EARLY: [(&str, &str); 8] = [
    ("LIMIT", "SELECT neon_auth_admin.list_domains() LIMIT 1"),
    (
        "LIMIT, in FROM",
        "SELECT domain FROM neon_auth_admin.list_domains() LIMIT 1",
    ),
    (
        "EXISTS",
        "SELECT EXISTS (SELECT neon_auth_admin.list_domains())",
    ),
    (
        "a closed cursor",
        "BEGIN;
         DECLARE one CURSOR FOR SELECT neon_auth_admin.list_domains();
         FETCH 1 FROM one;
         CLOSE one;
         COMMIT",
    ),
    (
        "a cursor open at COMMIT",
        "BEGIN;
         DECLARE one CURSOR FOR SELECT neon_auth_admin.list_domains();
         FETCH 1 FROM one;
         COMMIT",
    ),
    (
        "a cursor open at ROLLBACK",
        "BEGIN;
         DECLARE one CURSOR FOR SELECT neon_auth_admin.list_domains();
         FETCH 1 FROM one;
         ROLLBACK",
    ),
    (
        "EXIT",
        "DO $$
         DECLARE
             item record;
         BEGIN
             FOR item IN SELECT neon_auth_admin.list_domains() LOOP
                 EXIT;
             END LOOP;
         END $$",
    ),
    (
        "an error between rows",
        "DO $$
         DECLARE
             item record;
         BEGIN
             FOR item IN SELECT neon_auth_admin.list_domains() LOOP
                 RAISE division_by_zero;
             END LOOP;
         EXCEPTION WHEN division_by_zero THEN
         END $$",
    ),
];

#[test]
fn a_caller_who_stops_early_leaves_nothing_open() {
    const TIMES: usize = 200;
    let database = Database::new("it_early_stop");
    let project = "test-early-stop";
    database.add_server("neon", project, &variable("NEON_SIMULATOR_URL"), "");
    let mut session = database.session();
    let backend = Backend::of(&mut session);
    for n in 1..=50 {
        add_domain(&mut session, n);
    }
    let mut calls = arrived(project);
    for (what, sql) in STOPPING_EARLY {
        let mut run = |times: usize| {
            for _ in 0..times {
                session.batch_execute(sql).expect(what);
            }
        };
        run(10);
        let before = Holdings::of(backend);
        run(TIMES);
        before.assert_no_more(backend, what);
        calls += 10 + TIMES;
        assert_eq!(arrived(project), calls, "{what}: one call each");
        let cursors = one(
            &mut session,
            "SELECT count(*) FROM pg_cursors WHERE name <> ''",
        );
        assert_eq!(cursors.get::<_, i64>(0), 0, "{what}");
    }
    assert_eq!(connections_of(&ledger(project)).len(), 1);
}

/// Each makes so many calls as `times` says, all in one query.
const IN_ONE_QUERY: [(&str, &str); 4] = [
    (
        "a set in FROM",
        "SELECT count(domain) FROM generate_series(1, times) AS n,
             LATERAL neon_auth_admin.list_domains(left('neon', 3 + n))",
    ),
    (
        "a set among the columns",
        "SELECT count(listed) FROM (
             SELECT neon_auth_admin.list_domains(left('neon', 3 + n))
             FROM generate_series(1, times) AS n) AS listed",
    ),
    (
        "a row in FROM",
        "SELECT count(type) FROM generate_series(1, times) AS n,
             LATERAL neon_auth_admin.get_email_server(server => left('neon', 3 + n))",
    ),
    (
        "a row among the columns",
        "SELECT count(neon_auth_admin.get_email_server(server => left('neon', 3 + n)))
         FROM generate_series(1, times) AS n",
    ),
];

#[test]
fn many_calls_in_one_query_take_no_more_memory_than_few() {
    let database = Database::new("it_one_query");
    let project = "test-one-query";
    database.add_server("neon", project, &variable("NEON_SIMULATOR_URL"), "");
    let mut session = database.session();
    let backend = Backend::of(&mut session);
    for n in 1..=20 {
        add_domain(&mut session, n);
    }
    let mut calls = arrived(project);
    for (what, query) in IN_ONE_QUERY {
        let mut run = |times: usize| {
            let rows: i64 = one(&mut session, &query.replace("times", &times.to_string())).get(0);
            let in_set = if what.starts_with("a set") { 20 } else { 1 };
            assert_eq!(rows, times as i64 * in_set, "{what}");
        };
        run(20);
        let (before, highest) = (Holdings::of(backend), backend.peak());
        run(500);
        before.assert_no_more(backend, what);
        let growth = backend.growth_of_peak(highest);
        assert!(growth < 4 * GROWTH, "{what}: {growth} KiB at the highest");
        calls += 520;
        assert_eq!(arrived(project), calls, "{what}");
    }
}
