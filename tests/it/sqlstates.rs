//! What pools, drivers and frameworks make of an SQLSTATE, held against those that this extension raises.
//! Each list is what its layer publishes.

/// SQLSTATEs, or the beginnings of them, that make a layer do something beyond handing the error on.
struct Layer {
    name: &'static str,
    /// Where its list is.
    source: &'static str,
    states: &'static [&'static str],
}

const LAYERS: [Layer; 8] = [
    Layer {
        name: "HikariCP: closes the connection",
        source: "brettwooldridge/HikariCP, pool/ProxyConnection.java: ERROR_STATES, and 08",
        states: &[
            "08", "0A000", "57P01", "57P02", "57P03", "01002", "JZ0C0", "JZ0C1", "61000",
        ],
    },
    Layer {
        name: "pgjdbc: its pooled connections tell the pool that the connection is lost",
        source: "pgjdbc/pgjdbc, ds/PGPooledConnection.java: fatalClasses",
        states: &[
            "08", "53", "57P01", "57P02", "57P03", "58", "60", "99", "F0", "XX",
        ],
    },
    Layer {
        name: "Druid, Agroal: the connection is lost",
        source: "alibaba/druid, vendor/PGExceptionSorter.java; agroal/agroal, PostgreSQLExceptionSorter.java",
        states: &["08"],
    },
    Layer {
        name: "Npgsql, EF Core: IsTransient, by which EnableRetryOnFailure runs the work again",
        source: "npgsql/npgsql, PostgresException.cs; npgsql/efcore.pg, NpgsqlTransientExceptionDetector.cs",
        states: &[
            "53000", "53100", "53200", "53300", "53400", "57P03", "58000", "58030", "40001",
            "40P01", "55P03", "55006", "55000", "08000", "08001", "08003", "08004", "08006",
            "08007",
        ],
    },
    Layer {
        name: "Spring: resource failures, transient ones, and concurrency",
        source: "spring-projects/spring-framework, jdbc/support/SQLStateSQLExceptionTranslator.java",
        states: &["08", "53", "54", "57", "58", "JW", "JZ", "S1", "40", "61"],
    },
    Layer {
        name: "Spring: for PostgreSQL, resource failures, locks, deadlocks",
        source: "spring-projects/spring-framework, jdbc/support/sql-error-codes.xml",
        states: &[
            "53000", "53100", "53200", "53300", "55P03", "40001", "40P01",
        ],
    },
    Layer {
        name: "Rails: runs the query again",
        source: "rails/rails, postgresql_adapter.rb: LockWaitTimeout, Deadlocked; \
                 abstract_adapter.rb: retryable_query_error?",
        states: &["55P03", "40P01"],
    },
    Layer {
        name: "Odoo: runs the transaction again",
        source: "odoo/odoo, service/model.py: PG_CONCURRENCY_ERRORS_TO_RETRY",
        states: &["55P03", "40001", "40P01"],
    },
];

/// These are no failed calls: what a layer does after them is right. (55006 is said of a queued call that is being
/// sent, of which nothing is changed.)
const OF_THE_SERVER: [&str; 3] = ["53200", "55006", "57014"];

/// Those that the extension raises: all literals of the file that assigns them.
fn raised() -> Vec<&'static str> {
    let literals = include_str!("../../src/error/sqlstate.rs").split('"');
    let states: Vec<_> = literals.skip(1).step_by(2).collect();
    assert!(states.iter().all(|state| state.len() == 5), "{states:?}");
    states
}

fn documented() -> Vec<String> {
    let page = include_str!("../../docs/errors.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| "));
    let states = rows.filter_map(|row| row.split(" |").next());
    let states = states.filter(|state| state.len() == 5 && !state.contains('-'));
    states.map(str::to_owned).collect()
}

#[test]
fn no_layer_takes_a_failed_call_for_a_lost_connection_or_repeats_it() {
    let states = raised();
    let of_calls = states.iter().filter(|state| !OF_THE_SERVER.contains(state));
    for state in of_calls {
        for layer in &LAYERS {
            let taken = layer.states.iter().find(|taken| state.starts_with(*taken));
            assert_eq!(taken, None, "{state}. {} ({})", layer.name, layer.source);
        }
    }
}

#[test]
fn the_page_names_every_sqlstate_once() {
    let documented = documented();
    for (n, state) in documented.iter().enumerate() {
        assert!(!documented[..n].contains(state), "{state} is there twice");
    }
    for state in raised() {
        assert!(documented.iter().any(|it| it == state), "{state}");
    }
    let own = documented.iter().filter(|state| state.starts_with("NA"));
    for state in own {
        assert!(
            raised().contains(&state.as_str()),
            "{state} is never raised"
        );
    }
}

#[test]
fn the_page_names_every_layer() {
    let page = include_str!("../../docs/errors.md");
    for layer in &LAYERS {
        for name in layer
            .name
            .split(": ")
            .next()
            .into_iter()
            .flat_map(|it| it.split(", "))
        {
            assert!(page.contains(name), "{name}");
        }
    }
}
