//! What is read before it is written: sessions take turns, so that no change is lost, and nobody waits
//! longer than he wants.

use std::thread;
use std::time::{Duration, Instant};

use postgres::Client;

use crate::backend::Backend;
use crate::support::{Database, arrived, ledger, one, sqlstate, variable};

/// A server of that project for each name, branch and options.
fn database(name: &str, project: &str, servers: &[(&str, &str, &str)]) -> Database {
    let database = Database::new(name);
    let url = variable("NEON_SIMULATOR_URL");
    for (server, branch, options) in servers {
        let options = format!(", branch_id '{branch}'{options}");
        database.add_server(server, project, &url, &options);
    }
    database
}

fn update(session: &mut Client, server: &str, change: &str) -> Result<u64, postgres::Error> {
    let call = format!("SELECT neon_auth_admin.update_webhooks({change}, server => '{server}')");
    session.execute(&call, &[])
}

/// SQLSTATE of an update that fails.
fn failure(session: &mut Client, server: &str) -> String {
    let error = update(session, server, "timeout_seconds => 3").expect_err("no answer");
    sqlstate(&error).code().to_owned()
}

fn locks(session: &mut Client) -> i64 {
    let query = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = \
                 (SELECT oid FROM pg_database WHERE datname = current_database())";
    one(session, query).get(0)
}

#[test]
fn no_change_of_two_at_once_is_lost() {
    // What is read is late: whoever reads meanwhile reads the same.
    let project = "fault-slow-300--turns";
    let database = database("it_turns", project, &[("neon", "br-a", "")]);
    let mut session = database.session();
    let all = "true, 'https://app.example.com/hooks', '{user.created}', 5";
    update(&mut session, "neon", all).expect("written");
    assert_eq!(arrived(project), 1);
    thread::scope(|scope| {
        for change in ["timeout_seconds => 9", "enabled => false"] {
            let mut session = database.session();
            scope.spawn(move || update(&mut session, "neon", change).expect("updated"));
        }
    });
    let ledger = ledger(project);
    let requests = ledger.as_array().expect("a list").iter().skip(1);
    let methods: Vec<_> = requests.map(|request| request["method"].clone()).collect();
    assert_eq!(methods, ["GET", "PUT", "GET", "PUT"]);
    let row = one(
        &mut session,
        "SELECT enabled, timeout_seconds FROM neon_auth_admin.get_webhooks('neon')",
    );
    assert_eq!((row.get(0), row.get(1)), (false, 9));
}

#[test]
fn a_turn_ends_with_its_call() {
    let database = database("it_turns_end", "test-turns-end", &[("neon", "br-a", "")]);
    let url = variable("NEON_SIMULATOR_URL");
    database.add_server("lost", "fault-reset--turns-end", &url, ", branch_id 'br-a'");
    let (mut first, mut second) = (database.session(), database.session());
    first.batch_execute("BEGIN").expect("begun");
    update(&mut first, "neon", "timeout_seconds => 3").expect("updated");
    assert_eq!(locks(&mut second), 0, "in an open transaction");
    update(&mut second, "neon", "timeout_seconds => 4").expect("updated");
    first
        .batch_execute(
            "DO $$ BEGIN
                PERFORM neon_auth_admin.update_webhooks(timeout_seconds => 3, server => 'lost');
                RAISE 'not reached';
            EXCEPTION WHEN SQLSTATE 'NA002' THEN
                NULL;
            END $$",
        )
        .expect("caught");
    assert_eq!(locks(&mut second), 0, "after an error that was caught");
    assert_eq!(failure(&mut second, "lost"), "NA002");
}

#[test]
fn a_turn_that_does_not_come_is_waited_for_in_time() {
    let project = "fault-silent--turns";
    let servers = [
        ("patient", "br-a", ", timeout '30s'"),
        ("hasty", "br-a", ", timeout '2s'"),
        ("elsewhere", "br-b", ", timeout '2s'"),
    ];
    let database = database("it_turns_time", project, &servers);
    let mut holder = database.session();
    let backend = Backend::of(&mut holder);
    let cancel = holder.cancel_token();
    thread::scope(|scope| {
        let call = scope.spawn(move || failure(&mut holder, "patient"));
        backend.wait_for("NeonAuthAdminReceive");
        let mut session = database.session();
        let started = Instant::now();
        assert_eq!(failure(&mut session, "hasty"), "NA007");
        let took = started.elapsed();
        assert!(took >= Duration::from_millis(1990), "{took:?}");
        assert!(took < Duration::from_secs(10), "{took:?}");
        assert_eq!(arrived(project), 1, "nothing was sent");
        let timeout = "SET statement_timeout = '100ms'";
        session.batch_execute(timeout).expect("a setting");
        assert_eq!(failure(&mut session, "patient"), "57014");
        session
            .batch_execute("RESET statement_timeout")
            .expect("a setting");
        assert_eq!(failure(&mut session, "elsewhere"), "NA002");
        cancel.cancel_query(postgres::NoTls).expect("cancelled");
        assert_eq!(call.join().expect("no panic"), "57014");
        assert_eq!(failure(&mut session, "hasty"), "NA002", "the turn is free");
    });
}
