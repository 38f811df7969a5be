//! Owns the list of the projects that a key may see.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::{Advice, Error};
use crate::neon::argument;
use crate::neon::endpoint::{Endpoint, Look, Path, Resource};
use crate::neon::pages::{Page, Pagination};
use crate::neon::request::{Method, Request};
use crate::neon::target::Target;

const PROJECT: Resource = Resource {
    noun: "project",
    look: Look::Function("list_projects"),
};

pub const LIST_PROJECTS: Endpoint = Endpoint {
    function: "list_projects",
    method: Method::Get,
    path: Path::Account("/projects"),
    purpose: "list projects",
    resource: &PROJECT,
};

/// Of one whose details Neon did not fetch in time there is nothing but the id.
#[derive(Debug, Default, Deserialize, Serialize)]
pub struct Project {
    pub id: String,
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    pub region_id: Option<String>,
    #[serde(default)]
    pub pg_version: Option<i32>,
    #[serde(default)]
    pub org_id: Option<String>,
    #[serde(default)]
    pub org_name: Option<String>,
    #[serde(default)]
    pub created_at: Option<Timestamp>,
}

#[derive(Debug, Deserialize)]
pub struct Projects {
    projects: Vec<Project>,
    #[serde(default)]
    unavailable_project_ids: Option<Vec<String>>,
    #[serde(default)]
    pagination: Option<Pagination>,
}

impl Page for Projects {
    type Item = Project;

    fn into_parts(self) -> (Vec<Project>, Pagination) {
        let unavailable = self.unavailable_project_ids.into_iter().flatten();
        let unavailable = unavailable.map(|id| Project {
            id,
            ..Project::default()
        });
        let mut projects = self.projects;
        projects.extend(unavailable);
        (projects, self.pagination.unwrap_or_default())
    }
}

/// `GET /projects`: a page of those of an organization, which the key of one implies; with `search`, of
/// those with this text in their name or id.
pub fn list(
    account: &Target,
    org_id: Option<&str>,
    search: Option<&str>,
) -> Result<Request<Projects>, Error> {
    let org_id = argument::optional("org_id", org_id, argument::neon_id)?;
    let search = argument::optional("search", search, argument::search)?;
    let advice = org_id.is_none().then_some(Advice::NameOrganization);
    Ok(LIST_PROJECTS
        .first_page(account)?
        .with_query("org_id", org_id.map(str::to_owned))
        .with_query("search", search.map(str::to_owned))
        .if_rejected(advice))
}
