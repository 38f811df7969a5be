//! The documentation's table of where a key is logged, cell by cell: it says of each whether the key is there,
//! and under which setting it is the other way round.

use std::thread;

use postgres::{Client, Error};

use crate::backend::Backend;
use crate::oracle::{Canaries, add_pg_stat_statements, has_pg_stat_statements, logged};
use crate::support::{Database, Statements, connect, one, skipped, wait_for};
use crate::tables::cells_after;

/// The ways to give a key: the columns of the table.
const WAYS: [Way; 4] = [Way::Statement, Way::Literal, Way::Block, Way::Bound];

#[derive(Clone, Copy)]
enum Way {
    Statement,
    Literal,
    Block,
    Bound,
}

struct World {
    database: Database,
    session: Client,
    canaries: Canaries,
}

impl World {
    fn new(name: &str) -> Self {
        let database = Database::new(name);
        database.session().run(
            "CREATE SERVER neon FOREIGN DATA WRAPPER neon_auth_admin OPTIONS (project_id 'p')",
        );
        let session = connect(name, "postgres");
        Self {
            database,
            session,
            canaries: Canaries::new(&[""]),
        }
    }

    /// Gives a new key in this way, with these settings on top of Postgres' own defaults, and says
    /// whether it is to be seen in that place afterwards.
    fn shows(&mut self, place: &str, way: Way, settings: &str) -> bool {
        self.canaries = Canaries::new(&["the key"]);
        let key = self.canaries.value("the key").to_owned();
        // A session of its own: of one that is used again, its statements are seen.
        self.session = connect(&self.database.name, "postgres");
        let session = &mut self.session;
        session.run(&format!(
            "DROP USER MAPPING IF EXISTS FOR postgres SERVER neon;
             SET log_statement = none; SET log_min_duration_statement = -1;
             SET log_min_messages = warning; SET log_min_error_statement = error;
             SET log_parameter_max_length = -1; SET log_parameter_max_length_on_error = 0;
             {settings}"
        ));
        let fails = place.ends_with("fails");
        let server = if fails { "nowhere" } else { "neon" };
        let given = if place == LOCK_WAITS {
            give_and_wait(session, &self.database.name, way, &key)
        } else {
            give(session, way, &key, server)
        };
        assert_eq!(given.is_err(), fails, "{given:?}");
        match place {
            STATEMENTS => self.is_in("pg_stat_statements", "postgres"),
            ACTIVITY => {
                assert!(!self.is_in("pg_stat_activity", "it_logs_stranger"));
                let seen = self.is_in("pg_stat_activity", "postgres");
                assert_eq!(seen, self.is_in("pg_stat_activity", "it_logs_reader"));
                seen
            }
            _ => !logged(&self.canaries).is_empty(),
        }
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

fn give(session: &mut Client, way: Way, key: &str, server: &str) -> Result<(), Error> {
    let call = format!("neon_auth_admin.set_api_key('{key}', '{server}')");
    match way {
        Way::Statement => session.batch_execute(&format!(
            "CREATE USER MAPPING FOR postgres SERVER {server} OPTIONS (api_key '{key}')"
        )),
        Way::Literal => session.batch_execute(&format!("SELECT {call}")),
        Way::Block => session.batch_execute(&format!("DO $$ BEGIN PERFORM {call}; END $$")),
        Way::Bound => {
            let call = "SELECT neon_auth_admin.set_api_key($1, $2)";
            session.execute(call, &[&key, &server]).map(drop)
        }
    }
}

/// The same while somebody else has what it needs, until the server has said so.
fn give_and_wait(session: &mut Client, database: &str, way: Way, key: &str) -> Result<(), Error> {
    let backend = Backend::of(session);
    let mut blocker = connect(database, "postgres");
    let mut transaction = blocker.transaction().expect("a transaction");
    transaction.run("LOCK TABLE pg_catalog.pg_user_mapping");
    thread::scope(|scope| {
        let given = scope.spawn(|| give(session, way, key, "neon"));
        let says = |line: &String| line.contains("still waiting");
        wait_for("the wait is logged", || backend.log().iter().any(says));
        transaction.rollback().expect("the lock goes");
        given.join().expect("no panic")
    })
}

const TEST: &str = "logs::where_a_key_is_logged";
const LOCK_WAITS: &str = "log, it waits and `log_lock_waits` is on";
const STATEMENTS: &str = "`pg_stat_statements`";
const ACTIVITY: &str = "`pg_stat_activity` (own role, superusers, `pg_read_all_stats`)";

/// Under which settings, each on its own, a row of the table holds; none where it is not to be looked at.
fn settings(place: &str, admin: &mut Client) -> Vec<String> {
    let each = |settings: &[&str]| settings.iter().map(|one| (*one).to_owned()).collect();
    match place {
        "log, `log_statement = ddl` or `mod`" => {
            each(&["SET log_statement = ddl;", "SET log_statement = mod;"])
        }
        "log, `log_statement = all`, or slower than `log_min_duration_statement`" => each(&[
            "SET log_statement = 'all';",
            "SET log_min_duration_statement = 0;",
        ]),
        LOCK_WAITS => each(&["SET log_lock_waits = on; SET deadlock_timeout = '10ms';"]),
        STATEMENTS if !has_pg_stat_statements(admin) => Vec::new(),
        // It is a package of its own, and was looked at by hand.
        _ if place.contains("pgaudit") => Vec::new(),
        _ if place.contains("auto_explain") => explained(place, admin).into_iter().collect(),
        _ => each(&[""]),
    }
}

fn explained(place: &str, admin: &mut Client) -> Option<String> {
    let version = "SELECT current_setting('server_version_num')::int / 10000";
    let has_parameters = one(admin, version).get::<_, i32>(0) >= 16;
    let more = match place {
        "log, `auto_explain`, on 14 and 15" if !has_parameters => "",
        "log, `auto_explain`, since 16" if has_parameters => "",
        // Without them, to see what the plan itself shows.
        "log, `auto_explain.log_verbose = on`" if has_parameters => {
            "SET auto_explain.log_verbose = on; SET auto_explain.log_parameter_max_length = 0;"
        }
        "log, `auto_explain.log_verbose = on`" => "SET auto_explain.log_verbose = on;",
        _ => return None,
    };
    if admin.batch_execute("LOAD 'auto_explain'").is_err() {
        let what = format!("{place} in {TEST}");
        skipped(&what, "this Postgres comes without the module");
        return None;
    }
    let explain = "LOAD 'auto_explain'; SET auto_explain.log_min_duration = 0;";
    Some(format!("{explain} {more}"))
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
    add_pg_stat_statements(&mut admin, TEST);
    admin.run(
        "CREATE ROLE it_logs_reader LOGIN IN ROLE pg_read_all_stats;
         CREATE ROLE it_logs_stranger LOGIN",
    );
    let table = cells_after("**Logs and statistics.**");
    assert_eq!(table.len(), 11, "{table:?}");
    for row in &table {
        let (place, cells) = row.split_first().expect("a first column");
        assert_eq!(cells.len(), WAYS.len(), "{cells:?}");
        for settings in settings(place, &mut admin) {
            for (way, cell) in WAYS.into_iter().zip(cells) {
                let expected = cell.starts_with("yes");
                assert!(expected || cell.starts_with("no"), "{cell}");
                let seen = world.shows(place, way, &settings);
                assert_eq!(seen, expected, "{place}: {cell} ({settings})");
                if let Some(exception) = exception(cell) {
                    let seen = world.shows(place, way, &format!("{settings} {exception}"));
                    assert_eq!(seen, !expected, "{place}: {exception}");
                }
            }
        }
    }
}
