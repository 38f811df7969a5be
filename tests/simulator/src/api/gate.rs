//! The way of every request: ledger, latency, fault, key, rate limit, project, and then the
//! operation.

use std::sync::Arc;
use std::time::Instant;

use axum::body::to_bytes;
use axum::extract::{Extension, MatchedPath, Request, State};
use axum::http::HeaderName;
use axum::http::header::{CONTENT_TYPE, HeaderValue, USER_AGENT};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::App;
use super::call::{BASE, Call, is_id};
use super::error::ApiError;
use super::key::Key;
use crate::connections::Peer;
use crate::fault::answer::Outcome;
use crate::ledger::{Recorded, visible};
use crate::state::is_known_branch;

const BODY_LIMIT: usize = 1024 * 1024;
const REQUEST_ID: HeaderName = HeaderName::from_static("x-neon-ret-request-id");

pub async fn gate(
    State(app): State<Arc<App>>,
    Extension(peer): Extension<Peer>,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let mut call = Call::new(&parts, to_bytes(body, BODY_LIMIT).await.ok());
    call.key = call.bearer().and_then(|text| Key::of(text, &app.api_keys));
    let call = Arc::new(call);
    let header = |name: HeaderName| {
        let value = parts.headers.get(name)?;
        Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let api_key = call.key.map(|key| key.number);
    let authorized = api_key.is_some();
    let full_path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let number = app.ledger.record(Recorded {
        n: 0,
        connection: peer.connection,
        tls: peer.tls,
        method: parts.method.to_string(),
        path: full_path.strip_prefix(BASE).unwrap_or(full_path).to_owned(),
        project: call.subject().map(str::to_owned),
        authorized,
        api_key,
        user_agent: header(USER_AGENT),
        request_id: header(HeaderName::from_static("x-request-id")),
        headers: visible(&parts.headers),
        body: call.document(),
        status: None,
        arrived: Instant::now(),
    });
    // A sleep of no time would still last to the next tick of the timer.
    if !app.latency.is_zero() {
        tokio::time::sleep(app.latency).await;
    }

    let route = parts
        .extensions
        .get::<MatchedPath>()
        .map_or("", MatchedPath::as_str);
    let route = format!("{} {route}", parts.method);
    parts.extensions.insert(call.clone());
    let request = Request::from_parts(parts, axum::body::Body::empty());
    let operation = async {
        let response = match admit(&app, &call, authorized, &route) {
            Ok(()) => {
                let response = next.run(request).await;
                app.written().await;
                response
            }
            Err(refusal) => refusal.into_response(),
        };
        finish(response, &call)
    };
    let fault = call.subject().map(|id| app.faults.next(id));
    let outcome = match fault {
        None | Some(Ok(None)) => Outcome::Answer(operation.await),
        Some(Ok(Some(fault))) => fault.apply(&call, operation).await,
        Some(Err(_unknown)) => Outcome::Answer(
            ApiError::bad_request("this project id names no fault of the simulator")
                .into_response(),
        ),
    };
    match outcome {
        Outcome::Answer(response) => {
            app.ledger.answered(number, response.status().as_u16());
            finish(response, &call)
        }
        Outcome::Raw(script) => {
            if let Some(status) = script.status {
                app.ledger.answered(number, status);
            }
            peer.take_over(script).await
        }
    }
}

/// Refuses what the service refuses before it looks at the operation.
fn admit(app: &App, call: &Call, authorized: bool, route: &str) -> Result<(), ApiError> {
    if !authorized {
        return Err(ApiError::unauthenticated());
    }
    let account = call.bearer().unwrap_or_default();
    if let Some(limit) = &app.rate_limit
        && let Err(wait) = limit.take(&format!("{account} {route}"), Instant::now())
    {
        return Err(ApiError::rate_limited(wait));
    }
    if let Some(project) = &call.project {
        if !is_id(project) {
            return Err(ApiError::bad_request("invalid project id"));
        }
        if !app.projects.is_known(project) {
            return Err(ApiError::not_found("project not found"));
        }
    }
    if let Some(branch) = &call.branch {
        if !is_id(branch) {
            return Err(ApiError::bad_request("invalid branch id"));
        }
        if !is_known_branch(branch) {
            return Err(ApiError::not_found("branch not found"));
        }
    }
    Ok(())
}

/// Adds the request id, and the body if the response is an [`ApiError`].
fn finish(mut response: Response, call: &Call) -> Response {
    if let Some(error) = response.extensions_mut().remove::<ApiError>() {
        let error = match call.speaks_as_better_auth() {
            true => error.in_words_of_better_auth(),
            false => error,
        };
        *response.status_mut() = error.status;
        let id = String::from_utf8_lossy(call.request_id.as_bytes());
        let body = json!({"request_id": id, "code": error.code, "message": error.message});
        *response.body_mut() = body.to_string().into();
        let json = HeaderValue::from_static("application/json; charset=UTF-8");
        response.headers_mut().insert(CONTENT_TYPE, json);
    }
    response
        .headers_mut()
        .insert(REQUEST_ID, call.request_id.clone());
    response
}
