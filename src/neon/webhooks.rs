//! Owns the operations on the webhooks of a branch. The branch-level API alone has them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::Error;
use crate::neon::check;
use crate::neon::client::Client;
use crate::neon::request::{Look, Method, Request, Segment, Texts};
use crate::neon::scope::Scope;

/// As the API has it: the whole of it is read, and the whole of it is written.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Webhooks {
    pub enabled: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook_url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled_events: Option<Vec<String>>,
    /// 1 to 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<i32>,
    /// What is not known here goes back as it came.
    #[serde(flatten)]
    pub others: Map<String, Value>,
}

/// What a caller may say of it; `None` leaves a field as it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Update<'a> {
    pub enabled: Option<bool>,
    pub webhook_url: Option<&'a str>,
    pub enabled_events: Option<&'a [Option<&'a str>]>,
    pub timeout_seconds: Option<i32>,
}

/// `GET .../auth/webhooks`.
pub fn get(scope: &Scope) -> Result<Request<Webhooks>, Error> {
    let path = path(scope, "get_webhooks")?;
    Ok(Request::json(Method::Get, path, texts("get webhooks")))
}

/// `PUT .../auth/webhooks`, which replaces all fields.
pub fn replace(scope: &Scope, webhooks: &Webhooks) -> Result<Request<Webhooks>, Error> {
    let path = path(scope, "update_webhooks")?;
    Ok(Request::json(Method::Put, path, texts("update webhooks")).with_body(webhooks))
}

/// [`replace`], after a [`get`] when `update` does not name every field.
pub fn update(client: &Client, update: Update) -> Result<Webhooks, Error> {
    let scope = client.scope();
    scope.need_branch("update_webhooks")?;
    let Update {
        enabled,
        webhook_url,
        enabled_events,
        timeout_seconds,
    } = update;
    let webhook_url = check::optional("webhook_url", webhook_url, check::domain)?;
    let enabled_events = check::optional("enabled_events", enabled_events, |name, events| {
        check::each(name, events, |name, event| {
            check::any_text(name, event).map(str::to_owned)
        })
    })?;
    let timeout_seconds = check::optional("timeout_seconds", timeout_seconds, |name, value| {
        check::number(name, value, 1, 10)
    })?;
    let given = [
        enabled.is_some(),
        webhook_url.is_some(),
        enabled_events.is_some(),
        timeout_seconds.is_some(),
    ];
    if given == [false; 4] {
        return Err(Error::nothing_to_update());
    }
    let current = if given == [true; 4] {
        None
    } else {
        Some(client.send(&get(scope)?)?)
    };
    let mut webhooks = current.unwrap_or(Webhooks {
        enabled: false,
        webhook_url: None,
        enabled_events: None,
        timeout_seconds: None,
        others: Map::new(),
    });
    if let Some(enabled) = enabled {
        webhooks.enabled = enabled;
    }
    webhooks.webhook_url = webhook_url.map(str::to_owned).or(webhooks.webhook_url);
    webhooks.enabled_events = enabled_events.or(webhooks.enabled_events);
    webhooks.timeout_seconds = timeout_seconds.or(webhooks.timeout_seconds);
    client.send(&replace(scope, &webhooks)?)
}

fn path(scope: &Scope, function: &str) -> Result<Vec<Segment>, Error> {
    scope.need_branch(function)?;
    Ok(scope.path([Segment::fixed("webhooks")]))
}

fn texts(purpose: &'static str) -> Texts {
    Texts {
        purpose,
        noun: "webhook",
        look: Look::Function("get_webhooks"),
    }
}
