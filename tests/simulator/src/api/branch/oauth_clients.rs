//! The clients of a branch that is an OAuth server: list, create, update, delete, and a new secret. A
//! secret is in the answer that makes it, and in no other.

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use crate::api::body::{Body, boolean, items, one_of, string, text};
use crate::api::error::ApiError;
use crate::api::job::Job;
use crate::state::branch::Branch;
use crate::state::oauth_server::Client;

#[derive(Deserialize)]
pub struct ClientPath {
    client_id: String,
}

/// `GET .../auth/oauth-provider/clients`
pub async fn list(job: Job) -> Result<Json<Value>, ApiError> {
    job.on_branch(|branch| Ok(Json(json!({"clients": branch.oauth_server.clients}))))
}

/// `POST .../auth/oauth-provider/clients`
pub async fn create(job: Job) -> Result<(StatusCode, Json<Value>), ApiError> {
    let body = job.call.body()?;
    let name = body.required("name", text(1..=255))?;
    let mut client = Client::new(name, body.required("type", one_of)?);
    client.redirect_uris = body.required("redirect_uris", items(1, string))?;
    client.resources = body.required("resources", items(0, string))?;
    body.merge("skip_consent", boolean, &mut client.skip_consent)?;
    let client = job.on_branch(|branch| {
        check(branch, &client)?;
        if branch.oauth_server.client(&client.client_id).is_some() {
            return Err(ApiError::conflict("oauth client already exists"));
        }
        let secret = client.renew_secret();
        let mut answer = json!(client);
        if let Some(secret) = secret {
            answer["client_secret"] = secret.into();
        }
        branch.oauth_server.clients.push(client);
        Ok(answer)
    })?;
    Ok((StatusCode::CREATED, Json(client)))
}

/// `PATCH .../auth/oauth-provider/clients/{client_id}`
pub async fn update(job: Job, Path(path): Path<ClientPath>) -> Result<Json<Client>, ApiError> {
    let body = job.call.body()?;
    job.on_branch(|branch| {
        let client = branch.oauth_server.client(&path.client_id);
        let mut client = client.ok_or_else(not_found)?.clone();
        merge(&body, &mut client)?;
        check(branch, &client)?;
        if let Some(place) = branch.oauth_server.client(&path.client_id) {
            *place = client.clone();
        }
        Ok(Json(client))
    })
}

/// `DELETE .../auth/oauth-provider/clients/{client_id}`
pub async fn remove(job: Job, Path(path): Path<ClientPath>) -> Result<StatusCode, ApiError> {
    job.on_branch(|branch| {
        let removed = branch.oauth_server.remove_client(&path.client_id);
        removed
            .then_some(StatusCode::NO_CONTENT)
            .ok_or_else(not_found)
    })
}

/// `POST .../auth/oauth-provider/clients/{client_id}/rotate_secret`
pub async fn rotate_secret(
    job: Job,
    Path(path): Path<ClientPath>,
) -> Result<Json<Value>, ApiError> {
    job.on_branch(|branch| {
        let client = branch.oauth_server.client(&path.client_id);
        let secret = client.ok_or_else(not_found)?.renew_secret();
        let secret =
            secret.ok_or_else(|| ApiError::bad_request("a public client has no secret"))?;
        Ok(Json(
            json!({"client_id": path.client_id, "client_secret": secret}),
        ))
    })
}

fn not_found() -> ApiError {
    ApiError::not_found("oauth client not found")
}

fn merge(body: &Body, client: &mut Client) -> Result<(), ApiError> {
    body.optional("type", |_| Err::<(), _>(": cannot be changed".to_owned()))?;
    body.merge("name", text(1..=255), &mut client.name)?;
    body.merge("redirect_uris", items(1, string), &mut client.redirect_uris)?;
    body.merge("resources", items(0, string), &mut client.resources)?;
    body.merge("skip_consent", boolean, &mut client.skip_consent)?;
    body.merge("disabled", boolean, &mut client.disabled)
}

/// Whether the branch takes its URIs and resources.
fn check(branch: &Branch, client: &Client) -> Result<(), ApiError> {
    let takes_localhost = branch.settings.allow_localhost.allow_localhost;
    let is_allowed = |uri: &&String| is_redirect_uri(uri, takes_localhost);
    if let Some(uri) = client.redirect_uris.iter().find(|uri| !is_allowed(uri)) {
        return Err(ApiError::bad_request(format!(
            "redirect URI {uri} must use https, or http on a loopback address while localhost is allowed"
        )));
    }
    let is_known = |resource: &&String| branch.oauth_server.has_resource(resource);
    match client.resources.iter().find(|it| !is_known(it)) {
        Some(resource) => Err(ApiError::bad_request(format!(
            "resource {resource} is not configured on the OAuth provider plugin"
        ))),
        None => Ok(()),
    }
}

fn is_redirect_uri(uri: &str, takes_localhost: bool) -> bool {
    let Ok(uri) = Url::parse(uri) else {
        return false;
    };
    let is_loopback = matches!(uri.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    match uri.scheme() {
        "https" => true,
        "http" => is_loopback && takes_localhost,
        _ => false,
    }
}
