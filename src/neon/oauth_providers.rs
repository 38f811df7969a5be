//! Owns the operations on OAuth providers.

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::neon::argument;
use crate::neon::endpoint::{Endpoint, Look, Path, Resource};
use crate::neon::request::{Method, Request, Segment};
use crate::neon::target::Target;
use crate::secret::Secret;

const PROVIDER: Resource = Resource {
    noun: "OAuth provider",
    look: Look::Function("list_oauth_providers"),
};

pub const LIST_OAUTH_PROVIDERS: Endpoint = Endpoint {
    function: "list_oauth_providers",
    method: Method::Get,
    path: Path::Both("oauth_providers"),
    purpose: "list OAuth providers",
    resource: &PROVIDER,
};

pub const ADD_OAUTH_PROVIDER: Endpoint = Endpoint {
    function: "add_oauth_provider",
    method: Method::Post,
    path: Path::Both("oauth_providers"),
    purpose: "add OAuth provider",
    resource: &PROVIDER,
};

pub const ENSURE_OAUTH_PROVIDER: Endpoint = Endpoint {
    function: "ensure_oauth_provider",
    ..ADD_OAUTH_PROVIDER
};

pub const UPDATE_OAUTH_PROVIDER: Endpoint = Endpoint {
    function: "update_oauth_provider",
    method: Method::Patch,
    path: Path::Both("oauth_providers/{id}"),
    purpose: "update OAuth provider",
    resource: &PROVIDER,
};

pub const DELETE_OAUTH_PROVIDER: Endpoint = Endpoint {
    function: "delete_oauth_provider",
    method: Method::Delete,
    path: Path::Both("oauth_providers/{id}"),
    purpose: "delete OAuth provider",
    resource: &PROVIDER,
};

/// `id`: google, github, microsoft, vercel; `type`: standard (own credentials) or shared (Neon's).
#[derive(Debug, Deserialize, Serialize)]
pub struct OauthProvider {
    pub id: String,
    pub r#type: String,
    #[serde(default)]
    pub client_id: Option<String>,
    #[serde(default)]
    pub client_secret: Option<Secret>,
}

/// A provider that was added, or was there.
#[derive(Debug, Deserialize, Serialize)]
pub struct EnsuredOauthProvider {
    pub id: String,
    pub r#type: String,
    pub client_id: Option<String>,
    pub client_secret: Option<Secret>,
    pub created: bool,
}

#[derive(Debug, Deserialize)]
pub struct OauthProviders {
    pub providers: Vec<OauthProvider>,
}

/// What a caller may say of a provider; `None` leaves it out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Credentials<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<&'a Secret>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub microsoft_tenant_id: Option<&'a str>,
}

impl OauthProvider {
    pub fn ensured(self, created: bool) -> EnsuredOauthProvider {
        EnsuredOauthProvider {
            id: self.id,
            r#type: self.r#type,
            client_id: self.client_id,
            client_secret: self.client_secret,
            created,
        }
    }
}

impl Credentials<'_> {
    fn check(&self) -> Result<(), Error> {
        let (secret, tenant) = (self.client_secret, self.microsoft_tenant_id);
        argument::optional("client_id", self.client_id, argument::free_text)?;
        argument::optional("client_secret", secret, argument::secret)?;
        argument::optional("microsoft_tenant_id", tenant, argument::free_text)?;
        Ok(())
    }
}

#[derive(Serialize)]
struct NewProvider<'a> {
    id: &'a str,
    #[serde(flatten)]
    credentials: Credentials<'a>,
}

/// `GET .../auth/oauth_providers`.
pub fn list(target: &Target) -> Result<Request<OauthProviders>, Error> {
    LIST_OAUTH_PROVIDERS.json(target, [])
}

/// `POST .../auth/oauth_providers`.
pub fn add(
    target: &Target,
    id: &str,
    credentials: Credentials,
) -> Result<Request<OauthProvider>, Error> {
    add_by(&ADD_OAUTH_PROVIDER, target, id, credentials)
}

/// The same, for whoever goes on if there is such a provider.
pub fn ensure(
    target: &Target,
    id: &str,
    credentials: Credentials,
) -> Result<Request<OauthProvider>, Error> {
    add_by(&ENSURE_OAUTH_PROVIDER, target, id, credentials)
}

fn add_by(
    endpoint: &'static Endpoint,
    target: &Target,
    id: &str,
    credentials: Credentials,
) -> Result<Request<OauthProvider>, Error> {
    credentials.check()?;
    argument::id("id", id)?;
    Ok(endpoint
        .json(target, [])?
        .with_body(&NewProvider { id, credentials })
        .with_secrets(credentials.client_secret))
}

/// `PATCH .../auth/oauth_providers/{id}`.
pub fn update(
    target: &Target,
    id: &str,
    credentials: Credentials,
) -> Result<Request<OauthProvider>, Error> {
    credentials.check()?;
    let id = Segment::id("id", id)?;
    let request = UPDATE_OAUTH_PROVIDER.partial_update(target, [id], &credentials)?;
    Ok(request.with_secrets(credentials.client_secret))
}

/// `DELETE .../auth/oauth_providers/{id}`.
pub fn delete(target: &Target, id: &str) -> Result<Request<()>, Error> {
    DELETE_OAUTH_PROVIDER.empty(target, [Segment::id("id", id)?])
}
