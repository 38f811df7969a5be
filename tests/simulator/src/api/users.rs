//! Users of the project level: create and delete, and what both generations have in common. The
//! users writer learns of both; how it writes is its own business.

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::body::{Body, email, one_of, text};
use super::error::ApiError;
use super::job::Job;
use crate::database::users_sync;
use crate::state::branch::AuthProvider;

/// `POST /projects/auth/user`
pub async fn create(job: Job) -> Result<(StatusCode, Json<Value>), ApiError> {
    let body = job
        .call
        .body()?
        .with(&["project_id", "auth_provider", "email", "name"])?;
    let _: AuthProvider = body.required("auth_provider", one_of)?;
    let (email, name) = address(&body)?;
    let id = job.on_branch(|branch| branch.add_user(&email).ok_or_else(taken))?;
    job.tell(users_sync::created(&id, &email, name.as_deref()));
    Ok((StatusCode::CREATED, Json(json!({ "id": id }))))
}

#[derive(Deserialize)]
pub struct UserPath {
    pub auth_user_id: String,
}

/// `DELETE /projects/{project_id}/auth/users/{auth_user_id}`
pub async fn remove(
    job: Job,
    Path(UserPath { auth_user_id: id }): Path<UserPath>,
) -> Result<StatusCode, ApiError> {
    job.on_branch(|branch| {
        let removed = branch.remove_user(&id);
        removed.then_some(()).ok_or_else(not_found)
    })?;
    job.tell(users_sync::deleted(id));
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
