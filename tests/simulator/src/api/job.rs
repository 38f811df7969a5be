//! What a handler works with: a call, and the service that it came to. It knows no operation.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::App;
use super::call::Call;
use super::error::ApiError;
use crate::database::Change;
use crate::state::Project;
use crate::state::branch::Branch;

pub struct Job {
    app: Arc<App>,
    pub call: Arc<Call>,
}

impl FromRequestParts<Arc<App>> for Job {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Infallible> {
        let call: Option<&Arc<Call>> = parts.extensions.get();
        Ok(Self {
            app: app.clone(),
            call: call.expect("the gate has put it there").clone(),
        })
    }
}

impl Job {
    pub fn on_project<T>(
        &self,
        work: impl FnOnce(&mut Project) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        self.app.projects.with(self.call.project()?, work)
    }

    /// Works on the branch that the call names, or on the one with the project's integration.
    /// Without an integration there is nothing to work on.
    pub fn on_branch<T>(
        &self,
        work: impl FnOnce(&mut Branch) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        self.on_project(|project| {
            let (branch, level) = match &self.call.branch {
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

    /// Hands the change to the users writer, if there is one.
    pub fn tell(&self, change: Change) {
        // A benchmark measures calls, not how fast the simulator fills a table.
        let project = self.call.project.as_deref().unwrap_or_default();
        if let Some(writer) = &self.app.writer
            && !project.starts_with("bench-")
        {
            // Sending fails only when the simulator is stopping.
            let _ = writer.send(change.into());
        }
    }
}
