//! Owns the operations on the email server that Neon Auth sends from.

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::neon::check;
use crate::neon::request::{Look, Method, Request, Segment, Texts};
use crate::neon::scope::Scope;
use crate::secret::{Secret, blank_out};

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

#[derive(Default, Serialize)]
struct Update<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    r#type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<&'a Secret>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sender_email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sender_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recipient_email: Option<&'a str>,
}

/// What became of a test: an error of the mail server is an answer.
#[derive(Debug, Deserialize)]
pub struct EmailTest {
    pub success: bool,
    #[serde(default)]
    pub error_message: Option<String>,
}

impl EmailTest {
    /// The error without the password that was tried: mail servers may repeat what they refuse.
    pub fn shown_error(&self, password: Option<&Secret>) -> Option<String> {
        let message = self.error_message.as_deref()?;
        Some(blank_out(message, password))
    }
}

/// `GET .../auth/email_server`, at branch level `GET .../auth/email_provider`.
pub fn get(scope: &Scope) -> Request<EmailServer> {
    Request::json(Method::Get, path(scope), texts("get email server"))
}

/// `PATCH .../auth/email_server`, at branch level `PATCH .../auth/email_provider`, where fields of a
/// standard server that are left out stay as they are.
pub fn update(scope: &Scope, kind: &str, fields: Fields) -> Result<Request<EmailServer>, Error> {
    match kind {
        "standard" if scope.branch_id().is_none() => {
            fields.need_all("An email server of type standard needs all of its fields.")?
        }
        "standard" => (),
        "shared" => fields.need_no_server()?,
        _ => return Err(Error::invalid_argument("type", "standard or shared")),
    }
    let body = Update {
        r#type: Some(kind),
        ..fields.check()?
    };
    let request = Request::json(Method::Patch, path(scope), texts("update email server"));
    Ok(request.with_body(&body).with_secrets(fields.password))
}

/// `POST .../auth/send_test_email`, at branch level alone: with these fields, whatever is configured.
pub fn send_test(
    scope: &Scope,
    recipient: &str,
    fields: Fields,
) -> Result<Request<EmailTest>, Error> {
    scope.need_branch("send_test_email")?;
    fields.need_all("A test needs all fields of the email server.")?;
    let body = Update {
        recipient_email: Some(check::email("recipient_email", recipient)?),
        ..fields.check()?
    };
    let path = scope.path([Segment::fixed("send_test_email")]);
    let request = Request::json(Method::Post, path, texts("send test e-mail"));
    Ok(request.with_body(&body).with_secrets(fields.password))
}

/// `POST .../auth/email_provider/test`, at branch level alone: with what is configured.
pub fn test(scope: &Scope, recipient: &str) -> Result<Request<EmailTest>, Error> {
    scope.need_branch("test_email_server")?;
    let body = Update {
        recipient_email: Some(check::email("recipient_email", recipient)?),
        ..Update::default()
    };
    let path = scope.path(["email_provider", "test"].map(Segment::fixed));
    let texts = texts("test email server");
    Ok(Request::json(Method::Post, path, texts).with_body(&body))
}

impl<'a> Fields<'a> {
    fn need_all(&self, detail: &str) -> Result<(), Error> {
        let given = self.given();
        let rest = [
            ("sender_email", self.sender_email.is_some()),
            ("sender_name", self.sender_name.is_some()),
        ];
        match given.iter().chain(&rest).find(|(_, given)| !given) {
            None => Ok(()),
            Some((name, _)) => Err(Error::null_argument(name).with_detail(detail)),
        }
    }

    fn need_no_server(&self) -> Result<(), Error> {
        match self.given().iter().find(|(_, given)| *given) {
            None => Ok(()),
            Some((name, _)) => Err(Error::invalid_argument(
                name,
                "null for an email server of type shared",
            )),
        }
    }

    /// What only a server of one's own has.
    fn given(&self) -> [(&'static str, bool); 4] {
        [
            ("host", self.host.is_some()),
            ("port", self.port.is_some()),
            ("username", self.username.is_some()),
            ("password", self.password.is_some()),
        ]
    }

    fn check(self) -> Result<Update<'a>, Error> {
        let host = |name: &str, host| check::text(name, host, 255);
        Ok(Update {
            host: check::optional("host", self.host, host)?,
            port: check::optional("port", self.port, check::port)?,
            username: check::optional("username", self.username, check::any_text)?,
            password: check::optional("password", self.password, check::secret)?,
            sender_email: check::optional("sender_email", self.sender_email, check::email)?,
            sender_name: check::optional("sender_name", self.sender_name, check::any_text)?,
            ..Update::default()
        })
    }
}

fn path(scope: &Scope) -> Vec<Segment> {
    scope.path([Segment::fixed(match scope.branch_id() {
        Some(_) => "email_provider",
        None => "email_server",
    })])
}

fn texts(purpose: &'static str) -> Texts {
    Texts {
        purpose,
        noun: "email server",
        look: Look::Function("get_email_server"),
    }
}
