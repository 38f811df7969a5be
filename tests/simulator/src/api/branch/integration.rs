//! The integration of a branch: get, enable, disable, name. The schema in the database is the users
//! writer's business; whether it is there is remembered, not looked up.

use axum::Json;
use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::api::body::{boolean, one_of, string, text};
use crate::api::error::ApiError;
use crate::api::integrations::keys;
use crate::api::job::Job;
use crate::database::{Change, user, users_sync};
use crate::state::branch::{AuthProvider, Integration};

/// `GET .../auth`
pub async fn get(job: Job) -> Result<Json<Option<Integration>>, ApiError> {
    job.on_branch(|branch| Ok(Json(branch.integration.clone())))
}

/// `POST .../auth`
pub async fn enable(job: Job) -> Result<(StatusCode, Json<Value>), ApiError> {
    let body = job.call.body()?;
    let auth_provider = body.required("auth_provider", one_of)?;
    let database = body.optional("database_name", string)?;
    let is_stack = auth_provider == AuthProvider::Stack;
    let answer = job.on_project(|project| {
        let branch = project.branch(job.call.branch());
        if branch.integration.is_some() {
            return Err(ApiError::integration_exists());
        }
        if branch.has_schema {
            return Err(ApiError::schema_exists());
        }
        let integration = Integration::new(auth_provider, job.call.branch(), database);
        let answer = keys(&integration);
        branch.enable(integration);
        Ok(answer)
    })?;
    let table = match is_stack {
        true => users_sync::TABLE,
        false => user::TABLE,
    };
    job.tell(Change::MakeTable(table));
    Ok((StatusCode::CREATED, Json(answer)))
}

/// `DELETE .../auth`
pub async fn disable(job: Job) -> Result<(), ApiError> {
    let body = job.call.optional_body()?;
    let delete_data = body.optional("delete_data", boolean)?.unwrap_or_default();
    job.on_branch(|branch| {
        branch.remove_integration(delete_data);
        Ok(())
    })?;
    if delete_data {
        job.tell(Change::DropSchema);
    }
    Ok(())
}

/// `PATCH .../auth/config`
pub async fn update_config(job: Job) -> Result<Json<Value>, ApiError> {
    let name = job.call.body()?.required("name", text(1..=256))?;
    let answer = Json(json!({ "name": name }));
    job.on_branch(|branch| {
        if let Some(integration) = &mut branch.integration {
            integration.name = Some(name);
        }
        Ok(answer)
    })
}
