//! The users of a branch: create, delete, roles. Which table they are in is decided by who provides
//! the authentication.

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::api::body::{items, string};
use crate::api::error::ApiError;
use crate::api::job::Job;
use crate::api::users::{UserPath, address, not_found, taken};
use crate::database::{user, users_sync};
use crate::state::branch::{AuthProvider, Branch};

/// `POST .../auth/users`
pub async fn create(job: Job) -> Result<(StatusCode, Json<Value>), ApiError> {
    let (email, name) = address(&job.call.body()?)?;
    let (id, is_better) = job.on_branch(|branch| {
        let id = branch.add_user(&email).ok_or_else(taken)?;
        Ok((id, is_better(branch)))
    })?;
    let name = name.as_deref();
    let change = match is_better {
        true => user::created(&id, &email, name),
        false => users_sync::created(&id, &email, name),
    };
    job.tell(change);
    Ok((StatusCode::CREATED, Json(json!({ "id": id }))))
}

/// `DELETE .../auth/users/{auth_user_id}`
pub async fn remove(
    job: Job,
    Path(UserPath { auth_user_id: id }): Path<UserPath>,
) -> Result<StatusCode, ApiError> {
    let is_better = job.on_branch(|branch| {
        let removed = branch.remove_user(&id);
        removed.then(|| is_better(branch)).ok_or_else(not_found)
    })?;
    let change = match is_better {
        true => user::deleted(&id),
        false => users_sync::deleted(id),
    };
    job.tell(change);
    Ok(StatusCode::NO_CONTENT)
}

/// `PUT .../auth/users/{auth_user_id}/role`; only the table of Better Auth has a column for it.
pub async fn set_roles(
    job: Job,
    Path(UserPath { auth_user_id: id }): Path<UserPath>,
) -> Result<Json<Value>, ApiError> {
    let roles = job.call.body()?.required("roles", items(1, string))?;
    let is_better = job.on_branch(|branch| {
        let known = branch.has_user(&id);
        known.then(|| is_better(branch)).ok_or_else(not_found)
    })?;
    if is_better {
        job.tell(user::with_roles(&id, &roles));
    }
    Ok(Json(json!({ "id": id })))
}

fn is_better(branch: &Branch) -> bool {
    let integration = branch.integration.as_ref();
    integration.is_some_and(|it| it.auth_provider == AuthProvider::BetterAuth)
}
