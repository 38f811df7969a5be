//! Owns the right to an operation, which is that to its function: looked at when a call is queued, and again
//! when it is sent.

// Looks functions up in Postgres' catalog caches.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::slice;

use pgrx::pg_sys;

use crate::error::Error;
use crate::neon::queue::call::Operation;
use crate::pg::compat::may_execute;
use crate::pg::role::Role;

pub fn check(operation: Operation, role: Role) -> Result<(), Error> {
    check_function(operation.name(), role)
}

/// The same, of a function of the extension's.
pub fn check_function(name: &str, role: Role) -> Result<(), Error> {
    let function = function(name).ok_or_else(|| Error::stale_extension("no such function"))?;
    match may_execute(function, role.0) {
        true => Ok(()),
        false => Err(Error::function_denied(name, &role.to_string())),
    }
}

/// The function of that name of the extension's, which has no two of one name.
fn function(name: &str) -> Option<pg_sys::Oid> {
    let name = CString::new(name).expect("names of functions have no NUL");
    // SAFETY: a NUL-terminated name; the list is released after its last use.
    unsafe {
        let schema = pg_sys::get_namespace_oid(c"neon_auth_admin".as_ptr(), true);
        let list = pg_sys::SearchSysCacheList(
            pg_sys::SysCacheIdentifier::PROCNAMEARGSNSP as _,
            1,
            name.as_ptr().into(),
            0.into(),
            0.into(),
        );
        let count = usize::try_from((*list).n_members).unwrap_or_default();
        let members = slice::from_raw_parts((*list).members.as_ptr(), count);
        let found = members.iter().find_map(|&member| {
            let tuple = &raw mut (*member).tuple;
            let function = pg_sys::GETSTRUCT(tuple).cast::<pg_sys::FormData_pg_proc>();
            ((*function).pronamespace == schema).then_some((*function).oid)
        });
        pg_sys::ReleaseCatCacheList(list);
        found
    }
}
