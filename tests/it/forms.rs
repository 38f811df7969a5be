//! That no page and no example calls where Postgres may call for rows that a query drops: in FROM beside
//! other relations, or in a condition. What that does is shown by `tests/sessions/rows.rs`.

use std::fs;
use std::path::{Path, PathBuf};

const SCHEMA: &str = "neon_auth_admin.";
/// What may follow the name of a relation in FROM where there is another one.
const JOINS: [&str; 8] = [
    ",", "JOIN", "LEFT", "RIGHT", "FULL", "CROSS", "INNER", "NATURAL",
];

/// The README, the pages and the examples.
fn files() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = vec![root.join("README.md")];
    for folder in ["docs", "examples"] {
        let entries = fs::read_dir(root.join(folder)).expect(folder);
        files.extend(entries.map(|entry| entry.expect("a file").path()));
    }
    files
}

/// The statements of a file, without comments.
fn sql(file: &Path) -> String {
    let text = fs::read_to_string(file).expect("a file");
    let is_page = file.extension().is_some_and(|end| end == "md");
    let mut in_block = !is_page;
    let lines = text.lines().filter(|line| {
        if is_page && line.starts_with("```") {
            in_block = *line == "```sql";
        }
        in_block && !line.starts_with("```")
    });
    let code = lines.map(|line| line.split("--").next().unwrap_or_default());
    code.flat_map(|line| [line, "\n"]).collect()
}

/// Words, in upper case but for what is called here, and signs.
fn tokens(sql: &str) -> Vec<String> {
    let is_word = |c: char| c.is_alphanumeric() || "_.\"".contains(c);
    let mut tokens = Vec::new();
    let mut rest = sql.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match is_word(first) {
            true => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            false => first.len_utf8(),
        };
        let (token, after) = rest.split_at(length);
        tokens.push(match token.starts_with(SCHEMA) {
            true => token.to_owned(),
            false => token.to_uppercase(),
        });
        rest = after.trim_start();
    }
    tokens
}

/// The first token that is not within parentheses which begin and end here, and how many are before it.
fn outside<'a>(
    tokens: impl Iterator<Item = &'a String>,
    (opens, closes): (&str, &str),
    mut is_wanted: impl FnMut(&str) -> bool,
) -> Option<(usize, &'a str)> {
    let mut depth = 0;
    for (skipped, token) in tokens.enumerate() {
        match token.as_str() {
            token if token == opens => depth += 1,
            token if token == closes && depth > 0 => depth -= 1,
            token if depth == 0 && is_wanted(token) => return Some((skipped, token)),
            _ => {}
        }
    }
    None
}

/// Calls that Postgres may make for rows that the query drops, or not make for one that it keeps. What
/// lists or exports may stand there: it changes nothing.
fn misplaced(sql: &str) -> Vec<String> {
    let tokens = tokens(sql);
    let reads = ["list_", "export_"];
    let is_call = |at: &usize| {
        let name = tokens[*at].strip_prefix(SCHEMA);
        // CREATE TRIGGER names one, and calls nothing.
        let is_named = *at > 0 && tokens[at - 1] == "FUNCTION";
        !is_named
            && name.is_some_and(|name| !reads.iter().any(|it| name.starts_with(it)))
            && tokens.get(at + 1).is_some_and(|next| next == "(")
    };
    let is_misplaced = |at: &usize| {
        let clause = [
            "SELECT",
            "RETURNING",
            "PERFORM",
            "FROM",
            "WHERE",
            "ON",
            ";",
            "\\",
        ];
        let before = tokens[..*at].iter().rev();
        let Some((between, clause)) = outside(before, (")", "("), |token| clause.contains(&token))
        else {
            return false;
        };
        match clause {
            "FROM" => {
                let after = tokens[at + 1..].iter();
                let ends = [";", "\\", ")", "WHERE", "ORDER"];
                let next = outside(after, ("(", ")"), |token| {
                    JOINS.contains(&token) || ends.contains(&token)
                });
                between > 0 || next.is_some_and(|(_, next)| JOINS.contains(&next))
            }
            "WHERE" | "ON" => true,
            _ => false,
        }
    };
    let calls = (0..tokens.len()).filter(is_call);
    calls
        .filter(is_misplaced)
        .map(|at| tokens[at].clone())
        .collect()
}

#[test]
fn no_page_calls_where_rows_may_be_dropped() {
    let mut calls = 0;
    let mut found = Vec::new();
    for file in files() {
        let sql = sql(&file);
        calls += sql.matches(SCHEMA).count();
        let calls = misplaced(&sql).into_iter();
        found.extend(calls.map(|call| format!("{}: {call}", file.display())));
    }
    assert!(found.is_empty(), "{found:#?}");
    assert!(calls > 100, "only {calls} calls");
}

#[test]
fn such_calls_are_found() {
    for wrong in [
        "SELECT u.email FROM neon_auth.\"user\" AS u, neon_auth_admin.delete_user(u.id::text) WHERE true",
        "SELECT FROM f(a, b) AS u LEFT JOIN LATERAL neon_auth_admin.delete_user(u.id) ON true",
        "SELECT FROM neon_auth_admin.create_user('a', 'b') AS u, neon_auth.orders",
        "SELECT 1 FROM t WHERE a AND (neon_auth_admin.create_user(email)).id IS NOT NULL",
    ] {
        assert_eq!(misplaced(wrong).len(), 1, "{wrong}");
    }
    for right in [
        "SELECT a, neon_auth_admin.delete_user(id) FROM t, s WHERE true; SELECT 1, 2",
        "WITH x AS MATERIALIZED (SELECT a, neon_auth_admin.create_user(e, n) AS u FROM t) SELECT (u).id, a FROM x",
        "SELECT * FROM neon_auth_admin.create_user('a', 'b') ORDER BY a, b",
        "SELECT * FROM neon_auth_admin.create_user('a'); SELECT 1, 2",
        "SELECT * FROM neon_auth_admin.create_user('a') \\gset\nSELECT 1, 2",
        "SELECT id, n FROM t FULL JOIN neon_auth_admin.list_users() AS u USING (id)",
        "DELETE FROM t WHERE a RETURNING neon_auth_admin.delete_user(id)",
        "SELECT $$ SELECT id INTO x FROM neon_auth_admin.create_user(c.email, c.name); $$, 1",
    ] {
        assert_eq!(misplaced(right), [""; 0], "{right}");
    }
}
