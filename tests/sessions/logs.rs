//! The documentation's table of where a key is logged, cell by cell: it says of each whether the key is there,
//! and under which setting it is the other way round.

use std::fs;
use std::path::Path;

use postgres::Client;

use crate::oracle::{Canaries, add_pg_stat_statements, logged};
use crate::support::{Database, connect};

/// The ways to give a key: the columns of the table.
const WAYS: [Way; 3] = [Way::Statement, Way::Literal, Way::Bound];

#[derive(Clone, Copy)]
enum Way {
    Statement,
    Literal,
    Bound,
}

/// The cells of the table below "Logs and statistics", without its first column.
fn documented() -> Vec<(String, Vec<String>)> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/security.md");
    let page = fs::read_to_string(page).expect("the page on security");
    let (_, table) = page.split_once("**Logs and statistics.**").expect("it");
    let rows = table.lines().skip_while(|line| !line.starts_with("|---"));
    rows.skip(1)
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let mut cells = line.trim_matches('|').split(" | ").map(|cell| cell.trim());
            let first = cells.next().expect("what it is about");
            (first.to_owned(), cells.map(str::to_owned).collect())
        })
        .collect()
}

struct World {
    database: Database,
    session: Client,
    canaries: Canaries,
}

impl World {
    fn new(name: &str) -> Self {
        let database = Database::new(name);
        database
            .session()
            .batch_execute(
                "CREATE SERVER neon FOREIGN DATA WRAPPER neon_auth_admin OPTIONS (project_id 'p')",
            )
            .expect("a server");
        let session = connect(name, "postgres");
        Self {
            database,
            session,
            canaries: Canaries::new(&[""]),
        }
    }

    /// Gives a new key in this way, with these settings on top of Postgres' own defaults.
    fn give_key(&mut self, way: Way, server: &str, settings: &str) {
        self.canaries = Canaries::new(&["the key"]);
        let key = self.canaries.value("the key");
        // A session of its own: of one that is used again, its statements are seen.
        self.session = connect(&self.database.name, "postgres");
        let session = &mut self.session;
        session
            .batch_execute(&format!(
                "DROP USER MAPPING IF EXISTS FOR postgres SERVER neon;
                 SET log_statement = none; SET log_min_duration_statement = -1;
                 SET log_min_messages = warning; SET log_min_error_statement = error;
                 SET log_parameter_max_length = -1; SET log_parameter_max_length_on_error = 0;
                 {settings}"
            ))
            .expect("settings");
        let given = match way {
            Way::Statement => session.batch_execute(&format!(
                "CREATE USER MAPPING FOR postgres SERVER {server} OPTIONS (api_key '{key}')"
            )),
            Way::Literal => session.batch_execute(&format!(
                "SELECT neon_auth_admin.set_api_key('{key}', '{server}')"
            )),
            Way::Bound => session
                .execute(
                    "SELECT neon_auth_admin.set_api_key($1, $2)",
                    &[&key, &server],
                )
                .map(drop),
        };
        assert_eq!(given.is_ok(), server == "neon", "{given:?}");
    }

    fn is_logged(&self) -> bool {
        !logged(&self.canaries).is_empty()
    }

    /// Whether a role sees the key there.
    fn is_in(&self, view: &str, role: &str) -> bool {
        let query = format!("SELECT count(*) FROM {view} WHERE position($1 IN query) > 0");
        let key = self.canaries.value("the key");
        let row = connect(&self.database.name, role)
            .query_one(&query, &[&key])
            .expect(view);
        row.get::<_, i64>(0) > 0
    }
}

/// The setting that a cell names, with a value under which it is the other way round.
fn exception(cell: &str) -> Option<String> {
    let (_, setting) = cell.split_once("unless `")?;
    let (setting, _) = setting.split_once('`')?;
    Some(match setting.split_once(" = ") {
        Some(_) => format!("SET {setting};"),
        None => format!("SET {setting} = -1;"),
    })
}

#[test]
fn where_a_key_is_logged() {
    let mut world = World::new("it_logs");
    let mut admin = connect("it_logs", "postgres");
    let has_statements = add_pg_stat_statements(&mut admin, "logs::where_a_key_is_logged");
    admin
        .batch_execute(
            "CREATE ROLE it_logs_reader LOGIN IN ROLE pg_read_all_stats;
             CREATE ROLE it_logs_stranger LOGIN",
        )
        .expect("roles");
    let table = documented();
    assert_eq!(table.len(), 5, "{table:?}");
    let mut exceptions = 0;
    for (place, cells) in &table {
        let settings: &[&str] = match place.as_str() {
            "log, `log_statement = ddl` or `mod`" => {
                &["SET log_statement = ddl;", "SET log_statement = mod;"]
            }
            "log, `log_statement = all`, or slower than `log_min_duration_statement`" => &[
                "SET log_statement = 'all';",
                "SET log_min_duration_statement = 0;",
            ],
            _ => &[""],
        };
        assert_eq!(cells.len(), WAYS.len(), "{cells:?}");
        for (settings, (way, cell)) in settings.iter().flat_map(|settings| {
            WAYS.into_iter()
                .zip(cells)
                .map(move |both| (settings, both))
        }) {
            let expected = cell.starts_with("yes");
            assert!(expected || cell.starts_with("no"), "{cell}");
            let fails = place.ends_with("fails");
            let server = if fails { "nowhere" } else { "neon" };
            world.give_key(way, server, settings);
            match place.as_str() {
                "`pg_stat_statements`" if !has_statements => {}
                "`pg_stat_statements`" => {
                    let seen = world.is_in("pg_stat_statements", "postgres");
                    assert_eq!(seen, expected, "{place}: {cell}");
                }
                view if view.starts_with("`pg_stat_activity`") => {
                    for role in ["postgres", "it_logs_reader"] {
                        let seen = world.is_in("pg_stat_activity", role);
                        assert_eq!(seen, expected, "{place}: {cell} ({role})");
                    }
                    let seen = world.is_in("pg_stat_activity", "it_logs_stranger");
                    assert!(!seen, "{place}: {cell} (an ordinary role)");
                }
                _ => {
                    assert_eq!(world.is_logged(), expected, "{place}: {cell} ({settings})");
                    if let Some(exception) = exception(cell) {
                        world.give_key(way, server, &format!("{settings} {exception}"));
                        assert_eq!(world.is_logged(), !expected, "{place}: {exception}");
                        exceptions += 1;
                    }
                }
            }
        }
    }
    assert_eq!(exceptions, 3, "cells with an exception");
}
