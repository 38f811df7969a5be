//! That links lead somewhere: from each Markdown file of the repository to files, and to headings in
//! them. It knows nothing of what is outside of the repository.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The Markdown files, relative to the root.
fn pages() -> Vec<PathBuf> {
    let mut pages = Vec::new();
    for folder in ["", "docs", "tests"] {
        let files = fs::read_dir(root().join(folder)).expect(folder);
        let names = files.map(|file| file.expect("a file").file_name());
        let paths = names.map(|name| Path::new(folder).join(name));
        pages.extend(paths.filter(|path| path.extension().is_some_and(|end| end == "md")));
    }
    pages.sort();
    pages
}

/// The lines that are no code.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut in_block = false;
    text.lines().filter(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        in_block ^= is_fence;
        !in_block && !is_fence
    })
}

/// What links point to, `](here)`, in prose.
fn targets(text: &str) -> Vec<String> {
    let mut targets = Vec::new();
    for line in prose(text) {
        // Between backquotes is code.
        let words: String = line.split('`').step_by(2).collect();
        for part in words.split("](").skip(1) {
            let end = part.find(')').expect("a link ends");
            targets.push(part[..end].to_owned());
        }
    }
    targets
}

/// The names that GitHub gives to headings.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = prose(text).filter(|line| line.starts_with('#'));
    headings
        .map(|heading| {
            let title = heading.trim_start_matches('#').trim().to_lowercase();
            let kept = title
                .chars()
                .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
            kept.map(|c| if c == ' ' { '-' } else { c }).collect()
        })
        .collect()
}

#[test]
fn links_lead_somewhere() {
    let mut broken = Vec::new();
    let mut count = 0;
    for page in pages() {
        let text = fs::read_to_string(root().join(&page)).expect("a page");
        for target in targets(&text) {
            if target.contains("://") {
                continue;
            }
            count += 1;
            let (path, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let folder = page.parent().unwrap_or(Path::new(""));
            let file = match path {
                "" => root().join(&page),
                path => root().join(folder).join(path),
            };
            let leads = match (file.exists(), anchor) {
                (exists, "") => exists,
                (true, anchor) => {
                    let text = fs::read_to_string(&file).unwrap_or_default();
                    anchors(&text).contains(anchor)
                }
                (false, _) => false,
            };
            if !leads {
                broken.push(format!("{}: {target}", page.display()));
            }
        }
    }
    assert!(broken.is_empty(), "broken links: {broken:#?}");
    assert!(count > 30, "only {count} links");
}

#[test]
fn headings_are_named_as_github_does() {
    let text = "# A `current` value\n```\n# no heading\n```\n## What ROLLBACK does not undo\n### In psql: \\x";
    let expected = [
        "a-current-value",
        "in-psql-x",
        "what-rollback-does-not-undo",
    ];
    assert_eq!(anchors(text), expected.map(str::to_owned).into());
    assert_eq!(targets("[a](b#c) and `[d](e)`, [f](g)"), ["b#c", "g"]);
}

/// The functions that the install script makes and leaves.
fn functions() -> BTreeSet<String> {
    let script = include_str!("../../sql/neon_auth_admin--1.0.sql");
    let begins = ["CREATE  FUNCTION \"", "CREATE PROCEDURE neon_auth_admin.\""];
    let name = |line: &'static str| begins.iter().find_map(|begin| line.strip_prefix(begin));
    let names = script.lines().filter_map(name);
    let names = names.filter_map(|rest| rest.split('"').next());
    let is_for_users = |name: &&str| {
        // Called by Postgres, and by the script itself.
        let others = ["validator", "write"].map(|name| format!("neon_auth_admin_{name}"));
        *name != "make_sealing_secret" && !others.iter().any(|other| other == name)
    };
    names.filter(is_for_users).map(str::to_owned).collect()
}

#[test]
fn each_function_is_two_clicks_away() {
    let readme = include_str!("../../README.md");
    let page = include_str!("../../docs/functions.md");
    let functions = functions();
    assert!(functions.len() > 30, "{functions:?}");
    for function in functions {
        let in_table = page
            .lines()
            .any(|line| line.starts_with('|') && line.contains(&format!("`{function}(")));
        assert!(
            in_table,
            "{function} is not in the table of docs/functions.md"
        );
        let named = readme.contains(&format!("`{function}`"));
        assert!(named, "{function} is not in the table of the README");
    }
}
