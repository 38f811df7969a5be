//! The redirect domains of both generations: list, add, delete. Faults and keys are settled before
//! these are called.

use axum::Json;
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::body::{items, object_with, one_of, string, uri};
use super::error::ApiError;
use super::job::Job;
use crate::state::branch::{AuthProvider, Domain};

/// `GET .../auth/domains`
pub async fn list(job: Job) -> Result<Json<Value>, ApiError> {
    let domains = job.on_branch(|branch| Ok(branch.domains.clone()))?;
    Ok(Json(json!({ "domains": domains })))
}

/// `POST .../auth/domains`
pub async fn add(job: Job) -> Result<StatusCode, ApiError> {
    let body = job.call.body()?.with(&["domain", "auth_provider"])?;
    let new = Domain {
        domain: body.required("domain", uri)?,
        auth_provider: body.required("auth_provider", one_of)?,
    };
    job.on_branch(|branch| {
        if branch
            .domains
            .iter()
            .any(|known| known.domain == new.domain)
        {
            return Err(ApiError::conflict("domain already exists"));
        }
        branch.domains.push(new);
        Ok(StatusCode::CREATED)
    })
}

/// `DELETE .../auth/domains`; success also for domains that are not in the list,
/// whatever they look like.
pub async fn remove(job: Job) -> Result<(), ApiError> {
    let body = job.call.body()?.with(&["domains", "auth_provider"])?;
    let _: AuthProvider = body.required("auth_provider", one_of)?;
    let domains = body.required("domains", items(0, object_with("domain", string)))?;
    job.on_branch(|branch| {
        branch
            .domains
            .retain(|known| !domains.contains(&known.domain));
        Ok(())
    })
}
