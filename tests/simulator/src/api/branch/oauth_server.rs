//! A branch as an OAuth server: its settings.

use axum::Json;
use serde_json::Value;

use crate::api::body::{boolean, items, object_with, string, uri};
use crate::api::error::ApiError;
use crate::api::job::Job;
use crate::state::is_root_branch;
use crate::state::oauth_server::OauthServer;

/// `GET .../auth/plugins/oauth-provider`
pub async fn get(job: Job) -> Result<Json<OauthServer>, ApiError> {
    job.on_branch(|branch| Ok(Json(branch.oauth_server.clone())))
}

/// `PATCH .../auth/plugins/oauth-provider`: what is left out stays; `mcp` and `resources` are replaced.
pub async fn update(job: Job) -> Result<Json<OauthServer>, ApiError> {
    let body = job.call.body()?;
    let is_root = is_root_branch(job.call.branch());
    let mcp = |value: &Value| object_with("resource", string)(value).map(|_| value.clone());
    job.on_branch(|branch| {
        let mut new = branch.oauth_server.clone();
        body.merge("enabled", boolean, &mut new.enabled)?;
        if new.enabled && !is_root {
            return Err(ApiError::bad_request(
                "the OAuth provider plugin can only be enabled on the root branch of the project",
            ));
        }
        let page = |name| body.optional(name, uri);
        new.login_page = page("login_page")?.or(new.login_page);
        new.consent_page = page("consent_page")?.or(new.consent_page);
        new.mcp = body.optional("mcp", mcp)?.or(new.mcp);
        body.merge(
            "resources",
            items(0, |it| Ok(it.clone())),
            &mut new.resources,
        )?;
        branch.oauth_server = new.clone();
        Ok(Json(new))
    })
}
