//! Owns the operations on the email server that Neon Auth sends from.

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::neon::argument;
use crate::neon::endpoint::{Endpoint, Look, Path, Resource};
use crate::neon::request::{Method, Request};
use crate::neon::target::Target;
use crate::secret::{Secret, blank_out};

const EMAIL_SERVER: Resource = Resource {
    noun: "email server",
    look: Look::Function("get_email_server"),
};

pub const GET_EMAIL_SERVER: Endpoint = Endpoint {
    function: "get_email_server",
    method: Method::Get,
    path: EITHER,
    purpose: "get email server",
    resource: &EMAIL_SERVER,
};

pub const UPDATE_EMAIL_SERVER: Endpoint = Endpoint {
    function: "update_email_server",
    method: Method::Patch,
    path: EITHER,
    purpose: "update email server",
    resource: &EMAIL_SERVER,
};

pub const SEND_TEST_EMAIL: Endpoint = Endpoint {
    function: "send_test_email",
    method: Method::Post,
    path: Path::Branch("send_test_email"),
    purpose: "send test e-mail",
    resource: &EMAIL_SERVER,
};

pub const TEST_EMAIL_SERVER: Endpoint = Endpoint {
    function: "test_email_server",
    method: Method::Post,
    path: Path::Branch("email_provider/test"),
    purpose: "test email server",
    resource: &EMAIL_SERVER,
};

const EITHER: Path = Path::Each {
    project: "email_server",
    branch: "email_provider",
};

/// `type`: `standard` (an SMTP server of one's own, all fields) or `shared` (Neon's, with an optional
/// sender). As an update, `None` leaves a field out.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct EmailServer {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sender_email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sender_name: Option<String>,
}

#[derive(Serialize)]
struct Test<'a> {
    recipient_email: &'a str,
    #[serde(flatten)]
    server: &'a EmailServer,
}

/// What became of a test: an error of the mail server is an answer.
#[derive(Debug, Deserialize, Serialize)]
pub struct EmailTest {
    pub success: bool,
    #[serde(default)]
    pub error_message: Option<String>,
}

impl EmailTest {
    /// Without the password that was tried: mail servers may repeat what they refuse.
    pub fn without(mut self, password: Option<&Secret>) -> Self {
        self.error_message = self.error_message.map(|text| blank_out(&text, password));
        self
    }
}

/// `GET .../auth/email_server`, at branch level `GET .../auth/email_provider`.
pub fn get(target: &Target) -> Result<Request<EmailServer>, Error> {
    GET_EMAIL_SERVER.json(target, [])
}

/// `PATCH .../auth/email_server`, at branch level `PATCH .../auth/email_provider`, where fields of a
/// standard server that are left out stay as they are, unless its provider is Stack Auth.
pub fn update(target: &Target, server: &EmailServer) -> Result<Request<EmailServer>, Error> {
    match server.r#type.as_deref() {
        // Of which provider the branch really is, Neon knows alone, and refuses likewise.
        Some("standard") if target.branch_id().is_none() || target.auth_provider() == "stack" => {
            server.need_all("An email server of type standard needs all of its fields.")?
        }
        Some("standard") => (),
        Some("shared") => server.need_no_server()?,
        Some(_) => return Err(Error::invalid_argument("type", "standard or shared")),
        None => return Err(Error::null_argument("type")),
    }
    server.check()?;
    let request = UPDATE_EMAIL_SERVER.json(target, [])?;
    Ok(request.with_body(server).with_secrets(&server.password))
}

/// `POST .../auth/send_test_email`, at branch level alone: with these fields, whatever is configured.
pub fn send_test(
    target: &Target,
    recipient: &str,
    server: &EmailServer,
) -> Result<Request<EmailTest>, Error> {
    server.need_all("A test needs all fields of the email server.")?;
    server.check()?;
    let body = Test {
        recipient_email: argument::email("recipient_email", recipient)?,
        server,
    };
    let request = SEND_TEST_EMAIL.json(target, [])?;
    Ok(request.with_body(&body).with_secrets(&server.password))
}

/// `POST .../auth/email_provider/test`, at branch level alone: with what is configured.
pub fn test(target: &Target, recipient: &str) -> Result<Request<EmailTest>, Error> {
    let body = Test {
        recipient_email: argument::email("recipient_email", recipient)?,
        server: &EmailServer::default(),
    };
    Ok(TEST_EMAIL_SERVER.json(target, [])?.with_body(&body))
}

impl EmailServer {
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

    fn check(&self) -> Result<(), Error> {
        let host = |name: &str, host| argument::text(name, host, 0..=255);
        let sender = self.sender_email.as_deref();
        argument::optional("host", self.host.as_deref(), host)?;
        argument::optional("port", self.port, argument::port)?;
        argument::optional("username", self.username.as_deref(), argument::free_text)?;
        argument::optional("password", self.password.as_ref(), argument::secret)?;
        let email = argument::empty_or(argument::email);
        argument::optional("sender_email", sender, email)?;
        argument::optional(
            "sender_name",
            self.sender_name.as_deref(),
            argument::free_text,
        )?;
        Ok(())
    }
}
