//! Owns the SQL functions on how people sign in on a branch.

use pgrx::prelude::*;

use crate::neon::sign_in::{self, EmailAndPassword};
use crate::pg::args::{owned, required};
use crate::pg::report::Raise;
use crate::pg::reserve::Entry;
use crate::pg::row::{One, row_type};
use crate::pg::session::Session;
use crate::pg::text::Text;

row_type!(EmailAndPassword, "email_and_password");

/// Reads the settings; see [`sign_in::get_email_and_password`].
#[pg_extern(volatile, parallel_restricted, cost = 1000)]
fn get_email_and_password(
    _entry: Entry,
    server: default!(Option<Text>, "NULL"),
) -> Result<One<EmailAndPassword>, Raise> {
    let neon = Session::open(&sign_in::GET_EMAIL_AND_PASSWORD, server.as_deref())?;
    let request = sign_in::get_email_and_password(neon.target())?;
    neon.row(&request)
}

/// Changes the settings; see [`sign_in::update_email_and_password`].
#[pg_extern(volatile, parallel_unsafe, cost = 1000)]
#[allow(
    clippy::too_many_arguments,
    reason = "one argument per field of the API"
)]
fn update_email_and_password(
    _entry: Entry,
    enabled: default!(Option<bool>, "NULL"),
    email_verification_method: default!(Option<Text>, "NULL"),
    require_email_verification: default!(Option<bool>, "NULL"),
    auto_sign_in_after_verification: default!(Option<bool>, "NULL"),
    send_verification_email_on_sign_up: default!(Option<bool>, "NULL"),
    send_verification_email_on_sign_in: default!(Option<bool>, "NULL"),
    disable_sign_up: default!(Option<bool>, "NULL"),
    server: default!(Option<Text>, "NULL"),
) -> Result<One<EmailAndPassword>, Raise> {
    let update = EmailAndPassword {
        enabled,
        email_verification_method: owned(&email_verification_method),
        require_email_verification,
        auto_sign_in_after_verification,
        send_verification_email_on_sign_up,
        send_verification_email_on_sign_in,
        disable_sign_up,
    };
    let neon = Session::open(&sign_in::UPDATE_EMAIL_AND_PASSWORD, server.as_deref())?;
    let request = sign_in::update_email_and_password(neon.target(), &update)?;
    neon.row(&request)
}

/// Reads the setting; see [`sign_in::get_allow_localhost`].
#[pg_extern(volatile, parallel_restricted, cost = 1000)]
fn get_allow_localhost(
    _entry: Entry,
    server: default!(Option<Text>, "NULL"),
) -> Result<Option<bool>, Raise> {
    let neon = Session::open(&sign_in::GET_ALLOW_LOCALHOST, server.as_deref())?;
    let setting = neon.read(&sign_in::get_allow_localhost(neon.target())?)?;
    Ok(setting.map(|setting| setting.allow_localhost))
}

/// Changes the setting; see [`sign_in::update_allow_localhost`].
#[pg_extern(volatile, parallel_unsafe, cost = 1000)]
fn update_allow_localhost(
    _entry: Entry,
    allow_localhost: Option<bool>,
    server: default!(Option<Text>, "NULL"),
) -> Result<bool, Raise> {
    let neon = Session::open(&sign_in::UPDATE_ALLOW_LOCALHOST, server.as_deref())?;
    let allow = required("allow_localhost", allow_localhost)?;
    let setting = neon.send(&sign_in::update_allow_localhost(neon.target(), allow)?)?;
    Ok(setting.allow_localhost)
}

/// Changes the name; see [`sign_in::update_config`].
#[pg_extern(volatile, parallel_unsafe, cost = 1000)]
fn update_config(
    _entry: Entry,
    name: Option<Text>,
    server: default!(Option<Text>, "NULL"),
) -> Result<Text, Raise> {
    let neon = Session::open(&sign_in::UPDATE_CONFIG, server.as_deref())?;
    let name = required("name", name)?;
    let updated = neon.send(&sign_in::update_config(neon.target(), &name)?)?;
    Ok(Text::new(updated.name))
}
