//! The settings of a branch: get, update, replace, and most of them at once. What is asked for
//! decides which of them is meant.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, State};
use serde::Serialize;
use serde_json::{Value, json};

use super::email_provider::redacted;
use crate::api::App;
use crate::api::body::{Body, boolean, integer, items, one_of, string};
use crate::api::call::Call;
use crate::api::error::ApiError;
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

/// `GET .../auth/email_and_password`, `allow_localhost`, `plugins/phone-number`, `webhooks`
pub async fn get<S: Setting>(
    State(app): State<Arc<App>>,
    Extension(call): Extension<Arc<Call>>,
) -> Result<Json<S>, ApiError> {
    app.on_branch(&call, |branch| {
        Ok(Json(S::of(&mut branch.settings).clone()))
    })
}

/// `PATCH .../auth/email_and_password`, `allow_localhost`, `plugins/organization`,
/// `plugins/magic-link`, `plugins/phone-number`
pub async fn update<S: Setting>(
    State(app): State<Arc<App>>,
    Extension(call): Extension<Arc<Call>>,
) -> Result<Json<S>, ApiError> {
    let body = call.body()?;
    app.on_branch(&call, |branch| {
        let setting = S::of(&mut branch.settings);
        let mut new = setting.clone();
        new.merge(&body)?;
        *setting = new.clone();
        Ok(Json(new))
    })
}

/// `PUT .../auth/webhooks`
pub async fn replace<S: Setting + Default>(
    State(app): State<Arc<App>>,
    Extension(call): Extension<Arc<Call>>,
) -> Result<Json<S>, ApiError> {
    let mut new = S::default();
    new.merge(&call.body()?)?;
    app.on_branch(&call, |branch| {
        *S::of(&mut branch.settings) = new.clone();
        Ok(Json(new))
    })
}

/// `GET .../auth/plugins`
pub async fn plugins(
    State(app): State<Arc<App>>,
    Extension(call): Extension<Arc<Call>>,
) -> Result<Json<Value>, ApiError> {
    app.on_branch(&call, |branch| {
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
        body.merge(
            "email_verification_method",
            one_of,
            &mut self.email_verification_method,
        )?;
        for (name, value) in [
            ("enabled", &mut self.enabled),
            (
                "require_email_verification",
                &mut self.require_email_verification,
            ),
            (
                "auto_sign_in_after_verification",
                &mut self.auto_sign_in_after_verification,
            ),
            (
                "send_verification_email_on_sign_up",
                &mut self.send_verification_email_on_sign_up,
            ),
            (
                "send_verification_email_on_sign_in",
                &mut self.send_verification_email_on_sign_in,
            ),
            ("disable_sign_up", &mut self.disable_sign_up),
        ] {
            body.merge(name, boolean, value)?;
        }
        Ok(())
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
        body.merge("enabled", boolean, &mut self.enabled)?;
        body.merge(
            "organization_limit",
            integer(1..=INT32),
            &mut self.organization_limit,
        )?;
        body.merge(
            "membership_limit",
            integer(1..=INT32),
            &mut self.membership_limit,
        )?;
        body.merge("creator_role", one_of, &mut self.creator_role)?;
        body.merge(
            "send_invitation_email",
            boolean,
            &mut self.send_invitation_email,
        )
    }
}

impl Setting for MagicLink {
    fn of(settings: &mut Settings) -> &mut Self {
        &mut settings.magic_link
    }

    fn merge(&mut self, body: &Body) -> Result<(), ApiError> {
        body.merge("enabled", boolean, &mut self.enabled)?;
        body.merge("expires_in", integer(5..=1440), &mut self.expires_in)?;
        body.merge("disable_sign_up", boolean, &mut self.disable_sign_up)
    }
}

impl Setting for PhoneNumber {
    fn of(settings: &mut Settings) -> &mut Self {
        &mut settings.phone_number
    }

    fn merge(&mut self, body: &Body) -> Result<(), ApiError> {
        body.merge("enabled", boolean, &mut self.enabled)?;
        body.merge(
            "otp_expires_in",
            integer(60..=600),
            &mut self.otp_expires_in,
        )
    }
}

impl Setting for Webhooks {
    fn of(settings: &mut Settings) -> &mut Self {
        &mut settings.webhooks
    }

    fn merge(&mut self, body: &Body) -> Result<(), ApiError> {
        self.enabled = body.required("enabled", boolean)?;
        self.webhook_url = body.optional("webhook_url", string)?;
        body.merge("enabled_events", items(0, one_of), &mut self.enabled_events)?;
        body.merge(
            "timeout_seconds",
            integer(1..=10),
            &mut self.timeout_seconds,
        )
    }
}
