//! Owns the SQL functions on the webhooks of a branch.

use pgrx::prelude::*;

use crate::neon::webhooks::{self, Fields, Webhooks};
use crate::pg::args::{owned, texts};
use crate::pg::report::Raise;
use crate::pg::reserve::Entry;
use crate::pg::row::{One, row_type};
use crate::pg::session::Session;
use crate::pg::text::Text;

row_type!(Webhooks, "webhooks");

/// Reads the webhooks; see [`webhooks::get`].
#[pg_extern(volatile, parallel_restricted, cost = 1000)]
fn get_webhooks(
    _entry: Entry,
    server: default!(Option<Text>, "NULL"),
) -> Result<One<Webhooks>, Raise> {
    let neon = Session::open(&webhooks::GET_WEBHOOKS, server.as_deref())?;
    let request = webhooks::get(neon.target())?;
    neon.row(&request)
}

/// Changes the webhooks; see [`webhooks::replace`]. What is not given is read first, and between the two
/// no other session of this database changes them.
#[pg_extern(volatile, parallel_unsafe, cost = 1000)]
fn update_webhooks(
    _entry: Entry,
    enabled: default!(Option<bool>, "NULL"),
    webhook_url: default!(Option<Text>, "NULL"),
    enabled_events: default!(Option<Array<Text>>, "NULL"),
    timeout_seconds: default!(Option<i32>, "NULL"),
    server: default!(Option<Text>, "NULL"),
) -> Result<One<Webhooks>, Raise> {
    let neon = Session::open(&webhooks::UPDATE_WEBHOOKS, server.as_deref())?;
    let events = enabled_events.map(|events| texts("enabled_events", &events));
    let events = events.transpose()?;
    let update = Webhooks {
        enabled,
        webhook_url: owned(&webhook_url),
        enabled_events: events.map(|events| events.iter().map(|text| text.to_string()).collect()),
        timeout_seconds,
    };
    update.check()?;
    let _turn = neon.take_turn(&webhooks::UPDATE_WEBHOOKS)?;
    let current = match update.is_whole() {
        true => Fields::new(),
        false => neon
            .read(&webhooks::get(neon.target())?)?
            .unwrap_or_default(),
    };
    let request = webhooks::replace(neon.target(), current, &update)?;
    neon.row(&request)
}
