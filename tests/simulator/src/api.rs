//! The routes of the project-level operations, of those of neither level, and of the ledger; those of the branch level are in
//! `branch.rs`. What an operation does is in the modules below.

mod body;
mod branch;
pub mod call;
mod domains;
mod email_server;
pub mod error;
mod future;
mod gate;
mod integrations;
mod job;
mod key;
mod lists;
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
use tokio::sync::oneshot;

use crate::connections::Connections;
use crate::database::{Change, Event};
use crate::fault::Faults;
use crate::ledger::{Ledger, Recorded};
use crate::limit::RateLimit;
use crate::state::Projects;
use call::BASE;
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
    /// Whether it has to be done before an answer is given.
    pub writes_first: bool,
}

impl App {
    /// Waits for the users writer, where an answer has to.
    pub async fn written(&self) {
        let Some(writer) = self.writer.as_ref().filter(|_| self.writes_first) else {
            return;
        };
        let (done, is_done) = oneshot::channel();
        // Both fail only when the simulator is stopping.
        let _ = writer.send(Change::Tell(done).into());
        let _ = is_done.await;
    }
}

pub fn router(app: Arc<App>) -> Router {
    let email_server = get(email_server::get).patch(email_server::update);
    let transfer = post(integrations::transfer);
    let of_a_project = of_both_levels()
        .route("/integrations", get(integrations::list))
        .route("/integration/{auth_provider}", delete(integrations::remove))
        .route("/users/{auth_user_id}", delete(users::remove))
        .route("/email_server", email_server);
    let operations = Router::new()
        .route("/auth", get(key::details))
        .route("/projects", get(lists::projects))
        .route("/projects/{project_id}/branches", get(lists::branches))
        .route("/projects/auth/create", post(integrations::create))
        .route("/projects/auth/keys", post(integrations::create_keys))
        .route("/projects/auth/transfer_ownership", transfer)
        .route("/projects/auth/user", post(users::create))
        .nest("/projects/{project_id}/auth", of_a_project)
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

/// What is the same at both levels, below `.../auth`.
fn of_both_levels() -> Router<Arc<App>> {
    let domains = get(domains::list)
        .post(domains::add)
        .delete(domains::remove);
    let providers = get(oauth_providers::list).post(oauth_providers::add);
    let provider = patch(oauth_providers::update).delete(oauth_providers::remove);
    let thing = get(future::show)
        .put(future::change)
        .patch(future::change)
        .delete(future::remove);
    Router::new()
        .route("/future", post(future::create))
        .route("/future/{id}", thing)
        .route("/domains", domains)
        .route("/oauth_providers", providers)
        .route("/oauth_providers/{oauth_provider_id}", provider)
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
