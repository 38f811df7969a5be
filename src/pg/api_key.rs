//! Owns the API keys of roles: `set_api_key`, which stores them sealed, and the way back.

use std::ffi::CStr;
use std::rc::Rc;

use pgrx::pg_sys;
use pgrx::prelude::*;

use crate::error::{Error, Mapping};
use crate::neon::api_url::{self, ApiUrl};
use crate::neon::argument;
use crate::neon::target::Target;
use crate::pg::args::required;
use crate::pg::report::{Raise, raise};
use crate::pg::reserve::Entry;
use crate::pg::role::Role;
use crate::pg::server::catalog::{ForeignServer, look_at_what_is_committed, mapped};
use crate::pg::server::mapping::{self, Owner};
use crate::pg::server::{current, seal};
use crate::pg::session::prevent_if_read_only;
use crate::pg::text::{Text, to_server};
use crate::seal::{Purpose, Sealed, claims_to_be_sealed};
use crate::secret::Secret;

const OPTION: &CStr = c"api_key";

/// Stores the API key of a role in its user mapping, sealed: see [`crate::seal`].
///
/// `role` NULL is the current role, `'public'` everyone without a mapping of their own. With a
/// `project_id` the key is for that project alone; `'current'` is this compute's.
#[pg_extern(volatile, parallel_unsafe, cost = 1000)]
fn set_api_key(
    _entry: Entry,
    api_key: Option<Text>,
    server: default!(Option<Text>, "NULL"),
    role: default!(Option<Text>, "NULL"),
    project_id: default!(Option<Text>, "NULL"),
) -> Result<Text, Raise> {
    prevent_if_read_only("set_api_key");
    let api_key = Secret::new(required("api_key", api_key.as_deref())?);
    if claims_to_be_sealed(api_key.expose()) {
        raise(Error::sealed_argument("api_key"));
    }
    if !argument::is_api_key(&api_key) {
        raise(Error::invalid_argument("api_key", argument::API_KEY));
    }
    look_at_what_is_committed();
    let server = match server.as_deref() {
        Some(name) => {
            Rc::new(ForeignServer::look_up(name)?.ok_or_else(|| Error::unknown_name("server"))?)
        }
        None => ForeignServer::find(None)?,
    };
    let project_id = match project_id.as_deref() {
        None => None,
        Some(current::CURRENT) => Some(current::read(&server.name, "project_id")?),
        Some(id) => Some(argument::neon_id("project_id", id)?.to_owned()),
    };
    let role = role.as_deref();
    let name = role.map(to_server);
    let owner = match (role, &name) {
        (Some("public"), _) => Owner::Public,
        (_, Some(name)) => Owner::Role(name),
        (_, None) => Owner::Current,
    };
    let place = api_url::place(server.api_url());
    let sealed = Sealed {
        api_key,
        purpose: Purpose {
            place: place.ok_or_else(Error::invalid_api_url)?,
            role: owner.oid()?.to_u32(),
            project_id,
        },
    };
    let sealed = seal::of_this_database()?.seal(&sealed);
    let sealed = Secret::new(sealed.map_err(|_| Error::no_randomness())?);
    let server_name = to_server(&server.name);
    mapping::store(owner, (server.oid, &server_name), OPTION, &sealed)?;
    Ok(Text::new(server.name.as_str()))
}

/// An API key, and whose it is.
pub struct Key {
    pub api_key: Secret,
    pub is_of_public: bool,
    /// What it was sealed for; `None` for one that CREATE USER MAPPING has stored as it is.
    pub purpose: Option<Purpose>,
}

impl Key {
    /// The key of the role or, for want of a mapping of its own, of PUBLIC.
    pub fn of(server: &ForeignServer, role: Role) -> Result<Self, Error> {
        let own = mapped(role.0, server.oid, OPTION);
        let is_of_public = own.is_none();
        let stored = own
            .or_else(|| mapped(pg_sys::InvalidOid, server.oid, OPTION))
            .flatten()
            .ok_or_else(|| Error::no_api_key(&mapping_of(server, role, false)))?;
        let (api_key, purpose) = if claims_to_be_sealed(stored.expose()) {
            let sealed = seal::of_this_database()?.open(stored.expose());
            let sealed = sealed
                .ok_or_else(|| Error::foreign_seal(&mapping_of(server, role, is_of_public)))?;
            (sealed.api_key, Some(sealed.purpose))
        } else {
            (stored, None)
        };
        if !argument::is_api_key(&api_key) {
            return Err(Error::invalid_option("api_key", argument::API_KEY));
        }
        Ok(Self {
            api_key,
            is_of_public,
            purpose,
        })
    }

    /// Refuses a key that was sealed for something else.
    pub fn check(
        &self,
        server: &ForeignServer,
        role: Role,
        target: &Target,
        api_url: &ApiUrl,
    ) -> Result<(), Error> {
        let Some(purpose) = &self.purpose else {
            return Ok(());
        };
        let mapping = || mapping_of(server, role, self.is_of_public);
        let holder = match self.is_of_public {
            true => pg_sys::InvalidOid,
            false => role.0,
        };
        if purpose.role != holder.to_u32() {
            return Err(Error::key_of_another_role(&mapping()));
        }
        let project = target.project_id();
        if let (Some(sealed), None) = (&purpose.project_id, project) {
            return Err(Error::key_of_one_project(&mapping(), sealed));
        }
        // A key for one project is stored for one again.
        let again = project.filter(|_| purpose.project_id.is_some());
        let refused = |what, sealed: &str, asked: &str| {
            Err(Error::key_for_elsewhere(
                &mapping(),
                what,
                sealed,
                asked,
                again,
            ))
        };
        if purpose.place != api_url.place() {
            return refused("host", &purpose.place, api_url.place());
        }
        match (&purpose.project_id, project) {
            (Some(sealed), Some(asked)) if sealed != asked => refused("project", sealed, asked),
            _ => Ok(()),
        }
    }
}

fn mapping_of(server: &ForeignServer, role: Role, is_of_public: bool) -> Mapping<'_> {
    Mapping {
        server: &server.name,
        role: (!is_of_public).then(|| role.to_string()),
    }
}
