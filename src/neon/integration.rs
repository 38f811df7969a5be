//! Owns the operations on the integration itself: whether a project or branch has Neon Auth at all,
//! its keys and its owner.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::neon::argument;
use crate::neon::endpoint::{Endpoint, Look, Path, Resource};
use crate::neon::request::{Method, Request};
use crate::neon::target::{Target, lacks_integration};
use crate::secret::Secret;

const INTEGRATION: Resource = Resource {
    noun: "integration",
    look: Look::Function("list_integrations"),
};

pub const CREATE_INTEGRATION: Endpoint = Endpoint {
    function: "create_integration",
    method: Method::Post,
    path: Path::Each {
        project: "/projects/auth/create",
        branch: "",
    },
    purpose: "create integration",
    resource: &INTEGRATION,
};

pub const LIST_INTEGRATIONS: Endpoint = Endpoint {
    function: "list_integrations",
    method: Method::Get,
    path: WHERE_THEY_ARE,
    purpose: "list integrations",
    resource: &INTEGRATION,
};

pub const GET_INTEGRATION: Endpoint = Endpoint {
    function: "get_integration",
    method: Method::Get,
    path: WHERE_THEY_ARE,
    purpose: "get integration",
    resource: &INTEGRATION,
};

pub const CREATE_SDK_KEYS: Endpoint = Endpoint {
    function: "create_sdk_keys",
    method: Method::Post,
    path: Path::Project("/projects/auth/keys"),
    purpose: "create SDK keys",
    resource: &INTEGRATION,
};

pub const TRANSFER_OWNERSHIP: Endpoint = Endpoint {
    function: "transfer_ownership",
    method: Method::Post,
    path: Path::Project("/projects/auth/transfer_ownership"),
    purpose: "transfer ownership",
    resource: &INTEGRATION,
};

pub const DELETE_INTEGRATION: Endpoint = Endpoint {
    function: "delete_integration",
    method: Method::Delete,
    path: Path::Each {
        project: "integration/{auth_provider}",
        branch: "",
    },
    purpose: "delete integration",
    resource: &INTEGRATION,
};

const WHERE_THEY_ARE: Path = Path::Each {
    project: "integrations",
    branch: "",
};

/// `owned_by`: user or neon; `transfer_status`: initiated or finished.
#[derive(Debug, Deserialize, Serialize)]
pub struct Integration {
    pub auth_provider: String,
    pub auth_provider_project_id: String,
    #[serde(default)]
    pub branch_id: Option<String>,
    #[serde(default)]
    pub db_name: Option<String>,
    #[serde(default)]
    pub created_at: Option<Timestamp>,
    #[serde(default)]
    pub owned_by: Option<String>,
    #[serde(default)]
    pub transfer_status: Option<String>,
    #[serde(default)]
    pub jwks_url: Option<String>,
    #[serde(default)]
    pub base_url: Option<String>,
    #[serde(default)]
    pub name: Option<String>,
}

#[derive(Debug, Deserialize)]
pub struct Integrations {
    pub data: Vec<Integration>,
}

/// The keys are empty for providers that have none.
#[derive(Debug, Deserialize, Serialize)]
pub struct IntegrationKeys {
    pub auth_provider: String,
    pub auth_provider_project_id: String,
    #[serde(default)]
    pub pub_client_key: Option<Secret>,
    #[serde(default)]
    pub secret_server_key: Option<Secret>,
    #[serde(default)]
    pub jwks_url: Option<String>,
    #[serde(default)]
    pub schema_name: Option<String>,
    #[serde(default)]
    pub table_name: Option<String>,
    #[serde(default)]
    pub base_url: Option<String>,
}

#[derive(Debug, Deserialize)]
pub struct OwnershipTransfer {
    pub url: String,
}

/// At branch level, project and branch are in the path.
#[derive(Serialize)]
struct NewIntegration<'a> {
    auth_provider: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    project_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    branch_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    database_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role_name: Option<&'a str>,
}

#[derive(Serialize)]
struct Project<'a> {
    project_id: Option<&'a str>,
    auth_provider: &'a str,
}

#[derive(Serialize)]
struct Deletion {
    delete_data: bool,
}

/// `POST /projects/auth/create`, at branch level `POST .../auth`.
pub fn create(
    target: &Target,
    branch_id: Option<&str>,
    database_name: Option<&str>,
    role_name: Option<&str>,
) -> Result<Request<IntegrationKeys>, Error> {
    let database_name = argument::optional("database_name", database_name, argument::free_text)?;
    let role_name = argument::optional("role_name", role_name, argument::free_text)?;
    let auth_provider = target.auth_provider();
    let body = if let Some(own) = target.branch_id() {
        if branch_id.is_some_and(|branch_id| branch_id != own) {
            let expected = "null, or the branch of the server";
            return Err(Error::invalid_argument("branch_id", expected));
        }
        if role_name.is_some() {
            let expected = "null: the branch-level API has no such field";
            return Err(Error::invalid_argument("role_name", expected));
        }
        NewIntegration {
            auth_provider,
            project_id: None,
            branch_id: None,
            database_name,
            role_name,
        }
    } else {
        let branch_id = branch_id.ok_or_else(|| Error::null_argument("branch_id"))?;
        NewIntegration {
            auth_provider,
            project_id: target.project_id(),
            branch_id: Some(argument::neon_id("branch_id", branch_id)?),
            database_name,
            role_name,
        }
    };
    Ok(CREATE_INTEGRATION.json(target, [])?.with_body(&body))
}

/// `GET .../auth/integrations`. At branch level `GET .../auth`: one integration, or none where there
/// is none for the branch.
pub fn list(target: &Target) -> Result<Request<Integrations>, Error> {
    Ok(read(&LIST_INTEGRATIONS, target)?.accepting(none))
}

/// The same; at branch level an error where there is none. See [`Integrations::only`].
pub fn get(target: &Target) -> Result<Request<Integrations>, Error> {
    let request = read(&GET_INTEGRATION, target)?;
    Ok(match target.branch_id() {
        Some(_) => request,
        None => request.accepting(none),
    })
}

fn read(endpoint: &'static Endpoint, target: &Target) -> Result<Request<Integrations>, Error> {
    if target.branch_id().is_none() {
        return endpoint.json(target, []);
    }
    Request::new(endpoint, target, [], |_, body| {
        let data = vec![serde_json::from_slice(body)?];
        Ok(Integrations { data })
    })
}

/// The refusal that is an empty list.
fn none(status: u16, message: &str) -> Option<Integrations> {
    lacks_integration(status, message).then(|| Integrations { data: vec![] })
}

impl Integrations {
    /// The only one; `NotFound` when there is none, `TooManyRows` when there are more.
    pub fn only(self) -> Result<Integration, Error> {
        let mut integrations = self.data.into_iter();
        match (integrations.next(), integrations.next()) {
            (Some(only), None) => Ok(only),
            (None, _) => Err(Error::no_integration()),
            (Some(_), Some(_)) => Err(Error::several_integrations()),
        }
    }
}

/// `POST /projects/auth/keys`, at project level alone.
pub fn create_sdk_keys(target: &Target) -> Result<Request<IntegrationKeys>, Error> {
    let request = CREATE_SDK_KEYS.json(target, [])?;
    Ok(request.with_body(&project(target)))
}

/// `POST /projects/auth/transfer_ownership`, at project level alone.
pub fn transfer_ownership(target: &Target) -> Result<Request<OwnershipTransfer>, Error> {
    let request = TRANSFER_OWNERSHIP.json(target, [])?;
    Ok(request.with_body(&project(target)))
}

/// `DELETE .../auth/integration/{auth_provider}`, at branch level `DELETE .../auth`.
pub fn delete(target: &Target, delete_data: bool) -> Result<Request<()>, Error> {
    let request = DELETE_INTEGRATION.empty(target, [target.provider_segment()])?;
    Ok(request.with_body(&Deletion { delete_data }))
}

fn project(target: &Target) -> Project<'_> {
    Project {
        project_id: target.project_id(),
        auth_provider: target.auth_provider(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn the_only_integration() {
        let only = |json: &str| {
            let list: Integrations = serde_json::from_str(json).expect("integrations");
            list.only()
        };
        let one = r#"{"auth_provider":"stack","auth_provider_project_id":"p"}"#;
        let got = only(&format!("{{\"data\":[{one}]}}")).expect("one");
        assert_eq!(got.auth_provider_project_id, "p");
        let error = only(r#"{"data":[]}"#).expect_err("none");
        assert_eq!(error.kind, ErrorKind::NotFound);
        let error = only(&format!("{{\"data\":[{one},{one}]}}")).expect_err("two");
        assert_eq!(error.kind, ErrorKind::TooManyRows);
    }
}
