//! Owns the SQL function that lists the branches of a project.

use pgrx::prelude::*;

use crate::neon::branches::{self, Branch};
use crate::pg::report::Raise;
use crate::pg::reserve::Entry;
use crate::pg::row::row_type;
use crate::pg::rows::Rows;
use crate::pg::session::Session;
use crate::pg::text::Text;

row_type!(Branch, "branch");

/// Lists the branches of the server's project; see [`branches::list`].
#[pg_extern(volatile, parallel_restricted, cost = 1000)]
fn list_branches(
    _entry: Entry,
    search: default!(Option<Text>, "NULL"),
    server: default!(Option<Text>, "NULL"),
) -> Result<Rows<Branch>, Raise> {
    let neon = Session::open(&branches::LIST_BRANCHES, server.as_deref())?;
    let request = branches::list(neon.target(), search.as_deref())?;
    neon.rows_of_pages(request)
}
