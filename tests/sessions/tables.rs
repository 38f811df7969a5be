//! The tables of docs/security.md whose cells tests compare with what happens.

use std::fs;
use std::path::Path;

/// The cells of the table that follows these words, row by row, without its head.
pub fn cells_after(words: &str) -> Vec<Vec<String>> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/security.md");
    let page = fs::read_to_string(page).expect("the page on security");
    let (_, table) = page.split_once(words).expect(words);
    let rows = table.lines().skip_while(|line| !line.starts_with("|---"));
    rows.skip(1)
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let cells = line.trim_matches('|').split(" | ");
            cells.map(|cell| cell.trim().to_owned()).collect()
        })
        .collect()
}
