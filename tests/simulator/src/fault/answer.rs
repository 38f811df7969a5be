//! What each fault makes of a request. It decides between an answer for hyper and a script for the
//! raw connection.

use std::convert::Infallible;
use std::io::Write;
use std::time::{Duration, SystemTime};

use axum::body::{Body, Bytes};
use axum::http::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, LOCATION, RETRY_AFTER, SERVER,
};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::stream;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::script::{End, Script, Step, collect, serialize};
use super::{Fault, RetryAfter};
use crate::api::call::Call;
use crate::api::error::ApiError;

const DRIP: Duration = Duration::from_millis(100);
pub const IDLE: Duration = Duration::from_millis(50);
const CHUNK: usize = 64 * 1024;
const GIGABYTE: usize = 1024 * 1024 * 1024;

pub enum Outcome {
    Answer(Response),
    Raw(Script),
}

impl Fault {
    /// Answers `call`; `operation` is what would have been done without the fault.
    pub async fn apply(self, call: &Call, operation: impl Future<Output = Response>) -> Outcome {
        Outcome::Answer(match self {
            Self::Status(status) => refuse(status, call),
            Self::RetryAfter(after) => (
                [(RETRY_AFTER, retry_after(after))],
                refuse(StatusCode::TOO_MANY_REQUESTS, call),
            )
                .into_response(),
            Self::Slow(time) => {
                let response = operation.await;
                sleep(time).await;
                response
            }
            Self::Silent => std::future::pending().await,
            Self::Html => page(StatusCode::OK),
            Self::Empty => StatusCode::OK.into_response(),
            Self::NoContent => StatusCode::NO_CONTENT.into_response(),
            Self::BadJson => as_json(r#"{"id":"00000000-0000-4000-8000-0000000"#),
            Self::DeepJson => as_json(format!(
                r#"{{"deep":{}{}}}"#,
                "[".repeat(10_000),
                "]".repeat(10_000)
            )),
            Self::Huge => as_json(endless(usize::MAX)),
            Self::HugeLength => (
                [(CONTENT_LENGTH, GIGABYTE)],
                as_json(endless(GIGABYTE / CHUNK)),
            )
                .into_response(),
            Self::Headers => (
                [(HeaderName::from_static("x-huge"), "h".repeat(1024 * 1024))],
                operation.await,
            )
                .into_response(),
            Self::ManyHeaders => many_headers(operation.await),
            Self::EndlessHeaders => {
                let status = b"HTTP/1.1 200 OK\r\n".to_vec();
                let header = format!("x-endless: {}\r\n", "h".repeat(CHUNK));
                let steps = vec![Step::Write(status), Step::Forever(header.into())];
                return raw(StatusCode::OK, steps);
            }
            Self::Gzip => gzip(operation.await).await,
            Self::GzipBomb => gzip_bomb(),
            Self::Extra => extra(operation.await).await,
            Self::Redirect(status) => (status, [(LOCATION, "/api/v2/elsewhere")]).into_response(),
            Self::Echo => ApiError::bad_request(call.echo()).into_response(),
            Self::Exists(status) => ApiError::exists(status).into_response(),
            Self::LongMessage => {
                ApiError::bad_request("no such value; ".repeat(700)).into_response()
            }
            Self::Reset => return bare(End::Reset),
            Self::Close => return bare(End::Finish),
            Self::Malformed(kind) => return Outcome::Raw(kind.script()),
            Self::BadString(kind) => kind.answer(),
            Self::Pages(kind) => kind.answer(call, operation).await,
            Self::Drip => {
                let response = operation.await;
                let status = response.status();
                let (mut bytes, body) = serialize(response).await;
                bytes.extend_from_slice(&body);
                return raw(status, vec![Step::Drip(bytes, DRIP)]);
            }
            Self::DripBody => {
                let response = operation.await;
                let status = response.status();
                let (head, body) = serialize(response).await;
                let steps = vec![Step::Write(head), Step::Drip(body.into(), DRIP)];
                return raw(status, steps);
            }
            Self::Cut => {
                let response = operation.await;
                let status = response.status();
                let (mut bytes, body) = serialize(response).await;
                if body.is_empty() {
                    bytes.truncate(bytes.len() / 2);
                } else {
                    bytes.extend_from_slice(&body[..body.len() / 2]);
                }
                return raw(status, vec![Step::Write(bytes)]);
            }
            Self::KeepAliveClose(idle) => {
                let response = operation.await;
                let status = response.status();
                let (mut bytes, body) = serialize(response).await;
                bytes.extend_from_slice(&body);
                let mut steps = vec![Step::Write(bytes)];
                // A pause of no time would still last to the next tick of the timer.
                if !idle.is_zero() {
                    steps.push(Step::Pause(idle));
                }
                return raw(status, steps);
            }
        })
    }
}

fn raw(status: StatusCode, steps: Vec<Step>) -> Outcome {
    Outcome::Raw(Script {
        status: Some(status.as_u16()),
        steps,
        end: End::Finish,
    })
}

fn bare(end: End) -> Outcome {
    Outcome::Raw(Script {
        status: None,
        steps: Vec::new(),
        end,
    })
}

fn refuse(status: StatusCode, call: &Call) -> Response {
    let message = match status.as_u16() {
        502 | 504 | 524 => return page(status),
        400 => "request body does not match the schema",
        401 => return ApiError::unauthenticated().into_response(),
        403 => "permission denied",
        404 if call.branch.is_some() => "Neon Auth integration not found for branch",
        404 => "Neon Auth integration not found for project",
        409 => "resource already exists",
        422 => "request cannot be processed",
        423 => {
            "project already has running conflicting operations, scheduling of new ones is prohibited"
        }
        429 => "rate limit exceeded",
        503 => "service temporarily unavailable",
        _ => "internal server error",
    };
    ApiError::new(status, message).into_response()
}

/// The page of a CDN in front of the service; its text is of no API.
fn page(status: StatusCode) -> Response {
    let title = format!(
        "{} {}",
        status.as_u16(),
        status.canonical_reason().unwrap_or("A timeout occurred")
    );
    let html = format!(
        "<!DOCTYPE html>\n<html><head><title>neon.tech | {title}</title></head>\
         <body><h1>{title}</h1><p>Ray ID: 8f0000000000abcd</p></body></html>\n"
    );
    let headers = [
        (CONTENT_TYPE, "text/html; charset=UTF-8"),
        (SERVER, "cloudflare"),
    ];
    (status, headers, html).into_response()
}

fn retry_after(after: RetryAfter) -> HeaderValue {
    match after {
        RetryAfter::Seconds(seconds) => seconds.into(),
        // A date has whole seconds only: two ahead, cut down, is one to two ahead.
        RetryAfter::Date => {
            let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(2));
            HeaderValue::try_from(date).expect("an HTTP date is ASCII")
        }
        RetryAfter::Garbage => HeaderValue::from_static("soon, -1; maybe"),
    }
}

pub fn as_json(body: impl Into<Body>) -> Response {
    ([(CONTENT_TYPE, "application/json")], body.into()).into_response()
}

/// The beginning of a valid document and then more of the same string, chunk after chunk.
fn endless(chunks: usize) -> Body {
    let filler = Bytes::from(vec![b'a'; CHUNK]);
    let mut start = br#"{"id":""#.to_vec();
    start.resize(CHUNK, b'a');
    let start = Bytes::from(start);
    Body::from_stream(stream::iter((0..chunks).map(move |n| {
        Ok::<_, Infallible>(if n == 0 {
            start.clone()
        } else {
            filler.clone()
        })
    })))
}

fn many_headers(mut response: Response) -> Response {
    for n in 0..200 {
        let name = HeaderName::try_from(format!("x-many-{n}")).expect("a name");
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static("h"));
    }
    response
}

fn compress(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("a Vec takes every write");
    encoder.finish().expect("a Vec takes every write")
}

/// A gzip stream may have many members, so compressing one of them is enough.
fn gzip_bomb() -> Response {
    let bomb = compress(&vec![0; 1024 * 1024]).repeat(200);
    let gzip = [(CONTENT_ENCODING, HeaderValue::from_static("gzip"))];
    (gzip, as_json(bomb)).into_response()
}

async fn gzip(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let compressed = compress(&collect(body).await);
    parts.headers.remove(CONTENT_LENGTH);
    parts
        .headers
        .insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    Response::from_parts(parts, compressed.into())
}

async fn extra(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let body = collect(body).await;
    let Ok(mut document) = serde_json::from_slice::<Value>(&body) else {
        return Response::from_parts(parts, body.into());
    };
    extend(&mut document);
    parts.headers.remove(CONTENT_LENGTH);
    Response::from_parts(parts, document.to_string().into())
}

/// Adds fields that no version of the API has, and replaces enum values by such ones.
fn extend(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields.iter_mut() {
                match name.as_str() {
                    "auth_provider" => *field = "future_auth".into(),
                    "owned_by" => *field = "organization".into(),
                    "type" => *field = "dedicated".into(),
                    "email_verification_method" => *field = "passkey".into(),
                    "creator_role" => *field = "founder".into(),
                    "enabled_events" => {
                        if let Value::Array(events) = field {
                            events.push("user.deleted".into());
                        }
                    }
                    "providers" => {
                        if let Value::Array(providers) = field {
                            providers.push(json!({"id": "gitlab", "type": "shared"}));
                        }
                        extend(field);
                    }
                    _ => extend(field),
                }
            }
            if fields.contains_key("owned_by") {
                fields.insert("transfer_status".to_owned(), "paused".into());
            }
            fields.insert("x_future".to_owned(), json!({"nested": [1, null, "x"]}));
            fields.insert("x_future_secret".to_owned(), "hush".into());
        }
        Value::Array(items) => items.iter_mut().for_each(extend),
        _ => {}
    }
}
