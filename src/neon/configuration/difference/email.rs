//! Owns the difference of the email server: where Neon replaces the whole of it, what is not named is sent
//! as it is.

use super::{Compared, Error, Making};
use crate::neon::configuration::document;
use crate::neon::configuration::section::Section;
use crate::neon::configuration::step::{Action, Faster, Stage, Step};
use crate::neon::configuration::value::Fields;
use crate::neon::email_server::{self, EmailServer};

/// What only a server of one's own has.
const OWN: [&str; 4] = ["host", "port", "username", "password"];
const SENDER: [&str; 2] = ["sender_email", "sender_name"];

impl Making<'_> {
    pub(super) fn email_server(&mut self, wanted: &Fields) -> Result<(), Error> {
        let section = Section::EmailServer;
        let shape = section.shape();
        let current = self.current_fields(section)?;
        let now = current.and_then(|fields| fields.text("type"));
        let given = OWN.iter().find(|name| wanted.has(name));
        let kind = match (wanted.text("type").or(now), given) {
            (Some(kind), _) => kind.to_owned(),
            (None, Some(_)) => "standard".to_owned(),
            (None, None) => "shared".to_owned(),
        };
        let is_own = kind == "standard";
        if let (Some(name), "shared") = (given, kind.as_str()) {
            let path = document::step(shape.name, "type");
            let why = format!("Neon has its own email server here, which has no {name}.");
            return Err(Error::missing_member(&path, &why));
        }
        let is_new = now != Some(&kind);
        let compared = self.compare(shape.name, section.fields(), wanted, current, is_new)?;
        let Compared { changes, send } = compared;
        if changes.is_empty() {
            return Ok(());
        }
        let replaces = self.target.branch_id().is_none() || self.target.auth_provider() == "stack";
        let none = Fields::default();
        let body = match replaces || is_new {
            true => send.or(&wanted.or(current.unwrap_or(&none))),
            false => send,
        };
        if is_own && (replaces || is_new) {
            let why = match is_new {
                true => "An email server of one's own needs all of its fields.",
                false => "Neon replaces the whole email server, and does not show it all.",
            };
            let mut needed = OWN.iter().chain(&SENDER);
            let missing = needed.find(|name| body.get(name).is_none());
            match missing {
                // What the server has already, nobody knows.
                Some(_) if self.is_unseen() => return Ok(()),
                Some(name) => {
                    let path = document::step(shape.name, name);
                    return Err(Error::missing_member(&path, why));
                }
                None => {}
            }
        }
        let own = |value| if is_own { value } else { None };
        let update = EmailServer {
            host: own(body.owned("host")),
            port: body.number("port").filter(|_| is_own),
            username: own(body.owned("username")),
            password: body.secret("password").filter(|_| is_own).cloned(),
            sender_email: body.owned("sender_email"),
            sender_name: body.owned("sender_name"),
            r#type: Some(kind),
        };
        let request = email_server::update(self.target, &update)?;
        self.plan.steps.push(Step {
            stage: Stage::EmailServer,
            action: Action::Update,
            object: shape.object.to_owned(),
            changes,
            request: request.without_answer(),
            faster: Faster::Fails,
        });
        Ok(())
    }
}
