//! Owns what two requests show of the way to Neon, as the steps that a person would look at.

use crate::error::Advice;
use crate::neon::account::AuthDetails;
use crate::neon::client::{Attempt, Client, Connection};
use crate::neon::http::{Cause, Failure};
use crate::neon::integration::{Integration, Integrations};
use crate::neon::request::Request;

/// A step of the way: `ok` is `None` when an earlier one keeps it from being looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub step: &'static str,
    pub ok: Option<bool>,
    pub detail: String,
    /// For whoever knows how it is done in SQL.
    pub advice: Option<Advice>,
}

/// The steps that [`diagnose`] looks at, in this order.
pub const STEPS: [&str; 4] = [
    "TLS",
    "key accepted",
    "project reachable",
    "integration present",
];

/// Sends `list`, the read of all integrations, and says how far it came; and where Neon knows the key,
/// `details`, which says of what kind that is.
pub fn diagnose(
    client: &Client,
    list: &Request<Integrations>,
    details: &Request<AuthDetails>,
) -> Vec<Finding> {
    let mut found: Vec<Finding> = Vec::new();
    let mut add = |ok, detail| found.push(Finding::new(STEPS[found.len()], Some(ok), detail));
    match client.try_once(list) {
        Attempt::NotSent(failure) => found.push(Finding {
            advice: (failure.cause == Cause::UnknownAuthority).then_some(Advice::TrustAuthority),
            ..Finding::new(STEPS[0], Some(false), failure.reason)
        }),
        Attempt::NoAnswer(reason) => {
            add(true, secured(client));
            add(false, format!("no answer: {reason}"));
        }
        Attempt::Answered {
            status,
            answer,
            words,
        } => {
            add(true, secured(client));
            let said = match words {
                Some(words) => format!("Neon answered {status} \"{words}\""),
                None => format!("Neon answered {status}"),
            };
            if answer.is_some() || [403, 404].contains(&status) {
                add(
                    true,
                    format!("Neon knows the key, {}", kind(client, details)),
                );
            }
            match answer {
                Some(list) => {
                    add(true, client.connection.target.to_string());
                    found.push(describe(&list.data, client.connection));
                }
                None => {
                    add(false, said);
                    if status == 401 {
                        found[1].advice = Some(Advice::StoreKey);
                    }
                }
            }
        }
    }
    let rest = STEPS[found.len()..].iter();
    found.extend(rest.map(|step| Finding::not_checked(step)));
    found
}

impl Finding {
    pub fn new(step: &'static str, ok: Option<bool>, detail: String) -> Self {
        Self {
            step,
            ok,
            detail,
            advice: None,
        }
    }

    pub fn not_checked(step: &'static str) -> Self {
        Self::new(step, None, "not checked".to_owned())
    }
}

/// A clause. Whoever may not ask has a key of one project, as far as anybody says.
fn kind(client: &Client, details: &Request<AuthDetails>) -> String {
    match client.try_once(details) {
        Attempt::Answered {
            answer: Some(details),
            ..
        } => details.kind().to_owned(),
        Attempt::Answered {
            status: status @ (401 | 403 | 404),
            ..
        } => format!(
            "but it may not ask of what kind it is ({status}): a key of one project may not"
        ),
        Attempt::Answered { status, .. } => {
            format!("and does not say of what kind it is: it answered {status}")
        }
        Attempt::NotSent(Failure { reason, .. }) | Attempt::NoAnswer(reason) => {
            format!("and does not say of what kind it is: {reason}")
        }
    }
}

fn secured(client: &Client) -> String {
    let url = &client.connection.api_url;
    if url.is_https() {
        format!("the certificate of {} is trusted", url.host())
    } else {
        "not used: plain http to a loopback address".to_owned()
    }
}

/// What there is, and whether it runs on what the server's option says.
fn describe(integrations: &[Integration], connection: &Connection) -> Finding {
    let step = STEPS[3];
    let auth_provider = connection.target.auth_provider();
    let describe = |integration: &Integration| {
        let database = integration.db_name.as_deref().unwrap_or("unknown");
        format!("{}, database {database}", integration.auth_provider)
    };
    if integrations.is_empty() {
        return Finding {
            advice: Some(Advice::CreateIntegration),
            ..Finding::new(step, Some(false), "there is none".to_owned())
        };
    }
    let described: Vec<_> = integrations.iter().map(describe).collect();
    let mut detail = described.join("; ");
    let is_that = |one: &Integration| one.auth_provider == auth_provider;
    let is_there = integrations.iter().any(is_that);
    if !is_there {
        detail += &format!("; but the option auth_provider is {auth_provider}");
    }
    Finding::new(step, Some(is_there), detail)
}
