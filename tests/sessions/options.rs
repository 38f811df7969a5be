//! The validator of options, and the calls that read what it let through: no option, however it is
//! spelt, brings about anything but an acceptance or a refusal. An input is a statement and its
//! options, with a line `--` before each; an option is its name on a line, and the rest its value.

use std::cell::RefCell;

use postgres::error::{DbError, SqlState};
use postgres::{Client, Error};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::harness::{fuzz_text, text_of};
use crate::support::{Database, Statements, set_api_key, variable};

const SEPARATOR: &str = "\n--\n";
const KEY: &str = "napi_[!-~]{4,40}";
/// The options of a server, and what most of their values look like.
const OF_SERVERS: [(&str, &str); 6] = [
    ("project_id", "(test-options-fuzz|[a-z0-9-]{1,60})"),
    ("branch_id", "(br-main-000001|current|[a-z0-9-]{1,60})"),
    ("auth_provider", "(stack|better_auth|[a-z_]{1,60})"),
    (
        "api_url",
        "(https|http)://(console\\.neon\\.tech|127\\.0\\.0\\.1|localhost|\\[::1\\]|evil\\.example)\
         (:[1-9][0-9]{0,3})?(/[a-z0-9_-]{0,6}){0,3}",
    ),
    (
        "timeout",
        "([1-9][0-9]{0,4}( ?ms)?|[1-9] ?min|[1-9][0-9]? ?s|0\\.[1-9]s)",
    ),
    ("max_attempts", "([1-9]|10)"),
];
#[rustfmt::skip]
const STRAYS: [&str; 14] = [
    "project_id", "auth_provider", "api_url", "timeout", "max_attempts", "api_key", "Project_ID",
    "project_id ", "api_key=napi_1", "timeout=1s", "branch_id", "password", "=", "\"",
];
/// Longer than any value that is let through.
const MAX_VALUE: usize = 4096;

#[rustfmt::skip]
const WORDS: &[&str] = &[
    "\n--\n", "project_id\n", "api_url\n", "timeout\n", "max_attempts\n", "api_key\n",
    "auth_provider\n", "napi_", "quiet-bar-123456", "stack", "https://", "http://", "127.0.0.1",
    "localhost", "console.neon.tech", ":", "443", "/", "..", "@", "?", "#", "%2e", "\\", "=", "'",
    "\"", "{", "}", ",", "NULL", "0", "1", "10", "600000", "4294967296", "-", "0x", " ", "\t",
    "\r\n", "\u{202e}", "\u{feff}",
];

/// A value that few options take.
fn odd() -> impl Strategy<Value = String> {
    let long = |start: &'static str, filler: &'static str, end: &'static str| {
        select(&[100, 4096, 5000, 65_530, 70_000][..])
            .prop_map(move |length| format!("{start}{}{end}", filler.repeat(length)))
    };
    prop_oneof![
        8 => text_of(WORDS),
        2 => "[!-~]{1,40}",
        4 => "[+-]?[0-9]{1,6}(\\.[0-9])? ?(us|ms|s|min|h|d|parsecs)?",
        1 => long("https://127.0.0.1:1/", "a", "?"),
        1 => long("10", " ", "parsecs"),
        1 => long("napi_", "k", ""),
    ]
}

/// Most often as it should be.
fn option(name: &'static str, usual: &'static str) -> impl Strategy<Value = String> {
    let value = prop_oneof![12 => usual, 1 => odd()];
    value.prop_map(move |value| format!("{name}\n{value}"))
}

fn inputs() -> impl Strategy<Value = String> {
    let any_of = |names: &[(&'static str, &'static str)]| {
        let optional = |&(name, usual)| prop::option::weighted(0.6, option(name, usual));
        names.iter().map(optional).collect::<Vec<_>>()
    };
    let for_server = (
        select(&["CREATE SERVER", "ALTER SERVER"][..]),
        any_of(&OF_SERVERS),
    );
    let for_mapping = (
        select(&["CREATE USER MAPPING", "ALTER USER MAPPING"][..]),
        any_of(&[("api_key", KEY)]),
    );
    let stray = (select(&STRAYS[..]), odd()).prop_map(|(name, value)| format!("{name}\n{value}"));
    let strays = prop_oneof![3 => Just(vec![]), 1 => vec(stray, 1..3)];
    let some = prop_oneof![2 => for_server, 1 => for_mapping];
    (some, strays).prop_map(|((statement, options), strays)| {
        let options = options.into_iter().flatten().chain(strays);
        let parts = std::iter::once(statement.to_owned()).chain(options);
        parts.collect::<Vec<_>>().join(SEPARATOR)
    })
}

/// What is stored stays stored; what a case does is rolled back.
struct World {
    database: Database,
    session: RefCell<Client>,
}

/// Name and value.
type Setting = (String, String);

impl World {
    fn new() -> Self {
        let database = Database::new("it_options");
        let url = variable("NEON_SIMULATOR_URL");
        database.add_server("neon", "test-options-fuzz", &url, "");
        let unmapped = format!(
            "CREATE SERVER unmapped FOREIGN DATA WRAPPER neon_auth_admin
             OPTIONS (project_id 'test-options-fuzz', api_url '{url}')"
        );
        let mut session = database.session();
        session.run(&unmapped);
        Self {
            database,
            session: session.into(),
        }
    }

    /// Runs `work` in a transaction that comes to nothing.
    fn tried<T>(&self, work: impl FnOnce(&mut Client) -> T) -> T {
        let mut session = self.session.borrow_mut();
        if session.is_closed() {
            // A failed case before this one: it has to be made smaller.
            *session = self.database.session();
        }
        session.batch_execute("BEGIN").expect("a transaction");
        let result = work(&mut session);
        session.run("ROLLBACK");
        result
    }

    /// What Postgres or the validator says of the statement.
    fn refusal(&self, sql: &str) -> Option<Refusal> {
        self.tried(|session| session.batch_execute(sql).err().map(Refusal::from))
    }
}

#[derive(Debug, PartialEq)]
struct Refusal {
    code: SqlState,
    text: String,
}

impl From<Error> for Refusal {
    /// Panics when it is no error of the server: the connection was lost.
    fn from(error: Error) -> Self {
        let error: &DbError = error.as_db_error().expect("the backend lives");
        let parts = [Some(error.message()), error.detail(), error.hint()];
        Self {
            code: error.code().clone(),
            text: parts.map(Option::unwrap_or_default).join("\n"),
        }
    }
}

/// The statement, and the server that a call afterwards uses.
fn statement(kind: &str, options: &[Setting]) -> Option<(String, &'static str)> {
    let (head, server, present): (_, _, &[&str]) = match kind {
        "CREATE SERVER" => (
            "CREATE SERVER made FOREIGN DATA WRAPPER neon_auth_admin",
            "made",
            &[],
        ),
        "ALTER SERVER" => ("ALTER SERVER neon", "neon", &["project_id", "api_url"]),
        "CREATE USER MAPPING" => (
            "CREATE USER MAPPING FOR CURRENT_USER SERVER unmapped",
            "unmapped",
            &[],
        ),
        "ALTER USER MAPPING" => (
            "ALTER USER MAPPING FOR CURRENT_USER SERVER neon",
            "neon",
            &["api_key"],
        ),
        _ => return None,
    };
    if options.is_empty() {
        return (!kind.starts_with("ALTER")).then(|| (head.to_owned(), server));
    }
    let options: Vec<_> = options
        .iter()
        .map(|(name, value)| {
            let action = if present.contains(&name.as_str()) {
                "SET "
            } else {
                ""
            };
            let (name, value) = (name.replace('"', "\"\""), value.replace('\'', "''"));
            format!("{action}\"{name}\" '{value}'")
        })
        .collect();
    Some((format!("{head} OPTIONS ({})", options.join(", ")), server))
}

#[test]
fn every_option_is_accepted_or_refused() {
    let world = World::new();
    let url = variable("NEON_SIMULATOR_URL");
    fuzz_text("options", WORDS, inputs(), |input| {
        let input = input.replace('\0', "");
        let mut parts = input.split(SEPARATOR);
        let kind = parts.next().expect("at least one part");
        let options: Vec<_> = parts
            .filter_map(|part| part.split_once('\n'))
            .filter(|(name, _)| !name.is_empty())
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let Some((sql, server)) = statement(kind, &options) else {
            return;
        };

        if let Some(refusal) = world.refusal(&sql) {
            assert_expected(&world, kind, &options, &refusal);
            return;
        }
        for (place, (name, value)) in options.iter().enumerate() {
            // Of an option that is set twice, only the last value is stored.
            let is_stored = options[place + 1..].iter().all(|(other, _)| other != name);
            assert!(
                !is_stored || value.len() <= MAX_VALUE,
                "{} bytes",
                value.len()
            );
        }

        // A call gets as far as its argument, which is missing: nothing is sent anywhere.
        let has = |wanted: &str| {
            let is_it = |name: &str| name.split('=').next() == Some(wanted);
            options.iter().any(|(name, _)| is_it(name))
        };
        let configured = Refusal::from(world.tried(|session| {
            session.batch_execute(&sql).expect("as before");
            if kind == "CREATE SERVER" {
                set_api_key(session, server);
            }
            let call = "SELECT neon_auth_admin.create_user(NULL, server => $1)";
            session.query(call, &[&server]).expect_err("no e-mail")
        }));
        let expected = match kind {
            "CREATE SERVER" if !has("project_id") => SqlState::from_code("NA009"),
            "CREATE USER MAPPING" if !has("api_key") => SqlState::from_code("NA009"),
            // It is set, or another test has just taken it away.
            _ if is_current(&options) => return,
            _ if has("api_url") && configured.code == SqlState::INSUFFICIENT_PRIVILEGE => return,
            _ => SqlState::NULL_VALUE_NOT_ALLOWED,
        };
        assert_eq!(configured.code, expected, "{sql}: {configured:?}");

        // With the simulator's address, it may go out.
        if expected == SqlState::NULL_VALUE_NOT_ALLOWED && !has("api_url") {
            let answer = world.tried(|session| {
                session.batch_execute(&sql).expect("as before");
                if kind == "CREATE SERVER" {
                    set_api_key(session, server);
                    let here = format!("ALTER SERVER made OPTIONS (ADD api_url '{url}')");
                    session.batch_execute(&here).expect("a URL");
                }
                let call = "SELECT * FROM neon_auth_admin.list_domains($1)";
                session.query(call, &[&server]).err().map(Refusal::from)
            });
            if let Some(answer) = answer {
                assert!(!answer.code.code().starts_with("XX"), "{answer:?}");
                assert!(!answer.text.contains("napi_"), "{}", answer.text);
            }
        }
    });
}

/// Whether an id is that of a Neon compute, as which this server is set up.
fn is_current(options: &[Setting]) -> bool {
    let ids = options.iter().filter(|(name, _)| name.ends_with("_id"));
    ids.map(|(_, value)| value).any(|id| id == "current")
}

/// The refusal is of a name or a value, and says of it what it says of the empty value.
fn assert_expected(world: &World, kind: &str, options: &[Setting], refusal: &Refusal) {
    if refusal.code == SqlState::DUPLICATE_OBJECT {
        let is_named = |name: &str| refusal.text.contains(name);
        assert!(options.iter().any(|(name, _)| is_named(name)));
        return;
    }
    let states = [
        SqlState::FDW_INVALID_OPTION_NAME,
        SqlState::INVALID_PARAMETER_VALUE,
    ];
    assert!(states.contains(&refusal.code), "{refusal:?}");
    // Where Postgres lets it, what comes behind "=" in a name begins the value.
    let names = options
        .iter()
        .flat_map(|(name, _)| [Some(&**name), name.split('=').next()]);
    let is_of_the_empty_value = names.flatten().any(|name| {
        let empty = [(name.to_owned(), String::new())];
        let (sql, _) = statement(kind, &empty).expect("a statement");
        world.refusal(&sql).as_ref() == Some(refusal)
    });
    assert!(is_of_the_empty_value, "it has more to say: {refusal:?}");
}
