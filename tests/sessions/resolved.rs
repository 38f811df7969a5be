//! What a session remembers of name look-ups: with the look-up hanging, only what is remembered works.

use postgres::Client;
use postgres::error::SqlState;

use crate::hanging_name::HangingName;
use crate::phases::list;
use crate::support::{Database, Statements, connections_of, ledger, open_connections, wait_for};

fn refusal(session: &mut Client, server: &str) -> String {
    let error = session.refused(&list(server), &SqlState::from_code("NA001"));
    error.detail().expect("a detail").to_owned()
}

#[test]
fn many_connections_need_one_look_up() {
    let database = Database::new("it_resolved");
    let name = HangingName::new();
    let project = "fault-keepalive-close-0--resolved";
    database.add_server("neon", project, &name.url(), "");
    let mut session = database.session();
    name.let_go();
    for _ in 0..5 {
        session.query(&list("neon"), &[]).expect("an address");
        name.hang();
        wait_for("the connection is closed", || {
            connections_of(&ledger(project)).is_disjoint(&open_connections())
        });
    }
    assert_eq!(connections_of(&ledger(project)).len(), 5);
    // In another session nothing is remembered.
    let mut other = database.session();
    let impatient = "ALTER SERVER neon OPTIONS (ADD timeout '500ms')";
    other.run(impatient);
    let detail = refusal(&mut other, "neon");
    assert!(detail.contains(": the time was up"), "{detail}");
}

#[test]
fn a_host_that_cannot_be_reached_is_looked_up_again() {
    let database = Database::new("it_resolved_again");
    let name = HangingName::new();
    database.add_server("neon", "test-resolved", &name.url(), "");
    // A port that was free a moment ago may be another test's by now.
    let url = name.url();
    let (host, _) = url.rsplit_once(':').expect("a port");
    let deserted = format!("{host}:1");
    database.add_server("deserted", "test-x", &deserted, ", max_attempts '1'");
    let mut session = database.session();
    name.let_go();
    session.query(&list("neon"), &[]).expect("an address");
    name.hang();
    session.query(&list("neon"), &[]).expect("remembered");
    let detail = refusal(&mut session, "deserted");
    assert!(detail.contains("connection refused"), "{detail}");

    let impatient = "ALTER SERVER neon OPTIONS (ADD timeout '500ms')";
    session.run(impatient);
    let detail = refusal(&mut session, "neon");
    assert!(detail.contains(": the time was up"), "{detail}");
    name.let_go();
    let patient = "ALTER SERVER neon OPTIONS (DROP timeout)";
    session.run(patient);
    session.query(&list("neon"), &[]).expect("found again");
}
