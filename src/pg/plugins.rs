//! Owns the SQL functions on the plugins of a branch.

use pgrx::composite_type;
use pgrx::prelude::*;

use crate::error::Error;
use crate::neon::plugins::{self, MagicLink, Organization, OrganizationUpdate, PhoneNumber};
use crate::pg::call::{read, write};
use crate::pg::report::Raise;
use crate::pg::row::{Composite, Row, Secrets};
use crate::pg::text::Text;

/// Reads everything that is configured; see [`plugins::list`].
#[pg_extern(volatile, parallel_unsafe, cost = 10000)]
fn get_plugins(
    show_secrets: default!(Option<bool>, "false"),
    server: default!(Option<Text>, "NULL"),
) -> Result<composite_type!('static, "neon_auth_admin.plugins"), Raise> {
    let secrets = Secrets::asked_for(show_secrets)?;
    let row = Row::new(
        c"plugins",
        &[
            "organization",
            "magic_link",
            "phone_number",
            "email_provider",
            "email_and_password",
            "oauth_providers",
            "allow_localhost",
        ],
    )?;
    let plugins = read(server.as_deref(), plugins::list)?;
    Ok(row
        .jsonb("organization", plugins.organization, secrets)?
        .jsonb("magic_link", plugins.magic_link, secrets)?
        .jsonb("phone_number", plugins.phone_number, secrets)?
        .jsonb("email_provider", plugins.email_provider, secrets)?
        .jsonb("email_and_password", plugins.email_and_password, secrets)?
        .jsonb("oauth_providers", plugins.oauth_providers, secrets)?
        .set("allow_localhost", plugins.allow_localhost)?
        .finish()?)
}

/// Changes the organization plugin; see [`plugins::update_organization`].
#[pg_extern(volatile, parallel_unsafe, cost = 10000)]
fn update_organization(
    enabled: default!(Option<bool>, "NULL"),
    organization_limit: default!(Option<i32>, "NULL"),
    membership_limit: default!(Option<i32>, "NULL"),
    creator_role: default!(Option<Text>, "NULL"),
    send_invitation_email: default!(Option<bool>, "NULL"),
    server: default!(Option<Text>, "NULL"),
) -> Result<composite_type!('static, "neon_auth_admin.organization"), Raise> {
    let row = Row::new(
        c"organization",
        &[
            "enabled",
            "organization_limit",
            "membership_limit",
            "creator_role",
            "send_invitation_email",
        ],
    )?;
    let update = OrganizationUpdate {
        enabled,
        organization_limit,
        membership_limit,
        creator_role: creator_role.as_deref(),
        send_invitation_email,
    };
    let updated = write(c"update_organization()", server.as_deref(), |scope| {
        plugins::update_organization(scope, update)
    })?;
    Ok(fill_organization(row, &updated)?)
}

/// Changes the magic link plugin; see [`plugins::update_magic_link`].
#[pg_extern(volatile, parallel_unsafe, cost = 10000)]
fn update_magic_link(
    enabled: default!(Option<bool>, "NULL"),
    expires_in: default!(Option<i32>, "NULL"),
    disable_sign_up: default!(Option<bool>, "NULL"),
    server: default!(Option<Text>, "NULL"),
) -> Result<composite_type!('static, "neon_auth_admin.magic_link"), Raise> {
    let row = Row::new(c"magic_link", &["enabled", "expires_in", "disable_sign_up"])?;
    let update = MagicLink {
        enabled,
        expires_in,
        disable_sign_up,
    };
    let updated = write(c"update_magic_link()", server.as_deref(), |scope| {
        plugins::update_magic_link(scope, update)
    })?;
    Ok(row
        .set("enabled", updated.enabled)?
        .set("expires_in", updated.expires_in)?
        .set("disable_sign_up", updated.disable_sign_up)?
        .finish()?)
}

/// Reads the phone number plugin; see [`plugins::get_phone_number`].
#[pg_extern(volatile, parallel_unsafe, cost = 10000)]
fn get_phone_number(
    server: default!(Option<Text>, "NULL"),
) -> Result<composite_type!('static, "neon_auth_admin.phone_number"), Raise> {
    let row = new_phone_number_row()?;
    let plugin = read(server.as_deref(), plugins::get_phone_number)?;
    Ok(fill_phone_number(row, &plugin)?)
}

/// Changes the phone number plugin; see [`plugins::update_phone_number`].
#[pg_extern(volatile, parallel_unsafe, cost = 10000)]
fn update_phone_number(
    enabled: default!(Option<bool>, "NULL"),
    otp_expires_in: default!(Option<i32>, "NULL"),
    server: default!(Option<Text>, "NULL"),
) -> Result<composite_type!('static, "neon_auth_admin.phone_number"), Raise> {
    let row = new_phone_number_row()?;
    let update = PhoneNumber {
        enabled,
        otp_expires_in,
    };
    let updated = write(c"update_phone_number()", server.as_deref(), |scope| {
        plugins::update_phone_number(scope, update)
    })?;
    Ok(fill_phone_number(row, &updated)?)
}

fn fill_organization(row: Row, plugin: &Organization) -> Result<Composite, Error> {
    row.set("enabled", plugin.enabled)?
        .set("organization_limit", plugin.organization_limit)?
        .set("membership_limit", plugin.membership_limit)?
        .text("creator_role", plugin.creator_role.as_deref())?
        .set("send_invitation_email", plugin.send_invitation_email)?
        .finish()
}

fn new_phone_number_row() -> Result<Row, Error> {
    Row::new(c"phone_number", &["enabled", "otp_expires_in"])
}

fn fill_phone_number(row: Row, plugin: &PhoneNumber) -> Result<Composite, Error> {
    row.set("enabled", plugin.enabled)?
        .set("otp_expires_in", plugin.otp_expires_in)?
        .finish()
}
