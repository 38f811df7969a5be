//! Owns the operations on users.

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::neon::check;
use crate::neon::request::{Look, Method, Request, Segment, Texts};
use crate::neon::scope::Scope;

#[derive(Debug, Deserialize)]
pub struct CreatedUser {
    pub id: String,
}

/// Below a branch, project and provider are in the path.
#[derive(Serialize)]
struct NewUser<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    project_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_provider: Option<&'a str>,
    email: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
}

#[derive(Serialize)]
struct Roles<'a> {
    roles: Vec<&'a str>,
}

/// `POST /projects/auth/user`, at branch level `POST .../auth/users`.
pub fn create(
    scope: &Scope,
    email: &str,
    name: Option<&str>,
) -> Result<Request<CreatedUser>, Error> {
    let (path, project) = match scope.branch_id() {
        Some(_) => (scope.path([Segment::fixed("users")]), None),
        None => (Scope::bodied_path("user"), Some(scope)),
    };
    let body = NewUser {
        project_id: project.map(Scope::project_id),
        auth_provider: project.map(Scope::auth_provider),
        email: check::email("email", email)?,
        name: check::optional("name", name, |n, v| check::text(n, v, 255))?,
    };
    Ok(Request::json(Method::Post, path, texts(scope, "create user")).with_body(&body))
}

/// `DELETE .../auth/users/{id}`.
pub fn delete(scope: &Scope, id: &str) -> Result<Request<()>, Error> {
    let path = scope.path([Segment::fixed("users"), Segment::id("id", id)?]);
    let texts = texts(scope, "delete user");
    Ok(Request::empty(Method::Delete, path, texts))
}

/// `PUT .../auth/users/{id}/role`, at branch level alone; `roles` replace those that are there.
pub fn set_roles(scope: &Scope, id: &str, roles: &[Option<&str>]) -> Result<Request<()>, Error> {
    scope.need_branch("set_user_roles")?;
    let id = Segment::id("id", id)?;
    let path = scope.path([Segment::fixed("users"), id, Segment::fixed("role")]);
    if roles.is_empty() {
        return Err(Error::invalid_argument(
            "roles",
            "an array of at least one role",
        ));
    }
    let roles = check::each("roles", roles, check::any_text)?;
    let texts = texts(scope, "set roles of user");
    Ok(Request::empty(Method::Put, path, texts).with_body(&Roles { roles }))
}

fn texts(scope: &Scope, purpose: &'static str) -> Texts {
    Texts {
        purpose,
        noun: "user",
        look: Look::Table(scope.table_of_users()),
    }
}
