//! Owns the SQL functions on OAuth providers.

use pgrx::prelude::*;

use crate::error::Error;
use crate::neon::oauth_providers::{self, Credentials, EnsuredOauthProvider, OauthProvider};
use crate::pg::args::required;
use crate::pg::report::Raise;
use crate::pg::reserve::Entry;
use crate::pg::row::{One, Row, Secrets, row_type};
use crate::pg::rows::Rows;
use crate::pg::session::Session;
use crate::pg::text::Text;
use crate::secret::Secret;

row_type!(EnsuredOauthProvider, "ensured_oauth_provider");
row_type!(OauthProvider, "oauth_provider");

/// Lists the providers; see [`oauth_providers::list`].
#[pg_extern(volatile, parallel_restricted, cost = 1000)]
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
#[pg_extern(volatile, parallel_unsafe, cost = 1000)]
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
    let credentials = credentials(&client_id, &client_secret, &microsoft_tenant_id);
    let id = required("id", id)?;
    let request = oauth_providers::add(neon.target(), &id, credentials)?;
    neon.row(&request)
}

/// Adds a provider, or finds the one that is there; see [`oauth_providers::ensure`].
#[pg_extern(volatile, parallel_unsafe, cost = 1000)]
fn ensure_oauth_provider(
    _entry: Entry,
    id: Option<Text>,
    client_id: default!(Option<Text>, "NULL"),
    client_secret: default!(Option<Text>, "NULL"),
    microsoft_tenant_id: default!(Option<Text>, "NULL"),
    server: default!(Option<Text>, "NULL"),
) -> Result<One<EnsuredOauthProvider>, Raise> {
    let row = Row::new::<EnsuredOauthProvider>()?;
    let endpoint = &oauth_providers::ENSURE_OAUTH_PROVIDER;
    let neon = Session::open(endpoint, server.as_deref())?;
    let client_secret = client_secret.as_deref().map(Secret::new);
    let credentials = credentials(&client_id, &client_secret, &microsoft_tenant_id);
    let id = required("id", id)?;
    let request = oauth_providers::ensure(neon.target(), &id, credentials)?;
    let provider = match neon.ensure(&request)? {
        Some(added) => added.ensured(true),
        None => {
            let list = neon.read(&oauth_providers::list(neon.target())?)?;
            let mut list = list.into_iter().flat_map(|list| list.providers);
            let found = list.find(|provider| *provider.id == *id);
            found
                .ok_or_else(|| Error::provider_gone(&id))?
                .ensured(false)
        }
    };
    Ok(One::new(row.filled(provider, Secrets::Masked)?))
}

/// Changes the credentials of a provider; see [`oauth_providers::update`].
#[pg_extern(volatile, parallel_unsafe, cost = 1000)]
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
    let credentials = credentials(&client_id, &client_secret, &microsoft_tenant_id);
    let id = required("id", id)?;
    let request = oauth_providers::update(neon.target(), &id, credentials)?;
    neon.row(&request)
}

/// Deletes a provider, and returns its id; see [`oauth_providers::delete`].
#[pg_extern(volatile, parallel_unsafe, cost = 1000)]
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

fn credentials<'a>(
    client_id: &'a Option<Text>,
    client_secret: &'a Option<Secret>,
    microsoft_tenant_id: &'a Option<Text>,
) -> Credentials<'a> {
    Credentials {
        client_id: client_id.as_deref(),
        client_secret: client_secret.as_ref(),
        microsoft_tenant_id: microsoft_tenant_id.as_deref(),
    }
}
