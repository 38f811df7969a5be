//! Owns the operations on the plugins of a branch: organizations, magic links, phone numbers. The
//! branch-level API alone has them.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::error::Error;
use crate::neon::argument;
use crate::neon::endpoint::{Endpoint, Look, Path, Resource};
use crate::neon::other::{self, HasOther, Other};
use crate::neon::request::{Method, Request};
use crate::neon::target::Target;

const PLUGIN: Resource = Resource {
    noun: "plugin",
    look: Look::Function("get_plugins"),
};

pub const GET_PLUGINS: Endpoint = Endpoint {
    function: "get_plugins",
    method: Method::Get,
    path: Path::Branch("plugins"),
    purpose: "get plugins",
    resource: &PLUGIN,
};

pub const UPDATE_ORGANIZATION: Endpoint = Endpoint {
    function: "update_organization",
    method: Method::Patch,
    path: Path::Branch("plugins/organization"),
    purpose: "update organization plugin",
    resource: &PLUGIN,
};

pub const UPDATE_MAGIC_LINK: Endpoint = Endpoint {
    function: "update_magic_link",
    method: Method::Patch,
    path: Path::Branch("plugins/magic-link"),
    purpose: "update magic link plugin",
    resource: &PLUGIN,
};

pub const GET_PHONE_NUMBER: Endpoint = Endpoint {
    function: "get_phone_number",
    method: Method::Get,
    path: Path::Branch("plugins/phone-number"),
    purpose: "get phone number plugin",
    resource: &PLUGIN,
};

pub const UPDATE_PHONE_NUMBER: Endpoint = Endpoint {
    function: "update_phone_number",
    method: Method::Patch,
    path: Path::Branch("plugins/phone-number"),
    purpose: "update phone number plugin",
    resource: &PLUGIN,
};

/// Everything that is configured, each part in the API's own words, with fields and plugins that are not
/// known here.
/// `email_provider` and `oauth_providers` may hold secrets.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Plugins {
    pub organization: Option<Box<RawValue>>,
    pub magic_link: Option<Box<RawValue>>,
    pub phone_number: Option<Box<RawValue>>,
    pub email_provider: Option<Box<RawValue>>,
    pub email_and_password: Option<Box<RawValue>>,
    pub oauth_providers: Option<Box<RawValue>>,
    pub allow_localhost: Option<bool>,
    #[serde(deserialize_with = "other::not_yet")]
    pub other: Other,
}

impl HasOther for Plugins {
    fn other(&mut self) -> &mut Other {
        &mut self.other
    }
}

/// `creator_role`: admin or owner. As an update, `None` leaves a field as it is.
#[derive(Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct Organization {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization_limit: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub membership_limit: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub creator_role: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub send_invitation_email: Option<bool>,
}

/// `expires_in` is in minutes. As an update, `None` leaves a field as it is.
#[derive(Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct MagicLink {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disable_sign_up: Option<bool>,
}

/// `otp_expires_in` is in seconds. As an update, `None` leaves a field as it is.
#[derive(Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct PhoneNumber {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub otp_expires_in: Option<i32>,
}

/// `GET .../auth/plugins`.
pub fn get(target: &Target) -> Result<Request<Plugins>, Error> {
    GET_PLUGINS.json_and_other(target, [])
}

/// `PATCH .../auth/plugins/organization`.
pub fn update_organization(
    target: &Target,
    update: &Organization,
) -> Result<Request<Organization>, Error> {
    let limit = |name: &str, value| argument::number(name, value, 1, i32::MAX);
    argument::optional("organization_limit", update.organization_limit, limit)?;
    argument::optional("membership_limit", update.membership_limit, limit)?;
    let role = update.creator_role.as_deref();
    argument::optional("creator_role", role, argument::any_text)?;
    UPDATE_ORGANIZATION.partial_update(target, [], update)
}

/// `PATCH .../auth/plugins/magic-link`.
pub fn update_magic_link(target: &Target, update: &MagicLink) -> Result<Request<MagicLink>, Error> {
    argument::optional("expires_in", update.expires_in, |name, value| {
        argument::number(name, value, 5, 1440)
    })?;
    UPDATE_MAGIC_LINK.partial_update(target, [], update)
}

/// `GET .../auth/plugins/phone-number`.
pub fn get_phone_number(target: &Target) -> Result<Request<PhoneNumber>, Error> {
    GET_PHONE_NUMBER.json(target, [])
}

/// `PATCH .../auth/plugins/phone-number`.
pub fn update_phone_number(
    target: &Target,
    update: &PhoneNumber,
) -> Result<Request<PhoneNumber>, Error> {
    argument::optional("otp_expires_in", update.otp_expires_in, |name, value| {
        argument::number(name, value, 60, 600)
    })?;
    UPDATE_PHONE_NUMBER.partial_update(target, [], update)
}
