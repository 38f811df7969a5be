//! Owns the SQL functions on the configuration as a document.

use std::time::Duration;

use pgrx::prelude::*;

use crate::error::Error;
use crate::neon::configuration::{self, ConfigurationChange, Document, Options, Step, Way};
use crate::neon::request::Request;
use crate::neon::target::Target;
use crate::neon::webhooks;
use crate::pg::args::{required, texts};
use crate::pg::json::{Json, JsonResult};
use crate::pg::report::{Raise, tell};
use crate::pg::reserve::Entry;
use crate::pg::row::{Row, Secrets, row_type};
use crate::pg::rows::Rows;
use crate::pg::session::Session;
use crate::pg::text::Text;
use crate::quote::shortened;

/// The longest document, in bytes of `jsonb`.
const MAX_DOCUMENT: usize = 1 << 20;

row_type!(ConfigurationChange, "configuration_change");

/// Exports all that Neon has; see [`configuration::export`].
#[pg_extern(volatile, parallel_restricted, cost = 1000)]
fn export_configuration(
    _entry: Entry,
    server: default!(Option<Text>, "NULL"),
) -> Result<Option<JsonResult>, Raise> {
    let neon = Session::open(&configuration::EXPORT, server.as_deref())?;
    let exported = configuration::export(&neon).map_err(|error| neon.complete(error))?;
    if !exported.unknown.is_empty() {
        let names: Vec<_> = exported
            .unknown
            .iter()
            .map(|it| shortened(it, 64))
            .collect();
        tell(format!(
            "not exported, as no document has it: {}",
            names.join(", ")
        ));
    }
    Ok(exported.document.map(JsonResult))
}

/// What [`apply`] would change; see [`configuration::plan`].
#[pg_extern(volatile, parallel_restricted, cost = 1000)]
fn plan(
    _entry: Entry,
    configuration: Option<Json<MAX_DOCUMENT>>,
    prune: default!(Option<Array<Text>>, "NULL"),
    unmanaged: default!(Option<bool>, "false"),
    resend: default!(Option<bool>, "false"),
    server: default!(Option<Text>, "NULL"),
) -> Result<Rows<ConfigurationChange>, Raise> {
    let row = Row::new::<ConfigurationChange>()?;
    let neon = Session::open(&configuration::PLAN, server.as_deref())?;
    let asked = asked(&neon, configuration, prune, unmanaged, resend);
    let changes =
        asked.and_then(|(document, options)| configuration::plan(&neon, &document, &options));
    let changes = changes.map_err(|error| neon.complete(error))?;
    Ok(Rows::new(row, changes, Secrets::Masked)?)
}

/// Changes what differs; see [`configuration::apply`]. Sessions of this database take turns, also with those
/// that change the webhooks alone.
#[pg_extern(volatile, parallel_unsafe, cost = 1000)]
fn apply(
    _entry: Entry,
    configuration: Option<Json<MAX_DOCUMENT>>,
    prune: default!(Option<Array<Text>>, "NULL"),
    unmanaged: default!(Option<bool>, "false"),
    resend: default!(Option<bool>, "false"),
    server: default!(Option<Text>, "NULL"),
) -> Result<Rows<ConfigurationChange>, Raise> {
    let row = Row::new::<ConfigurationChange>()?;
    let neon = Session::open(&configuration::APPLY, server.as_deref())?;
    let asked = asked(&neon, configuration, prune, unmanaged, resend);
    let (document, options) = asked.map_err(|error| neon.complete(error))?;
    let _turn = neon.take_turn(&configuration::APPLY)?;
    let _turn_of_webhooks = match document.has_webhooks() {
        true => neon.take_turn(&webhooks::UPDATE_WEBHOOKS)?,
        false => None,
    };
    let changes = configuration::apply(&neon, &document, &options);
    let changes = changes.map_err(|error| neon.complete(error))?;
    Ok(Rows::new(row, changes, Secrets::Masked)?)
}

/// The arguments that the two have in common, checked.
fn asked(
    neon: &Session,
    configuration: Option<Json<MAX_DOCUMENT>>,
    prune: Option<Array<Text>>,
    unmanaged: Option<bool>,
    resend: Option<bool>,
) -> Result<(Document, Options), Error> {
    let json = required("configuration", configuration)?;
    let unmanaged = required("unmanaged", unmanaged)?;
    let resend = required("resend", resend)?;
    let names = prune.map(|names| texts("prune", &names)).transpose()?;
    let document = Document::parse(&json, neon.target())?;
    let names = names.iter().flatten().map(|name| &**name);
    let prune = configuration::prune(names, &document)?;
    let options = Options {
        prune,
        unmanaged,
        resend,
    };
    Ok((document, options))
}

impl Way for Session {
    fn target(&self) -> &Target {
        self.target()
    }

    fn sends(&self) -> bool {
        self.sends()
    }

    fn send<T>(&self, request: &Request<T>) -> Result<T, Error> {
        let answer = self.try_send(request)?;
        answer.ok_or_else(|| Error::nothing_made_up(request.endpoint().function))
    }

    fn make(&self, request: &Request<()>, progress: &str) -> Result<(), Error> {
        self.send_one_of_several(request, progress)
    }

    fn made(&self, number: i32, step: &Step, note: Option<&str>) {
        // Of a dry run, a notice has said what would be sent.
        if self.sends() {
            let note = note.map_or(String::new(), |note| format!(" ({note})"));
            tell(format!("step {number} was made: {}{note}", step.summary()));
        }
    }

    fn time_left(&self) -> Duration {
        self.time_left()
    }
}
