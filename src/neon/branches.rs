//! Owns the list of a project's branches.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::neon::argument;
use crate::neon::endpoint::{Endpoint, Look, Path, Resource};
use crate::neon::pages::{Page, Pagination};
use crate::neon::request::{Method, Request};
use crate::neon::target::Target;

const BRANCH: Resource = Resource {
    noun: "branch",
    look: Look::Function("list_branches"),
};

pub const LIST_BRANCHES: Endpoint = Endpoint {
    function: "list_branches",
    method: Method::Get,
    path: Path::OfProject("/projects/{project_id}/branches"),
    purpose: "list branches",
    resource: &BRANCH,
};

#[derive(Debug, Deserialize, Serialize)]
pub struct Branch {
    pub id: String,
    pub name: Option<String>,
    pub is_default: Option<bool>,
    pub protected: Option<bool>,
    pub parent_id: Option<String>,
    pub current_state: Option<String>,
    pub created_at: Option<Timestamp>,
    pub expires_at: Option<Timestamp>,
}

/// The same as Neon has it: `default` is no name for a column.
#[derive(Debug, Deserialize)]
struct Listed {
    default: Option<bool>,
    #[serde(flatten)]
    rest: Branch,
}

#[derive(Debug, Deserialize)]
pub struct Branches {
    branches: Vec<Listed>,
    #[serde(default)]
    pagination: Option<Pagination>,
}

impl Page for Branches {
    type Item = Branch;

    fn into_parts(self) -> (Vec<Branch>, Pagination) {
        let listed = self.branches.into_iter();
        let branches = listed.map(|Listed { default, rest }| Branch {
            is_default: default,
            ..rest
        });
        (branches.collect(), self.pagination.unwrap_or_default())
    }
}

/// `GET /projects/{project_id}/branches`: a page of them, whatever branch the target names; with `search`,
/// of those with this text in their name or id. They come in the order in which they were made, which
/// nothing changes between two pages: Neon's own would lose a branch that is used meanwhile.
pub fn list(target: &Target, search: Option<&str>) -> Result<Request<Branches>, Error> {
    let search = argument::optional("search", search, argument::search)?;
    Ok(LIST_BRANCHES
        .first_page(target)?
        .with_query("search", search.map(str::to_owned))
        .with_query("sort_by", Some("created_at".to_owned()))
        .with_query("sort_order", Some("asc".to_owned())))
}
