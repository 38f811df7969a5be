//! Owns the SQL functions on the email server.

use pgrx::prelude::*;

use crate::neon::email_server::{self, EmailServer, EmailTest};
use crate::pg::args::{owned, required};
use crate::pg::report::Raise;
use crate::pg::reserve::Entry;
use crate::pg::row::{One, Secrets, row_type};
use crate::pg::session::Session;
use crate::pg::text::Text;
use crate::secret::Secret;

row_type!(EmailServer, "email_server");
row_type!(EmailTest, "email_test");

/// Reads the email server; see [`email_server::get`].
#[pg_extern(volatile, parallel_restricted, cost = 1000)]
fn get_email_server(
    _entry: Entry,
    show_secrets: default!(Option<bool>, "false"),
    server: default!(Option<Text>, "NULL"),
) -> Result<One<EmailServer>, Raise> {
    let secrets = Secrets::asked_for(show_secrets)?;
    let neon = Session::open(&email_server::GET_EMAIL_SERVER, server.as_deref())?;
    let request = email_server::get(neon.target())?;
    neon.row_showing(&request, secrets)
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
VOLATILE PARALLEL UNSAFE COST 1000
LANGUAGE c
AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
"#)]
#[allow(
    clippy::too_many_arguments,
    reason = "one argument per field of the API"
)]
fn update_email_server(
    _entry: Entry,
    r#type: Option<Text>,
    host: Option<Text>,
    port: Option<i32>,
    username: Option<Text>,
    password: Option<Text>,
    sender_email: Option<Text>,
    sender_name: Option<Text>,
    server: Option<Text>,
) -> Result<One<EmailServer>, Raise> {
    let neon = Session::open(&email_server::UPDATE_EMAIL_SERVER, server.as_deref())?;
    let update = EmailServer {
        r#type: owned(&r#type),
        host: owned(&host),
        port,
        username: owned(&username),
        password: password.as_deref().map(Secret::new),
        sender_email: owned(&sender_email),
        sender_name: owned(&sender_name),
    };
    let request = email_server::update(neon.target(), &update)?;
    neon.row(&request)
}

/// Sends a test e-mail; see [`email_server::send_test`].
#[pg_extern(volatile, parallel_unsafe, cost = 1000)]
#[allow(
    clippy::too_many_arguments,
    reason = "one argument per field of the API"
)]
fn send_test_email(
    _entry: Entry,
    recipient_email: Option<Text>,
    host: Option<Text>,
    port: Option<i32>,
    username: Option<Text>,
    password: Option<Text>,
    sender_email: Option<Text>,
    sender_name: Option<Text>,
    server: default!(Option<Text>, "NULL"),
) -> Result<One<EmailTest>, Raise> {
    let neon = Session::open(&email_server::SEND_TEST_EMAIL, server.as_deref())?;
    let through = EmailServer {
        r#type: None,
        host: owned(&host),
        port,
        username: owned(&username),
        password: password.as_deref().map(Secret::new),
        sender_email: owned(&sender_email),
        sender_name: owned(&sender_name),
    };
    let recipient = required("recipient_email", recipient_email)?;
    let request = email_server::send_test(neon.target(), &recipient, &through)?;
    neon.row_with(&request, |test| Ok(test.without(through.password.as_ref())))
}

/// Sends a test e-mail through the server that is configured; see [`email_server::test`].
#[pg_extern(volatile, parallel_unsafe, cost = 1000)]
fn test_email_server(
    _entry: Entry,
    recipient_email: Option<Text>,
    server: default!(Option<Text>, "NULL"),
) -> Result<One<EmailTest>, Raise> {
    let neon = Session::open(&email_server::TEST_EMAIL_SERVER, server.as_deref())?;
    let recipient = required("recipient_email", recipient_email)?;
    let request = email_server::test(neon.target(), &recipient)?;
    neon.row(&request)
}
