//! Owns the operations on the email server that Neon Auth sends from.

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::neon::check;
use crate::neon::request::{Look, Method, Request, Segment, Texts};
use crate::neon::scope::Scope;
use crate::secret::Secret;

/// `standard` (an SMTP server of one's own, all fields) or `shared` (Neon's, with an optional
/// sender).
#[derive(Debug, Deserialize)]
pub struct EmailServer {
    pub r#type: String,
    #[serde(default)]
    pub host: Option<String>,
    #[serde(default)]
    pub port: Option<i32>,
    #[serde(default)]
    pub username: Option<String>,
    #[serde(default)]
    pub password: Option<Secret>,
    #[serde(default)]
    pub sender_email: Option<String>,
    #[serde(default)]
    pub sender_name: Option<String>,
}

/// What a caller may say of the server; `None` leaves it out.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fields<'a> {
    pub host: Option<&'a str>,
    pub port: Option<i32>,
    pub username: Option<&'a str>,
    pub password: Option<&'a Secret>,
    pub sender_email: Option<&'a str>,
    pub sender_name: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Update<'a> {
    Standard {
        host: &'a str,
        port: u16,
        username: &'a str,
        password: &'a Secret,
        sender_email: &'a str,
        sender_name: &'a str,
    },
    Shared {
        #[serde(skip_serializing_if = "Option::is_none")]
        sender_email: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        sender_name: Option<&'a str>,
    },
}

/// `GET /projects/{project_id}/auth/email_server`.
pub fn get(scope: &Scope) -> Request<EmailServer> {
    Request::json(Method::Get, path(scope), texts("get email server"))
}

/// `PATCH /projects/{project_id}/auth/email_server`.
pub fn update(scope: &Scope, kind: &str, fields: Fields) -> Result<Request<EmailServer>, Error> {
    let body = match kind {
        "standard" => standard(fields)?,
        "shared" => shared(fields)?,
        _ => return Err(Error::invalid_argument("type", "standard or shared")),
    };
    let request = Request::json(Method::Patch, path(scope), texts("update email server"));
    Ok(request.with_body(&body).with_secrets(fields.password))
}

fn standard(fields: Fields) -> Result<Update, Error> {
    fn needed<T>(name: &str, value: Option<T>) -> Result<T, Error> {
        value.ok_or_else(|| {
            Error::null_argument(name)
                .with_detail("An email server of type standard needs all of its fields.")
        })
    }
    Ok(Update::Standard {
        host: check::text("host", needed("host", fields.host)?, 255)?,
        port: check::port("port", needed("port", fields.port)?)?,
        username: check::any_text("username", needed("username", fields.username)?)?,
        password: check::secret("password", needed("password", fields.password)?)?,
        sender_email: check::email("sender_email", needed("sender_email", fields.sender_email)?)?,
        sender_name: check::any_text("sender_name", needed("sender_name", fields.sender_name)?)?,
    })
}

fn shared(fields: Fields) -> Result<Update, Error> {
    let superfluous = [
        ("host", fields.host.is_some()),
        ("port", fields.port.is_some()),
        ("username", fields.username.is_some()),
        ("password", fields.password.is_some()),
    ];
    if let Some((name, _)) = superfluous.iter().find(|(_, given)| *given) {
        return Err(Error::invalid_argument(
            name,
            "null for an email server of type shared",
        ));
    }
    Ok(Update::Shared {
        sender_email: check::optional("sender_email", fields.sender_email, check::email)?,
        sender_name: check::optional("sender_name", fields.sender_name, check::any_text)?,
    })
}

fn path(scope: &Scope) -> Vec<Segment> {
    scope.path([Segment::fixed("email_server")])
}

fn texts(purpose: &'static str) -> Texts {
    Texts {
        purpose,
        noun: "email server",
        look: Look::Function("get_email_server"),
    }
}
