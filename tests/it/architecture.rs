//! The borders that the source keeps: what may be named where, and how files look.

use std::fs;
use std::path::{Path, PathBuf};

/// The Rust files below `folder`, with their text without comments at the start of a line.
fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![root.join(folder)];
    let mut files = vec![];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("UTF-8");
                let path = path.strip_prefix(root).expect("below the root").to_owned();
                files.push((path, text));
            }
        }
    }
    assert!(!files.is_empty());
    files
}

fn code(text: &str) -> String {
    text.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}

fn is_in(path: &Path, places: &[&str]) -> bool {
    let path = path.to_str().expect("UTF-8");
    places.iter().any(|place| path.starts_with(place))
}

#[test]
fn only_the_outer_ring_names_pgrx() {
    for (path, text) in sources("src") {
        let allowed = is_in(&path, &["src/pg", "src/lib.rs"]);
        let named = code(&text).contains("pgrx");
        assert!(allowed || !named, "{} names pgrx", path.display());
    }
}

#[test]
fn only_the_transport_names_ureq() {
    for (path, text) in sources("src") {
        let allowed = is_in(&path, &["src/neon/http", "src/pg/wait"]);
        let named = code(&text).contains("ureq");
        assert!(allowed || !named, "{} names ureq", path.display());
    }
}

#[test]
fn the_inner_ring_does_not_look_outwards() {
    for (path, text) in sources("src/neon") {
        let code = code(&text);
        let outwards = ["crate::pg", "std::env", "neon_auth_admin.", "SELECT "];
        for outer in outwards {
            assert!(!code.contains(outer), "{} has {outer}", path.display());
        }
    }
}

#[test]
fn every_sql_function_begins_with_an_entry_and_returns_a_raise() {
    let mut functions = 0;
    for (path, text) in sources("src/pg") {
        for function in code(&text).split("#[pg_extern").skip(1) {
            functions += 1;
            let signature = function.split(" {\n").next().expect("a signature");
            // Of a procedure, which is written by hand.
            let signature = match signature.split_once("\n)]\n") {
                Some((_, signature)) if signature.starts_with("fn run_queue") => {
                    assert!(signature.contains("_entry: Entry") && signature.ends_with("Raise>"));
                    continue;
                }
                _ => signature,
            };
            let raises = signature.contains("-> Result<") && signature.ends_with("Raise>");
            let enters = signature.contains("(\n    _entry: Entry,\n")
                || signature.contains("(_entry: Entry");
            assert!(raises && enters, "{}: {signature}", path.display());
            let volatile = [
                "volatile, parallel_unsafe",
                "volatile, parallel_restricted",
                "VOLATILE PARALLEL UNSAFE",
            ];
            assert!(
                volatile.iter().any(|word| signature.contains(word)),
                "{}: {signature}",
                path.display()
            );
        }
    }
    let script = include_str!("../../sql/neon_auth_admin--1.0.sql");
    let is_function = |line: &&str| {
        line.starts_with("CREATE PROCEDURE ")
            || line.starts_with("CREATE ") && line.contains(" FUNCTION ")
    };
    let installed = script.lines().filter(is_function).count();
    assert_eq!(functions, installed, "every function was looked at");
}

#[test]
fn files_say_what_they_own_and_stay_small() {
    for folder in ["src", "tests"] {
        for (path, text) in sources(folder) {
            assert!(text.starts_with("//! "), "{} has no head", path.display());
            let lines = text.lines().count();
            assert!(lines <= 350, "{} has {lines} lines", path.display());
        }
    }
}
