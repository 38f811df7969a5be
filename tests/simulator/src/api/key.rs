//! The kinds of API keys, and what Neon says of a key itself. It knows nothing of other operations.

use axum::Json;
use serde_json::{Value, json};

use super::error::ApiError;
use super::job::Job;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    Personal,
    Organization,
    Project,
}

/// A key that is accepted.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Counted from 0 in the list of the keys.
    pub number: usize,
    pub kind: Kind,
}

impl Key {
    /// What follows a known key says of what kind this one is.
    pub fn of(text: &str, known: &[String]) -> Option<Self> {
        let endings = [
            ("", Kind::Personal),
            ("_org", Kind::Organization),
            ("_project", Kind::Project),
        ];
        endings.into_iter().find_map(|(ending, kind)| {
            let text = text.strip_suffix(ending)?;
            let number = known.iter().position(|known| known == text)?;
            Some(Self { number, kind })
        })
    }
}

/// `GET /auth`
pub async fn details(job: Job) -> Result<Json<Value>, ApiError> {
    let auth_method = match job.call.kind() {
        Kind::Personal => "api_key_user",
        Kind::Organization => "api_key_org",
        Kind::Project => return Err(ApiError::out_of_scope()),
    };
    Ok(Json(json!({
        "account_id": "9f2c8c5e-1f04-4a5b-9b11-4c1df3e9c001",
        "auth_method": auth_method,
        "auth_data": "1234567",
    })))
}
