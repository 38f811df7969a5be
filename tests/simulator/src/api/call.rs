//! One request as the handlers see it. It knows nothing of routes and answers.

use std::collections::HashMap;

use axum::body::Bytes;
use axum::extract::Query;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use axum::http::request::Parts;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::body::Body;
use super::error::ApiError;
use super::key::{Key, Kind};

pub const BASE: &str = "/api/v2";

pub struct Call {
    pub project: Option<String>,
    /// Only in paths below `/projects/{project_id}/branches/{branch_id}`.
    pub branch: Option<String>,
    pub query: HashMap<String, String>,
    /// Which of the keys it came with.
    pub key: Option<Key>,
    /// The caller's, or a new one.
    pub request_id: HeaderValue,
    authorization: String,
    has_json_type: bool,
    /// `None` if it was over the limit or broke off.
    body: Option<Bytes>,
}

impl Call {
    pub fn new(parts: &Parts, body: Option<Bytes>) -> Self {
        let path = parts.uri.path();
        let mut segments = path.strip_prefix(BASE).unwrap_or(path).split('/').skip(1);
        let (mut project, mut branch) = (None, None);
        if segments.next() == Some("projects") {
            project = segments.next().filter(|segment| *segment != "auth");
            branch = (project.is_some() && segments.next() == Some("branches"))
                .then(|| segments.next())
                .flatten();
        }
        let header = |name| {
            parts
                .headers
                .get(name)
                .and_then(|value| value.to_str().ok())
        };
        let mut call = Self {
            project: project.map(str::to_owned),
            branch: branch.map(str::to_owned),
            query: Query::try_from_uri(&parts.uri).map_or_else(|_| HashMap::new(), |it| it.0),
            key: None,
            request_id: parts
                .headers
                .get("x-request-id")
                .cloned()
                .unwrap_or_else(new_request_id),
            authorization: header(AUTHORIZATION).unwrap_or_default().to_owned(),
            has_json_type: header(CONTENT_TYPE).is_some_and(is_json_type),
            body,
        };
        if call.project.is_none() {
            call.project = call.document()["project_id"].as_str().map(str::to_owned);
        }
        call
    }

    /// The project; only a body without a usable `project_id` leaves it open.
    pub fn project(&self) -> Result<&str, ApiError> {
        self.project
            .as_deref()
            .ok_or_else(|| ApiError::bad_request("project_id is missing"))
    }

    /// What chooses a fault, and what the ledger is asked for: the project or, where there is none, the
    /// organization whose projects are listed.
    pub fn subject(&self) -> Option<&str> {
        let organization = self.query.get("org_id").map(String::as_str);
        self.project.as_deref().or(organization)
    }

    /// Of the key that the gate has accepted.
    pub fn kind(&self) -> Kind {
        self.key.map_or(Kind::Personal, |key| key.kind)
    }

    pub fn bearer(&self) -> Option<&str> {
        self.authorization.strip_prefix("Bearer ")
    }

    /// The body as JSON, whatever it means; null if there is none.
    pub fn document(&self) -> Value {
        serde_json::from_slice(self.body.as_deref().unwrap_or_default()).unwrap_or_default()
    }

    /// The body's fields. The project-level operations refuse unknown ones, so that a client that
    /// takes one generation of the API for the other does not pass unseen.
    pub fn body(&self) -> Result<Body, ApiError> {
        let Some(body) = &self.body else {
            return Err(ApiError::bad_request("request body is too large"));
        };
        if !self.has_json_type {
            return Err(ApiError::bad_request(
                "content type of the request must be application/json",
            ));
        }
        match serde_json::from_slice(body) {
            Ok(Value::Object(fields)) => Ok(Body::new(fields, self.branch.is_none())),
            Ok(_) => Err(ApiError::bad_request(
                "invalid request body: expected an object",
            )),
            Err(error) => Err(ApiError::bad_request(format!(
                "invalid request body: {error}"
            ))),
        }
    }

    /// As [`Self::body`], where the body may be left out.
    pub fn optional_body(&self) -> Result<Body, ApiError> {
        if self.body.as_ref().is_some_and(Bytes::is_empty) {
            Ok(Body::new(Map::new(), self.branch.is_none()))
        } else {
            self.body()
        }
    }

    /// The branch, in the operations below one.
    pub fn branch(&self) -> &str {
        self.branch
            .as_deref()
            .expect("the path of a branch-level operation has it")
    }

    /// Whether conflicts are answered in the dialect of Better Auth: in projects named `test-better-*`.
    pub fn speaks_as_better_auth(&self) -> bool {
        let project = self.project.as_deref().unwrap_or_default();
        project.starts_with("test-better-")
    }

    /// What a careless server would put into an error message.
    pub fn echo(&self) -> String {
        let body = String::from_utf8_lossy(self.body.as_deref().unwrap_or_default());
        format!(
            "cannot process request with Authorization: {} and body: {body}",
            self.authorization
        )
    }
}

/// `^[a-z0-9-]{1,60}$`
pub fn is_id(text: &str) -> bool {
    (1..=60).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte == b'-' || byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

fn is_json_type(value: &str) -> bool {
    value
        .split(';')
        .next()
        .is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

fn new_request_id() -> HeaderValue {
    HeaderValue::try_from(Uuid::new_v4().to_string()).expect("a UUID is ASCII")
}
