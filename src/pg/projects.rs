//! Owns the SQL function that lists the projects of a key.

use pgrx::prelude::*;

use crate::neon::projects::{self, Project};
use crate::pg::report::Raise;
use crate::pg::reserve::Entry;
use crate::pg::row::row_type;
use crate::pg::rows::Rows;
use crate::pg::session::Session;
use crate::pg::text::Text;

row_type!(Project, "project");

/// Lists the projects that the key may see; see [`projects::list`].
#[pg_extern(volatile, parallel_restricted, cost = 1000)]
fn list_projects(
    _entry: Entry,
    org_id: default!(Option<Text>, "NULL"),
    search: default!(Option<Text>, "NULL"),
    server: default!(Option<Text>, "NULL"),
) -> Result<Rows<Project>, Raise> {
    let neon = Session::open(&projects::LIST_PROJECTS, server.as_deref())?;
    let request = projects::list(neon.target(), org_id.as_deref(), search.as_deref())?;
    neon.rows_of_pages(request)
}
