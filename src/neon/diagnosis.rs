//! Owns what one request shows of the way to Neon, as the steps that a person would look at.

use crate::neon::client::{Attempt, Client, Connection};
use crate::neon::integration::{self, Integration};

/// A step of the way: `ok` is `None` when an earlier one keeps it from being looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub step: &'static str,
    pub ok: Option<bool>,
    pub detail: String,
}

/// The steps that [`diagnose`] looks at, in this order.
pub const STEPS: [&str; 4] = [
    "TLS",
    "key accepted",
    "project reachable",
    "integration present",
];

/// Sends one read, and says how far it came.
pub fn diagnose(client: &Client) -> Vec<Finding> {
    let connection = client.connection();
    let mut found: Vec<(bool, String)> = Vec::new();
    match client.try_once(&integration::list(client.scope())) {
        Attempt::NotSent(reason) => found.push((false, reason)),
        Attempt::NoAnswer(reason) => {
            found.push((true, secured(client)));
            found.push((false, format!("no answer: {reason}")));
        }
        Attempt::Answered {
            status,
            answer,
            words,
        } => {
            found.push((true, secured(client)));
            let said = match words {
                Some(words) => format!("Neon answered {status} \"{words}\""),
                None => format!("Neon answered {status}"),
            };
            match (status, answer) {
                (_, Some(list)) => {
                    found.push((true, "Neon knows the key".to_owned()));
                    found.push((true, connection.scope.to_string()));
                    found.push(describe(&list.data, connection));
                }
                (403 | 404, None) => {
                    found.push((true, "Neon knows the key".to_owned()));
                    found.push((false, said));
                }
                (_, None) => found.push((false, said)),
            }
        }
    }
    let mut found = found.into_iter();
    STEPS
        .map(|step| match found.next() {
            Some((ok, detail)) => Finding {
                step,
                ok: Some(ok),
                detail,
            },
            None => Finding::not_checked(step),
        })
        .into()
}

impl Finding {
    pub fn not_checked(step: &'static str) -> Self {
        Self {
            step,
            ok: None,
            detail: "not checked".to_owned(),
        }
    }
}

fn secured(client: &Client) -> String {
    let url = &client.connection().api_url;
    if url.is_https() {
        format!("the certificate of {} is trusted", url.host())
    } else {
        "not used: plain http to a loopback address".to_owned()
    }
}

/// What there is, and whether it runs on what the server's option says.
fn describe(integrations: &[Integration], connection: &Connection) -> (bool, String) {
    let auth_provider = connection.scope.auth_provider();
    let describe = |integration: &Integration| {
        let database = integration.db_name.as_deref().unwrap_or("unknown");
        format!("{}, database {database}", integration.auth_provider)
    };
    match integrations {
        [] => (
            false,
            format!("there is none: {}", connection.to_integrate()),
        ),
        some => {
            let mut detail = some.iter().map(describe).collect::<Vec<_>>().join("; ");
            let is_that = |one: &Integration| one.auth_provider == auth_provider;
            let is_there = some.iter().any(is_that);
            if !is_there {
                detail += &format!("; but the option auth_provider is {auth_provider}");
            }
            (is_there, detail)
        }
    }
}
