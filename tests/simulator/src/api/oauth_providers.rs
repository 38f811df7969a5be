//! The OAuth providers of both generations: list, add, update, delete. Their credentials are kept
//! and never tried.

use axum::Json;
use axum::extract::Path;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::btree_map::Entry;

use super::body::{Body, one_of, string};
use super::error::ApiError;
use super::job::Job;
use crate::state::branch::{Branch, Credentials, OauthProviderId};

/// `GET .../auth/oauth_providers`
pub async fn list(job: Job) -> Result<Json<Value>, ApiError> {
    job.on_branch(|branch| Ok(Json(json!({ "providers": providers(branch) }))))
}

/// `POST .../auth/oauth_providers`
pub async fn add(job: Job) -> Result<Json<Value>, ApiError> {
    let body = job.call.body()?;
    let id = body.required("id", one_of)?;
    let (client_id, client_secret) = given(body, &["id"])?;
    let credentials = both_or_none(client_id, client_secret)?;
    let has_shared = matches!(id, OauthProviderId::Google | OauthProviderId::Github);
    if credentials.is_none() && !has_shared {
        return Err(ApiError::no_shared_credentials());
    }
    job.on_branch(|branch| {
        if branch.oauth_providers.get(&id).is_some_and(Option::is_some) {
            return Err(ApiError::conflict("oauth provider already exists"));
        }
        let answer = provider(id, credentials.as_ref());
        branch.oauth_providers.insert(id, credentials);
        Ok(Json(answer))
    })
}

#[derive(Deserialize)]
pub struct ProviderPath {
    oauth_provider_id: String,
}

/// `PATCH .../auth/oauth_providers/{oauth_provider_id}`
pub async fn update(job: Job, Path(path): Path<ProviderPath>) -> Result<Json<Value>, ApiError> {
    let (client_id, client_secret) = given(job.call.body()?, &[])?;
    let id = named(path)?;
    job.on_branch(|branch| {
        let Entry::Occupied(mut entry) = branch.oauth_providers.entry(id) else {
            return Err(not_found());
        };
        let credentials = entry.get_mut();
        match credentials {
            Some(credentials) => {
                if let Some(client_id) = client_id {
                    credentials.client_id = client_id;
                }
                if let Some(client_secret) = client_secret {
                    credentials.client_secret = client_secret;
                }
            }
            None => *credentials = both_or_none(client_id, client_secret)?,
        }
        Ok(Json(provider(id, credentials.as_ref())))
    })
}

/// `DELETE .../auth/oauth_providers/{oauth_provider_id}`
pub async fn remove(job: Job, Path(path): Path<ProviderPath>) -> Result<(), ApiError> {
    job.on_branch(|branch| {
        let removed = branch.oauth_providers.remove(&named(path)?);
        removed.map(|_| ()).ok_or_else(not_found)
    })
}

/// An id that is in no list is as little there as one that was not added.
fn named(path: ProviderPath) -> Result<OauthProviderId, ApiError> {
    serde_json::from_value(path.oauth_provider_id.into()).map_err(|_| not_found())
}

fn not_found() -> ApiError {
    ApiError::not_found("oauth provider not found")
}

/// Client id and client secret, besides the fields `others`.
fn given(body: Body, others: &[&str]) -> Result<(Option<String>, Option<String>), ApiError> {
    let own = ["client_id", "client_secret", "microsoft_tenant_id"];
    let body = body.with(&[&own, others].concat())?;
    // It is in no answer of the API.
    let _ = body.optional("microsoft_tenant_id", string)?;
    Ok((
        body.optional("client_id", string)?,
        body.optional("client_secret", string)?,
    ))
}

fn both_or_none(
    client_id: Option<String>,
    client_secret: Option<String>,
) -> Result<Option<Credentials>, ApiError> {
    match (client_id, client_secret) {
        (None, None) => Ok(None),
        (Some(client_id), Some(client_secret)) => Ok(Some(Credentials {
            client_id,
            client_secret,
        })),
        _ => Err(ApiError::bad_request(
            "client_id and client_secret must be given together",
        )),
    }
}

/// All of them, as `NeonAuthOauthProvider`s.
pub fn providers(branch: &Branch) -> Vec<Value> {
    let providers = branch.oauth_providers.iter();
    providers
        .map(|(id, credentials)| provider(*id, credentials.as_ref()))
        .collect()
}

fn provider(id: OauthProviderId, credentials: Option<&Credentials>) -> Value {
    match credentials {
        None => json!({"id": id, "type": "shared"}),
        Some(credentials) => json!({
            "id": id,
            "type": "standard",
            "client_id": credentials.client_id,
            "client_secret": credentials.client_secret,
        }),
    }
}
