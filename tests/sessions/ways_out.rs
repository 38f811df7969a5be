//! The ways out of `.../auth`: none is sent, with whatever method and at whichever level.

use neon_simulator::{Options, Simulator};
use postgres::error::SqlState;

use crate::support::{Database, Statements, one, variable};

const WAYS_OUT: [&str; 44] = [
    "''",
    "'/'",
    "'/users'",
    "'//neon.example/x'",
    "'https://neon.example/x'",
    "'future/'",
    "'future//a'",
    "'.'",
    "'..'",
    "'../branches'",
    "'../../../projects'",
    "'future/../../branches'",
    "'future/./a'",
    "'%2e%2e'",
    "'%2E%2e/branches'",
    "'.%2e/%2e./branches'",
    "'%252e%252e/branches'",
    "'%25252e%25252e/branches'",
    "'future%2F..%2F..%2Fbranches'",
    "'future%2f%2e%2e%2f%2e%2e'",
    "'future%252F..%252F..'",
    "'future%5C..%5C..%5Cbranches'",
    "'..%3B/branches'",
    "'..%3Fx'",
    "'..%23x'",
    "'..%20/branches'",
    "'%c0%ae%c0%ae/branches'",
    "'%uff0e%uff0e/branches'",
    "'..;/branches'",
    "'..\\branches'",
    "'\\\\neon.example\\x'",
    "'@neon.example/x'",
    "'future#a'",
    "'future?a?b'",
    "'future?'",
    "'?x=1'",
    "'future a'",
    "E'future\\t'",
    "E'future\\r\\nHost: neon.example'",
    "E'\\nfuture'",
    "'future%0d%0aHost'",
    "'future%00'",
    "'．．/branches'",
    "repeat('a', 4097)",
];

#[test]
fn no_way_out_is_sent() {
    let database = Database::new("it_ways_out");
    // One that nobody else calls: its whole ledger is of this test.
    let simulator = Simulator::start(Options {
        api_keys: vec![variable("NEON_API_KEY")],
        ..Options::default()
    });
    let simulator = simulator.expect("a simulator");
    let project = "test-ways-out";
    database.add_server("project", project, simulator.url(), "");
    let branch = ", branch_id 'br-main-000001'";
    database.add_server("branch", project, simulator.url(), branch);
    let mut session = database.session_with("-c neon_auth_admin.server=project");
    let bodies = ["NULL", r#"'{"purpose": "unknown"}'"#];
    for server in ["project", "branch"] {
        for (method, body) in [
            ("GET", bodies[0]),
            ("POST", bodies[1]),
            ("DELETE", bodies[0]),
        ] {
            for path in WAYS_OUT {
                let call = format!(
                    "SELECT neon_auth_admin.call_api('{method}', {path}, {body}, server => '{server}')"
                );
                let error = session.refused(&call, &SqlState::INVALID_PARAMETER_VALUE);
                assert_eq!(error.message(), "invalid value for argument \"path\"");
                assert!(
                    error.hint().is_some_and(|it| it.contains(".../auth/")),
                    "{call}"
                );
            }
        }
    }
    // Methods and bodies that are none.
    for call in [
        "call_api('HEAD', 'future')",
        "call_api(E'GET /x HTTP/1.1\\r\\n', 'future')",
        "call_api('GET', 'future/a', '{}')",
        "call_api('POST', 'future', '{\"client_secret\": \"********\"}')",
        "call_api('POST', 'future', to_jsonb(repeat('x', 65536)))",
        "call_api('POST', 'future', to_jsonb(repeat('x', 3000000)))",
        "call_api('POST', 'future', (repeat('[', 200) || repeat(']', 200))::jsonb)",
    ] {
        let call = format!("SELECT neon_auth_admin.{call}");
        session.refused(&call, &SqlState::INVALID_PARAMETER_VALUE);
    }
    // A write in a transaction that may not, before its path is looked at.
    session.run("BEGIN READ ONLY");
    let write = "SELECT neon_auth_admin.call_api('POST', '..', server => 'project')";
    session.refused(write, &SqlState::READ_ONLY_SQL_TRANSACTION);
    session.run("ROLLBACK");

    assert!(simulator.requests().is_empty());
    assert_eq!(simulator.connections(), 0);

    // A right call is sent, and a read in a transaction that is read-only.
    session.run("BEGIN READ ONLY");
    for server in ["project", "branch"] {
        let right = format!(
            "SELECT (neon_auth_admin.call_api('get', 'future/a%2F..b', server => '{server}')).status"
        );
        assert_eq!(one(&mut session, &right).get::<_, i32>(0), 200);
    }
    session.run("COMMIT");
    let paths: Vec<_> = simulator.requests().into_iter().map(|it| it.path).collect();
    assert_eq!(
        paths,
        [
            "/projects/test-ways-out/auth/future/a%2F..b",
            "/projects/test-ways-out/branches/br-main-000001/auth/future/a%2F..b"
        ]
    );
}
