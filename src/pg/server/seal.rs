//! Owns where the secret of this database is: in the user mapping of a server that belongs to the
//! extension. pg_dump leaves out what belongs to an extension, except for pg_upgrade; a table would be
//! published by FOR ALL TABLES, decoded, and locked by a dump.

// Looks into Postgres' catalogs, and adds a dependency to them.
#![allow(unsafe_code)]

use std::cell::RefCell;
use std::ffi::CStr;
use std::rc::Rc;

use pgrx::pg_sys;
use pgrx::prelude::*;

use super::catalog::{Changes, changes, mapped};
use super::mapping::{self, Owner};
use crate::error::Error;
use crate::pg::report::Raise;
use crate::pg::reserve::Entry;
use crate::seal::{self, Seal};

/// The server that sql/fdw.sql makes.
const SERVER: &CStr = c"neon_auth_admin_seal";
const EXTENSION: &CStr = c"neon_auth_admin";
/// The option of its mapping.
pub const OPTION: &CStr = c"secret";
/// Whose mapping it is. Nobody can drop this role, and no other is shown what its mappings hold.
const HOLDER: pg_sys::Oid = pg_sys::Oid::from_u32(pg_sys::BOOTSTRAP_SUPERUSERID);

thread_local! {
    /// The seal, and at which count of changes it was read.
    static LAST: RefCell<Option<(Changes, Rc<Seal>)>> = const { RefCell::new(None) };
}

/// The seal of this database. It is kept until the catalogs change.
pub fn of_this_database() -> Result<Rc<Seal>, Error> {
    // Before looking: a change that is heard of meanwhile counts.
    let changes = changes();
    let last = LAST.with_borrow(|last| match last {
        Some((then, seal)) if *then == changes => Some(seal.clone()),
        _ => None,
    });
    if let Some(last) = last {
        return Ok(last);
    }
    let secret = server()
        .and_then(|server| mapped(HOLDER, server, OPTION))
        .flatten();
    let seal = secret.and_then(|secret| Seal::new(&secret));
    let seal = Rc::new(seal.ok_or_else(Error::no_sealing_secret)?);
    LAST.set(Some((changes, seal.clone())));
    Ok(seal)
}

/// The extension's own server, and nobody else's of that name.
fn server() -> Option<pg_sys::Oid> {
    // SAFETY: look-ups by NUL-terminated names.
    unsafe {
        let extension = pg_sys::get_extension_oid(EXTENSION.as_ptr(), true);
        let server = pg_sys::get_foreign_server_oid(SERVER.as_ptr(), true);
        let is_own = server != pg_sys::InvalidOid
            && extension != pg_sys::InvalidOid
            && pg_sys::getExtensionOfObject(pg_sys::ForeignServerRelationId, server) == extension;
        is_own.then_some(server)
    }
}

/// Makes the secret while the extension's script runs, which then drops this function: the secret is in
/// no statement.
#[pg_extern(volatile, parallel_unsafe)]
pub fn make_sealing_secret(_entry: Entry) -> Result<(), Raise> {
    // SAFETY: variables of the backend, read on its own thread.
    let is_in_script = unsafe { pg_sys::creating_extension };
    let server = server().filter(|_| is_in_script);
    let server = server.ok_or_else(|| Error::stale_extension("its script does not run"))?;
    let secret = seal::new_secret().map_err(|_| Error::no_randomness())?;
    // As it is: the names of roles are in the encoding of whichever database they were made in.
    // SAFETY: a NUL-terminated copy in the current memory context, which outlives the call.
    let holder = unsafe { CStr::from_ptr(pg_sys::GetUserNameFromId(HOLDER, false)) };
    let mapping = mapping::store(Owner::Role(holder), (server, SERVER), OPTION, &secret)?;
    // A mapping keeps its server from being dropped, and would keep the extension.
    let address = |class, object| pg_sys::ObjectAddress {
        classId: class,
        objectId: object,
        objectSubId: 0,
    };
    let own = address(pg_sys::UserMappingRelationId, mapping);
    let on = address(pg_sys::ForeignServerRelationId, server);
    // SAFETY: addresses of objects that exist.
    unsafe {
        pg_sys::recordDependencyOn(&own, &on, pg_sys::DependencyType::DEPENDENCY_AUTO);
    }
    Ok(())
}
