//! Owns whether a role may call the function that a view stands for: who may write to a view gets no more
//! by that than the functions give.

// Looks into Postgres' catalog caches.
#![allow(unsafe_code)]

use std::ffi::CString;

use pgrx::pg_sys;
use pgrx::pg_sys::SysCacheIdentifier::PROCNAMEARGSNSP;

use crate::error::Error;
use crate::pg::compat::may_execute;
use crate::pg::role::Role;

/// Raises 42501 as Postgres does, if the role in effect may not call this function of the extension's.
pub fn check_execute(function: &str) -> Result<(), Error> {
    let missing = || Error::stale_extension(&format!("no function {function}"));
    let name = CString::new(function).map_err(|_| missing())?;
    let oid = find(&name).ok_or_else(missing)?;
    if !may_execute(oid, Role::in_effect().0) {
        let denied = pg_sys::AclResult::ACLCHECK_NO_PRIV;
        let kind = pg_sys::ObjectType::OBJECT_FUNCTION;
        // SAFETY: a NUL-terminated name.
        unsafe { pg_sys::aclcheck_error(denied, kind, name.as_ptr()) };
    }
    Ok(())
}

/// By name and schema alone: none of the extension's functions has another one of its name.
fn find(name: &CString) -> Option<pg_sys::Oid> {
    // SAFETY: a list of tuples of that catalog, released after its last use.
    unsafe {
        let schema = pg_sys::get_namespace_oid(c"neon_auth_admin".as_ptr(), true);
        let (id, name, none) = (PROCNAMEARGSNSP as _, name.as_ptr().into(), 0.into());
        let list = pg_sys::SearchSysCacheList(id, 1, name, none, none);
        let count = usize::try_from((*list).n_members).unwrap_or_default();
        let members = (*list).members.as_slice(count);
        let functions = members.iter().map(|&member| {
            let tuple = &raw mut (*member).tuple;
            &*pg_sys::GETSTRUCT(tuple).cast::<pg_sys::FormData_pg_proc>()
        });
        let mut ours = functions.filter(|function| function.pronamespace == schema);
        let oid = ours.next().map(|function| function.oid);
        pg_sys::ReleaseCatCacheList(list);
        oid
    }
}
