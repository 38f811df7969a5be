//! Owns the operations on the OAuth server that Neon Auth can be: the plugin that lets other applications
//! sign users in with it. The branch-level API alone has it.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::error::Error;
use crate::neon::argument::{self, JsonKind};
use crate::neon::endpoint::{Endpoint, Look, Path, Resource};
use crate::neon::other::{self, HasOther, Other};
use crate::neon::request::{Method, Request};
use crate::neon::target::Target;

const OAUTH_SERVER: Resource = Resource {
    noun: "OAuth server",
    look: Look::Function("get_oauth_server"),
};

pub const GET_OAUTH_SERVER: Endpoint = Endpoint {
    function: "get_oauth_server",
    method: Method::Get,
    path: Path::Branch("plugins/oauth-provider"),
    purpose: "get OAuth server",
    resource: &OAUTH_SERVER,
};

pub const UPDATE_OAUTH_SERVER: Endpoint = Endpoint {
    function: "update_oauth_server",
    method: Method::Patch,
    path: Path::Branch("plugins/oauth-provider"),
    purpose: "update OAuth server",
    resource: &OAUTH_SERVER,
};

/// `mcp` and `resources` in the API's own words: not all of what they may hold is known.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct OauthServer {
    pub enabled: Option<bool>,
    pub login_page: Option<String>,
    pub consent_page: Option<String>,
    pub mcp: Option<Box<RawValue>>,
    pub resources: Option<Box<RawValue>>,
    #[serde(deserialize_with = "other::not_yet")]
    pub other: Other,
}

impl HasOther for OauthServer {
    fn other(&mut self) -> &mut Other {
        &mut self.other
    }
}

/// `mcp` and `resources` are JSON, and replace what is there as a whole. `None` leaves a field as it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Update<'a> {
    pub enabled: Option<bool>,
    pub login_page: Option<&'a str>,
    pub consent_page: Option<&'a str>,
    pub mcp: Option<&'a str>,
    pub resources: Option<&'a str>,
}

#[derive(Serialize)]
struct Body<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    login_page: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    consent_page: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mcp: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resources: Option<&'a RawValue>,
}

/// `GET .../auth/plugins/oauth-provider`.
pub fn get(target: &Target) -> Result<Request<OauthServer>, Error> {
    GET_OAUTH_SERVER.json_and_other(target, [])
}

/// `PATCH .../auth/plugins/oauth-provider`. The answer is presumably all of it, but that was not seen: one
/// without a body is all right, too.
pub fn update(target: &Target, update: &Update) -> Result<Request<OauthServer>, Error> {
    let page = argument::empty_or(argument::uri);
    let login_page = argument::optional("login_page", update.login_page, page)?;
    let page = argument::empty_or(argument::uri);
    let consent_page = argument::optional("consent_page", update.consent_page, page)?;
    let json = |kind| move |name: &str, value| argument::json(name, value, kind);
    let body = Body {
        enabled: update.enabled,
        login_page,
        consent_page,
        mcp: argument::optional("mcp", update.mcp, json(JsonKind::Object))?,
        resources: argument::optional("resources", update.resources, json(JsonKind::Array))?,
    };
    let request = UPDATE_OAUTH_SERVER.json_and_other(target, [])?;
    let request = request.decoded_by(|_, body| match body {
        [] => Ok(OauthServer::default()),
        body => other::read(body),
    });
    request.with_update(&body)
}
