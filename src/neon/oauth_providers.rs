//! Owns the operations on OAuth providers.

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::neon::check;
use crate::neon::request::{Look, Method, Request, Segment, Texts};
use crate::neon::scope::Scope;
use crate::secret::Secret;

/// `id`: google, github, microsoft, vercel; `type`: standard (own credentials) or shared (Neon's).
#[derive(Debug, Deserialize)]
pub struct OauthProvider {
    pub id: String,
    pub r#type: String,
    #[serde(default)]
    pub client_id: Option<String>,
    #[serde(default)]
    pub client_secret: Option<Secret>,
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

impl Credentials<'_> {
    fn check(&self) -> Result<(), Error> {
        check::optional("client_id", self.client_id, check::any_text)?;
        check::optional("client_secret", self.client_secret, check::secret)?;
        check::optional(
            "microsoft_tenant_id",
            self.microsoft_tenant_id,
            check::any_text,
        )?;
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
pub fn list(scope: &Scope) -> Request<OauthProviders> {
    Request::json(Method::Get, path(scope), texts("list OAuth providers"))
}

/// `POST .../auth/oauth_providers`.
pub fn add(
    scope: &Scope,
    id: &str,
    credentials: Credentials,
) -> Result<Request<OauthProvider>, Error> {
    credentials.check()?;
    Segment::id("id", id)?;
    let request = Request::json(Method::Post, path(scope), texts("add OAuth provider"));
    Ok(request
        .with_body(&NewProvider { id, credentials })
        .with_secrets(credentials.client_secret))
}

/// `PATCH .../auth/oauth_providers/{id}`.
pub fn update(
    scope: &Scope,
    id: &str,
    credentials: Credentials,
) -> Result<Request<OauthProvider>, Error> {
    credentials.check()?;
    let path = provider_path(scope, id)?;
    let texts = texts("update OAuth provider");
    let request = Request::partial_update(path, texts, &credentials)?;
    Ok(request.with_secrets(credentials.client_secret))
}

/// `DELETE .../auth/oauth_providers/{id}`.
pub fn delete(scope: &Scope, id: &str) -> Result<Request<()>, Error> {
    let path = provider_path(scope, id)?;
    let texts = texts("delete OAuth provider");
    Ok(Request::empty(Method::Delete, path, texts))
}

fn path(scope: &Scope) -> Vec<Segment> {
    scope.path([Segment::fixed("oauth_providers")])
}

fn provider_path(scope: &Scope, id: &str) -> Result<Vec<Segment>, Error> {
    Ok(scope.path([Segment::fixed("oauth_providers"), Segment::id("id", id)?]))
}

fn texts(purpose: &'static str) -> Texts {
    Texts {
        purpose,
        noun: "OAuth provider",
        look: Look::Function("list_oauth_providers"),
    }
}
