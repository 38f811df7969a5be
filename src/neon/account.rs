//! Owns what Neon says of a key by itself. It knows nothing of what the key is used for.

use serde::Deserialize;

use crate::error::Error;
use crate::neon::endpoint::{Endpoint, Look, Path, Resource};
use crate::neon::request::{Method, Request};
use crate::neon::target::Target;

const KEY: Resource = Resource {
    noun: "API key",
    look: Look::Function("check_connection"),
};

pub const GET_AUTH_DETAILS: Endpoint = Endpoint {
    function: "check_connection",
    method: Method::Get,
    path: Path::Account("/auth"),
    purpose: "learn what kind of key it is",
    resource: &KEY,
};

#[derive(Debug, Deserialize)]
pub struct AuthDetails {
    auth_method: String,
}

impl AuthDetails {
    /// In words. A text of Neon's own is not shown: where nothing but a word is due, it could be the key.
    pub fn kind(&self) -> &'static str {
        match self.auth_method.as_str() {
            "api_key_user" => "a personal one (api_key_user)",
            "api_key_org" => "that of an organization (api_key_org)",
            "oauth" => "a token of an application (oauth)",
            "keycloak" => "a token of a person (keycloak)",
            "session_cookie" => "that of a session in a browser (session_cookie)",
            _ => "of a kind that is not known here",
        }
    }
}

/// `GET /auth`.
pub fn auth_details() -> Result<Request<AuthDetails>, Error> {
    GET_AUTH_DETAILS.json(&Target::account(), [])
}
