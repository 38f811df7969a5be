//! The email provider of a branch: get, update, and the two ways to send a test e-mail, which send
//! nothing. Its password is kept and never shown.

use axum::Json;
use serde_json::{Value, json};

use crate::api::body::email;
use crate::api::email_server::{read, standard};
use crate::api::error::ApiError;
use crate::api::job::Job;
use crate::state::branch::{AuthProvider, EmailServer};

const FAILING_HOST: &str = "smtp.fail.example";
/// Repeats the password that it refuses, as some mail servers do.
const REFUSING_HOST: &str = "smtp.refuse.example";
const FAILING_RECIPIENT: &str = "fail@";

/// `GET .../auth/email_provider`
pub async fn get(job: Job) -> Result<Json<EmailServer>, ApiError> {
    job.on_branch(|branch| Ok(Json(redacted(&branch.email_server))))
}

/// `PATCH .../auth/email_provider`: Better Auth keeps what the body leaves out, the others refuse a
/// partial `standard` one.
pub async fn update(job: Job) -> Result<Json<EmailServer>, ApiError> {
    let body = job.call.body()?;
    job.on_branch(|branch| {
        let integration = branch.integration.as_ref();
        let merges = integration.is_some_and(|it| it.auth_provider == AuthProvider::BetterAuth);
        branch.email_server = read(body, merges.then_some(&branch.email_server))?;
        Ok(Json(redacted(&branch.email_server)))
    })
}

/// `POST .../auth/email_provider/test`: through the email server that the branch has.
pub async fn test(job: Job) -> Result<Json<Value>, ApiError> {
    let recipient = job.call.body()?.required("recipient_email", email)?;
    job.on_branch(|branch| {
        let host = match &branch.email_server {
            EmailServer::Standard(server) => &server.host,
            EmailServer::Shared(_) => "",
        };
        Ok(Json(outcome(host, &recipient)))
    })
}

/// `POST .../auth/send_test_email`: through the email server in the body.
pub async fn send_test_email(job: Job) -> Result<Json<Value>, ApiError> {
    let body = job.call.body()?;
    let server = standard(&body, None)?;
    let recipient = body.required("recipient_email", email)?;
    job.on_branch(|_| {
        Ok(Json(if server.host == REFUSING_HOST {
            failure(&format!("535 5.7.8 refused: {}", server.password))
        } else {
            outcome(&server.host, &recipient)
        }))
    })
}

fn outcome(host: &str, recipient: &str) -> Value {
    if host == FAILING_HOST {
        failure("could not connect to the email server")
    } else if recipient.starts_with(FAILING_RECIPIENT) {
        failure("550 5.1.1 no such mailbox")
    } else {
        json!({"success": true})
    }
}

fn failure(error: &str) -> Value {
    json!({"success": false, "error_message": error})
}

/// As ordinary callers see it.
pub fn redacted(email_server: &EmailServer) -> EmailServer {
    let mut redacted = email_server.clone();
    if let EmailServer::Standard(server) = &mut redacted {
        server.password.clear();
    }
    redacted
}
