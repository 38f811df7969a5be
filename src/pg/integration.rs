//! Owns the SQL functions on the integration.

use pgrx::composite_type;
use pgrx::prelude::*;

use crate::error::Error;
use crate::neon::integration::{self, Integration, IntegrationKeys};
use crate::pg::call::{prevent_if_read_only, read, required, run, write};
use crate::pg::report::Raise;
use crate::pg::row::{Composite, Row};
use crate::pg::rows::{Rows, SetOf};
use crate::pg::text::Text;
use crate::secret::Secret;

/// Creates the integration; see [`integration::create`]. The keys are real: handing them over is
/// what the function is for.
#[pg_extern(volatile, parallel_unsafe, cost = 10000)]
fn create_integration(
    branch_id: default!(Option<Text>, "NULL"),
    database_name: default!(Option<Text>, "NULL"),
    role_name: default!(Option<Text>, "NULL"),
    server: default!(Option<Text>, "NULL"),
) -> Result<composite_type!('static, "neon_auth_admin.integration_keys"), Raise> {
    let row = new_keys_row()?;
    let keys = write(c"create_integration()", server.as_deref(), |scope| {
        integration::create(
            scope,
            branch_id.as_deref(),
            database_name.as_deref(),
            role_name.as_deref(),
        )
    })?;
    Ok(fill_keys(row, &keys)?)
}

/// Lists the integrations; see [`integration::list`].
#[pg_extern(volatile, parallel_unsafe, cost = 10000)]
fn list_integrations(server: default!(Option<Text>, "NULL")) -> Result<Rows<Integration>, Raise> {
    let row = new_row()?;
    let list = read(server.as_deref(), |scope| Ok(integration::list(scope)))?;
    Ok(Rows::new(row, &list.data, fill)?)
}

/// Reads the only integration; see [`integration::get`].
#[pg_extern(volatile, parallel_unsafe, cost = 10000)]
fn get_integration(
    server: default!(Option<Text>, "NULL"),
) -> Result<composite_type!('static, "neon_auth_admin.integration"), Raise> {
    Ok(fill(new_row()?, &run(server.as_deref(), integration::get)?)?.finish()?)
}

/// Creates SDK keys; see [`integration::create_sdk_keys`].
#[pg_extern(volatile, parallel_unsafe, cost = 10000)]
fn create_sdk_keys(
    server: default!(Option<Text>, "NULL"),
) -> Result<composite_type!('static, "neon_auth_admin.integration_keys"), Raise> {
    let row = new_keys_row()?;
    let keys = write(c"create_sdk_keys()", server.as_deref(), |scope| {
        integration::create_sdk_keys(scope)
    })?;
    Ok(fill_keys(row, &keys)?)
}

/// Starts the transfer and returns the URL that completes it; see
/// [`integration::transfer_ownership`].
#[pg_extern(volatile, parallel_unsafe, cost = 10000)]
fn transfer_ownership(server: default!(Option<Text>, "NULL")) -> Result<Text, Raise> {
    let transfer = write(c"transfer_ownership()", server.as_deref(), |scope| {
        integration::transfer_ownership(scope)
    })?;
    Ok(Text::new(transfer.url))
}

/// Deletes the integration, with `delete_data` the schema `neon_auth` as well, and returns on what it ran;
/// see [`integration::delete`].
#[pg_extern(volatile, parallel_unsafe, cost = 10000)]
fn delete_integration(
    delete_data: default!(Option<bool>, "false"),
    server: default!(Option<Text>, "NULL"),
) -> Result<Text, Raise> {
    prevent_if_read_only(c"delete_integration()");
    let delete_data = required("delete_data", delete_data)?;
    let auth_provider = run(server.as_deref(), |client| {
        client.send(&integration::delete(client.scope(), delete_data))?;
        Ok(client.scope().auth_provider().to_owned())
    })?;
    Ok(Text::new(auth_provider))
}

impl SetOf for Integration {
    const SQL: &str = "SETOF neon_auth_admin.integration";
}

fn new_row() -> Result<Row, Error> {
    Row::new(
        c"integration",
        &[
            "auth_provider",
            "auth_provider_project_id",
            "branch_id",
            "db_name",
            "created_at",
            "owned_by",
            "transfer_status",
            "jwks_url",
            "base_url",
            "name",
        ],
    )
}

fn fill(row: Row, integration: &Integration) -> Result<Row, Error> {
    let created_at = integration.created_at.map(to_timestamptz).transpose()?;
    row.text("auth_provider", integration.auth_provider.as_str())?
        .text(
            "auth_provider_project_id",
            integration.auth_provider_project_id.as_str(),
        )?
        .text("branch_id", integration.branch_id.as_deref())?
        .text("db_name", integration.db_name.as_deref())?
        .set("created_at", created_at)?
        .text("owned_by", integration.owned_by.as_deref())?
        .text("transfer_status", integration.transfer_status.as_deref())?
        .text("jwks_url", integration.jwks_url.as_deref())?
        .text("base_url", integration.base_url.as_deref())?
        .text("name", integration.name.as_deref())
}

fn new_keys_row() -> Result<Row, Error> {
    Row::new(
        c"integration_keys",
        &[
            "auth_provider",
            "auth_provider_project_id",
            "pub_client_key",
            "secret_server_key",
            "jwks_url",
            "schema_name",
            "table_name",
            "base_url",
        ],
    )
}

fn fill_keys(row: Row, keys: &IntegrationKeys) -> Result<Composite, Error> {
    let exposed = |key: &Option<Secret>| key.as_ref().map(|key| key.expose().to_owned());
    row.text("auth_provider", keys.auth_provider.as_str())?
        .text(
            "auth_provider_project_id",
            keys.auth_provider_project_id.as_str(),
        )?
        .text("pub_client_key", exposed(&keys.pub_client_key).as_deref())?
        .text(
            "secret_server_key",
            exposed(&keys.secret_server_key).as_deref(),
        )?
        .text("jwks_url", keys.jwks_url.as_deref())?
        .text("schema_name", keys.schema_name.as_deref())?
        .text("table_name", keys.table_name.as_deref())?
        .text("base_url", keys.base_url.as_deref())?
        .finish()
}

/// Microseconds since 2000-01-01, as Postgres counts.
fn to_timestamptz(timestamp: jiff::Timestamp) -> Result<TimestampWithTimeZone, Error> {
    const POSTGRES_EPOCH: i64 = 946_684_800_000_000;
    TimestampWithTimeZone::try_from(timestamp.as_microsecond() - POSTGRES_EPOCH)
        .map_err(|_| Error::unusable_value("created_at", "The time is out of range."))
}
