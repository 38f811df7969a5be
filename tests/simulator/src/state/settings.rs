//! The settings of a branch, with the defaults of the API's specification where it has some. It
//! knows nothing of requests.

use serde::{Deserialize, Serialize};

/// How users of a branch sign in, and what happens then.
#[derive(Default)]
pub struct Settings {
    pub email_and_password: EmailAndPassword,
    pub allow_localhost: AllowLocalhost,
    pub organization: Organization,
    pub magic_link: MagicLink,
    pub phone_number: PhoneNumber,
    pub webhooks: Webhooks,
}

#[derive(Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum VerificationMethod {
    Link,
    Otp,
}

#[derive(Clone, Serialize)]
pub struct EmailAndPassword {
    pub enabled: bool,
    pub email_verification_method: VerificationMethod,
    pub require_email_verification: bool,
    pub auto_sign_in_after_verification: bool,
    pub send_verification_email_on_sign_up: bool,
    pub send_verification_email_on_sign_in: bool,
    pub disable_sign_up: bool,
}

impl Default for EmailAndPassword {
    fn default() -> Self {
        Self {
            enabled: true,
            email_verification_method: VerificationMethod::Otp,
            require_email_verification: false,
            auto_sign_in_after_verification: true,
            send_verification_email_on_sign_up: false,
            send_verification_email_on_sign_in: false,
            disable_sign_up: false,
        }
    }
}

#[derive(Clone, Serialize)]
pub struct AllowLocalhost {
    pub allow_localhost: bool,
}

impl Default for AllowLocalhost {
    fn default() -> Self {
        Self {
            allow_localhost: true,
        }
    }
}

#[derive(Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CreatorRole {
    Admin,
    Owner,
}

#[derive(Clone, Serialize)]
pub struct Organization {
    pub enabled: bool,
    pub organization_limit: i64,
    pub membership_limit: i64,
    pub creator_role: CreatorRole,
    pub send_invitation_email: bool,
}

impl Default for Organization {
    fn default() -> Self {
        Self {
            enabled: true,
            organization_limit: 10,
            membership_limit: 100,
            creator_role: CreatorRole::Owner,
            send_invitation_email: false,
        }
    }
}

#[derive(Clone, Serialize)]
pub struct MagicLink {
    pub enabled: bool,
    /// Minutes.
    pub expires_in: i64,
    pub disable_sign_up: bool,
}

impl Default for MagicLink {
    fn default() -> Self {
        Self {
            enabled: false,
            expires_in: 5,
            disable_sign_up: false,
        }
    }
}

#[derive(Clone, Serialize)]
pub struct PhoneNumber {
    pub enabled: bool,
    /// Seconds.
    pub otp_expires_in: i64,
}

impl Default for PhoneNumber {
    fn default() -> Self {
        Self {
            enabled: false,
            otp_expires_in: 300,
        }
    }
}

#[derive(Clone, Copy, Deserialize, Serialize)]
pub enum WebhookEvent {
    #[serde(rename = "user.before_create")]
    UserBeforeCreate,
    #[serde(rename = "user.created")]
    UserCreated,
    #[serde(rename = "send.otp")]
    SendOtp,
    #[serde(rename = "send.magic_link")]
    SendMagicLink,
    #[serde(rename = "organization.invitation.created")]
    InvitationCreated,
    #[serde(rename = "organization.invitation.accepted")]
    InvitationAccepted,
    #[serde(rename = "phone_number.verified")]
    PhoneNumberVerified,
}

#[derive(Clone, Serialize)]
pub struct Webhooks {
    pub enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook_url: Option<String>,
    pub enabled_events: Vec<WebhookEvent>,
    pub timeout_seconds: i64,
}

impl Default for Webhooks {
    fn default() -> Self {
        Self {
            enabled: false,
            webhook_url: None,
            enabled_events: Vec::new(),
            timeout_seconds: 5,
        }
    }
}
