//! The lists that come in pages: projects and branches, and their two ways to name the next page.

use axum::Json;
use serde_json::{Map, Value, json};

use super::call::{Call, is_id};
use super::error::ApiError;
use super::job::Job;
use super::key::Kind;

/// That of the key of an organization.
const ORGANIZATION: &str = "org-quiet-forest-123456";

/// `GET /projects`; the last page with projects has a cursor as well.
pub async fn projects(job: Job) -> Result<Json<Value>, ApiError> {
    let call = &job.call;
    let organization = match (call.kind(), call.query.get("org_id")) {
        (Kind::Project, _) => return Err(ApiError::out_of_scope()),
        (_, Some(id)) if !is_id(id) => return Err(ApiError::bad_request("invalid org_id")),
        (_, Some(id)) if id.starts_with("org-missing") => {
            return Err(ApiError::not_found("organization not found"));
        }
        (_, Some(id)) => id,
        (Kind::Organization, None) => ORGANIZATION,
        (Kind::Personal, None) => {
            return Err(ApiError::bad_request(
                "org_id is required, you can find it on your organization settings page",
            ));
        }
    };
    let page = page(call, projects_of(organization), 400)?;
    let cursor = page.last.map(|last| ("cursor".to_owned(), last.into()));
    Ok(Json(json!({
        "projects": page.items,
        "pagination": Map::from_iter(cursor),
        "applications": {},
        "integrations": {},
    })))
}

/// `GET /projects/{project_id}/branches`; the last page names no other.
pub async fn branches(job: Job) -> Result<Json<Value>, ApiError> {
    let given = |name: &str, otherwise: &str| {
        let given = job.call.query.get(name).cloned();
        given.unwrap_or_else(|| otherwise.to_owned())
    };
    let sort_by = given("sort_by", "updated_at");
    let sort_order = given("sort_order", "desc");
    if !["name", "created_at", "updated_at"].contains(&sort_by.as_str())
        || !["asc", "desc"].contains(&sort_order.as_str())
    {
        return Err(ApiError::bad_request("invalid order"));
    }
    let page = page(&job.call, branches_of(job.call.project()?), 10_000)?;
    let mut pagination = json!({"sort_by": sort_by, "sort_order": sort_order});
    if let Some(last) = page.last.filter(|_| page.has_more) {
        pagination["next"] = last.into();
    }
    Ok(Json(json!({
        "branches": page.items,
        "annotations": {},
        "pagination": pagination,
    })))
}

struct Page {
    items: Vec<Value>,
    /// What names the page after these, if there are any.
    last: Option<String>,
    has_more: bool,
}

/// Those items that the query asks for.
fn page(call: &Call, mut items: Vec<Value>, max: usize) -> Result<Page, ApiError> {
    let given = |name: &str| call.query.get(name).map(String::as_str);
    let limit = match given("limit").map(str::parse::<usize>) {
        None => 10,
        Some(Ok(limit)) if (1..=max).contains(&limit) => limit,
        Some(_) => return Err(ApiError::bad_request("invalid limit")),
    };
    if let Some(search) = given("search") {
        items.retain(|item| {
            let has = |name: &str| item[name].as_str().is_some_and(|it| it.contains(search));
            has("id") || has("name")
        });
    }
    let name = |item: &Value| format!("after/{}", item["id"].as_str().unwrap_or_default());
    let start = match given("cursor") {
        None => 0,
        Some(cursor) => match items.iter().position(|item| name(item) == cursor) {
            Some(last) => last + 1,
            None => return Err(ApiError::bad_request("invalid cursor")),
        },
    };
    let has_more = items.len() > start + limit;
    let items: Vec<_> = items.into_iter().skip(start).take(limit).collect();
    Ok(Page {
        last: items.last().map(name),
        items,
        has_more,
    })
}

/// What an id says of how many there are.
fn number(id: &str, of_what: &str) -> Option<u32> {
    id.rsplit_once(of_what)?.1.parse().ok()
}

fn projects_of(organization: &str) -> Vec<Value> {
    let project = |id: &str, name: &str, pg_version: u32| {
        json!({
            "id": id, "platform_id": "aws", "region_id": "aws-eu-central-1", "name": name,
            "pg_version": pg_version, "org_id": organization, "org_name": "Example",
            "owner_id": organization, "created_at": "2026-03-01T09:30:00Z",
            "updated_at": "2026-11-02T17:12:45Z", "effective_project_permission": "CAN_MANAGE",
        })
    };
    match number(organization, "-projects-") {
        None => vec![
            project("quiet-bar-123456", "shop", 17),
            project("staging-lake-654321", "shop-staging", 18),
        ],
        Some(all) => (1..=all)
            .map(|n| project(&format!("test-many-{n:04}"), &format!("project {n}"), 17))
            .collect(),
    }
}

fn branches_of(project: &str) -> Vec<Value> {
    const MAIN: &str = "br-cool-lake-123456";
    let branch = |id: &str, name: &str| {
        let mut branch = json!({
            "id": id, "project_id": project, "name": name, "current_state": "ready",
            "default": id == MAIN, "protected": id == MAIN, "primary": id == MAIN,
            "created_at": "2026-03-01T09:30:00Z", "updated_at": "2026-11-02T17:12:45Z",
        });
        if id != MAIN {
            branch["parent_id"] = MAIN.into();
        }
        branch
    };
    match number(project, "-branches-") {
        None => {
            let mut preview = branch("br-dawn-hill-654321", "preview/sign-in");
            preview["expires_at"] = "2026-12-24T00:00:00Z".into();
            vec![branch(MAIN, "main"), preview]
        }
        Some(all) => (1..=all)
            .map(|n| branch(&format!("br-many-{n:04}"), &format!("branch {n}")))
            .collect(),
    }
}
