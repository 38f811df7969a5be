//! The email server of the project level, and what both generations understand by one. Nothing is
//! ever sent to it.

use axum::Json;
use serde::Deserialize;

use super::body::{Body, integer, one_of, string};
use super::error::ApiError;
use super::job::Job;
use crate::state::branch::{EmailServer, SharedEmailServer, StandardEmailServer};

pub const PORTS: std::ops::RangeInclusive<i64> = 1..=65535;

/// `GET /projects/{project_id}/auth/email_server`
pub async fn get(job: Job) -> Result<Json<EmailServer>, ApiError> {
    job.on_branch(|branch| Ok(Json(branch.email_server.clone())))
}

/// `PATCH /projects/{project_id}/auth/email_server`: replaces all of it; a partial `standard` one
/// is refused.
pub async fn update(job: Job) -> Result<Json<EmailServer>, ApiError> {
    let email_server = read(job.call.body()?, None)?;
    job.on_branch(|branch| {
        branch.email_server = email_server.clone();
        Ok(Json(email_server))
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Type {
    Shared,
    Standard,
}

/// The email server that the body says; what it leaves out is taken from `known`, if that is of the
/// same type.
pub fn read(body: Body, known: Option<&EmailServer>) -> Result<EmailServer, ApiError> {
    match body.required("type", one_of)? {
        Type::Shared => {
            let known = match known {
                Some(EmailServer::Shared(known)) => known.clone(),
                _ => SharedEmailServer::default(),
            };
            let body = body.with(&["type", "sender_email", "sender_name"])?;
            let given = |name| body.optional(name, string);
            Ok(EmailServer::Shared(SharedEmailServer {
                sender_email: given("sender_email")?.or(known.sender_email),
                sender_name: given("sender_name")?.or(known.sender_name),
            }))
        }
        Type::Standard => {
            let known = match known {
                Some(EmailServer::Standard(known)) => Some(known),
                _ => None,
            };
            let body = body.with(&[
                "type",
                "host",
                "port",
                "username",
                "password",
                "sender_email",
                "sender_name",
            ])?;
            standard(&body, known).map(EmailServer::Standard)
        }
    }
}

pub fn standard(
    body: &Body,
    known: Option<&StandardEmailServer>,
) -> Result<StandardEmailServer, ApiError> {
    let text = |name, known: Option<&String>| body.required_or(name, string, known.cloned());
    let port = known.map(|known| known.port);
    Ok(StandardEmailServer {
        host: text("host", known.map(|known| &known.host))?,
        port: body.required_or("port", integer(PORTS), port)?,
        username: text("username", known.map(|known| &known.username))?,
        password: text("password", known.map(|known| &known.password))?,
        sender_email: text("sender_email", known.map(|known| &known.sender_email))?,
        sender_name: text("sender_name", known.map(|known| &known.sender_name))?,
    })
}
