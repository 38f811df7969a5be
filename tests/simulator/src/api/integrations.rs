//! The integration itself: create, list, keys, transfer, delete. Its keys open nothing and are not
//! kept.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::App;
use super::call::{Call, is_id};
use super::error::ApiError;
use crate::state::{AuthProvider, Integration};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CreateRequest {
    auth_provider: AuthProvider,
    #[serde(rename = "project_id")]
    _project_id: String,
    branch_id: String,
    database_name: Option<String>,
    /// Deprecated, and ignored by Neon too.
    #[serde(rename = "role_name")]
    _role_name: Option<String>,
}

/// `POST /projects/auth/create`
pub async fn create(
    State(app): State<Arc<App>>,
    Extension(call): Extension<Arc<Call>>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let request: CreateRequest = call.json()?;
    if !is_branch(&request.branch_id) {
        return Err(ApiError::not_found("branch not found"));
    }
    app.projects.with(call.project()?, |project| {
        if project.integrated_branch().is_some() {
            return Err(ApiError::conflict("neon auth integration already exists"));
        }
        let integration = Integration::new(
            request.auth_provider,
            &request.branch_id,
            request.database_name,
        );
        let answer = keys(&integration);
        project.branch(&request.branch_id).integration = Some(integration);
        Ok((StatusCode::CREATED, Json(answer)))
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProviderRequest {
    #[serde(rename = "project_id")]
    _project_id: String,
    #[serde(rename = "auth_provider")]
    _auth_provider: AuthProvider,
}

/// `POST /projects/auth/keys`
pub async fn create_keys(
    State(app): State<Arc<App>>,
    Extension(call): Extension<Arc<Call>>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let _: ProviderRequest = call.json()?;
    let answer = app.on_branch(&call, |branch| Ok(branch.integration.as_ref().map(keys)))?;
    Ok((StatusCode::CREATED, Json(answer.into())))
}

/// `POST /projects/auth/transfer_ownership`
pub async fn transfer(
    State(app): State<Arc<App>>,
    Extension(call): Extension<Arc<Call>>,
) -> Result<Json<Value>, ApiError> {
    let _: ProviderRequest = call.json()?;
    app.on_branch(&call, |_| Ok(()))?;
    let code = Uuid::new_v4().simple();
    let url = format!(
        "https://app.stack-auth.com/integrations/neon/projects/transfer/confirm?code={code}"
    );
    Ok(Json(json!({ "url": url })))
}

/// `GET /projects/{project_id}/auth/integrations`
pub async fn list(
    State(app): State<Arc<App>>,
    Extension(call): Extension<Arc<Call>>,
) -> Result<Json<Value>, ApiError> {
    let integrations = app.on_branch(&call, |branch| {
        Ok(Vec::from_iter(branch.integration.clone()))
    })?;
    Ok(Json(json!({ "data": integrations })))
}

#[derive(Deserialize)]
pub struct IntegrationPath {
    auth_provider: String,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct DeleteRequest {
    delete_data: bool,
}

/// `DELETE /projects/{project_id}/auth/integration/{auth_provider}`
pub async fn remove(
    State(app): State<Arc<App>>,
    Extension(call): Extension<Arc<Call>>,
    Path(path): Path<IntegrationPath>,
) -> Result<(), ApiError> {
    serde_json::from_value::<AuthProvider>(path.auth_provider.into())
        .map_err(|error| ApiError::bad_request(format!("invalid auth_provider: {error}")))?;
    let request: DeleteRequest = call.optional_json()?;
    app.on_branch(&call, |branch| {
        branch.remove_integration(request.delete_data);
        Ok(())
    })
}

/// `NeonAuthCreateIntegrationResponse`, with fresh keys.
fn keys(integration: &Integration) -> Value {
    let fresh = |prefix| format!("{prefix}_{}", Uuid::new_v4().simple());
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
