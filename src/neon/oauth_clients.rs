//! Owns the operations on the clients of the OAuth server: applications that sign users in with Neon Auth.
//! The branch-level API alone has them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::neon::argument;
use crate::neon::endpoint::{Endpoint, Look, Path, Resource};
use crate::neon::other::{self, HasOther, Other};
use crate::neon::request::{Method, Request, Segment};
use crate::neon::target::Target;
use crate::secret::Secret;

const CLIENT: Resource = Resource {
    noun: "OAuth client",
    look: Look::Function("list_oauth_clients"),
};

const NEW_CLIENT: Resource = Resource {
    look: Look::NewClient,
    ..CLIENT
};

const CLIENT_SECRET: Resource = Resource {
    look: Look::ClientSecret,
    ..CLIENT
};

pub const LIST_OAUTH_CLIENTS: Endpoint = Endpoint {
    function: "list_oauth_clients",
    method: Method::Get,
    path: Path::Branch("oauth-provider/clients"),
    purpose: "list OAuth clients",
    resource: &CLIENT,
};

pub const CREATE_OAUTH_CLIENT: Endpoint = Endpoint {
    function: "create_oauth_client",
    method: Method::Post,
    path: Path::Branch("oauth-provider/clients"),
    purpose: "create OAuth client",
    resource: &NEW_CLIENT,
};

pub const UPDATE_OAUTH_CLIENT: Endpoint = Endpoint {
    function: "update_oauth_client",
    method: Method::Patch,
    path: Path::Branch("oauth-provider/clients/{client_id}"),
    purpose: "update OAuth client",
    resource: &CLIENT,
};

pub const DELETE_OAUTH_CLIENT: Endpoint = Endpoint {
    function: "delete_oauth_client",
    method: Method::Delete,
    path: Path::Branch("oauth-provider/clients/{client_id}"),
    purpose: "delete OAuth client",
    resource: &CLIENT,
};

pub const ROTATE_OAUTH_CLIENT_SECRET: Endpoint = Endpoint {
    function: "rotate_oauth_client_secret",
    method: Method::Post,
    path: Path::Branch("oauth-provider/clients/{client_id}/rotate_secret"),
    purpose: "rotate secret of OAuth client",
    resource: &CLIENT_SECRET,
};

/// `type`: confidential or public.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct OauthClient {
    pub client_id: Option<String>,
    pub name: Option<String>,
    pub r#type: Option<String>,
    pub redirect_uris: Option<Vec<String>>,
    pub resources: Option<Vec<String>>,
    pub skip_consent: Option<bool>,
    pub disabled: Option<bool>,
    pub created_at: Option<Timestamp>,
    #[serde(deserialize_with = "other::not_yet")]
    pub other: Other,
}

/// The only sight of `client_secret`, which public clients do not have.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct NewOauthClient {
    pub client_id: Option<String>,
    pub client_secret: Option<Secret>,
    pub name: Option<String>,
    pub r#type: Option<String>,
    pub redirect_uris: Option<Vec<String>>,
    pub resources: Option<Vec<String>>,
    pub skip_consent: Option<bool>,
    pub disabled: Option<bool>,
    pub created_at: Option<Timestamp>,
    #[serde(deserialize_with = "other::not_yet")]
    pub other: Other,
}

/// The only sight of the new secret.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct OauthClientSecret {
    pub client_id: Option<String>,
    pub client_secret: Option<Secret>,
    #[serde(deserialize_with = "other::not_yet")]
    pub other: Other,
}

impl HasOther for OauthClient {
    fn other(&mut self) -> &mut Other {
        &mut self.other
    }
}

impl HasOther for NewOauthClient {
    fn other(&mut self) -> &mut Other {
        &mut self.other
    }
}

impl HasOther for OauthClientSecret {
    fn other(&mut self) -> &mut Other {
        &mut self.other
    }
}

#[derive(Debug, Deserialize)]
pub struct OauthClients {
    #[serde(deserialize_with = "other::read_each")]
    pub clients: Vec<OauthClient>,
}

/// What a new client has to say.
#[derive(Debug, Deserialize, Serialize)]
pub struct Registration {
    pub name: String,
    pub redirect_uris: Vec<String>,
    pub r#type: String,
    pub resources: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skip_consent: Option<bool>,
}

/// `redirect_uris` and `resources` replace those that are there. `None` leaves a field as it is.
#[derive(Debug, Default, Deserialize, Serialize)]
pub struct Update {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redirect_uris: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skip_consent: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources: Option<Vec<String>>,
}

/// `GET .../auth/oauth-provider/clients`.
pub fn list(target: &Target) -> Result<Request<OauthClients>, Error> {
    LIST_OAUTH_CLIENTS.json(target, [])
}

/// `POST .../auth/oauth-provider/clients`.
pub fn create(target: &Target, client: &Registration) -> Result<Request<NewOauthClient>, Error> {
    argument::any_text("name", &client.name)?;
    argument::any_text("type", &client.r#type)?;
    check(&client.redirect_uris, &client.resources)?;
    let request = CREATE_OAUTH_CLIENT.json_and_other(target, [])?;
    Ok(request.with_body(client))
}

/// `PATCH .../auth/oauth-provider/clients/{client_id}`.
pub fn update(
    target: &Target,
    client_id: &str,
    update: &Update,
) -> Result<Request<OauthClient>, Error> {
    argument::optional("name", update.name.as_deref(), argument::any_text)?;
    check(
        update.redirect_uris.as_deref().unwrap_or_default(),
        update.resources.as_deref().unwrap_or_default(),
    )?;
    let id = Segment::client_id("client_id", client_id)?;
    let request = UPDATE_OAUTH_CLIENT.json_and_other(target, [id])?;
    request.with_update(update)
}

/// `DELETE .../auth/oauth-provider/clients/{client_id}`.
pub fn delete(target: &Target, client_id: &str) -> Result<Request<()>, Error> {
    DELETE_OAUTH_CLIENT.empty(target, [Segment::client_id("client_id", client_id)?])
}

/// `POST .../auth/oauth-provider/clients/{client_id}/rotate_secret`.
pub fn rotate_secret(
    target: &Target,
    client_id: &str,
) -> Result<Request<OauthClientSecret>, Error> {
    let id = Segment::client_id("client_id", client_id)?;
    ROTATE_OAUTH_CLIENT_SECRET.json_and_other(target, [id])
}

/// Which URIs and resources a client may have, Neon knows alone.
fn check(redirect_uris: &[String], resources: &[String]) -> Result<(), Error> {
    let uris = redirect_uris.iter().map(String::as_str);
    argument::each("redirect_uris", uris, argument::uri)?;
    let resources = resources.iter().map(String::as_str);
    argument::each("resources", resources, argument::any_text)?;
    Ok(())
}
