//! Owns the operations on how people sign in on a branch: e-mail and password, localhost, the name
//! that they see. The branch-level API alone has them.

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::neon::check;
use crate::neon::request::{Look, Method, Request, Segment, Texts};
use crate::neon::scope::Scope;

/// `email_verification_method`: link or otp.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct EmailAndPassword {
    pub enabled: Option<bool>,
    pub email_verification_method: Option<String>,
    pub require_email_verification: Option<bool>,
    pub auto_sign_in_after_verification: Option<bool>,
    pub send_verification_email_on_sign_up: Option<bool>,
    pub send_verification_email_on_sign_in: Option<bool>,
    pub disable_sign_up: Option<bool>,
}

/// What a caller may say of it; `None` leaves a field as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct EmailAndPasswordUpdate<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email_verification_method: Option<&'a str>,
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
pub fn get_email_and_password(scope: &Scope) -> Result<Request<EmailAndPassword>, Error> {
    let look = "get_email_and_password";
    let path = path(scope, look, "email_and_password")?;
    let texts = texts("get e-mail and password settings", look);
    Ok(Request::json(Method::Get, path, texts))
}

/// `PATCH .../auth/email_and_password`.
pub fn update_email_and_password(
    scope: &Scope,
    update: EmailAndPasswordUpdate,
) -> Result<Request<EmailAndPassword>, Error> {
    let path = path(scope, "update_email_and_password", "email_and_password")?;
    check::optional(
        "email_verification_method",
        update.email_verification_method,
        check::any_text,
    )?;
    let purpose = "update e-mail and password settings";
    Request::partial_update(path, texts(purpose, "get_email_and_password"), &update)
}

/// `GET .../auth/allow_localhost`.
pub fn get_allow_localhost(scope: &Scope) -> Result<Request<AllowLocalhost>, Error> {
    let look = "get_allow_localhost";
    let path = path(scope, look, "allow_localhost")?;
    let texts = texts("learn whether localhost is allowed", look);
    Ok(Request::json(Method::Get, path, texts))
}

/// `PATCH .../auth/allow_localhost`.
pub fn update_allow_localhost(
    scope: &Scope,
    allow_localhost: bool,
) -> Result<Request<AllowLocalhost>, Error> {
    let path = path(scope, "update_allow_localhost", "allow_localhost")?;
    let texts = texts("allow or forbid localhost", "get_allow_localhost");
    let body = AllowLocalhost { allow_localhost };
    Ok(Request::json(Method::Patch, path, texts).with_body(&body))
}

/// `PATCH .../auth/config`.
pub fn update_config(scope: &Scope, name: &str) -> Result<Request<Config>, Error> {
    let path = path(scope, "update_config", "config")?;
    let name = check::text("name", name, 256)?;
    let texts = texts("update name", "get_integration");
    Ok(Request::json(Method::Patch, path, texts).with_body(&ConfigUpdate { name }))
}

fn path(scope: &Scope, function: &str, tail: &'static str) -> Result<Vec<Segment>, Error> {
    scope.need_branch(function)?;
    Ok(scope.path([Segment::fixed(tail)]))
}

fn texts(purpose: &'static str, look: &'static str) -> Texts {
    Texts {
        purpose,
        noun: "setting",
        look: Look::Function(look),
    }
}
