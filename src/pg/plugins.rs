//! Owns the SQL functions on the plugins of a branch.

use pgrx::prelude::*;

use crate::neon::plugins::{self, MagicLink, Organization, PhoneNumber, Plugins};
use crate::pg::args::owned;
use crate::pg::report::Raise;
use crate::pg::reserve::Entry;
use crate::pg::row::{One, Secrets, row_type};
use crate::pg::session::Session;
use crate::pg::text::Text;

row_type!(Plugins, "plugins");
row_type!(Organization, "organization");
row_type!(MagicLink, "magic_link");
row_type!(PhoneNumber, "phone_number");

/// Reads everything that is configured; see [`plugins::get`].
#[pg_extern(volatile, parallel_restricted, cost = 1000)]
fn get_plugins(
    _entry: Entry,
    show_secrets: default!(Option<bool>, "false"),
    server: default!(Option<Text>, "NULL"),
) -> Result<One<Plugins>, Raise> {
    let secrets = Secrets::asked_for(show_secrets)?;
    let neon = Session::open(&plugins::GET_PLUGINS, server.as_deref())?;
    let request = plugins::get(neon.target())?;
    neon.row_showing(&request, secrets)
}

/// Changes the organization plugin; see [`plugins::update_organization`].
#[pg_extern(volatile, parallel_unsafe, cost = 1000)]
fn update_organization(
    _entry: Entry,
    enabled: default!(Option<bool>, "NULL"),
    organization_limit: default!(Option<i32>, "NULL"),
    membership_limit: default!(Option<i32>, "NULL"),
    creator_role: default!(Option<Text>, "NULL"),
    send_invitation_email: default!(Option<bool>, "NULL"),
    server: default!(Option<Text>, "NULL"),
) -> Result<One<Organization>, Raise> {
    let update = Organization {
        enabled,
        organization_limit,
        membership_limit,
        creator_role: owned(&creator_role),
        send_invitation_email,
    };
    let neon = Session::open(&plugins::UPDATE_ORGANIZATION, server.as_deref())?;
    let request = plugins::update_organization(neon.target(), &update)?;
    neon.row(&request)
}

/// Changes the magic link plugin; see [`plugins::update_magic_link`].
#[pg_extern(volatile, parallel_unsafe, cost = 1000)]
fn update_magic_link(
    _entry: Entry,
    enabled: default!(Option<bool>, "NULL"),
    expires_in: default!(Option<i32>, "NULL"),
    disable_sign_up: default!(Option<bool>, "NULL"),
    server: default!(Option<Text>, "NULL"),
) -> Result<One<MagicLink>, Raise> {
    let update = MagicLink {
        enabled,
        expires_in,
        disable_sign_up,
    };
    let neon = Session::open(&plugins::UPDATE_MAGIC_LINK, server.as_deref())?;
    let request = plugins::update_magic_link(neon.target(), &update)?;
    neon.row(&request)
}

/// Reads the phone number plugin; see [`plugins::get_phone_number`].
#[pg_extern(volatile, parallel_restricted, cost = 1000)]
fn get_phone_number(
    _entry: Entry,
    server: default!(Option<Text>, "NULL"),
) -> Result<One<PhoneNumber>, Raise> {
    let neon = Session::open(&plugins::GET_PHONE_NUMBER, server.as_deref())?;
    let request = plugins::get_phone_number(neon.target())?;
    neon.row(&request)
}

/// Changes the phone number plugin; see [`plugins::update_phone_number`].
#[pg_extern(volatile, parallel_unsafe, cost = 1000)]
fn update_phone_number(
    _entry: Entry,
    enabled: default!(Option<bool>, "NULL"),
    otp_expires_in: default!(Option<i32>, "NULL"),
    server: default!(Option<Text>, "NULL"),
) -> Result<One<PhoneNumber>, Raise> {
    let update = PhoneNumber {
        enabled,
        otp_expires_in,
    };
    let neon = Session::open(&plugins::UPDATE_PHONE_NUMBER, server.as_deref())?;
    let request = plugins::update_phone_number(neon.target(), &update)?;
    neon.row(&request)
}
