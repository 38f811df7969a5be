//! Owns the operations on users.

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::neon::argument;
use crate::neon::endpoint::{Endpoint, Look, Path, Resource};
use crate::neon::request::{Method, Request, Segment};
use crate::neon::target::Target;
use crate::quote::shortened;

/// So many characters of an address are in a message.
const MAX_SHOWN: usize = 100;

const USER: Resource = Resource {
    noun: "user",
    look: Look::Users,
};

pub const CREATE_USER: Endpoint = Endpoint {
    function: "create_user",
    method: Method::Post,
    path: Path::Each {
        project: "/projects/auth/user",
        branch: "users",
    },
    purpose: "create user",
    resource: &USER,
};

pub const ENSURE_USER: Endpoint = Endpoint {
    function: "ensure_user",
    ..CREATE_USER
};

pub const DELETE_USER: Endpoint = Endpoint {
    function: "delete_user",
    method: Method::Delete,
    path: Path::Both("users/{id}"),
    purpose: "delete user",
    resource: &USER,
};

pub const SET_USER_ROLES: Endpoint = Endpoint {
    function: "set_user_roles",
    method: Method::Put,
    path: Path::Branch("users/{id}/role"),
    purpose: "set roles of user",
    resource: &USER,
};

/// Of a user that was created the API answers the id alone.
#[derive(Debug, Deserialize, Serialize)]
pub struct AuthUser {
    pub id: String,
    #[serde(default)]
    pub email: Option<String>,
    #[serde(default)]
    pub name: Option<String>,
}

/// A user that was created, or was there.
#[derive(Debug, Deserialize, Serialize)]
pub struct EnsuredUser {
    pub id: String,
    pub created: bool,
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

/// `POST /projects/auth/user`, at branch level `POST .../auth/users`. Whoever creates many users learns from
/// the detail of an error for which it is.
pub fn create(
    target: &Target,
    email: &str,
    name: Option<&str>,
) -> Result<Request<AuthUser>, Error> {
    create_by(&CREATE_USER, target, email, name)
}

/// The same, for whoever goes on if there is such a user.
pub fn ensure(
    target: &Target,
    email: &str,
    name: Option<&str>,
) -> Result<Request<AuthUser>, Error> {
    create_by(&ENSURE_USER, target, email, name)
}

fn create_by(
    endpoint: &'static Endpoint,
    target: &Target,
    email: &str,
    name: Option<&str>,
) -> Result<Request<AuthUser>, Error> {
    let subject = addressed(email);
    match create_checked(endpoint, target, email, name) {
        Ok(request) => Ok(request.about(subject)),
        Err(error) => Err(match &subject {
            Some(subject) => error.and_detail(subject),
            None => error,
        }),
    }
}

/// Which user, in a sentence. What does not look like an address may be something else in its place, such
/// as a key or the password of a URL.
fn addressed(email: &str) -> Option<String> {
    let is_address = email.contains('@') && !email.contains(':');
    is_address.then(|| format!("The e-mail address is \"{}\".", shortened(email, MAX_SHOWN)))
}

fn create_checked(
    endpoint: &'static Endpoint,
    target: &Target,
    email: &str,
    name: Option<&str>,
) -> Result<Request<AuthUser>, Error> {
    let project = target.branch_id().is_none().then_some(target);
    check(email, name)?;
    let body = NewUser {
        project_id: project.and_then(Target::project_id),
        auth_provider: project.map(Target::auth_provider),
        email,
        name,
    };
    Ok(endpoint.json(target, [])?.with_body(&body))
}

/// What is asked of an address and a name, wherever the user is created.
pub fn check(email: &str, name: Option<&str>) -> Result<(), Error> {
    argument::email("email", email)?;
    argument::optional("name", name, |n, v| argument::text(n, v, 1..=255))?;
    Ok(())
}

/// `DELETE .../auth/users/{id}`.
pub fn delete(target: &Target, id: &str) -> Result<Request<()>, Error> {
    DELETE_USER.empty(target, [Segment::id("id", id)?])
}

/// A deletion to which it is an answer, too, that there is no such user; not that there is no such project,
/// branch or integration, as who may not see them is told as well.
pub fn or_gone(request: Request<()>) -> Request<()> {
    request.accepting(|status, message| lacks_user(status, message).then_some(()))
}

/// Whether a refusal says that there is no such user.
pub fn lacks_user(status: u16, message: &str) -> bool {
    let message = message.to_lowercase();
    status == 404 && message.contains("user") && !message.contains("integration")
}

/// `PUT .../auth/users/{id}/role`, at branch level alone; `roles` replace those that are there.
pub fn set_roles(target: &Target, id: &str, roles: &[&str]) -> Result<Request<()>, Error> {
    let request = SET_USER_ROLES.empty(target, [Segment::id("id", id)?])?;
    if roles.is_empty() {
        let expected = "an array of at least one role";
        return Err(Error::invalid_argument("roles", expected));
    }
    let roles = argument::each("roles", roles.iter().copied(), argument::any_text)?;
    Ok(request.with_body(&Roles { roles }))
}
