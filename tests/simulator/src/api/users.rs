//! Users of the project level: create and delete, and what both generations have in common. The
//! users writer learns of both; how it writes is its own business.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::App;
use super::body::{Body, email, one_of, text};
use super::call::Call;
use super::error::ApiError;
use crate::database::{Change, users_sync};
use crate::state::branch::AuthProvider;

/// `POST /projects/auth/user`
pub async fn create(
    State(app): State<Arc<App>>,
    Extension(call): Extension<Arc<Call>>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let body = call
        .body()?
        .with(&["project_id", "auth_provider", "email", "name"])?;
    let _: AuthProvider = body.required("auth_provider", one_of)?;
    let (email, name) = address(&body)?;
    let id = app.on_branch(&call, |branch| branch.add_user(&email).ok_or_else(taken))?;
    tell(
        &app,
        &call,
        users_sync::created(&id, &email, name.as_deref()),
    );
    Ok((StatusCode::CREATED, Json(json!({ "id": id }))))
}

#[derive(Deserialize)]
pub struct UserPath {
    pub auth_user_id: String,
}

/// `DELETE /projects/{project_id}/auth/users/{auth_user_id}`
pub async fn remove(
    State(app): State<Arc<App>>,
    Extension(call): Extension<Arc<Call>>,
    Path(UserPath { auth_user_id: id }): Path<UserPath>,
) -> Result<StatusCode, ApiError> {
    app.on_branch(&call, |branch| {
        let removed = branch.remove_user(&id);
        removed.then_some(()).ok_or_else(not_found)
    })?;
    tell(&app, &call, users_sync::deleted(id));
    Ok(StatusCode::NO_CONTENT)
}

/// E-mail address and name.
pub fn address(body: &Body) -> Result<(String, Option<String>), ApiError> {
    Ok((
        body.required("email", email)?,
        body.optional("name", text(1..=255))?,
    ))
}

pub fn taken() -> ApiError {
    ApiError::conflict("user already exists")
}

pub fn not_found() -> ApiError {
    ApiError::not_found("user not found")
}

/// Hands the change to the users writer, if there is one.
pub fn tell(app: &App, call: &Call, change: Change) {
    // A benchmark measures calls, not how fast the simulator fills a table.
    let is_bench = call
        .project
        .as_ref()
        .is_some_and(|id| id.starts_with("bench-"));
    if let Some(writer) = &app.writer
        && !is_bench
    {
        // Sending fails only when the simulator is stopping.
        let _ = writer.send(change.into());
    }
}
