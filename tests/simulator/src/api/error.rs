//! The errors of the API. The gate renders them as `GeneralError`, because only it knows the
//! request id.

use std::time::Duration;

use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};

#[derive(Clone)]
pub struct ApiError {
    pub status: StatusCode,
    /// Empty in nearly all real answers.
    pub code: &'static str,
    pub message: String,
    /// Whole seconds.
    retry_after: Option<u64>,
}

impl ApiError {
    pub fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            code: "",
            message: message.into(),
            retry_after: None,
        }
    }

    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    pub fn unauthenticated() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "supplied credentials do not pass authentication",
        )
    }

    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    /// As Neon says that a key is one of a single project.
    pub fn out_of_scope() -> Self {
        Self::not_found(
            "not allowed to perform actions outside the project this key is scoped to; \
             subject_project_id:\"quiet-bar-123456\"",
        )
    }

    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, message)
    }

    /// As Better Auth says it, whose words Neon may hand on.
    pub fn exists(status: StatusCode) -> Self {
        Self {
            code: match status {
                StatusCode::BAD_REQUEST => "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL",
                _ => "",
            },
            ..Self::new(status, "User already exists. Use another email.")
        }
    }

    /// A conflict as Better Auth itself answers it, whose status Neon may hand on: 400, in the same words.
    pub fn in_words_of_better_auth(self) -> Self {
        match self.status {
            StatusCode::CONFLICT => Self {
                status: StatusCode::BAD_REQUEST,
                ..self
            },
            _ => self,
        }
    }

    pub fn integration_exists() -> Self {
        Self::conflict("neon auth integration already exists")
    }

    pub fn schema_exists() -> Self {
        Self::conflict(
            "The `neon_auth` schema already exists and cannot be automatically provisioned. Please \
             drop the existing `neon_auth` schema before provisioning Neon Auth.",
        )
    }

    pub fn rate_limited(wait: Duration) -> Self {
        Self {
            retry_after: Some(wait.as_secs_f64().ceil() as u64),
            ..Self::new(StatusCode::TOO_MANY_REQUESTS, "rate limit exceeded")
        }
    }

    pub fn no_shared_credentials() -> Self {
        Self {
            code: "INVALID_SHARED_OAUTH_PROVIDER",
            ..Self::bad_request("there are no shared credentials for this oauth provider")
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        response.extensions_mut().insert(self);
        response
    }
}
