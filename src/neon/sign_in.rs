//! Owns the operations on how people sign in on a branch: e-mail and password, localhost, the name
//! that they see. The branch-level API alone has them.

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::neon::argument;
use crate::neon::endpoint::{Endpoint, Look, Path, Resource};
use crate::neon::request::{Method, Request};
use crate::neon::target::Target;

const EMAIL_AND_PASSWORD: Resource = setting("get_email_and_password");
const ALLOW_LOCALHOST: Resource = setting("get_allow_localhost");
const CONFIG: Resource = setting("get_integration");

const fn setting(shown_by: &'static str) -> Resource {
    Resource {
        noun: "setting",
        look: Look::Function(shown_by),
    }
}

pub const GET_EMAIL_AND_PASSWORD: Endpoint = Endpoint {
    function: "get_email_and_password",
    method: Method::Get,
    path: Path::Branch("email_and_password"),
    purpose: "get e-mail and password settings",
    resource: &EMAIL_AND_PASSWORD,
};

pub const UPDATE_EMAIL_AND_PASSWORD: Endpoint = Endpoint {
    function: "update_email_and_password",
    method: Method::Patch,
    path: Path::Branch("email_and_password"),
    purpose: "update e-mail and password settings",
    resource: &EMAIL_AND_PASSWORD,
};

pub const GET_ALLOW_LOCALHOST: Endpoint = Endpoint {
    function: "get_allow_localhost",
    method: Method::Get,
    path: Path::Branch("allow_localhost"),
    purpose: "learn whether localhost is allowed",
    resource: &ALLOW_LOCALHOST,
};

pub const UPDATE_ALLOW_LOCALHOST: Endpoint = Endpoint {
    function: "update_allow_localhost",
    method: Method::Patch,
    path: Path::Branch("allow_localhost"),
    purpose: "allow or forbid localhost",
    resource: &ALLOW_LOCALHOST,
};

pub const UPDATE_CONFIG: Endpoint = Endpoint {
    function: "update_config",
    method: Method::Patch,
    path: Path::Branch("config"),
    purpose: "update name",
    resource: &CONFIG,
};

/// `email_verification_method`: link or otp. As an update, `None` leaves a field as it is.
#[derive(Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct EmailAndPassword {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email_verification_method: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require_email_verification: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_sign_in_after_verification: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub send_verification_email_on_sign_up: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub send_verification_email_on_sign_in: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disable_sign_up: Option<bool>,
}

#[derive(Debug, Deserialize, Serialize)]
pub struct AllowLocalhost {
    pub allow_localhost: bool,
}

#[derive(Debug, Deserialize)]
pub struct Config {
    pub name: String,
}

#[derive(Serialize)]
struct ConfigUpdate<'a> {
    name: &'a str,
}

/// `GET .../auth/email_and_password`.
pub fn get_email_and_password(target: &Target) -> Result<Request<EmailAndPassword>, Error> {
    GET_EMAIL_AND_PASSWORD.json(target, [])
}

/// `PATCH .../auth/email_and_password`.
pub fn update_email_and_password(
    target: &Target,
    update: &EmailAndPassword,
) -> Result<Request<EmailAndPassword>, Error> {
    let method = update.email_verification_method.as_deref();
    argument::optional("email_verification_method", method, argument::any_text)?;
    UPDATE_EMAIL_AND_PASSWORD.partial_update(target, [], update)
}

/// `GET .../auth/allow_localhost`.
pub fn get_allow_localhost(target: &Target) -> Result<Request<AllowLocalhost>, Error> {
    GET_ALLOW_LOCALHOST.json(target, [])
}

/// `PATCH .../auth/allow_localhost`.
pub fn update_allow_localhost(
    target: &Target,
    allow_localhost: bool,
) -> Result<Request<AllowLocalhost>, Error> {
    let body = AllowLocalhost { allow_localhost };
    Ok(UPDATE_ALLOW_LOCALHOST.json(target, [])?.with_body(&body))
}

/// `PATCH .../auth/config`.
pub fn update_config(target: &Target, name: &str) -> Result<Request<Config>, Error> {
    let name = argument::text("name", name, 1..=256)?;
    let body = ConfigUpdate { name };
    Ok(UPDATE_CONFIG.json(target, [])?.with_body(&body))
}
