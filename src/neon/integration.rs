//! Owns the operations on the integration itself: whether a project or branch has Neon Auth at all,
//! its keys and its owner.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::neon::check;
use crate::neon::client::Client;
use crate::neon::request::{Look, Method, Request, Segment, Texts};
use crate::neon::scope::{Scope, lacks_integration};
use crate::secret::Secret;

/// `owned_by`: user or neon; `transfer_status`: initiated or finished.
#[derive(Debug, Deserialize)]
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
#[derive(Debug, Deserialize)]
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
    project_id: &'a str,
    auth_provider: &'a str,
}

#[derive(Serialize)]
struct Deletion {
    delete_data: bool,
}

/// `POST /projects/auth/create`, at branch level `POST .../auth`.
pub fn create(
    scope: &Scope,
    branch_id: Option<&str>,
    database_name: Option<&str>,
    role_name: Option<&str>,
) -> Result<Request<IntegrationKeys>, Error> {
    let database_name = check::optional("database_name", database_name, check::any_text)?;
    let role_name = check::optional("role_name", role_name, check::any_text)?;
    let auth_provider = scope.auth_provider();
    let (path, body) = if let Some(own) = scope.branch_id() {
        if branch_id.is_some_and(|branch_id| branch_id != own) {
            let expected = "null, or the branch of the server";
            return Err(Error::invalid_argument("branch_id", expected));
        }
        if role_name.is_some() {
            let expected = "null: the branch-level API has no such field";
            return Err(Error::invalid_argument("role_name", expected));
        }
        let body = NewIntegration {
            auth_provider,
            project_id: None,
            branch_id: None,
            database_name,
            role_name,
        };
        (scope.path([]), body)
    } else {
        let branch_id = branch_id.ok_or_else(|| Error::null_argument("branch_id"))?;
        let body = NewIntegration {
            auth_provider,
            project_id: Some(scope.project_id()),
            branch_id: Some(check::neon_id("branch_id", branch_id)?),
            database_name,
            role_name,
        };
        (Scope::bodied_path("create"), body)
    };
    Ok(Request::json(Method::Post, path, texts("create integration")).with_body(&body))
}

/// `GET .../auth/integrations`. At branch level `GET .../auth`: one integration, or none where there
/// is none for the branch.
pub fn list(scope: &Scope) -> Request<Integrations> {
    let texts = texts("list integrations");
    if scope.branch_id().is_none() {
        return list_to(scope, texts);
    }
    let decode = |body: &[u8]| {
        let data = vec![serde_json::from_slice(body)?];
        Ok(Integrations { data })
    };
    Request::new(Method::Get, scope.path([]), texts, decode).accepting(none)
}

/// The only row of [`list`]; `NotFound` when there is none, `TooManyRows` when there are more.
pub fn get(client: &Client) -> Result<Integration, Error> {
    let scope = client.scope();
    let texts = texts("get integration");
    match scope.branch_id() {
        Some(_) => client.send(&Request::json(Method::Get, scope.path([]), texts)),
        None => only(
            client.send(&list_to(scope, texts))?,
            &client.connection().to_integrate(),
        ),
    }
}

fn list_to(scope: &Scope, texts: Texts) -> Request<Integrations> {
    let path = scope.path([Segment::fixed("integrations")]);
    Request::json(Method::Get, path, texts).accepting(none)
}

/// The refusal that is an empty list.
fn none(status: u16, message: &str) -> Option<Integrations> {
    lacks_integration(status, message).then(|| Integrations { data: vec![] })
}

/// `to_integrate` is the statement for whoever has none.
fn only(integrations: Integrations, to_integrate: &str) -> Result<Integration, Error> {
    let mut integrations = integrations.data.into_iter();
    match (integrations.next(), integrations.next()) {
        (Some(only), None) => Ok(only),
        (None, _) => Err(Error::no_integration(to_integrate)),
        (Some(_), Some(_)) => Err(Error::several_integrations()),
    }
}

/// `POST /projects/auth/keys`, at project level alone.
pub fn create_sdk_keys(scope: &Scope) -> Result<Request<IntegrationKeys>, Error> {
    scope.need_no_branch("create_sdk_keys")?;
    let texts = texts("create SDK keys");
    let request = Request::json(Method::Post, Scope::bodied_path("keys"), texts);
    Ok(request.with_body(&project(scope)))
}

/// `POST /projects/auth/transfer_ownership`, at project level alone.
pub fn transfer_ownership(scope: &Scope) -> Result<Request<OwnershipTransfer>, Error> {
    scope.need_no_branch("transfer_ownership")?;
    let path = Scope::bodied_path("transfer_ownership");
    let texts = texts("transfer ownership");
    Ok(Request::json(Method::Post, path, texts).with_body(&project(scope)))
}

/// `DELETE .../auth/integration/{auth_provider}`, at branch level `DELETE .../auth`.
pub fn delete(scope: &Scope, delete_data: bool) -> Request<()> {
    let path = match scope.branch_id() {
        Some(_) => scope.path([]),
        None => scope.path([Segment::fixed("integration"), scope.provider_segment()]),
    };
    let texts = texts("delete integration");
    Request::empty(Method::Delete, path, texts).with_body(&Deletion { delete_data })
}

fn project(scope: &Scope) -> Project<'_> {
    Project {
        project_id: scope.project_id(),
        auth_provider: scope.auth_provider(),
    }
}

fn texts(purpose: &'static str) -> Texts {
    Texts {
        purpose,
        noun: "integration",
        look: Look::Function("list_integrations"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn the_only_integration() {
        let parse = |json: &str| {
            only(
                serde_json::from_str(json).expect("integrations"),
                "SELECT 1;",
            )
        };
        let one = r#"{"auth_provider":"stack","auth_provider_project_id":"p"}"#;
        let got = parse(&format!("{{\"data\":[{one}]}}")).expect("one");
        assert_eq!(got.auth_provider_project_id, "p");
        let error = parse(r#"{"data":[]}"#).expect_err("none");
        assert_eq!(error.kind, ErrorKind::NotFound);
        let error = parse(&format!("{{\"data\":[{one},{one}]}}")).expect_err("two");
        assert_eq!(error.kind, ErrorKind::TooManyRows);
    }
}
