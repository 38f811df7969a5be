//! Runs the SQL blocks of README.md and of the pages in docs/, each page in order and in one psql session,
//! against a simulator of its own. It knows nothing of what they are about.
//!
//! A `text` block that directly follows an `sql` block is what psql prints for it; other blocks must
//! not print an error. A `text` block after `<!-- server log -->` is what the server logs of calls meanwhile.
//! A block after `<!-- not run: reason -->` is skipped, and one after
//! `<!-- needs psql 16 -->` where psql is older. With UPDATE_DOCS=1 in the environment the pages get the
//! output of this run instead of being compared with it, and with DOCS_PAGE=NAME only the page of that
//! name is run.

mod normalized;

use std::env;
use std::fmt::Write;
use std::fs;
use std::ops::Range;

use self::normalized::normalized;
use crate::support::{server_log, skipped};
use crate::tryout::{DATABASE, Place, file, psql_version};

/// What a reader has done who comes from the README's first session: each page goes on from there.
const FIRST_SESSION: &str = r"
\set QUIET on
\getenv key NEON_API_KEY
CREATE EXTENSION neon_auth_admin;
CREATE SERVER neon FOREIGN DATA WRAPPER neon_auth_admin
    OPTIONS (project_id 'quiet-bar-123456', branch_id 'br-cool-lake-123456');
SELECT neon_auth_admin.set_api_key(:'key') \g /dev/null
\set QUIET off
";

/// What people have done in an app before somebody looks into its tables.
const IN_AN_APP: &str = include_str!("pages/in_an_app.sql");

#[test]
fn the_pages_tell_the_truth() {
    let wanted = env::var("DOCS_PAGE").ok();
    let mut report = String::new();
    let mut blocks = 0;
    for page in pages() {
        if wanted.as_ref().is_none_or(|wanted| page.ends_with(wanted)) {
            blocks += check(&page, &mut report);
        }
    }
    assert!(report.is_empty(), "the pages are wrong:\n{report}");
    assert!(
        wanted.is_some() || blocks > 30,
        "{blocks} blocks of SQL in all"
    );
}

/// The README and all of docs/, as paths in the repository.
fn pages() -> Vec<String> {
    let docs = fs::read_dir(file("docs")).expect("the pages");
    let names = docs.map(|page| page.expect("a page").file_name().into_string());
    let mut pages: Vec<_> = names
        .map(|name| format!("docs/{}", name.expect("ASCII")))
        .filter(|name| name.ends_with(".md"))
        .collect();
    pages.sort();
    pages.insert(0, "README.md".to_owned());
    pages
}

/// Runs a page and reports what is wrong with it; how many blocks it has.
fn check(page: &str, report: &mut String) -> usize {
    let text = fs::read_to_string(file(page)).expect(page);
    let lines: Vec<&str> = text.lines().collect();
    let blocks = parse(page, &lines);
    if blocks.is_empty() {
        return 0;
    }
    let before = match page {
        "README.md" => String::new(),
        "docs/users.md" => {
            FIRST_SESSION.replace("\\set QUIET off\n", IN_AN_APP) + "\\set QUIET off\n"
        }
        // The server under test says that it is the compute of another branch.
        "docs/tooling.md" => format!("SET neon.branch_id = '';{FIRST_SESSION}"),
        _ => FIRST_SESSION.to_owned(),
    };
    let outputs = run(&before, &blocks, &Place::new());
    let mut wrong = String::new();
    if env::var_os("UPDATE_DOCS").is_some() {
        let updated = updated(&lines, &blocks, &outputs, &mut wrong);
        fs::write(file(page), updated).expect("the page is writable");
    } else {
        for (block, output) in blocks.iter().zip(&outputs) {
            complain(&mut wrong, &lines, block, output);
        }
    }
    if !wrong.is_empty() {
        let _ = writeln!(report, "\n== {page}\n{wrong}");
    }
    blocks.len()
}

/// An `sql` block that is run.
struct Block {
    /// The number of its first line, for people.
    line: usize,
    sql: String,
    /// The lines of the `text` block that follows it.
    expected: Option<Range<usize>>,
    /// Whether those are of the server's log.
    is_log: bool,
}

fn parse(page: &str, lines: &[&str]) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut last_text = "";
    let mut at = 0;
    while at < lines.len() {
        let (fence, start) = (lines[at], at + 1);
        at += 1;
        if !fence.starts_with("```") {
            if !fence.is_empty() {
                last_text = fence;
            }
            continue;
        }
        let end = end_of_block(lines, start);
        at = end + 1;
        if fence == "```sql" && is_run(last_text, &format!("{page}, line {start}")) {
            let follows = |at: usize| (at..lines.len()).find(|&next| !lines[next].is_empty());
            let mut next = follows(at);
            let is_log = next.is_some_and(|next| lines[next] == SERVER_LOG);
            if let Some(comment) = next.filter(|_| is_log) {
                next = follows(comment + 1);
            }
            let expected = next
                .filter(|&next| lines[next] == "```text")
                .map(|next| next + 1..end_of_block(lines, next + 1));
            blocks.push(Block {
                line: start + 1,
                sql: lines[start..end].join("\n"),
                expected,
                is_log,
            });
        }
        last_text = "";
    }
    blocks
}

/// Whether the block at `place` is run, by the line before it.
fn is_run(before: &str, place: &str) -> bool {
    let needed = before.strip_prefix("<!-- needs psql ");
    let needed = needed.and_then(|rest| rest.strip_suffix(" -->"));
    let Some(needed) = needed else {
        return !before.starts_with("<!-- not run: ");
    };
    let is_run = psql_version() >= needed.parse().expect("a version of psql");
    if !is_run {
        skipped(place, &format!("it needs psql {needed}"));
    }
    is_run
}

fn end_of_block(lines: &[&str], start: usize) -> usize {
    let length = lines[start..].iter().position(|line| *line == "```");
    start + length.expect("each block of a page ends")
}

/// What psql printed for each block.
fn run(before: &str, blocks: &[Block], place: &Place) -> Vec<Vec<String>> {
    // The reader's server is Neon, and ours the simulator.
    let options = format!("OPTIONS (api_url '{}', project_id", place.api_url());
    let bare = "FOREIGN DATA WRAPPER neon_auth_admin";
    let with_url = format!("{bare} OPTIONS (api_url '{}');", place.api_url());
    let ours = |sql: &str| {
        sql.replace("OPTIONS (project_id", &options)
            .replace(&format!("{bare};"), &with_url)
    };
    let mut script = ours(before);
    for (number, block) in blocks.iter().enumerate() {
        let _ = writeln!(script, "\\echo {}", mark(number));
        if block.is_log {
            let _ = writeln!(script, "{}", log_mark(number));
        }
        let _ = writeln!(script, "{}", ours(&block.sql));
        if block.is_log {
            let _ = writeln!(script, "{}", log_mark(number + 1));
        }
    }
    let printed = place.psql(&script, "");
    let mut outputs = Vec::new();
    for line in printed.lines() {
        if line == mark(outputs.len()) {
            outputs.push(Vec::new());
        } else if let Some(output) = outputs.last_mut() {
            output.push(line.trim_end().to_owned());
        }
    }
    assert_eq!(outputs.len(), blocks.len(), "{printed}");
    for (number, output) in outputs.iter_mut().enumerate() {
        if blocks[number].is_log {
            *output = logged(number);
        }
    }
    for output in &mut outputs {
        while output.last().is_some_and(String::is_empty) {
            output.pop();
        }
    }
    outputs
}

/// What a page says before what it has of the server's log.
const SERVER_LOG: &str = "<!-- server log -->";

/// The server logs every statement, and so this one.
fn log_mark(number: usize) -> String {
    format!("SELECT 'log {number}' AS mark \\g /dev/null")
}

/// What the server has logged of calls between the last marks of that block, without prefix.
fn logged(number: usize) -> Vec<String> {
    let log = server_log();
    let statement = |number| format!("statement: SELECT 'log {number}' AS mark");
    let start = log.rfind(&statement(number)).expect("a mark");
    let end = log.rfind(&statement(number + 1)).expect("a mark");
    let lines = log[start..end].lines();
    let calls = lines.filter(|line| line.contains(&format!("@{DATABASE} LOG:  Neon API call: ")));
    let calls = calls.filter_map(|line| line.split_once(&format!("@{DATABASE} ")));
    calls.map(|(_, call)| call.to_owned()).collect()
}

fn mark(number: usize) -> String {
    format!("=== block {number}")
}

fn complain(report: &mut String, lines: &[&str], block: &Block, output: &[String]) {
    let Some(range) = &block.expected else {
        let is_error = |line: &String| line.contains("ERROR:") || line.contains("invalid command");
        if output.iter().any(is_error) {
            let (line, sql, output) = (block.line, &block.sql, output.join("\n+"));
            let _ = writeln!(report, "\nline {line}: an error:\n{sql}\n+{output}");
        }
        return;
    };
    let expected: Vec<_> = lines[range.clone()].iter().map(|l| normalized(l)).collect();
    let actual: Vec<_> = output.iter().map(|line| normalized(line)).collect();
    if expected == actual {
        return;
    }
    let (line, sql) = (block.line, &block.sql);
    let _ = writeln!(report, "\nline {line}: other output:\n{sql}");
    let pairs = expected.iter().zip(&actual);
    let same = pairs.take_while(|(e, a)| e == a).count();
    let (same, expected) = expected.split_at(same);
    let marked = |mark: char, lines: &[String]| -> String {
        lines.iter().map(|line| format!("{mark}{line}\n")).collect()
    };
    *report += &marked(' ', same);
    *report += &marked('-', expected);
    *report += &marked('+', &actual[same.len()..]);
}

/// The page with the output of each block whose expectation was not met, and all other lines as they
/// are; what has no expectation and failed is reported.
fn updated(
    lines: &[&str],
    blocks: &[Block],
    outputs: &[Vec<String>],
    report: &mut String,
) -> String {
    let mut updated: Vec<String> = lines.iter().map(|&line| line.to_owned()).collect();
    for (block, output) in blocks.iter().zip(outputs).rev() {
        let mut complaint = String::new();
        complain(&mut complaint, lines, block, output);
        match &block.expected {
            Some(range) if !complaint.is_empty() => {
                updated.splice(range.clone(), output.iter().cloned());
            }
            _ => *report += &complaint,
        }
    }
    updated.join("\n") + "\n"
}
