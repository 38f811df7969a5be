//! Owns the SQL functions on the webhooks of a branch.

use pgrx::composite_type;
use pgrx::prelude::*;

use crate::error::Error;
use crate::neon::webhooks::{self, Update, Webhooks};
use crate::pg::call::{elements, prevent_if_read_only, read, run};
use crate::pg::report::Raise;
use crate::pg::row::{Composite, Row};
use crate::pg::text::Text;

/// Reads the webhooks; see [`webhooks::get`].
#[pg_extern(volatile, parallel_unsafe, cost = 10000)]
fn get_webhooks(
    server: default!(Option<Text>, "NULL"),
) -> Result<composite_type!('static, "neon_auth_admin.webhooks"), Raise> {
    let row = new_row()?;
    Ok(fill(row, &read(server.as_deref(), webhooks::get)?)?)
}

/// Changes the webhooks; see [`webhooks::update`].
#[pg_extern(volatile, parallel_unsafe, cost = 10000)]
fn update_webhooks(
    enabled: default!(Option<bool>, "NULL"),
    webhook_url: default!(Option<Text>, "NULL"),
    enabled_events: default!(Option<Array<Text>>, "NULL"),
    timeout_seconds: default!(Option<i32>, "NULL"),
    server: default!(Option<Text>, "NULL"),
) -> Result<composite_type!('static, "neon_auth_admin.webhooks"), Raise> {
    prevent_if_read_only(c"update_webhooks()");
    let row = new_row()?;
    let events = enabled_events.as_ref();
    let events = events.map(|events| elements("enabled_events", events));
    let events: Option<Vec<_>> = events.transpose()?.map(Iterator::collect);
    let events: Option<Vec<_>> = events
        .as_ref()
        .map(|events| events.iter().map(Option::as_deref).collect());
    let update = Update {
        enabled,
        webhook_url: webhook_url.as_deref(),
        enabled_events: events.as_deref(),
        timeout_seconds,
    };
    let updated = run(server.as_deref(), |client| webhooks::update(client, update))?;
    Ok(fill(row, &updated)?)
}

fn new_row() -> Result<Row, Error> {
    Row::new(
        c"webhooks",
        &[
            "enabled",
            "webhook_url",
            "enabled_events",
            "timeout_seconds",
        ],
    )
}

fn fill(row: Row, webhooks: &Webhooks) -> Result<Composite, Error> {
    let events = webhooks.enabled_events.as_ref();
    let events = events.map(|events| events.iter().map(Text::new).collect::<Vec<_>>());
    row.set("enabled", webhooks.enabled)?
        .text("webhook_url", webhooks.webhook_url.as_deref())?
        .set("enabled_events", events)?
        .set("timeout_seconds", webhooks.timeout_seconds)?
        .finish()
}
