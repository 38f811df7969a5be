//! Owns the SQL functions on the OAuth server that Neon Auth can be.

use pgrx::prelude::*;

use crate::neon::oauth_server::{self, OauthServer, Update};
use crate::pg::json::Json;
use crate::pg::report::Raise;
use crate::pg::reserve::Entry;
use crate::pg::row::{One, Secrets, row_type};
use crate::pg::session::Session;
use crate::pg::text::Text;

row_type!(OauthServer, "oauth_server");

/// Reads the settings; see [`oauth_server::get`].
#[pg_extern(volatile, parallel_restricted, cost = 1000)]
fn get_oauth_server(
    _entry: Entry,
    show_secrets: default!(Option<bool>, "false"),
    server: default!(Option<Text>, "NULL"),
) -> Result<One<OauthServer>, Raise> {
    let secrets = Secrets::asked_for(show_secrets)?;
    let neon = Session::open(&oauth_server::GET_OAUTH_SERVER, server.as_deref())?;
    let request = oauth_server::get(neon.target())?;
    neon.row_showing(&request, secrets)
}

/// Changes the settings; see [`oauth_server::update`].
#[pg_extern(volatile, parallel_unsafe, cost = 1000)]
fn update_oauth_server(
    _entry: Entry,
    enabled: default!(Option<bool>, "NULL"),
    login_page: default!(Option<Text>, "NULL"),
    consent_page: default!(Option<Text>, "NULL"),
    mcp: default!(Option<Json>, "NULL"),
    resources: default!(Option<Json>, "NULL"),
    server: default!(Option<Text>, "NULL"),
) -> Result<One<OauthServer>, Raise> {
    let neon = Session::open(&oauth_server::UPDATE_OAUTH_SERVER, server.as_deref())?;
    let update = Update {
        enabled,
        login_page: login_page.as_deref(),
        consent_page: consent_page.as_deref(),
        mcp: mcp.as_deref(),
        resources: resources.as_deref(),
    };
    let request = oauth_server::update(neon.target(), &update)?;
    neon.row(&request)
}
