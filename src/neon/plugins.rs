//! Owns the operations on the plugins of a branch: organizations, magic links, phone numbers. The
//! branch-level API alone has them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::Error;
use crate::neon::check;
use crate::neon::request::{Look, Method, Request, Segment, Texts};
use crate::neon::scope::Scope;

/// Everything that is configured, each part as the API has it, with fields that are not known here.
/// `email_provider` and `oauth_providers` may hold secrets.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Plugins {
    pub organization: Option<Value>,
    pub magic_link: Option<Value>,
    pub phone_number: Option<Value>,
    pub email_provider: Option<Value>,
    pub email_and_password: Option<Value>,
    pub oauth_providers: Option<Value>,
    pub allow_localhost: Option<bool>,
}

/// `creator_role`: admin or owner.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Organization {
    pub enabled: Option<bool>,
    pub organization_limit: Option<i32>,
    pub membership_limit: Option<i32>,
    pub creator_role: Option<String>,
    pub send_invitation_email: Option<bool>,
}

/// What a caller may say of it; `None` leaves a field as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct OrganizationUpdate<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization_limit: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub membership_limit: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub creator_role: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub send_invitation_email: Option<bool>,
}

/// `expires_in` is in minutes. As an update, `None` leaves a field as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize)]
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct PhoneNumber {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub otp_expires_in: Option<i32>,
}

/// `GET .../auth/plugins`.
pub fn list(scope: &Scope) -> Result<Request<Plugins>, Error> {
    scope.need_branch("get_plugins")?;
    let path = scope.path([Segment::fixed("plugins")]);
    Ok(Request::json(Method::Get, path, texts("get plugins")))
}

/// `PATCH .../auth/plugins/organization`.
pub fn update_organization(
    scope: &Scope,
    update: OrganizationUpdate,
) -> Result<Request<Organization>, Error> {
    let path = path(scope, "update_organization", "organization")?;
    let limit = |name: &str, value| check::number(name, value, 1, i32::MAX);
    check::optional("organization_limit", update.organization_limit, limit)?;
    check::optional("membership_limit", update.membership_limit, limit)?;
    check::optional("creator_role", update.creator_role, check::any_text)?;
    Request::partial_update(path, texts("update organization plugin"), &update)
}

/// `PATCH .../auth/plugins/magic-link`.
pub fn update_magic_link(scope: &Scope, update: MagicLink) -> Result<Request<MagicLink>, Error> {
    let path = path(scope, "update_magic_link", "magic-link")?;
    check::optional("expires_in", update.expires_in, |name, value| {
        check::number(name, value, 5, 1440)
    })?;
    Request::partial_update(path, texts("update magic link plugin"), &update)
}

/// `GET .../auth/plugins/phone-number`.
pub fn get_phone_number(scope: &Scope) -> Result<Request<PhoneNumber>, Error> {
    let path = path(scope, "get_phone_number", "phone-number")?;
    let texts = texts("get phone number plugin");
    Ok(Request::json(Method::Get, path, texts))
}

/// `PATCH .../auth/plugins/phone-number`.
pub fn update_phone_number(
    scope: &Scope,
    update: PhoneNumber,
) -> Result<Request<PhoneNumber>, Error> {
    let path = path(scope, "update_phone_number", "phone-number")?;
    check::optional("otp_expires_in", update.otp_expires_in, |name, value| {
        check::number(name, value, 60, 600)
    })?;
    Request::partial_update(path, texts("update phone number plugin"), &update)
}

fn path(scope: &Scope, function: &str, plugin: &'static str) -> Result<Vec<Segment>, Error> {
    scope.need_branch(function)?;
    Ok(scope.path(["plugins", plugin].map(Segment::fixed)))
}

fn texts(purpose: &'static str) -> Texts {
    Texts {
        purpose,
        noun: "plugin",
        look: Look::Function("get_plugins"),
    }
}
