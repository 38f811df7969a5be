//! What docs/functions.md says that each function sends is what the table says.

use std::fs;

use super::table::{Row, rows};

/// docs/functions.md has a line for each function, whose last two cells are its calls.
#[test]
fn the_documentation_has_the_calls_of_the_table() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/functions.md");
    let page = fs::read_to_string(page).expect("the page");
    let rows = rows();
    for Row { function, .. } in &rows {
        let starts = [format!("| `{function}("), format!("| [`{function}(")];
        let mut lines = page.lines();
        let line = lines.find(|line| starts.iter().any(|start| line.starts_with(start)));
        let line = line.unwrap_or_else(|| panic!("{function} is not documented"));
        let cells: Vec<_> = line.trim_end_matches(" |").split(" | ").collect();
        let [.., of_branch, of_project] = cells[..] else {
            panic!("{line}");
        };
        let of_project = if of_project == "the same" {
            of_branch
        } else {
            of_project
        };
        let of_function = || rows.iter().filter(|it| it.function == *function);
        let branch: Vec<_> = of_function().filter_map(|it| it.branch.as_ref()).collect();
        let project: Vec<_> = of_function().filter_map(|it| it.project.as_ref()).collect();
        for (calls, cell) in [(branch, of_branch), (project, of_project)] {
            assert_eq!(calls.is_empty(), cell == "–", "{line}");
            for call in calls {
                assert!(
                    cell.contains(&format!("`{call}`")),
                    "{call} is not in {line}"
                );
            }
        }
    }
}
