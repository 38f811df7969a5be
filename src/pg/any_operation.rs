//! Owns the SQL function that calls an operation which has no function of its own.

use pgrx::prelude::*;

use crate::neon::any_operation::{self, ApiAnswer};
use crate::pg::args::required;
use crate::pg::json::Json;
use crate::pg::report::Raise;
use crate::pg::reserve::Entry;
use crate::pg::row::{One, Secrets, row_type};
use crate::pg::session::Session;
use crate::pg::text::Text;
use crate::secret::Secret;

row_type!(ApiAnswer, "api_answer");

/// Calls any operation below `.../auth`; see [`any_operation::call`]. What a write answers is shown as it
/// is: nothing else may have a new secret that is in it.
#[pg_extern(volatile, parallel_unsafe, cost = 1000)]
fn call_api(
    _entry: Entry,
    method: Option<Text>,
    path: Option<Text>,
    body: default!(Option<Json>, "NULL"),
    server: default!(Option<Text>, "NULL"),
) -> Result<One<ApiAnswer>, Raise> {
    let method = required("method", method)?;
    let endpoint = any_operation::endpoint("method", &method)?;
    let neon = Session::open(endpoint, server.as_deref())?;
    let path = required("path", path)?;
    let body = body.map(|body| Secret::new(&*body));
    let request = any_operation::call(endpoint, neon.target(), &path, body)?;
    let secrets = match endpoint.is_write() {
        true => Secrets::Shown,
        false => Secrets::Masked,
    };
    neon.row_showing(&request, secrets)
}
