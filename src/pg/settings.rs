//! Owns the SQL functions on how people sign in on a branch.

use pgrx::composite_type;
use pgrx::prelude::*;

use crate::error::Error;
use crate::neon::settings::{self, EmailAndPassword, EmailAndPasswordUpdate};
use crate::pg::call::{read, required, write};
use crate::pg::report::Raise;
use crate::pg::row::{Composite, Row};
use crate::pg::text::Text;

/// Reads the settings; see [`settings::get_email_and_password`].
#[pg_extern(volatile, parallel_unsafe, cost = 10000)]
fn get_email_and_password(
    server: default!(Option<Text>, "NULL"),
) -> Result<composite_type!('static, "neon_auth_admin.email_and_password"), Raise> {
    let row = new_row()?;
    Ok(fill(
        row,
        &read(server.as_deref(), settings::get_email_and_password)?,
    )?)
}

/// Changes the settings; see [`settings::update_email_and_password`].
#[pg_extern(volatile, parallel_unsafe, cost = 10000)]
#[allow(
    clippy::too_many_arguments,
    reason = "one argument per field of the API"
)]
fn update_email_and_password(
    enabled: default!(Option<bool>, "NULL"),
    email_verification_method: default!(Option<Text>, "NULL"),
    require_email_verification: default!(Option<bool>, "NULL"),
    auto_sign_in_after_verification: default!(Option<bool>, "NULL"),
    send_verification_email_on_sign_up: default!(Option<bool>, "NULL"),
    send_verification_email_on_sign_in: default!(Option<bool>, "NULL"),
    disable_sign_up: default!(Option<bool>, "NULL"),
    server: default!(Option<Text>, "NULL"),
) -> Result<composite_type!('static, "neon_auth_admin.email_and_password"), Raise> {
    let row = new_row()?;
    let update = EmailAndPasswordUpdate {
        enabled,
        email_verification_method: email_verification_method.as_deref(),
        require_email_verification,
        auto_sign_in_after_verification,
        send_verification_email_on_sign_up,
        send_verification_email_on_sign_in,
        disable_sign_up,
    };
    let function = c"update_email_and_password()";
    let updated = write(function, server.as_deref(), |scope| {
        settings::update_email_and_password(scope, update)
    })?;
    Ok(fill(row, &updated)?)
}

/// Reads the setting; see [`settings::get_allow_localhost`].
#[pg_extern(volatile, parallel_unsafe, cost = 10000)]
fn get_allow_localhost(server: default!(Option<Text>, "NULL")) -> Result<bool, Raise> {
    let setting = read(server.as_deref(), settings::get_allow_localhost)?;
    Ok(setting.allow_localhost)
}

/// Changes the setting; see [`settings::update_allow_localhost`].
#[pg_extern(volatile, parallel_unsafe, cost = 10000)]
fn update_allow_localhost(
    allow_localhost: Option<bool>,
    server: default!(Option<Text>, "NULL"),
) -> Result<bool, Raise> {
    let function = c"update_allow_localhost()";
    let updated = write(function, server.as_deref(), |scope| {
        let allow_localhost = required("allow_localhost", allow_localhost)?;
        settings::update_allow_localhost(scope, allow_localhost)
    })?;
    Ok(updated.allow_localhost)
}

/// Changes the name; see [`settings::update_config`].
#[pg_extern(volatile, parallel_unsafe, cost = 10000)]
fn update_config(
    name: Option<Text>,
    server: default!(Option<Text>, "NULL"),
) -> Result<Text, Raise> {
    let updated = write(c"update_config()", server.as_deref(), |scope| {
        settings::update_config(scope, required("name", name.as_deref())?)
    })?;
    Ok(Text::new(updated.name))
}

fn new_row() -> Result<Row, Error> {
    Row::new(
        c"email_and_password",
        &[
            "enabled",
            "email_verification_method",
            "require_email_verification",
            "auto_sign_in_after_verification",
            "send_verification_email_on_sign_up",
            "send_verification_email_on_sign_in",
            "disable_sign_up",
        ],
    )
}

fn fill(row: Row, settings: &EmailAndPassword) -> Result<Composite, Error> {
    let method = settings.email_verification_method.as_deref();
    row.set("enabled", settings.enabled)?
        .text("email_verification_method", method)?
        .set(
            "require_email_verification",
            settings.require_email_verification,
        )?
        .set(
            "auto_sign_in_after_verification",
            settings.auto_sign_in_after_verification,
        )?
        .set(
            "send_verification_email_on_sign_up",
            settings.send_verification_email_on_sign_up,
        )?
        .set(
            "send_verification_email_on_sign_in",
            settings.send_verification_email_on_sign_in,
        )?
        .set("disable_sign_up", settings.disable_sign_up)?
        .finish()
}
