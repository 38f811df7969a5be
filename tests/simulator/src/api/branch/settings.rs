//! The settings of a branch: get, update, replace, and most of them at once. What is asked for
//! decides which of them is meant.

use axum::Json;
use serde::Serialize;
use serde_json::{Value, json};

use super::email_provider::redacted;
use crate::api::body::{Body, boolean, integer, items, one_of, string};
use crate::api::error::ApiError;
use crate::api::job::Job;
use crate::api::oauth_providers::providers;
use crate::state::settings::{
    AllowLocalhost, EmailAndPassword, MagicLink, Organization, PhoneNumber, Settings, Webhooks,
};

const INT32: i64 = i32::MAX as i64;

pub trait Setting: Clone + Serialize {
    fn of(settings: &mut Settings) -> &mut Self;

    /// Takes over the fields that are there.
    fn merge(&mut self, body: &Body) -> Result<(), ApiError>;
}

/// Takes over each field that is there, read as it says.
macro_rules! merge {
    ($setting:ident, $body:ident, { $($field:ident: $read:expr,)* }) => {{
        $($body.merge(stringify!($field), $read, &mut $setting.$field)?;)*
        Ok(())
    }};
}

/// `GET .../auth/email_and_password`, `allow_localhost`, `plugins/phone-number`, `webhooks`
pub async fn get<S: Setting>(job: Job) -> Result<Json<S>, ApiError> {
    job.on_branch(|branch| Ok(Json(S::of(&mut branch.settings).clone())))
}

/// `PATCH .../auth/email_and_password`, `allow_localhost`, `plugins/organization`,
/// `plugins/magic-link`, `plugins/phone-number`
pub async fn update<S: Setting>(job: Job) -> Result<Json<S>, ApiError> {
    let body = job.call.body()?;
    job.on_branch(|branch| {
        let setting = S::of(&mut branch.settings);
        let mut new = setting.clone();
        new.merge(&body)?;
        *setting = new.clone();
        Ok(Json(new))
    })
}

/// `PUT .../auth/webhooks`
pub async fn replace<S: Setting + Default>(job: Job) -> Result<Json<S>, ApiError> {
    let mut new = S::default();
    new.merge(&job.call.body()?)?;
    job.on_branch(|branch| {
        *S::of(&mut branch.settings) = new.clone();
        Ok(Json(new))
    })
}

/// `GET .../auth/plugins`
pub async fn plugins(job: Job) -> Result<Json<Value>, ApiError> {
    job.on_branch(|branch| {
        let settings = &branch.settings;
        Ok(Json(json!({
            "organization": settings.organization,
            "magic_link": settings.magic_link,
            "phone_number": settings.phone_number,
            "email_provider": redacted(&branch.email_server),
            "email_and_password": settings.email_and_password,
            "oauth_providers": providers(branch),
            "allow_localhost": settings.allow_localhost.allow_localhost,
        })))
    })
}

impl Setting for EmailAndPassword {
    fn of(settings: &mut Settings) -> &mut Self {
        &mut settings.email_and_password
    }

    fn merge(&mut self, body: &Body) -> Result<(), ApiError> {
        merge!(self, body, {
            email_verification_method: one_of,
            enabled: boolean,
            require_email_verification: boolean,
            auto_sign_in_after_verification: boolean,
            send_verification_email_on_sign_up: boolean,
            send_verification_email_on_sign_in: boolean,
            disable_sign_up: boolean,
        })
    }
}

impl Setting for AllowLocalhost {
    fn of(settings: &mut Settings) -> &mut Self {
        &mut settings.allow_localhost
    }

    fn merge(&mut self, body: &Body) -> Result<(), ApiError> {
        self.allow_localhost = body.required("allow_localhost", boolean)?;
        Ok(())
    }
}

impl Setting for Organization {
    fn of(settings: &mut Settings) -> &mut Self {
        &mut settings.organization
    }

    fn merge(&mut self, body: &Body) -> Result<(), ApiError> {
        merge!(self, body, {
            enabled: boolean,
            organization_limit: integer(1..=INT32),
            membership_limit: integer(1..=INT32),
            creator_role: one_of,
            send_invitation_email: boolean,
        })
    }
}

impl Setting for MagicLink {
    fn of(settings: &mut Settings) -> &mut Self {
        &mut settings.magic_link
    }

    fn merge(&mut self, body: &Body) -> Result<(), ApiError> {
        merge!(self, body, {
            enabled: boolean,
            expires_in: integer(5..=1440),
            disable_sign_up: boolean,
        })
    }
}

impl Setting for PhoneNumber {
    fn of(settings: &mut Settings) -> &mut Self {
        &mut settings.phone_number
    }

    fn merge(&mut self, body: &Body) -> Result<(), ApiError> {
        merge!(self, body, {
            enabled: boolean,
            otp_expires_in: integer(60..=600),
        })
    }
}

impl Setting for Webhooks {
    fn of(settings: &mut Settings) -> &mut Self {
        &mut settings.webhooks
    }

    fn merge(&mut self, body: &Body) -> Result<(), ApiError> {
        self.enabled = body.required("enabled", boolean)?;
        self.webhook_url = body.optional("webhook_url", string)?;
        merge!(self, body, {
            enabled_events: items(0, one_of),
            timeout_seconds: integer(1..=10),
        })
    }
}
