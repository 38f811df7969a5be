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

#[derive(Serialize)]
struct NewUser<'a> {
    project_id: &'a str,
    auth_provider: &'a str,
    email: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
}

/// `POST /projects/auth/user`.
pub fn create(
    scope: &Scope,
    email: &str,
    name: Option<&str>,
) -> Result<Request<CreatedUser>, Error> {
    let body = NewUser {
        project_id: scope.project_id(),
        auth_provider: scope.auth_provider(),
        email: check::email("email", email)?,
        name: check::optional("name", name, |n, v| check::text(n, v, 255))?,
    };
    let texts = texts("create user");
    Ok(Request::json(Method::Post, Scope::bodied_path("user"), texts).with_body(&body))
}

/// `DELETE /projects/{project_id}/auth/users/{id}`.
pub fn delete(scope: &Scope, id: &str) -> Result<Request<()>, Error> {
    let path = scope.path([Segment::fixed("users"), Segment::id("id", id)?]);
    Ok(Request::empty(Method::Delete, path, texts("delete user")))
}

fn texts(purpose: &'static str) -> Texts {
    Texts {
        purpose,
        noun: "user",
        look: Look::UsersTable,
    }
}
