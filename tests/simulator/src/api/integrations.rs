//! The integration of the project level: create, list, keys, transfer, delete. Its keys open nothing
//! and are not kept.

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::body::{boolean, one_of, string};
use super::call::{Call, is_id};
use super::error::ApiError;
use super::job::Job;
use crate::state::branch::{AuthProvider, Integration};
use crate::state::is_known_branch;

/// `POST /projects/auth/create`
pub async fn create(job: Job) -> Result<(StatusCode, Json<Value>), ApiError> {
    let body = job.call.body()?.with(&[
        "auth_provider",
        "project_id",
        "branch_id",
        "database_name",
        "role_name",
    ])?;
    let auth_provider = body.required("auth_provider", one_of)?;
    let branch = body.required("branch_id", string)?;
    let database = body.optional("database_name", string)?;
    // Deprecated, and ignored by Neon too.
    let _ = body.optional("role_name", string)?;
    if !is_branch(&branch) || !is_known_branch(&branch) {
        return Err(ApiError::not_found("branch not found"));
    }
    job.on_project(|project| {
        if project.integrated_branch().is_some() {
            return Err(ApiError::integration_exists());
        }
        let integration = Integration::new(auth_provider, &branch, database);
        let answer = keys(&integration);
        project.integrate(integration);
        Ok((StatusCode::CREATED, Json(answer)))
    })
}

/// `POST /projects/auth/keys`
pub async fn create_keys(job: Job) -> Result<(StatusCode, Json<Value>), ApiError> {
    check_provider(&job.call)?;
    let answer = job.on_branch(|branch| Ok(branch.integration.as_ref().map(keys)))?;
    Ok((StatusCode::CREATED, Json(answer.into())))
}

/// `POST /projects/auth/transfer_ownership`
pub async fn transfer(job: Job) -> Result<Json<Value>, ApiError> {
    check_provider(&job.call)?;
    job.on_branch(|_| Ok(()))?;
    let code = Uuid::new_v4().simple();
    let url = format!(
        "https://app.stack-auth.com/integrations/neon/projects/transfer/confirm?code={code}"
    );
    Ok(Json(json!({ "url": url })))
}

/// `GET /projects/{project_id}/auth/integrations`
pub async fn list(job: Job) -> Result<Json<Value>, ApiError> {
    let integrations = job.on_branch(|branch| Ok(Vec::from_iter(branch.integration.clone())))?;
    Ok(Json(json!({ "data": integrations })))
}

#[derive(Deserialize)]
pub struct IntegrationPath {
    auth_provider: String,
}

/// `DELETE /projects/{project_id}/auth/integration/{auth_provider}`
pub async fn remove(job: Job, Path(path): Path<IntegrationPath>) -> Result<(), ApiError> {
    serde_json::from_value::<AuthProvider>(path.auth_provider.into())
        .map_err(|error| ApiError::bad_request(format!("invalid auth_provider: {error}")))?;
    let body = job.call.optional_body()?.with(&["delete_data"])?;
    let delete_data = body.optional("delete_data", boolean)?.unwrap_or_default();
    job.on_branch(|branch| {
        branch.remove_integration(delete_data);
        Ok(())
    })
}

/// A body of project and provider.
fn check_provider(call: &Call) -> Result<(), ApiError> {
    let body = call.body()?.with(&["project_id", "auth_provider"])?;
    let _: AuthProvider = body.required("auth_provider", one_of)?;
    Ok(())
}

/// `NeonAuthCreateIntegrationResponse`, with fresh keys, of which Better Auth has none.
pub fn keys(integration: &Integration) -> Value {
    let fresh = |prefix| match integration.auth_provider {
        AuthProvider::BetterAuth => String::new(),
        _ => format!("{prefix}_{}", Uuid::new_v4().simple()),
    };
    let mut keys = json!({
        "auth_provider": integration.auth_provider,
        "auth_provider_project_id": integration.auth_provider_project_id,
        "pub_client_key": fresh("pck"),
        "secret_server_key": fresh("ssk"),
        "jwks_url": integration.jwks_url,
        "schema_name": "neon_auth",
        "table_name": "users_sync",
    });
    if let Some(base_url) = &integration.base_url {
        keys["base_url"] = base_url.as_str().into();
    }
    keys
}

/// `^br-[a-z0-9-]+$`
fn is_branch(id: &str) -> bool {
    id.len() > "br-".len() && id.starts_with("br-") && is_id(id)
}
