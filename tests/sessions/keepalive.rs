//! Connections of a backend that the server closes while they are idle. (`it/keepalive.rs` has more of
//! them, over the sockets of a plain program.)

use crate::support::{Database, connections_of, ledger, open_connections, variable, wait_for};

const PROJECTS: usize = 10;
const WRITES: usize = 100;

#[test]
fn a_thousand_writes_while_idle_connections_are_closed() {
    let database = Database::new("it_keepalive");
    let urls = ["NEON_SIMULATOR_URL", "NEON_SIMULATOR_HTTPS_URL"].map(variable);
    let mut session = database.session();
    for (number, url) in (0..PROJECTS).zip(urls.iter().cycle()) {
        let server = format!("neon_{number}");
        let project = format!("fault-keepalive-close-0--sessions-{number}");
        database.add_server(&server, &project, url, "");
        let add = "SELECT neon_auth_admin.add_domain($1, server => $2)";
        let domains: Vec<_> = (0..WRITES)
            .map(|n| format!("https://{n}.example.com"))
            .collect();
        for domain in &domains {
            session
                .execute(add, &[domain, &server])
                .expect("not ambiguous");
            wait_for("the connection is closed", || {
                connections_of(&ledger(&project)).is_disjoint(&open_connections())
            });
        }
        let ledger = ledger(&project);
        assert_eq!(connections_of(&ledger).len(), WRITES);
        let arrived: Vec<_> = ledger.as_array().expect("a list").iter().collect();
        assert_eq!(arrived.len(), WRITES, "none twice");
        for (request, domain) in arrived.into_iter().zip(&domains) {
            assert_eq!(request["status"], 201);
            assert!(request["body"].to_string().contains(domain), "{request}");
        }
    }
}
