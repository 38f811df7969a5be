//! The redirect domains: list, add, delete. Faults and keys are settled before these are called.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::{StatusCode, Uri};
use serde::Deserialize;
use serde_json::{Value, json};

use super::App;
use super::call::Call;
use super::error::ApiError;
use crate::state::{AuthProvider, Domain};

/// `GET /projects/{project_id}/auth/domains`
pub async fn list(
    State(app): State<Arc<App>>,
    Extension(call): Extension<Arc<Call>>,
) -> Result<Json<Value>, ApiError> {
    let domains = app.on_branch(&call, |branch| Ok(branch.domains.clone()))?;
    Ok(Json(json!({ "domains": domains })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AddRequest {
    domain: String,
    auth_provider: AuthProvider,
}

/// `POST /projects/{project_id}/auth/domains`
pub async fn add(
    State(app): State<Arc<App>>,
    Extension(call): Extension<Arc<Call>>,
) -> Result<StatusCode, ApiError> {
    let AddRequest {
        domain,
        auth_provider,
    } = call.json()?;
    let uri: Option<Uri> = domain.parse().ok();
    if uri.is_none_or(|uri| uri.scheme().is_none()) {
        return Err(ApiError::bad_request("invalid domain"));
    }
    app.on_branch(&call, |branch| {
        if branch.domains.iter().any(|known| known.domain == domain) {
            return Err(ApiError::conflict("domain already exists"));
        }
        branch.domains.push(Domain {
            domain,
            auth_provider,
        });
        Ok(StatusCode::CREATED)
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DeleteRequest {
    #[serde(rename = "auth_provider")]
    _auth_provider: AuthProvider,
    domains: Vec<DeleteItem>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DeleteItem {
    domain: String,
}

/// `DELETE /projects/{project_id}/auth/domains`; success also for domains that are not in the list.
pub async fn remove(
    State(app): State<Arc<App>>,
    Extension(call): Extension<Arc<Call>>,
) -> Result<(), ApiError> {
    let DeleteRequest { domains, .. } = call.json()?;
    app.on_branch(&call, |branch| {
        branch
            .domains
            .retain(|known| domains.iter().all(|item| item.domain != known.domain));
        Ok(())
    })
}
