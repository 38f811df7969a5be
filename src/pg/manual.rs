//! Owns what SQL can learn of the operations that this library knows: the half of the view `functions`
//! that is in no catalog. It opens no session, and sends nothing.

use pgrx::prelude::*;
use serde::{Deserialize, Serialize};

use crate::neon::endpoint::{BORROWED, ENDPOINTS, Endpoint};
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

/// Lists the operations that the functions call.
#[pg_extern(volatile, parallel_unsafe, cost = 1000)]
fn list_operations(_entry: Entry) -> Result<Rows<Operation>, Raise> {
    let row = Row::new::<Operation>()?;
    let own = ENDPOINTS.into_iter().map(|it| described(it.function, it));
    let borrowed = BORROWED.into_iter().flat_map(|(function, operations)| {
        let operations = operations.iter();
        operations.map(move |it| described(function, it))
    });
    let operations = own.chain(borrowed).collect();
    Ok(Rows::new(row, operations, Secrets::Masked)?)
}

fn described(function: &'static str, endpoint: &Endpoint) -> Operation {
    let (branch, project) = endpoint.path.at_each_level();
    Operation {
        function,
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
