//! The email server: get and update. Nothing is ever sent to it.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, State};

use super::App;
use super::call::Call;
use super::error::ApiError;
use crate::state::EmailServer;

/// `GET /projects/{project_id}/auth/email_server`
pub async fn get(
    State(app): State<Arc<App>>,
    Extension(call): Extension<Arc<Call>>,
) -> Result<Json<EmailServer>, ApiError> {
    app.on_branch(&call, |branch| Ok(Json(branch.email_server.clone())))
}

/// `PATCH /projects/{project_id}/auth/email_server`: replaces all of it; a partial `standard` one
/// is refused.
pub async fn update(
    State(app): State<Arc<App>>,
    Extension(call): Extension<Arc<Call>>,
) -> Result<Json<EmailServer>, ApiError> {
    let email_server: EmailServer = call.json()?;
    if matches!(email_server, EmailServer::Standard { port: 0, .. }) {
        return Err(ApiError::bad_request("port must be between 1 and 65535"));
    }
    app.on_branch(&call, |branch| {
        branch.email_server = email_server.clone();
        Ok(Json(email_server))
    })
}
