//! The branch-level operations: their routes, all below
//! `/projects/{project_id}/branches/{branch_id}/auth`, and what comes before each of them.

mod email_provider;
mod integration;
mod settings;
mod users;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Extension, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{delete, get, patch, post, put};

use super::call::Call;
use super::error::ApiError;
use super::{App, domains, oauth_providers};
use crate::state::settings::{
    AllowLocalhost, EmailAndPassword, MagicLink, Organization, PhoneNumber, Webhooks,
};

pub const BASE: &str = "/projects/{project_id}/branches/{branch_id}/auth";

pub fn routes(app: Arc<App>) -> Router<Arc<App>> {
    Router::new()
        .route("/", get(integration::get).delete(integration::disable))
        .route("/config", patch(integration::update_config))
        .route("/users", post(users::create))
        .route("/users/{auth_user_id}", delete(users::remove))
        .route("/users/{auth_user_id}/role", put(users::set_roles))
        .route(
            "/domains",
            get(domains::list)
                .post(domains::add)
                .delete(domains::remove),
        )
        .route(
            "/oauth_providers",
            get(oauth_providers::list).post(oauth_providers::add),
        )
        .route(
            "/oauth_providers/{oauth_provider_id}",
            patch(oauth_providers::update).delete(oauth_providers::remove),
        )
        .route(
            "/email_provider",
            get(email_provider::get).patch(email_provider::update),
        )
        .route("/email_provider/test", post(email_provider::test))
        .route("/send_test_email", post(email_provider::send_test_email))
        .route(
            "/email_and_password",
            get(settings::get::<EmailAndPassword>).patch(settings::update::<EmailAndPassword>),
        )
        .route(
            "/allow_localhost",
            get(settings::get::<AllowLocalhost>).patch(settings::update::<AllowLocalhost>),
        )
        .route("/plugins", get(settings::plugins))
        .route(
            "/plugins/organization",
            patch(settings::update::<Organization>),
        )
        .route("/plugins/magic-link", patch(settings::update::<MagicLink>))
        .route(
            "/plugins/phone-number",
            get(settings::get::<PhoneNumber>).patch(settings::update::<PhoneNumber>),
        )
        .route(
            "/webhooks",
            get(settings::get::<Webhooks>).put(settings::replace::<Webhooks>),
        )
        .route_layer(from_fn_with_state(app, integrated))
        .route("/", post(integration::enable))
}

/// Without an integration there is nothing to work on, whatever the body says.
async fn integrated(
    State(app): State<Arc<App>>,
    Extension(call): Extension<Arc<Call>>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    app.on_branch(&call, |_| Ok(()))?;
    Ok(next.run(request).await)
}
