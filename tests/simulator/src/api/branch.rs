//! The branch-level operations: their routes, all below
//! `/projects/{project_id}/branches/{branch_id}/auth`, and what comes before each of them.

mod email_provider;
mod integration;
mod oauth_clients;
mod oauth_server;
mod settings;
mod users;

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{MethodRouter, delete, get, patch, post, put};

use super::error::ApiError;
use super::job::Job;
use super::{App, of_both_levels};
use crate::state::settings::{
    AllowLocalhost, EmailAndPassword, MagicLink, Organization, PhoneNumber, Webhooks,
};
use settings::Setting;

pub const BASE: &str = "/projects/{project_id}/branches/{branch_id}/auth";

pub fn routes(app: Arc<App>) -> Router<Arc<App>> {
    let email_provider = get(email_provider::get).patch(email_provider::update);
    let oauth_server = get(oauth_server::get).patch(oauth_server::update);
    let oauth_clients = get(oauth_clients::list).post(oauth_clients::create);
    let oauth_client = patch(oauth_clients::update).delete(oauth_clients::remove);
    let webhooks = get(settings::get::<Webhooks>).put(settings::replace::<Webhooks>);
    of_both_levels()
        .route("/", get(integration::get).delete(integration::disable))
        .route("/config", patch(integration::update_config))
        .route("/users", post(users::create))
        .route("/users/{auth_user_id}", delete(users::remove))
        .route("/users/{auth_user_id}/role", put(users::set_roles))
        .route("/email_provider", email_provider)
        .route("/email_provider/test", post(email_provider::test))
        .route("/send_test_email", post(email_provider::send_test_email))
        .route("/email_and_password", setting::<EmailAndPassword>())
        .route("/allow_localhost", setting::<AllowLocalhost>())
        .route("/plugins", get(settings::plugins))
        .route(
            "/plugins/organization",
            patch(settings::update::<Organization>),
        )
        .route("/plugins/magic-link", patch(settings::update::<MagicLink>))
        .route("/plugins/phone-number", setting::<PhoneNumber>())
        .route("/plugins/oauth-provider", oauth_server)
        .route("/oauth-provider/clients", oauth_clients)
        .route("/oauth-provider/clients/{client_id}", oauth_client)
        .route(
            "/oauth-provider/clients/{client_id}/rotate_secret",
            post(oauth_clients::rotate_secret),
        )
        .route("/webhooks", webhooks)
        .route_layer(from_fn_with_state(app, integrated))
        .route("/", post(integration::enable))
}

fn setting<S: Setting + 'static>() -> MethodRouter<Arc<App>> {
    get(settings::get::<S>).patch(settings::update::<S>)
}

/// Without an integration there is nothing to work on, whatever the body says.
async fn integrated(job: Job, request: Request, next: Next) -> Result<Response, ApiError> {
    job.on_branch(|_| Ok(()))?;
    Ok(next.run(request).await)
}
