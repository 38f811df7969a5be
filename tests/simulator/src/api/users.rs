//! Users: create and delete. The users writer learns of both; how it writes is its own business.

use std::collections::btree_map::Entry;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::App;
use super::call::Call;
use super::error::ApiError;
use crate::state::AuthProvider;
use crate::users_sync::Event;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CreateRequest {
    #[serde(rename = "project_id")]
    _project_id: String,
    #[serde(rename = "auth_provider")]
    _auth_provider: AuthProvider,
    email: String,
    name: Option<String>,
}

/// `POST /projects/auth/user`
pub async fn create(
    State(app): State<Arc<App>>,
    Extension(call): Extension<Arc<Call>>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let CreateRequest { email, name, .. } = call.json()?;
    if !(1..=256).contains(&email.chars().count()) || !email.contains('@') {
        return Err(ApiError::bad_request("invalid email"));
    }
    if name
        .as_ref()
        .is_some_and(|name| !(1..=255).contains(&name.chars().count()))
    {
        return Err(ApiError::bad_request("invalid name"));
    }
    let id = Uuid::new_v4().to_string();
    app.on_branch(&call, |branch| {
        let lower = email.to_lowercase();
        match branch.users.entry(lower) {
            Entry::Occupied(_) => Err(ApiError::conflict("user already exists")),
            Entry::Vacant(free) => {
                free.insert(id.clone());
                Ok(())
            }
        }
    })?;
    tell(&app, &call, Event::created(&id, &email, name.as_deref()));
    Ok((StatusCode::CREATED, Json(json!({ "id": id }))))
}

#[derive(Deserialize)]
pub struct UserPath {
    auth_user_id: String,
}

/// `DELETE /projects/{project_id}/auth/users/{auth_user_id}`
pub async fn remove(
    State(app): State<Arc<App>>,
    Extension(call): Extension<Arc<Call>>,
    Path(UserPath { auth_user_id: id }): Path<UserPath>,
) -> Result<StatusCode, ApiError> {
    app.on_branch(&call, |branch| {
        let before = branch.users.len();
        branch.users.retain(|_, user| *user != id);
        if branch.users.len() == before {
            return Err(ApiError::not_found("user not found"));
        }
        Ok(())
    })?;
    tell(&app, &call, Event::deleted(id));
    Ok(StatusCode::NO_CONTENT)
}

fn tell(app: &App, call: &Call, event: Event) {
    // A benchmark measures calls, not how fast the simulator fills a table.
    let is_bench = call
        .project
        .as_ref()
        .is_some_and(|id| id.starts_with("bench-"));
    if let Some(users_sync) = &app.users_sync
        && !is_bench
    {
        // Sending fails only when the simulator is stopping.
        let _ = users_sync.send(event);
    }
}
