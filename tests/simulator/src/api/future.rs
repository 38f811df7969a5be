//! Operations that Neon does not have: they stand for those that it will have one day, and that the
//! extension does not know.

use axum::Json;
use axum::extract::{Path, RawQuery};
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::error::ApiError;
use super::job::Job;

/// `POST .../auth/future`: the only answer that has the secret as it is.
pub async fn create(job: Job) -> Result<(StatusCode, Json<Value>), ApiError> {
    let mut answer = echo(&job)?;
    answer["id"] = "a-1".into();
    answer["client_secret"] = "secret-of-the-future".into();
    Ok((StatusCode::CREATED, Json(answer)))
}

/// `GET .../auth/future/{id}`
pub async fn show(
    Path(path): Path<Vec<(String, String)>>,
    RawQuery(query): RawQuery,
) -> Json<Value> {
    let id = id(path);
    Json(json!({"id": id, "client_secret": "secret-of-the-future", "query": query}))
}

/// `PUT .../auth/future/{id}`, `PATCH` too
pub async fn change(
    job: Job,
    Path(path): Path<Vec<(String, String)>>,
) -> Result<Json<Value>, ApiError> {
    let mut answer = echo(&job)?;
    answer["id"] = id(path).into();
    Ok(Json(answer))
}

/// `DELETE .../auth/future/{id}`
pub async fn remove() -> StatusCode {
    StatusCode::NO_CONTENT
}

/// The body, without the secrets that it was given.
fn echo(job: &Job) -> Result<Value, ApiError> {
    job.call.body()?;
    let mut body = job.call.document();
    if let Some(fields) = body.as_object_mut() {
        fields.retain(|name, _| !matches!(name.as_str(), "client_secret" | "password"));
    }
    Ok(body)
}

/// The last of the values in the path, as decoded.
fn id(mut path: Vec<(String, String)>) -> String {
    path.pop().map(|(_, id)| id).unwrap_or_default()
}
