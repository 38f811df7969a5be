//! The oracle: where a session can see a secret. It looks at every relation and every function that
//! shows state, as the catalogs list them, and knows nothing of who may see what.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error as StdError;
use std::sync::{Arc, Mutex};

use postgres::error::{DbError, SqlState};
use postgres::types::{FromSql, ToSql, Type};
use postgres::{Client, Error, NoTls, Row};

use crate::support::{Statements, config, one, server_log, skipped};

/// Secrets that occur nowhere else, each with a name to be told by.
pub struct Canaries {
    /// The part that those made here have in common.
    core: String,
    secrets: Vec<(&'static str, String)>,
    /// What a text has if it has one of the secrets, and hardly any other text.
    marks: BTreeSet<String>,
    /// The end of the server's log when they were made.
    log_begins: usize,
}

/// The names of the secrets that were seen, by place.
pub type Sightings = BTreeMap<String, BTreeSet<&'static str>>;

/// What is said of a text with the beginning of a secret, but no whole one.
pub const PART: &str = "a part of a secret";

impl Canaries {
    pub fn new(names: &[&'static str]) -> Self {
        let core = format!("c{:032x}", fastrand::u128(..));
        let secrets = names.iter().enumerate();
        Self {
            secrets: secrets
                .map(|(n, name)| (*name, format!("{core}-{n}.")))
                .collect(),
            marks: [core.clone()].into(),
            core,
            log_begins: server_log().len(),
        }
    }

    /// One secret, which others know, too.
    pub fn of(name: &'static str, value: &str) -> Self {
        Self {
            core: value.to_owned(),
            secrets: vec![(name, value.to_owned())],
            marks: [value.to_owned()].into(),
            log_begins: 0,
        }
    }

    /// A secret that somebody else has made; those of its kind all have `mark`.
    pub fn add(&mut self, name: &'static str, value: &str, mark: &str) {
        assert!(value.contains(mark), "{name} has no {mark}");
        self.secrets.push((name, value.to_owned()));
        self.marks.insert(mark.to_owned());
    }

    pub fn value(&self, name: &str) -> &str {
        let found = self.secrets.iter().find(|(known, _)| *known == name);
        &found.unwrap_or_else(|| panic!("no {name}")).1
    }

    pub fn values(&self) -> Vec<&str> {
        let values = self.secrets.iter().map(|(_, value)| value.as_str());
        values.collect()
    }

    /// The names of those that are in `text`.
    pub fn names_in(&self, text: &str) -> BTreeSet<&'static str> {
        if !self.spellings().iter().any(|one| text.contains(one)) {
            return BTreeSet::new();
        }
        let has = |secret: &str| spellings(secret).iter().any(|one| text.contains(one));
        let whole = self.secrets.iter().filter(|(_, value)| has(value));
        let mut names: BTreeSet<_> = whole.map(|(name, _)| *name).collect();
        if names.is_empty() && has(&self.core) {
            names.insert(PART);
        }
        names
    }

    /// What a text has, one of these, if it has a secret.
    pub fn spellings(&self) -> Vec<String> {
        self.marks.iter().flat_map(|mark| spellings(mark)).collect()
    }
}

/// As text, as bytea shows it, and as the trees of stored expressions show it.
fn spellings(text: &str) -> [String; 3] {
    let hex = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    let decimal: Vec<_> = text.bytes().map(|byte| byte.to_string()).collect();
    [text.to_owned(), hex, decimal.join(" ")]
}

/// Each place that this session may look at, and its rows as texts. A column that it may not read is
/// left out. The functions are those that show something without being asked for anything in particular. The
/// extension's views over its functions are no places: to look at one is a call.
const PLACES: &str = r"
    SELECT format('%I.%I', nspname, relname),
        format('SELECT ROW(%s)::text AS t FROM %I.%I', columns, nspname, relname)
    FROM pg_catalog.pg_class AS c
        JOIN pg_catalog.pg_namespace AS n ON n.oid = relnamespace,
        LATERAL (
            SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) AS columns
            FROM pg_catalog.pg_attribute
            WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped
                AND has_column_privilege(c.oid, attnum, 'SELECT')
        ) AS readable
    WHERE relkind IN ('r', 'p', 'v', 'm', 't', 'S') AND columns IS NOT NULL
        AND has_schema_privilege(n.oid, 'USAGE') AND NOT pg_is_other_temp_schema(n.oid)
        AND NOT (nspname = 'neon_auth_admin'
            AND relname IN ('domains', 'integrations', 'oauth_clients', 'oauth_providers', 'users'))
    UNION ALL
    SELECT format('%I()', proname), format('SELECT f::text AS t FROM pg_catalog.%I() AS f', proname)
    FROM pg_catalog.pg_proc
    WHERE pronamespace = 'pg_catalog'::regnamespace AND prokind = 'f' AND proretset
        AND pronargs = pronargdefaults AND has_function_privilege(oid, 'EXECUTE')
    UNION ALL
    VALUES
        ('pg_stat_get_activity()', 'SELECT f::text AS t FROM pg_stat_get_activity(NULL) AS f'),
        ('pg_stat_get_backend_activity()',
            'SELECT pg_stat_get_backend_activity(id) AS t FROM pg_stat_get_backend_idset() AS id')";

/// Fewer than these, and it would not be every place.
const FEWEST_PLACES: usize = 150;

/// Everything that this session sees of the secrets.
pub fn sightings(session: &mut Client, canaries: &Canaries) -> Sightings {
    // Estimates of catalogs make Postgres compile queries that return in milliseconds without.
    let settings = "SET jit = off; RESET client_min_messages";
    session.run(settings);
    let spellings = canaries.spellings();
    let mut sightings = Sightings::new();
    let mut looked_at = 0;
    for place in session.query(PLACES, &[]).expect("the places") {
        let (name, rows): (String, String) = (place.get(0), place.get(1));
        // OFFSET keeps the planner from making the text of a row once for each spelling.
        let query = format!(
            "SELECT t FROM ({rows} OFFSET 0) AS r WHERE EXISTS (
                SELECT FROM unnest($1::text[]) AS one WHERE position(one IN t) > 0)"
        );
        let rows = match session.query(&query, &[&spellings]) {
            Ok(rows) => rows,
            Err(error) if shows_nothing(&error) => continue,
            Err(error) => panic!("{name} cannot be looked at: {error:?}"),
        };
        looked_at += 1;
        for row in rows {
            let names = canaries.names_in(row.get(0));
            if !names.is_empty() {
                sightings.entry(name.clone()).or_default().extend(names);
            }
        }
    }
    assert!(looked_at >= FEWEST_PLACES, "only {looked_at} places");
    sightings
}

/// A view over what this role may not see, or a function for another occasion.
fn shows_nothing(error: &Error) -> bool {
    let harmless = [
        SqlState::INSUFFICIENT_PRIVILEGE,
        SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
        SqlState::FEATURE_NOT_SUPPORTED,
        SqlState::UNDEFINED_FILE,
        SqlState::E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED,
    ];
    // Postgres 18 has views of memory's places that fail where a machine has one place only.
    let numa = |error: &DbError| error.message().contains("NUMA is not supported");
    error.code().is_some_and(|code| harmless.contains(code))
        || error.as_db_error().is_some_and(numa)
}

pub fn has_pg_stat_statements(admin: &mut Client) -> bool {
    let loaded = "SELECT current_setting('shared_preload_libraries') = 'pg_stat_statements'";
    one(admin, loaded).get(0)
}

/// A Postgres without its contributed modules has no such view, which `test` then leaves out.
pub fn add_pg_stat_statements(admin: &mut Client, test: &str) -> bool {
    let loaded = has_pg_stat_statements(admin);
    if loaded {
        let create = "CREATE EXTENSION pg_stat_statements";
        admin.batch_execute(create).expect("the module");
    } else {
        let what = format!("pg_stat_statements in {test}");
        skipped(&what, "this Postgres comes without the module");
    }
    loaded
}

/// The names of the secrets in the server's log.
pub fn logged(canaries: &Canaries) -> BTreeSet<&'static str> {
    canaries.names_in(&server_log()[canaries.log_begins..])
}

/// A session that keeps what it hears: rows on one side, errors and notices down to debug5 on the
/// other.
pub struct Witness {
    pub session: Client,
    pub rows: String,
    messages: Arc<Mutex<String>>,
}

impl Witness {
    pub fn new(database: &str, user: &str) -> Self {
        let messages = Arc::new(Mutex::new(String::new()));
        let heard = Arc::clone(&messages);
        let mut session = config(database, user)
            .notice_callback(move |notice| {
                *heard.lock().expect("no panic") += &format!("{notice:?}\n");
            })
            .connect(NoTls)
            .expect("a session");
        session.run("SET client_min_messages = debug5");
        Self {
            session,
            rows: String::new(),
            messages,
        }
    }

    /// Calls one of our functions with bound arguments.
    pub fn call(
        &mut self,
        call: &str,
        arguments: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Error> {
        self.run(&format!("SELECT * FROM neon_auth_admin.{call}"), arguments)
    }

    pub fn run(
        &mut self,
        statement: &str,
        arguments: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Error> {
        let answer = self.session.query(statement, arguments);
        match &answer {
            Ok(rows) => rows.iter().for_each(|row| self.rows += &texts(row)),
            Err(error) => {
                *self.messages.lock().expect("no panic") += &format!("{error:?}\n");
            }
        }
        answer
    }

    /// All that was no row.
    pub fn messages(&self) -> String {
        self.messages.lock().expect("no panic").clone()
    }
}

/// A row as the driver got it, whatever its types: texts and JSON are readable in it.
fn texts(row: &Row) -> String {
    let columns = (0..row.len()).filter_map(|n| row.get::<_, Option<Raw>>(n));
    columns.map(|Raw(text)| text + "\n").collect()
}

struct Raw(String);

impl FromSql<'_> for Raw {
    fn from_sql(_: &Type, raw: &[u8]) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        Ok(Self(String::from_utf8_lossy(raw).into_owned()))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}
