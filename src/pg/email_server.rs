//! Owns the SQL functions on the email server.

use pgrx::composite_type;
use pgrx::prelude::*;

use crate::error::Error;
use crate::neon::email_server::{self, EmailServer, EmailTest, Fields};
use crate::pg::call::{read, required, write};
use crate::pg::report::Raise;
use crate::pg::row::{Composite, Row, Secrets};
use crate::pg::text::Text;
use crate::secret::Secret;

/// Reads the email server; see [`email_server::get`].
#[pg_extern(volatile, parallel_unsafe, cost = 10000)]
fn get_email_server(
    show_secrets: default!(Option<bool>, "false"),
    server: default!(Option<Text>, "NULL"),
) -> Result<composite_type!('static, "neon_auth_admin.email_server"), Raise> {
    let secrets = Secrets::asked_for(show_secrets)?;
    let row = new_row()?;
    let email_server = read(server.as_deref(), |scope| Ok(email_server::get(scope)))?;
    Ok(fill(row, &email_server, secrets)?)
}

/// Replaces the email server; see [`email_server::update`]. The SQL is written out because pgrx would
/// call the first argument `r#type`.
#[pg_extern(sql = r#"
CREATE FUNCTION neon_auth_admin.update_email_server(
    type text,
    host text DEFAULT NULL,
    port integer DEFAULT NULL,
    username text DEFAULT NULL,
    password text DEFAULT NULL,
    sender_email text DEFAULT NULL,
    sender_name text DEFAULT NULL,
    server text DEFAULT NULL
) RETURNS neon_auth_admin.email_server
VOLATILE PARALLEL UNSAFE COST 10000
LANGUAGE c
AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
"#)]
#[allow(
    clippy::too_many_arguments,
    reason = "one argument per field of the API"
)]
fn update_email_server(
    r#type: Option<Text>,
    host: Option<Text>,
    port: Option<i32>,
    username: Option<Text>,
    password: Option<Text>,
    sender_email: Option<Text>,
    sender_name: Option<Text>,
    server: Option<Text>,
) -> Result<composite_type!('static, "neon_auth_admin.email_server"), Raise> {
    let row = new_row()?;
    let password = password.as_deref().map(Secret::new);
    let updated = write(c"update_email_server()", server.as_deref(), |scope| {
        let fields = Fields {
            host: host.as_deref(),
            port,
            username: username.as_deref(),
            password: password.as_ref(),
            sender_email: sender_email.as_deref(),
            sender_name: sender_name.as_deref(),
        };
        email_server::update(scope, required("type", r#type.as_deref())?, fields)
    })?;
    Ok(fill(row, &updated, Secrets::Masked)?)
}

/// Sends a test e-mail; see [`email_server::send_test`].
#[pg_extern(volatile, parallel_unsafe, cost = 10000)]
#[allow(
    clippy::too_many_arguments,
    reason = "one argument per field of the API"
)]
fn send_test_email(
    recipient_email: Option<Text>,
    host: Option<Text>,
    port: Option<i32>,
    username: Option<Text>,
    password: Option<Text>,
    sender_email: Option<Text>,
    sender_name: Option<Text>,
    server: default!(Option<Text>, "NULL"),
) -> Result<composite_type!('static, "neon_auth_admin.email_test"), Raise> {
    let row = new_test_row()?;
    let password = password.as_deref().map(Secret::new);
    let test = write(c"send_test_email()", server.as_deref(), |scope| {
        let fields = Fields {
            host: host.as_deref(),
            port,
            username: username.as_deref(),
            password: password.as_ref(),
            sender_email: sender_email.as_deref(),
            sender_name: sender_name.as_deref(),
        };
        let recipient = required("recipient_email", recipient_email.as_deref())?;
        email_server::send_test(scope, recipient, fields)
    })?;
    Ok(fill_test(row, &test, password.as_ref())?)
}

/// Sends a test e-mail through the server that is configured; see [`email_server::test`].
#[pg_extern(volatile, parallel_unsafe, cost = 10000)]
fn test_email_server(
    recipient_email: Option<Text>,
    server: default!(Option<Text>, "NULL"),
) -> Result<composite_type!('static, "neon_auth_admin.email_test"), Raise> {
    let row = new_test_row()?;
    let test = write(c"test_email_server()", server.as_deref(), |scope| {
        let recipient = required("recipient_email", recipient_email.as_deref())?;
        email_server::test(scope, recipient)
    })?;
    Ok(fill_test(row, &test, None)?)
}

fn new_test_row() -> Result<Row, Error> {
    Row::new(c"email_test", &["success", "error_message"])
}

fn fill_test(row: Row, test: &EmailTest, password: Option<&Secret>) -> Result<Composite, Error> {
    row.set("success", test.success)?
        .text("error_message", test.shown_error(password).as_deref())?
        .finish()
}

fn new_row() -> Result<Row, Error> {
    Row::new(
        c"email_server",
        &[
            "type",
            "host",
            "port",
            "username",
            "password",
            "sender_email",
            "sender_name",
        ],
    )
}

fn fill(row: Row, server: &EmailServer, secrets: Secrets) -> Result<Composite, Error> {
    row.text("type", server.r#type.as_str())?
        .text("host", server.host.as_deref())?
        .set("port", server.port)?
        .text("username", server.username.as_deref())?
        .secret("password", server.password.as_ref(), secrets)?
        .text("sender_email", server.sender_email.as_deref())?
        .text("sender_name", server.sender_name.as_deref())?
        .finish()
}
