//! What stands in several places: versions, names, what is pinned. It knows the files of the repository
//! and nothing of what they build.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

fn file(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect(path)
}

/// The texts that stand between `before` and `after`, one for each line that has both.
fn between(text: &str, before: &str, after: &str) -> Vec<String> {
    let rests = text
        .lines()
        .filter_map(|line| Some(line.split_once(before)?.1));
    rests
        .filter_map(|rest| Some(rest.split_once(after)?.0.to_owned()))
        .collect()
}

fn one(texts: &[String]) -> &str {
    let [text] = texts else {
        panic!("one of {texts:?}")
    };
    text
}

fn numbers(text: &str) -> BTreeSet<u32> {
    text.split(|c: char| !c.is_ascii_digit())
        .filter_map(|word| word.parse().ok())
        .collect()
}

#[test]
fn the_metadata_for_pgxn_is_that_of_the_crate() {
    let meta: Value = serde_json::from_str(&file("packaging/META.json")).expect("JSON");
    let extension = &meta["provides"][env!("CARGO_PKG_NAME")];
    for part in [&meta, extension] {
        assert_eq!(part["abstract"], env!("CARGO_PKG_DESCRIPTION"));
        assert_eq!(part["version"], env!("CARGO_PKG_VERSION"));
    }
    assert_eq!(meta["name"], env!("CARGO_PKG_NAME"));
    let install_script = extension["file"].as_str().expect("a path");
    assert!(file(install_script).contains("CREATE FUNCTION"));
    assert!(!file(extension["docfile"].as_str().expect("a path")).is_empty());
}

#[test]
fn the_control_file_names_what_there_is() {
    let control = file(concat!(env!("CARGO_PKG_NAME"), ".control"));
    let version = between(&control, "default_version = '", "'");
    // The version of the SQL objects follows that of the library only where they change.
    let release = env!("CARGO_PKG_VERSION");
    assert!(!file(&format!("sql/neon_auth_admin--{}.sql", one(&version))).is_empty());
    assert!(release.split('.').next() == one(&version).split('.').next());
    // Without a folder: the server then looks wherever it finds extensions, extension_control_path too.
    assert_eq!(
        one(&between(&control, "module_pathname = '", "'")),
        env!("CARGO_PKG_NAME")
    );
}

/// A version has a date when it is released, and what is promised of it from then on is written down.
#[test]
fn a_release_is_one_everywhere() {
    let changelog = file("CHANGELOG.md");
    let newest = changelog.lines().find_map(|line| line.strip_prefix("## "));
    let (version, date) = newest
        .and_then(|newest| newest.strip_suffix(')')?.split_once(" ("))
        .expect("## VERSION (DATE)");
    assert_eq!(version, env!("CARGO_PKG_VERSION"));
    if date == "not released yet" {
        return;
    }
    let parts: Vec<usize> = date.split('-').map(str::len).collect();
    assert_eq!(
        (parts, numbers(date).len() > 1),
        (vec![4, 2, 2], true),
        "{date}"
    );
    let meta: Value = serde_json::from_str(&file("packaging/META.json")).expect("JSON");
    assert_eq!(meta["release_status"], "stable");
    let script = meta["provides"][env!("CARGO_PKG_NAME")]["file"].as_str();
    let script = format!("  {}\n", script.expect("a path"));
    assert!(file("tests/released.sha256").contains(&script));
    assert!(!file("SECURITY.md").contains("not released"));
}

#[test]
fn the_versions_of_postgres_are_the_same_everywhere() {
    let features: BTreeSet<u32> = between(&file("Cargo.toml"), "pg", " = [\"pg\", \"pgrx/")
        .iter()
        .filter_map(|major| major.parse().ok())
        .collect();
    assert!(features.len() > 3);
    let scripts = between(&file("tests/lib.sh"), "VERSIONS=(", ")");
    assert_eq!(numbers(one(&scripts)), features);
    let workflow = between(&file(".github/workflows/ci.yml"), "postgres: [", "]");
    assert_eq!(numbers(one(&workflow)), features);
    let meta: Value = serde_json::from_str(&file("packaging/META.json")).expect("JSON");
    let oldest = &meta["prereqs"]["runtime"]["requires"]["PostgreSQL"];
    assert_eq!(*oldest, format!("{}.0.0", features.first().expect("one")));
}

#[test]
fn what_is_pinned_is_updated_by_hand() {
    let manifest = file("Cargo.toml");
    let pinned: BTreeSet<String> = manifest
        .lines()
        .filter(|line| line.contains("\"=") && line.contains("version"))
        .filter_map(|line| Some(line.split_once(" = ")?.0.to_owned()))
        .collect();
    let updates = file(".github/dependabot.yml");
    let left_out = updates
        .lines()
        .filter_map(|line| Some(line.split_once("dependency-name: ")?.1));
    assert_eq!(left_out.map(str::to_owned).collect::<BTreeSet<_>>(), pinned);
}

#[test]
fn cargo_pgrx_is_of_the_version_of_pgrx() {
    let library = between(&file("Cargo.toml"), "pgrx = { version = \"=", "\"");
    let program = file("tests/lib.sh");
    let program = program
        .lines()
        .filter_map(|line| line.strip_prefix("PGRX_VERSION="));
    assert_eq!(program.collect::<Vec<_>>(), [one(&library)]);
}

#[test]
fn actions_are_pinned_by_commit() {
    let workflow = file(".github/workflows/ci.yml");
    let actions: Vec<&str> = workflow
        .lines()
        .filter_map(|line| Some(line.split_once("uses: ")?.1))
        .collect();
    assert!(!actions.is_empty());
    for action in actions {
        let commit = action
            .split_once('@')
            .and_then(|(_, rest)| rest.split_once(" # v"));
        let commit = commit.map(|(commit, _)| commit).unwrap_or_default();
        let is_commit = commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
        assert!(
            is_commit,
            "{action} is not pinned by its commit, with its version as a comment"
        );
    }
}
