//! The integration of a branch: get, enable, disable, name. The schema in the database is the users
//! writer's business; whether it is there is remembered, not looked up.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::api::App;
use crate::api::body::{boolean, one_of, string, text};
use crate::api::call::Call;
use crate::api::error::ApiError;
use crate::api::integrations::keys;
use crate::api::users::tell;
use crate::database::{Change, user, users_sync};
use crate::state::branch::{AuthProvider, Integration};

/// `GET .../auth`
pub async fn get(
    State(app): State<Arc<App>>,
    Extension(call): Extension<Arc<Call>>,
) -> Result<Json<Option<Integration>>, ApiError> {
    app.on_branch(&call, |branch| Ok(Json(branch.integration.clone())))
}

/// `POST .../auth`
pub async fn enable(
    State(app): State<Arc<App>>,
    Extension(call): Extension<Arc<Call>>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let body = call.body()?;
    let auth_provider = body.required("auth_provider", one_of)?;
    let database = body.optional("database_name", string)?;
    let is_stack = auth_provider == AuthProvider::Stack;
    let answer = app.projects.with(call.project()?, |project| {
        let branch = project.branch(call.branch());
        if branch.integration.is_some() {
            return Err(ApiError::integration_exists());
        }
        if branch.has_schema {
            return Err(ApiError::schema_exists());
        }
        let integration = Integration::new(auth_provider, call.branch(), database);
        let answer = keys(&integration);
        branch.enable(integration);
        Ok(answer)
    })?;
    let table = match is_stack {
        true => users_sync::TABLE,
        false => user::TABLE,
    };
    tell(&app, &call, Change::MakeTable(table));
    Ok((StatusCode::CREATED, Json(answer)))
}

/// `DELETE .../auth`
pub async fn disable(
    State(app): State<Arc<App>>,
    Extension(call): Extension<Arc<Call>>,
) -> Result<(), ApiError> {
    let body = call.optional_body()?;
    let delete_data = body.optional("delete_data", boolean)?.unwrap_or_default();
    app.on_branch(&call, |branch| {
        branch.remove_integration(delete_data);
        Ok(())
    })?;
    if delete_data {
        tell(&app, &call, Change::DropSchema);
    }
    Ok(())
}

/// `PATCH .../auth/config`
pub async fn update_config(
    State(app): State<Arc<App>>,
    Extension(call): Extension<Arc<Call>>,
) -> Result<Json<Value>, ApiError> {
    let name = call.body()?.required("name", text(1..=256))?;
    let answer = Json(json!({ "name": name }));
    app.on_branch(&call, |branch| {
        if let Some(integration) = &mut branch.integration {
            integration.name = Some(name);
        }
        Ok(answer)
    })
}
