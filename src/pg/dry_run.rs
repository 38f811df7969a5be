//! Owns what a call is where nothing may be sent: a database in which migrations are only tried. It says
//! what would be sent, and makes the answer up.

use percent_encoding::percent_decode_str;
use pgrx::prelude::*;
use serde_json::{Map, Value};
use uuid::Builder;
use zeroize::Zeroizing;

use crate::error::Error;
use crate::neon::endpoint::{Endpoint, Path};
use crate::neon::request::Request;
use crate::neon::target::Target;
use crate::pg::role::Role;
use crate::pg::{guc, server};

/// What stands for project and branch where no server says them.
const NOWHERE: &str = "dry-run";

/// The project level, where a target was made up and the arguments are of that level.
pub fn project_in_place_of(target: &Target) -> Option<Target> {
    let is_made_up = target.project_id() == Some(NOWHERE);
    Target::new(NOWHERE, None, None).ok().filter(|_| is_made_up)
}

/// For whoever is asked for the way to Neon.
pub fn refuse() -> Result<(), Error> {
    match guc::is_dry_run() {
        true => Err(Error::dry_run()),
        false => Ok(()),
    }
}

/// That of the server, if it can be had; or one of the level that has the operation.
pub fn target(endpoint: &Endpoint, server: Option<&str>) -> Result<Target, Error> {
    let found = server::usable_server(server, Role::in_effect())
        .and_then(|server| server::target(&server, endpoint.scope()));
    let branch = match endpoint.path {
        Path::Account(_) => return Ok(Target::account()),
        Path::OfProject(_) | Path::Project(_) => None,
        Path::Both(_) | Path::Branch(_) | Path::Each { .. } => Some(NOWHERE),
    };
    found.or_else(|_| Target::new(NOWHERE, branch, None))
}

/// A read answers nothing. A write says what it would send, and answers what it was given.
pub fn answer<T>(target: &Target, request: &Request<T>) -> Option<T> {
    let endpoint = request.endpoint();
    if !endpoint.is_write() {
        return None;
    }
    notice!("dry run: {}() would send {request:?}", endpoint.function);
    let given = request
        .body()
        .map(|body| serde_json::from_str(body.expose()));
    let mut answer = made_up(target, request);
    answer.retain(|name, _| request.knows(name));
    if let Some(Ok(Value::Object(given))) = given {
        answer.extend(given);
    }
    let answer = Zeroizing::new(serde_json::to_vec(&answer).ok()?);
    request.decode(200, &answer).ok()
}

/// What the API would add. Ids begin with zeros, and are UUIDs, as those of users are.
fn made_up<T>(target: &Target, request: &Request<T>) -> Map<String, Value> {
    let mut random = fastrand::u128(..).to_be_bytes();
    random[..4].fill(0);
    let new = Builder::from_custom_bytes(random).into_uuid().to_string();
    let id = match request.knows("id") {
        true => "id",
        false => "client_id",
    };
    let fields = [
        (id, new.clone().into()),
        ("type", "standard".into()),
        ("auth_provider", target.auth_provider().into()),
        ("auth_provider_project_id", new.into()),
        ("url", "https://dry-run.invalid/".into()),
        ("success", true.into()),
    ];
    let fields = fields.map(|(name, value): (&str, Value)| (name.to_owned(), value));
    fields.into_iter().chain(named(target, request)).collect()
}

/// The id that the path has, by the name of its gap.
fn named<T>(target: &Target, request: &Request<T>) -> Option<(String, Value)> {
    let below = request.endpoint().path_at(target).ok()?;
    let mut words = below.rsplit('/').zip(request.path().rsplit('/'));
    words.find_map(|(word, id)| {
        let name = word.strip_prefix('{')?.strip_suffix('}')?;
        let id = percent_decode_str(id).decode_utf8_lossy();
        Some((name.to_owned(), id.into()))
    })
}
