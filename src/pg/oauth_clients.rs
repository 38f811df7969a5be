//! Owns the SQL functions on the clients of the OAuth server.

use pgrx::prelude::*;

use crate::error::Error;
use crate::neon::oauth_clients::{self, NewOauthClient, OauthClient, OauthClientSecret};
use crate::neon::oauth_clients::{Registration, Update};
use crate::pg::args::{owned, required, texts};
use crate::pg::report::Raise;
use crate::pg::reserve::Entry;
use crate::pg::row::{One, Secrets, row_type};
use crate::pg::rows::Rows;
use crate::pg::session::Session;
use crate::pg::text::Text;

row_type!(OauthClient, "oauth_client");
row_type!(NewOauthClient, "new_oauth_client");
row_type!(OauthClientSecret, "oauth_client_secret");

/// Lists the clients; see [`oauth_clients::list`].
#[pg_extern(volatile, parallel_restricted, cost = 1000)]
fn list_oauth_clients(
    _entry: Entry,
    show_secrets: default!(Option<bool>, "false"),
    server: default!(Option<Text>, "NULL"),
) -> Result<Rows<OauthClient>, Raise> {
    let secrets = Secrets::asked_for(show_secrets)?;
    let neon = Session::open(&oauth_clients::LIST_OAUTH_CLIENTS, server.as_deref())?;
    let request = oauth_clients::list(neon.target())?;
    neon.rows(&request, secrets, |list| list.clients)
}

/// Creates a client, and shows its secret; see [`oauth_clients::create`]. The SQL is written out because
/// pgrx would call the third argument `r#type`.
#[pg_extern(sql = r#"
CREATE FUNCTION neon_auth_admin.create_oauth_client(
    name text,
    redirect_uris text[],
    type text,
    resources text[],
    skip_consent boolean DEFAULT NULL,
    server text DEFAULT NULL
) RETURNS neon_auth_admin.new_oauth_client
VOLATILE PARALLEL UNSAFE COST 1000
LANGUAGE c
AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
"#)]
fn create_oauth_client(
    _entry: Entry,
    name: Option<Text>,
    redirect_uris: Option<Array<Text>>,
    r#type: Option<Text>,
    resources: Option<Array<Text>>,
    skip_consent: Option<bool>,
    server: Option<Text>,
) -> Result<One<NewOauthClient>, Raise> {
    let neon = Session::open(&oauth_clients::CREATE_OAUTH_CLIENT, server.as_deref())?;
    let client = Registration {
        name: required("name", owned(&name))?,
        redirect_uris: required("redirect_uris", all("redirect_uris", redirect_uris)?)?,
        r#type: required("type", owned(&r#type))?,
        resources: required("resources", all("resources", resources)?)?,
        skip_consent,
    };
    let request = oauth_clients::create(neon.target(), &client)?;
    neon.row_showing(&request, Secrets::Shown)
}

/// Changes a client; see [`oauth_clients::update`].
#[pg_extern(volatile, parallel_unsafe, cost = 1000)]
#[allow(
    clippy::too_many_arguments,
    reason = "one argument per field of the API"
)]
fn update_oauth_client(
    _entry: Entry,
    client_id: Option<Text>,
    name: default!(Option<Text>, "NULL"),
    redirect_uris: default!(Option<Array<Text>>, "NULL"),
    skip_consent: default!(Option<bool>, "NULL"),
    disabled: default!(Option<bool>, "NULL"),
    resources: default!(Option<Array<Text>>, "NULL"),
    server: default!(Option<Text>, "NULL"),
) -> Result<One<OauthClient>, Raise> {
    let neon = Session::open(&oauth_clients::UPDATE_OAUTH_CLIENT, server.as_deref())?;
    let client_id = required("client_id", client_id)?;
    let update = Update {
        name: owned(&name),
        redirect_uris: all("redirect_uris", redirect_uris)?,
        skip_consent,
        disabled,
        resources: all("resources", resources)?,
    };
    let request = oauth_clients::update(neon.target(), &client_id, &update)?;
    neon.row(&request)
}

/// Deletes a client, and returns its id; see [`oauth_clients::delete`].
#[pg_extern(volatile, parallel_unsafe, cost = 1000)]
fn delete_oauth_client(
    _entry: Entry,
    client_id: Option<Text>,
    server: default!(Option<Text>, "NULL"),
) -> Result<Text, Raise> {
    let neon = Session::open(&oauth_clients::DELETE_OAUTH_CLIENT, server.as_deref())?;
    let client_id = required("client_id", client_id)?;
    neon.send(&oauth_clients::delete(neon.target(), &client_id)?)?;
    Ok(client_id)
}

/// Replaces the secret of a client, and shows the new one; see [`oauth_clients::rotate_secret`].
#[pg_extern(volatile, parallel_unsafe, cost = 1000)]
fn rotate_oauth_client_secret(
    _entry: Entry,
    client_id: Option<Text>,
    server: default!(Option<Text>, "NULL"),
) -> Result<One<OauthClientSecret>, Raise> {
    let endpoint = &oauth_clients::ROTATE_OAUTH_CLIENT_SECRET;
    let neon = Session::open(endpoint, server.as_deref())?;
    let client_id = required("client_id", client_id)?;
    let request = oauth_clients::rotate_secret(neon.target(), &client_id)?;
    neon.row_showing(&request, Secrets::Shown)
}

/// The elements of an optional array.
fn all(name: &str, array: Option<Array<Text>>) -> Result<Option<Vec<String>>, Error> {
    let texts = array.map(|array| texts(name, &array)).transpose()?;
    Ok(texts.map(|texts| texts.iter().map(|text| text.to_string()).collect()))
}
