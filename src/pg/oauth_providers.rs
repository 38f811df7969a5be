//! Owns the SQL functions on OAuth providers.

use pgrx::prelude::*;

use crate::neon::oauth_providers::{self, Credentials, OauthProvider};
use crate::pg::args::required;
use crate::pg::report::Raise;
use crate::pg::reserve::Entry;
use crate::pg::row::{One, Secrets, row_type};
use crate::pg::rows::Rows;
use crate::pg::session::Session;
use crate::pg::text::Text;
use crate::secret::Secret;

row_type!(OauthProvider, "oauth_provider");

/// Lists the providers; see [`oauth_providers::list`].
#[pg_extern(volatile, parallel_unsafe, cost = 10000)]
fn list_oauth_providers(
    _entry: Entry,
    show_secrets: default!(Option<bool>, "false"),
    server: default!(Option<Text>, "NULL"),
) -> Result<Rows<OauthProvider>, Raise> {
    let secrets = Secrets::asked_for(show_secrets)?;
    let neon = Session::open(&oauth_providers::LIST_OAUTH_PROVIDERS, server.as_deref())?;
    let request = oauth_providers::list(neon.target())?;
    neon.rows(&request, secrets, |list| list.providers)
}

/// Adds a provider; see [`oauth_providers::add`].
#[pg_extern(volatile, parallel_unsafe, cost = 10000)]
fn add_oauth_provider(
    _entry: Entry,
    id: Option<Text>,
    client_id: default!(Option<Text>, "NULL"),
    client_secret: default!(Option<Text>, "NULL"),
    microsoft_tenant_id: default!(Option<Text>, "NULL"),
    server: default!(Option<Text>, "NULL"),
) -> Result<One<OauthProvider>, Raise> {
    let neon = Session::open(&oauth_providers::ADD_OAUTH_PROVIDER, server.as_deref())?;
    let client_secret = client_secret.as_deref().map(Secret::new);
    let credentials = Credentials {
        client_id: client_id.as_deref(),
        client_secret: client_secret.as_ref(),
        microsoft_tenant_id: microsoft_tenant_id.as_deref(),
    };
    let id = required("id", id)?;
    let request = oauth_providers::add(neon.target(), &id, credentials)?;
    neon.row(&request)
}

/// Changes the credentials of a provider; see [`oauth_providers::update`].
#[pg_extern(volatile, parallel_unsafe, cost = 10000)]
fn update_oauth_provider(
    _entry: Entry,
    id: Option<Text>,
    client_id: default!(Option<Text>, "NULL"),
    client_secret: default!(Option<Text>, "NULL"),
    microsoft_tenant_id: default!(Option<Text>, "NULL"),
    server: default!(Option<Text>, "NULL"),
) -> Result<One<OauthProvider>, Raise> {
    let neon = Session::open(&oauth_providers::UPDATE_OAUTH_PROVIDER, server.as_deref())?;
    let client_secret = client_secret.as_deref().map(Secret::new);
    let credentials = Credentials {
        client_id: client_id.as_deref(),
        client_secret: client_secret.as_ref(),
        microsoft_tenant_id: microsoft_tenant_id.as_deref(),
    };
    let id = required("id", id)?;
    let request = oauth_providers::update(neon.target(), &id, credentials)?;
    neon.row(&request)
}

/// Deletes a provider, and returns its id; see [`oauth_providers::delete`].
#[pg_extern(volatile, parallel_unsafe, cost = 10000)]
fn delete_oauth_provider(
    _entry: Entry,
    id: Option<Text>,
    server: default!(Option<Text>, "NULL"),
) -> Result<Text, Raise> {
    let neon = Session::open(&oauth_providers::DELETE_OAUTH_PROVIDER, server.as_deref())?;
    let id = required("id", id)?;
    neon.send(&oauth_providers::delete(neon.target(), &id)?)?;
    Ok(id)
}
