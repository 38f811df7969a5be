//! The routes of the project-level operations and of the ledger; those of the branch level are in
//! `branch.rs`. What an operation does is in the modules below.

mod body;
mod branch;
pub mod call;
mod domains;
mod email_server;
pub mod error;
mod gate;
mod integrations;
mod oauth_providers;
mod users;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::routing::{delete, get, patch, post};
use axum::{Json, Router, middleware};
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedSender;

use crate::connections::Connections;
use crate::database::Event;
use crate::fault::Faults;
use crate::ledger::{Ledger, Recorded};
use crate::limit::RateLimit;
use crate::state::Projects;
use crate::state::branch::Branch;
use call::{BASE, Call};
use error::ApiError;

/// Everything the handlers share.
pub struct App {
    pub api_keys: Vec<String>,
    pub latency: Duration,
    pub projects: Projects,
    pub faults: Faults,
    pub rate_limit: Option<RateLimit>,
    pub ledger: Ledger,
    pub connections: Connections,
    pub writer: Option<UnboundedSender<Event>>,
}

impl App {
    /// Works on the branch that the call names, or on the one with the project's integration.
    /// Without an integration there is nothing to work on.
    fn on_branch<T>(
        &self,
        call: &Call,
        work: impl FnOnce(&mut Branch) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        self.projects.with(call.project()?, |project| {
            let (branch, level) = match &call.branch {
                Some(id) => (Some(project.branch(id)), "branch"),
                None => (project.integrated_branch(), "project"),
            };
            match branch.filter(|branch| branch.integration.is_some()) {
                Some(branch) => work(branch),
                None => Err(ApiError::not_found(format!(
                    "Neon Auth integration not found for {level}"
                ))),
            }
        })
    }
}

pub fn router(app: Arc<App>) -> Router {
    let operations = Router::new()
        .route("/projects/auth/create", post(integrations::create))
        .route("/projects/auth/keys", post(integrations::create_keys))
        .route(
            "/projects/auth/transfer_ownership",
            post(integrations::transfer),
        )
        .route("/projects/auth/user", post(users::create))
        .route(
            "/projects/{project_id}/auth/integrations",
            get(integrations::list),
        )
        .route(
            "/projects/{project_id}/auth/integration/{auth_provider}",
            delete(integrations::remove),
        )
        .route(
            "/projects/{project_id}/auth/users/{auth_user_id}",
            delete(users::remove),
        )
        .route(
            "/projects/{project_id}/auth/domains",
            get(domains::list)
                .post(domains::add)
                .delete(domains::remove),
        )
        .route(
            "/projects/{project_id}/auth/oauth_providers",
            get(oauth_providers::list).post(oauth_providers::add),
        )
        .route(
            "/projects/{project_id}/auth/oauth_providers/{oauth_provider_id}",
            patch(oauth_providers::update).delete(oauth_providers::remove),
        )
        .route(
            "/projects/{project_id}/auth/email_server",
            get(email_server::get).patch(email_server::update),
        )
        .nest(branch::BASE, branch::routes(app.clone()))
        // Where `fault-redirect-*` leads; it answers what any operation could be content with.
        .route("/elsewhere", axum::routing::any(elsewhere))
        .method_not_allowed_fallback(method_not_allowed);
    Router::new()
        .nest(BASE, operations)
        .fallback(no_such_path)
        .layer(middleware::from_fn_with_state(app.clone(), gate::gate))
        .route("/_requests", get(requests).delete(clear_requests))
        .route("/_connections", get(connections))
        .with_state(app)
}

async fn elsewhere() -> Json<Value> {
    Json(json!({
        "id": "elsewhere", "type": "shared", "url": "https://elsewhere.example/",
        "data": [], "domains": [], "providers": [],
    }))
}

async fn no_such_path() -> ApiError {
    ApiError::not_found("this path does not exist")
}

async fn method_not_allowed() -> ApiError {
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "method not allowed")
}

async fn requests(
    State(app): State<Arc<App>>,
    Query(query): Query<HashMap<String, String>>,
) -> Json<Vec<Recorded>> {
    Json(match query.get("project") {
        Some(project) => app.ledger.of(project),
        None => app.ledger.all(),
    })
}

async fn clear_requests(State(app): State<Arc<App>>) -> StatusCode {
    app.ledger.clear();
    StatusCode::NO_CONTENT
}

async fn connections(State(app): State<Arc<App>>) -> Json<Value> {
    Json(json!({
        "accepted": app.connections.accepted(),
        "open": app.connections.open(),
    }))
}
