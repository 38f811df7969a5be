//! Owns what SQL can learn of the operations that this library knows: the half of the view `functions`
//! that is in no catalog. It opens no session, and sends nothing.

use pgrx::prelude::*;
use serde::{Deserialize, Serialize};

use crate::neon::endpoint::{ENDPOINTS, Endpoint};
use crate::pg::report::Raise;
use crate::pg::reserve::Entry;
use crate::pg::row::{Row, Secrets, row_type};
use crate::pg::rows::Rows;

/// An operation of a function, with its path at each level that has it.
#[derive(Deserialize, Serialize)]
struct Operation {
    function: &'static str,
    method: String,
    branch: Option<String>,
    project: Option<String>,
}

row_type!(Operation, "operation");

/// Lists the operations that have a function. A function that calls those of others is in no row.
#[pg_extern(volatile, parallel_unsafe, cost = 1000)]
fn list_operations(_entry: Entry) -> Result<Rows<Operation>, Raise> {
    let row = Row::new::<Operation>()?;
    let operations = ENDPOINTS.into_iter().map(described).collect();
    Ok(Rows::new(row, operations, Secrets::Masked)?)
}

fn described(endpoint: &Endpoint) -> Operation {
    let (branch, project) = endpoint.path.at_each_level();
    Operation {
        function: endpoint.function,
        method: endpoint.method.to_string(),
        branch: branch.map(whole),
        project: project.map(whole),
    }
}

/// As the documentation has it, where `.../auth` stands for project and branch.
fn whole(path: &str) -> String {
    match path {
        "" => ".../auth".to_owned(),
        path if path.starts_with('/') => path.to_owned(),
        path => format!(".../auth/{path}"),
    }
}
