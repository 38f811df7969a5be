//! Owns the SQL functions on OAuth providers.

use pgrx::composite_type;
use pgrx::iter::SetOfIterator;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::neon::oauth_providers::{self, Credentials, OauthProvider};
use crate::pg::call::{read, required, write};
use crate::pg::row::{Composite, Row};
use crate::pg::text::Text;
use crate::secret::Secret;

/// Lists the providers; see [`oauth_providers::list`].
#[pg_extern(volatile, parallel_unsafe, cost = 10000)]
fn list_oauth_providers(
    server: default!(Option<Text>, "NULL"),
) -> Result<
    SetOfIterator<'static, composite_type!('static, "neon_auth_admin.oauth_provider")>,
    ErrorReport,
> {
    let server = server.as_deref();
    let list = read(server, oauth_providers::list)?;
    let rows: Result<Vec<_>, _> = list.providers.iter().map(row).collect();
    Ok(SetOfIterator::new(rows?))
}

/// Adds a provider; see [`oauth_providers::add`].
#[pg_extern(volatile, parallel_unsafe, cost = 10000)]
fn add_oauth_provider(
    id: Option<Text>,
    client_id: default!(Option<Text>, "NULL"),
    client_secret: default!(Option<Text>, "NULL"),
    microsoft_tenant_id: default!(Option<Text>, "NULL"),
    server: default!(Option<Text>, "NULL"),
) -> Result<composite_type!('static, "neon_auth_admin.oauth_provider"), ErrorReport> {
    let id = id.as_deref();
    let client_id = client_id.as_deref();
    let client_secret = client_secret.as_deref();
    let microsoft_tenant_id = microsoft_tenant_id.as_deref();
    let server = server.as_deref();
    let client_secret = client_secret.map(Secret::new);
    let provider = write(c"add_oauth_provider()", server, |scope| {
        let credentials = Credentials {
            client_id,
            client_secret: client_secret.as_ref(),
            microsoft_tenant_id,
        };
        oauth_providers::add(scope, required("id", id)?, credentials)
    })?;
    row(&provider)
}

/// Changes the credentials of a provider; see [`oauth_providers::update`].
#[pg_extern(volatile, parallel_unsafe, cost = 10000)]
fn update_oauth_provider(
    id: Option<Text>,
    client_id: default!(Option<Text>, "NULL"),
    client_secret: default!(Option<Text>, "NULL"),
    microsoft_tenant_id: default!(Option<Text>, "NULL"),
    server: default!(Option<Text>, "NULL"),
) -> Result<composite_type!('static, "neon_auth_admin.oauth_provider"), ErrorReport> {
    let id = id.as_deref();
    let client_id = client_id.as_deref();
    let client_secret = client_secret.as_deref();
    let microsoft_tenant_id = microsoft_tenant_id.as_deref();
    let server = server.as_deref();
    let client_secret = client_secret.map(Secret::new);
    let provider = write(c"update_oauth_provider()", server, |scope| {
        let credentials = Credentials {
            client_id,
            client_secret: client_secret.as_ref(),
            microsoft_tenant_id,
        };
        oauth_providers::update(scope, required("id", id)?, credentials)
    })?;
    row(&provider)
}

/// Deletes a provider; see [`oauth_providers::delete`].
#[pg_extern(volatile, parallel_unsafe, cost = 10000)]
fn delete_oauth_provider(
    id: Option<Text>,
    server: default!(Option<Text>, "NULL"),
) -> Result<(), ErrorReport> {
    let id = id.as_deref();
    let server = server.as_deref();
    write(c"delete_oauth_provider()", server, |scope| {
        oauth_providers::delete(scope, required("id", id)?)
    })
}

fn row(provider: &OauthProvider) -> Result<Composite, ErrorReport> {
    let row = Row::new(c"oauth_provider")?
        .text("id", provider.id.as_str())?
        .text("type", provider.r#type.as_str())?
        .text("client_id", provider.client_id.as_deref())?
        .secret("client_secret", provider.client_secret.as_ref())?;
    row.finish()
}
