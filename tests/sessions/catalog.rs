//! Calls whose server, mapping or extension is altered or dropped while they wait.

use std::thread;

use postgres::error::SqlState;
use postgres::{Client, Error, Row};

use crate::backend::Backend;
use crate::by_hand::ByHand;
use crate::phases::list;
use crate::support::{Database, Statements, variable};

const DOMAINS: &str = r#"{"domains":[{"domain":"https://a.example.com","auth_provider":"stack"}]}"#;

/// Makes the call `query`; while it waits for its answer the statement `change` runs in another
/// session. Returns the request and what became of the call.
fn change_during(
    (database, server): (&Database, &ByHand),
    session: &mut Client,
    (query, answer): (&str, &str),
    change: &str,
) -> (String, Result<Vec<Row>, Error>) {
    let backend = Backend::of(session);
    thread::scope(|scope| {
        let call = scope.spawn(|| session.query(query, &[]));
        let mut waiting = server.next();
        backend.wait_for("NeonAuthAdminReceive");
        // At once: a call holds no lock on what it read from the catalogs.
        database
            .session()
            .run(&format!("SET lock_timeout = '5s'; {change}"));
        waiting.answer(answer, || ());
        (waiting.request, call.join().expect("no panic"))
    })
}

#[test]
fn a_call_ends_as_it_began() {
    let database = Database::new("it_catalog");
    let server = ByHand::new();
    let elsewhere = variable("NEON_SIMULATOR_URL");
    let altered = format!("ALTER SERVER neon OPTIONS (SET api_url '{elsewhere}')");
    let none = SqlState::from_code("NA009");
    for (change, then) in [
        // The key is not for there.
        (altered.as_str(), SqlState::INSUFFICIENT_PRIVILEGE),
        ("DROP USER MAPPING FOR it_catalog SERVER neon", none.clone()),
        ("DROP SERVER neon CASCADE", none.clone()),
    ] {
        let (patient, url) = (", timeout '60s'", server.url());
        database.add_server("neon", "test-catalog", &url, patient);
        let mut session = database.session();
        let query = list("neon");
        let both = (&database, &server);
        let call = (query.as_str(), DOMAINS);
        let (request, result) = change_during(both, &mut session, call, change);
        assert_eq!(result.expect(change).len(), 1, "{change}");
        let line = "GET /projects/test-catalog/auth/domains ";
        assert!(request.starts_with(line), "{request}");

        // The next call goes by what is there now, and not to this server.
        session.refused(&query, &then);
        assert!(server.is_quiet(), "{change}");
        session.run("DROP SERVER IF EXISTS neon CASCADE");
    }
}

#[test]
fn a_call_survives_its_extension() {
    let database = Database::new("it_extension");
    let server = ByHand::new();
    let create = "SELECT * FROM neon_auth_admin.create_user('ada@example.com')";
    let list = list("neon");
    let mut session = database.session();
    let simulator = variable("NEON_SIMULATOR_URL");
    for call in [
        // Twice: with caches that are empty, and not.
        (list.as_str(), DOMAINS),
        (list.as_str(), DOMAINS),
        (create, r#"{"id":"made"}"#),
        (
            "SELECT neon_auth_admin.add_domain('https://a.example.com')",
            "{}",
        ),
    ] {
        database.add_server("neon", "test-extension", &server.url(), ", timeout '60s'");
        let both = (&database, &server);
        let drop = "DROP EXTENSION neon_auth_admin CASCADE";
        let (_, result) = change_during(both, &mut session, call, drop);
        // It knows the type of its rows before it sends anything.
        assert_eq!(result.expect(call.0).len(), 1, "{}", call.0);
        assert!(server.is_quiet(), "{}", call.0);

        session.run("CREATE EXTENSION neon_auth_admin");
        database.add_server("neon", "test-extension", &simulator, "");
        session.query(&list, &[]).expect("it works as before");
        session.run("DROP SERVER neon CASCADE");
    }
}
