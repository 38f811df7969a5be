//! Owns the SQL functions on OAuth providers.

use std::ffi::CStr;

use pgrx::composite_type;
use pgrx::prelude::*;

use crate::error::Error;
use crate::neon::oauth_providers::{self, Credentials, OauthProvider};
use crate::neon::request::Request;
use crate::neon::scope::Scope;
use crate::pg::call::{read, required, write};
use crate::pg::report::Raise;
use crate::pg::row::{Composite, Row, Secrets};
use crate::pg::rows::{Rows, SetOf};
use crate::pg::text::Text;
use crate::secret::Secret;

/// Lists the providers; see [`oauth_providers::list`].
#[pg_extern(volatile, parallel_unsafe, cost = 10000)]
fn list_oauth_providers(
    show_secrets: default!(Option<bool>, "false"),
    server: default!(Option<Text>, "NULL"),
) -> Result<Rows<OauthProvider>, Raise> {
    let secrets = Secrets::asked_for(show_secrets)?;
    let row = new_row()?;
    let list = read(server.as_deref(), |scope| Ok(oauth_providers::list(scope)))?;
    Ok(Rows::new(row, &list.providers, |row, provider| {
        fill(row, provider, secrets)
    })?)
}

/// Adds a provider; see [`oauth_providers::add`].
#[pg_extern(volatile, parallel_unsafe, cost = 10000)]
fn add_oauth_provider(
    id: Option<Text>,
    client_id: default!(Option<Text>, "NULL"),
    client_secret: default!(Option<Text>, "NULL"),
    microsoft_tenant_id: default!(Option<Text>, "NULL"),
    server: default!(Option<Text>, "NULL"),
) -> Result<composite_type!('static, "neon_auth_admin.oauth_provider"), Raise> {
    let given = [client_id, client_secret, microsoft_tenant_id];
    Ok(save(
        c"add_oauth_provider()",
        server,
        id,
        given,
        oauth_providers::add,
    )?)
}

/// Changes the credentials of a provider; see [`oauth_providers::update`].
#[pg_extern(volatile, parallel_unsafe, cost = 10000)]
fn update_oauth_provider(
    id: Option<Text>,
    client_id: default!(Option<Text>, "NULL"),
    client_secret: default!(Option<Text>, "NULL"),
    microsoft_tenant_id: default!(Option<Text>, "NULL"),
    server: default!(Option<Text>, "NULL"),
) -> Result<composite_type!('static, "neon_auth_admin.oauth_provider"), Raise> {
    let given = [client_id, client_secret, microsoft_tenant_id];
    Ok(save(
        c"update_oauth_provider()",
        server,
        id,
        given,
        oauth_providers::update,
    )?)
}

/// What adding and updating have in common: all but the request.
fn save(
    function: &CStr,
    server: Option<Text>,
    id: Option<Text>,
    [client_id, client_secret, microsoft_tenant_id]: [Option<Text>; 3],
    request: fn(&Scope, &str, Credentials) -> Result<Request<OauthProvider>, Error>,
) -> Result<Composite, Error> {
    let row = new_row()?;
    let client_secret = client_secret.as_deref().map(Secret::new);
    let provider = write(function, server.as_deref(), |scope| {
        let credentials = Credentials {
            client_id: client_id.as_deref(),
            client_secret: client_secret.as_ref(),
            microsoft_tenant_id: microsoft_tenant_id.as_deref(),
        };
        request(scope, required("id", id.as_deref())?, credentials)
    })?;
    fill(row, &provider, Secrets::Masked)?.finish()
}

/// Deletes a provider and returns its id; see [`oauth_providers::delete`].
#[pg_extern(volatile, parallel_unsafe, cost = 10000)]
fn delete_oauth_provider(
    id: Option<Text>,
    server: default!(Option<Text>, "NULL"),
) -> Result<Text, Raise> {
    let id = required("id", id)?;
    write(c"delete_oauth_provider()", server.as_deref(), |scope| {
        oauth_providers::delete(scope, &id)
    })?;
    Ok(id)
}

impl SetOf for OauthProvider {
    const SQL: &str = "SETOF neon_auth_admin.oauth_provider";
}

fn new_row() -> Result<Row, Error> {
    Row::new(
        c"oauth_provider",
        &["id", "type", "client_id", "client_secret"],
    )
}

fn fill(row: Row, provider: &OauthProvider, secrets: Secrets) -> Result<Row, Error> {
    row.text("id", provider.id.as_str())?
        .text("type", provider.r#type.as_str())?
        .text("client_id", provider.client_id.as_deref())?
        .secret("client_secret", provider.client_secret.as_ref(), secrets)
}
