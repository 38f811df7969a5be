//! The view `functions`: it fits into a terminal, says what the catalog, the comments and the
//! documentation say, is readable to whom can name it, and sends nothing.

use std::collections::BTreeMap;
use std::process::Command;

use postgres::error::SqlState;
use serde::Deserialize;

use crate::support::{Database, Statements, arrived, connect, one, variable};

const WIDTH: usize = 100;

#[derive(Debug, Deserialize)]
struct Entry {
    name: String,
    arguments: String,
    returns: String,
    level: Option<String>,
    effect: String,
    description: String,
    comment: String,
}

fn manual(database: &Database) -> Vec<Entry> {
    let query = "SELECT json_agg(to_jsonb(functions) || jsonb_build_object('comment', obj_description(oid)))::text
        FROM neon_auth_admin.functions JOIN pg_proc ON proname = name
        WHERE pronamespace = 'neon_auth_admin'::regnamespace";
    let text: String = one(&mut database.session(), query).get(0);
    serde_json::from_str(&text).expect("entries")
}

/// As a person sees it, and with nothing cut off.
#[test]
fn it_is_readable_in_a_terminal() {
    let database = Database::new("it_manual");
    let psql = Command::new(variable("PSQL"))
        .args([
            "-X",
            "-P",
            "pager=off",
            "-U",
            "it_manual",
            "-d",
            "it_manual",
        ])
        .args(["-c", "SELECT * FROM neon_auth_admin.functions"])
        .output()
        .expect("psql runs");
    let shown = String::from_utf8(psql.stdout).expect("UTF-8");
    println!("{shown}");
    for line in shown.lines() {
        assert!(
            line.chars().count() <= WIDTH,
            "{} columns: {line}",
            line.chars().count()
        );
    }
    let query =
        "SELECT proname::text FROM pg_proc WHERE pronamespace = 'neon_auth_admin'::regnamespace";
    let functions = database.session().query(query, &[]).expect("functions");
    assert!(functions.len() > 40, "{}", functions.len());
    for function in functions {
        let start = format!(" {} ", function.get::<_, &str>(0));
        assert!(
            shown.lines().any(|line| line.starts_with(&start)),
            "{start}"
        );
    }
    for entry in manual(&database) {
        let joined = |text: &str| text.replace('\n', " ");
        let (description, comment) = (joined(&entry.description), joined(&entry.comment));
        assert!(comment.starts_with(&description), "{entry:?}");
        assert!(description.len() >= 10, "{entry:?}");
        assert!(!entry.returns.is_empty(), "{entry:?}");
    }
}

/// What a function does at Neon is not said twice in different words: its comment ends with what ROLLBACK
/// leaves, and the table of docs/functions.md has its requests.
#[test]
fn it_agrees_with_comments_and_documentation() {
    let database = Database::new("it_manual_agrees");
    let page = include_str!("../../docs/functions.md");
    let rows = page
        .lines()
        .filter(|line| line.starts_with("| `") || line.starts_with("| [`"));
    let mut documented = BTreeMap::new();
    for row in rows {
        let cells: Vec<_> = row.trim_matches(['|', ' ']).split(" | ").collect();
        let name = cells[0].trim_start_matches(['[', '`']).split('(').next();
        // Other tables have other cells.
        if let ([_, _, branch, project], Some(name)) = (&cells[..], name) {
            let project = if *project == "the same" {
                branch
            } else {
                project
            };
            documented.insert(name.to_owned(), (*branch, *project, cells[0]));
        }
    }
    for entry in manual(&database) {
        let name = &entry.name;
        let writes = entry.comment.ends_with("Not undone by ROLLBACK");
        assert_eq!(entry.effect == "writes", writes, "{entry:?}");
        let row = documented.remove(name);
        let (branch, project, signature) =
            row.unwrap_or_else(|| panic!("{name} is not in the table"));
        let calls = [branch, project].join(" ");
        let has_write = ["`POST ", "`PUT ", "`PATCH ", "`DELETE "]
            .iter()
            .any(|it| calls.contains(it));
        let effect = match calls.contains("no call") {
            true => "local",
            false if has_write => "writes",
            false => "reads",
        };
        assert_eq!(entry.effect, effect, "{name}: {calls}");
        let level = match (branch, project) {
            _ if effect == "local" => None,
            ("–", _) => Some("project"),
            (_, "–") => Some("branch"),
            _ => Some("both"),
        };
        assert_eq!(entry.level.as_deref(), level, "{name}: {calls}");
        // What it needs is there by name, except where the table has the columns of a row for it.
        let needed = entry.arguments.replace('\n', " ");
        for argument in needed.split(", ").filter(|it| !matches!(*it, "" | "...")) {
            assert!(
                signature.contains(argument) || signature.contains("(...)"),
                "{name}: {argument}"
            );
        }
        let is_optional = |it: &str| signature.contains(it);
        assert_eq!(
            needed.ends_with("..."),
            ["?", " DEFAULT ", "(...)"].into_iter().any(is_optional),
            "{name}: {needed}"
        );
    }
    assert!(documented.is_empty(), "no such functions: {documented:?}");
}

/// Whoever can name it: there is no secret in it, and no need of a server or a key.
#[test]
fn whoever_can_name_it_reads_it_and_nothing_is_sent() {
    let database = Database::new("it_manual_rights");
    let project = "test-manual";
    database.add_server("neon", project, &variable("NEON_SIMULATOR_URL"), "");
    let mut owner = database.session();
    connect("postgres", "postgres").run("CREATE ROLE it_manual_reader LOGIN");
    let mut reader = connect(&database.name, "it_manual_reader");
    let query = "SELECT count(*) FROM neon_auth_admin.functions";
    reader.refused(query, &SqlState::INSUFFICIENT_PRIVILEGE);
    owner.run("GRANT USAGE ON SCHEMA neon_auth_admin TO it_manual_reader");
    reader.run("BEGIN READ ONLY");
    assert!(one(&mut reader, query).get::<_, i64>(0) > 40);
    reader.run("COMMIT");
    let call = "SELECT * FROM neon_auth_admin.list_domains()";
    reader.refused(call, &SqlState::INSUFFICIENT_PRIVILEGE);
    // Where nothing may be sent, and where a materialized view is made of it.
    let mut dry = database.session_with("-c neon_auth_admin.dry_run=on");
    assert!(one(&mut dry, query).get::<_, i64>(0) > 40);
    owner.run("CREATE MATERIALIZED VIEW manual AS SELECT * FROM neon_auth_admin.functions");
    assert_eq!(arrived(project), 0);
}
