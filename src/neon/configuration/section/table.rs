//! Owns the table of sections: their names, fields and limits.

use super::Kind::{
    Email, Flag, List, Number, Object, Origins, Text, Texts, Uri, Uris, Word, Words,
};
use super::{Field, Form, Kind, Shape, Sight};

/// Longer than any value of the API that has no length.
const MAX: usize = 4096;
const FREE: Kind = Text(0, MAX);

const fn open(name: &'static str, kind: Kind, about: &'static str) -> Field {
    Field {
        name,
        kind,
        sight: Sight::Open,
        about,
    }
}

const fn secret(name: &'static str, about: &'static str) -> Field {
    Field {
        sight: Sight::Secret,
        ..open(name, FREE, about)
    }
}

pub static INTEGRATION: Shape = Shape {
    name: "integration",
    object: "integration",
    form: Form::Fields(&[
        open(
            "auth_provider",
            Word(&["better_auth", "stack", "mock"]),
            "What Neon Auth runs on",
        ),
        open(
            "database_name",
            FREE,
            "The database that users are written into",
        ),
    ]),
    at_both_levels: true,
    about: "Whether there is Neon Auth at all; it is created where there is none, and neither changed nor deleted",
};

pub static NAME: Shape = Shape {
    name: "name",
    object: "name",
    form: Form::One(Text(1, 256)),
    at_both_levels: false,
    about: "The name that people see in e-mails",
};

pub static DOMAINS: Shape = Shape {
    name: "domains",
    object: "redirect domain",
    form: Form::One(Origins),
    at_both_levels: true,
    about: "The URIs that a sign-in may return to",
};

pub static ALLOW_LOCALHOST: Shape = Shape {
    name: "allow_localhost",
    object: "localhost",
    form: Form::One(Flag),
    at_both_levels: false,
    about: "Whether a sign-in may return to localhost",
};

pub static OAUTH_PROVIDERS: Shape = Shape {
    name: "oauth_providers",
    object: "OAuth provider",
    form: Form::Entries(&[
        open(
            "type",
            Word(&["shared", "standard"]),
            "Neon's credentials or own ones; it follows from the other fields",
        ),
        open("client_id", FREE, "Of own credentials"),
        secret("client_secret", "Of own credentials"),
        Field {
            sight: Sight::WriteOnly,
            ..open(
                "microsoft_tenant_id",
                FREE,
                "For microsoft alone; common lets every tenant in",
            )
        },
    ]),
    at_both_levels: true,
    about: "By id: google, github, microsoft, vercel; {} is one with Neon's own credentials",
};

pub static EMAIL_SERVER: Shape = Shape {
    name: "email_server",
    object: "email server",
    form: Form::Fields(&[
        open(
            "type",
            Word(&["shared", "standard"]),
            "Neon's or an SMTP server of one's own",
        ),
        open("host", Text(0, 255), "Of an own server"),
        open("port", Number(1, 65535), "Of an own server"),
        open("username", FREE, "Of an own server"),
        secret("password", "Of an own server; Neon shows it to some keys"),
        open("sender_email", Email, "Whom e-mails come from"),
        open("sender_name", FREE, "Whom e-mails come from"),
    ]),
    at_both_levels: true,
    about: "The server that Neon Auth sends e-mails from",
};

pub static EMAIL_AND_PASSWORD: Shape = Shape {
    name: "email_and_password",
    object: "e-mail and password",
    form: Form::Fields(&[
        open("enabled", Flag, "Whether people sign in so"),
        open(
            "email_verification_method",
            Word(&["link", "otp"]),
            "How an address is verified",
        ),
        open(
            "require_email_verification",
            Flag,
            "Whether an address must be verified",
        ),
        open(
            "auto_sign_in_after_verification",
            Flag,
            "Whether a verified address signs in",
        ),
        open(
            "send_verification_email_on_sign_up",
            Flag,
            "Whether a sign-up sends one",
        ),
        open(
            "send_verification_email_on_sign_in",
            Flag,
            "Whether a sign-in sends one",
        ),
        open("disable_sign_up", Flag, "Whether nobody new may sign up so"),
    ]),
    at_both_levels: false,
    about: "Sign-in with an e-mail address and a password",
};

pub static ORGANIZATION: Shape = Shape {
    name: "organization",
    object: "organization plugin",
    form: Form::Fields(&[
        open("enabled", Flag, "Whether there are organizations"),
        open(
            "organization_limit",
            Number(1, i32::MAX),
            "How many a user may create",
        ),
        open(
            "membership_limit",
            Number(1, i32::MAX),
            "How many members one may have",
        ),
        open(
            "creator_role",
            Word(&["admin", "owner"]),
            "What its creator is",
        ),
        open(
            "send_invitation_email",
            Flag,
            "Whether who is invited gets an e-mail",
        ),
    ]),
    at_both_levels: false,
    about: "Organizations of users",
};

pub static MAGIC_LINK: Shape = Shape {
    name: "magic_link",
    object: "magic link plugin",
    form: Form::Fields(&[
        open("enabled", Flag, "Whether people sign in so"),
        open(
            "expires_in",
            Number(5, 1440),
            "How long a link is good, in minutes",
        ),
        open("disable_sign_up", Flag, "Whether nobody new may sign up so"),
    ]),
    at_both_levels: false,
    about: "Sign-in with a link that is sent by e-mail",
};

pub static PHONE_NUMBER: Shape = Shape {
    name: "phone_number",
    object: "phone number plugin",
    form: Form::Fields(&[
        open("enabled", Flag, "Whether people sign in so"),
        open(
            "otp_expires_in",
            Number(60, 600),
            "How long a code is good, in seconds",
        ),
    ]),
    at_both_levels: false,
    about: "Sign-in with a phone number",
};

pub static WEBHOOKS: Shape = Shape {
    name: "webhooks",
    object: "webhooks",
    form: Form::Fields(&[
        open("enabled", Flag, "Whether anything is called"),
        open("webhook_url", Uri, "What is called"),
        open(
            "enabled_events",
            Words(&[
                "user.before_create",
                "user.created",
                "send.otp",
                "send.magic_link",
                "organization.invitation.created",
                "organization.invitation.accepted",
                "phone_number.verified",
            ]),
            "When it is called",
        ),
        open(
            "timeout_seconds",
            Number(1, 10),
            "How long an answer is waited for",
        ),
    ]),
    at_both_levels: false,
    about: "What Neon Auth calls when something happens",
};

pub static OAUTH_SERVER: Shape = Shape {
    name: "oauth_server",
    object: "OAuth server",
    form: Form::Fields(&[
        open("enabled", Flag, "On the root branch alone"),
        open("login_page", Uri, "Where people sign in"),
        open("consent_page", Uri, "Where people consent"),
        open(
            "mcp",
            Object,
            "The MCP server: its resource, and more that Neon knows",
        ),
        open(
            "resources",
            List,
            "What tokens are for, besides the MCP server",
        ),
    ]),
    at_both_levels: false,
    about: "Neon Auth as an OAuth server for other applications",
};

pub static OAUTH_CLIENTS: Shape = Shape {
    name: "oauth_clients",
    object: "OAuth client",
    form: Form::Entries(&[
        open("name", Text(1, MAX), "What people see"),
        open(
            "type",
            Word(&["confidential", "public"]),
            "Fixed once there is the client",
        ),
        open("redirect_uris", Uris, "Where a sign-in may return to"),
        open("resources", Texts, "Of those of the OAuth server"),
        open("skip_consent", Flag, "Whether nobody is asked"),
        open("disabled", Flag, "Whether nobody signs in with it"),
    ]),
    at_both_levels: false,
    about: "Applications that are there already, by client_id; their functions create them",
};
