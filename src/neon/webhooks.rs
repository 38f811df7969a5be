//! Owns the operations on the webhooks of a branch. The branch-level API alone has them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::Error;
use crate::neon::argument;
use crate::neon::endpoint::{Endpoint, Look, Path, Resource};
use crate::neon::request::{Method, Request};
use crate::neon::target::Target;

const WEBHOOK: Resource = Resource {
    noun: "webhook",
    look: Look::Function("get_webhooks"),
};

pub const GET_WEBHOOKS: Endpoint = Endpoint {
    function: "get_webhooks",
    method: Method::Get,
    path: Path::Branch("webhooks"),
    purpose: "get webhooks",
    resource: &WEBHOOK,
};

pub const UPDATE_WEBHOOKS: Endpoint = Endpoint {
    function: "update_webhooks",
    method: Method::Put,
    path: Path::Branch("webhooks"),
    purpose: "update webhooks",
    resource: &WEBHOOK,
};

/// `timeout_seconds`: 1 to 10. As an update, `None` leaves a field as it is.
#[derive(Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct Webhooks {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled_events: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<i32>,
}

/// All fields as the API has them. The whole of it is written, so that what is not known here goes back
/// as it came.
pub type Fields = Map<String, Value>;

impl Webhooks {
    /// Whether nothing has to be read first: every field is given.
    pub fn is_whole(&self) -> bool {
        self.enabled.is_some()
            && self.webhook_url.is_some()
            && self.enabled_events.is_some()
            && self.timeout_seconds.is_some()
    }

    /// As the argument of an update.
    pub fn check(&self) -> Result<(), Error> {
        if *self == Self::default() {
            return Err(Error::nothing_to_update());
        }
        let url = argument::empty_or(argument::uri);
        argument::optional("webhook_url", self.webhook_url.as_deref(), url)?;
        let events = self.enabled_events.iter().flatten().map(String::as_str);
        argument::each("enabled_events", events, argument::any_text)?;
        argument::optional("timeout_seconds", self.timeout_seconds, |name, value| {
            argument::number(name, value, 1, 10)
        })?;
        Ok(())
    }
}

/// `GET .../auth/webhooks`.
pub fn get<T: serde::de::DeserializeOwned>(target: &Target) -> Result<Request<T>, Error> {
    GET_WEBHOOKS.json(target, [])
}

/// `PUT .../auth/webhooks`, which replaces all fields: those of `update`, and the others of `current`.
pub fn replace(
    target: &Target,
    mut current: Fields,
    update: &Webhooks,
) -> Result<Request<Webhooks>, Error> {
    update.check()?;
    if let Ok(Value::Object(given)) = serde_json::to_value(update) {
        current.extend(given);
    }
    Ok(UPDATE_WEBHOOKS.json(target, [])?.with_body(&current))
}
