//! Owns the SQL functions on the integration.

use pgrx::prelude::*;

use crate::neon::integration::{self, Integration, IntegrationKeys, Integrations};
use crate::pg::args::required;
use crate::pg::dry_run;
use crate::pg::local_users::own_locks::Need;
use crate::pg::report::Raise;
use crate::pg::reserve::Entry;
use crate::pg::row::{One, Secrets, row_type};
use crate::pg::rows::Rows;
use crate::pg::session::Session;
use crate::pg::text::Text;

row_type!(Integration, "integration");
row_type!(IntegrationKeys, "integration_keys");

/// Creates the integration; see [`integration::create`]. The keys are real: handing them over is
/// what the function is for.
#[pg_extern(volatile, parallel_unsafe, cost = 1000)]
fn create_integration(
    _entry: Entry,
    branch_id: default!(Option<Text>, "NULL"),
    database_name: default!(Option<Text>, "NULL"),
    role_name: default!(Option<Text>, "NULL"),
    server: default!(Option<Text>, "NULL"),
) -> Result<One<IntegrationKeys>, Raise> {
    let neon = Session::open(&integration::CREATE_INTEGRATION, server.as_deref())?;
    let is_of_project = branch_id.is_some() || role_name.is_some();
    let made_up = dry_run::project_in_place_of(neon.target()).filter(|_| is_of_project);
    let request = integration::create(
        made_up.as_ref().unwrap_or(neon.target()),
        branch_id.as_deref(),
        database_name.as_deref(),
        role_name.as_deref(),
    )?;
    neon.row_showing(&request, Secrets::Shown)
}

/// Lists the integrations; see [`integration::list`].
#[pg_extern(volatile, parallel_restricted, cost = 1000)]
fn list_integrations(
    _entry: Entry,
    server: default!(Option<Text>, "NULL"),
) -> Result<Rows<Integration>, Raise> {
    let neon = Session::open(&integration::LIST_INTEGRATIONS, server.as_deref())?;
    let request = integration::list(neon.target())?;
    neon.rows(&request, Secrets::Masked, |list| list.data)
}

/// Reads the only integration; see [`integration::get`].
#[pg_extern(volatile, parallel_restricted, cost = 1000)]
fn get_integration(
    _entry: Entry,
    server: default!(Option<Text>, "NULL"),
) -> Result<One<Integration>, Raise> {
    let neon = Session::open(&integration::GET_INTEGRATION, server.as_deref())?;
    let request = integration::get(neon.target())?;
    neon.row_with(&request, Integrations::only)
}

/// Creates SDK keys; see [`integration::create_sdk_keys`].
#[pg_extern(volatile, parallel_unsafe, cost = 1000)]
fn create_sdk_keys(
    _entry: Entry,
    server: default!(Option<Text>, "NULL"),
) -> Result<One<IntegrationKeys>, Raise> {
    let neon = Session::open(&integration::CREATE_SDK_KEYS, server.as_deref())?;
    let request = integration::create_sdk_keys(neon.target())?;
    neon.row_showing(&request, Secrets::Shown)
}

/// Starts the transfer and returns the URL that completes it; see
/// [`integration::transfer_ownership`].
#[pg_extern(volatile, parallel_unsafe, cost = 1000)]
fn transfer_ownership(
    _entry: Entry,
    server: default!(Option<Text>, "NULL"),
) -> Result<Text, Raise> {
    let neon = Session::open(&integration::TRANSFER_OWNERSHIP, server.as_deref())?;
    let transfer = neon.send(&integration::transfer_ownership(neon.target())?)?;
    Ok(Text::new(transfer.url))
}

/// Deletes the integration, with `delete_data` the schema `neon_auth` as well, and returns its provider;
/// see [`integration::delete`].
#[pg_extern(volatile, parallel_unsafe, cost = 1000)]
fn delete_integration(
    _entry: Entry,
    delete_data: default!(Option<bool>, "false"),
    server: default!(Option<Text>, "NULL"),
) -> Result<Text, Raise> {
    let neon = Session::open(&integration::DELETE_INTEGRATION, server.as_deref())?;
    let delete_data = required("delete_data", delete_data)?;
    if delete_data {
        neon.refuse_to_wait_for_us(&integration::DELETE_INTEGRATION, Need::Drop)?;
    }
    neon.send(&integration::delete(neon.target(), delete_data)?)?;
    Ok(Text::new(neon.target().auth_provider()))
}
