//! Owns the role that a call is made for: whose key it takes, and whom its messages name.

// Reads the backend's role, and Postgres' catalogs.
#![allow(unsafe_code)]

use std::ffi::CStr;
use std::fmt;

use pgrx::pg_sys;
use pgrx::pg_sys::SysCacheIdentifier::AUTHOID;

use crate::pg::text::from_server;

#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Role(pub pg_sys::Oid);

impl Role {
    /// That of SET ROLE, or of the owner of a SECURITY DEFINER function.
    pub fn in_effect() -> Self {
        // SAFETY: reads a variable of the backend.
        Self(unsafe { pg_sys::GetUserId() })
    }
}

impl Role {
    pub fn can_log_in(self) -> bool {
        // SAFETY: a tuple of that catalog, released after its last use.
        unsafe {
            let tuple = pg_sys::SearchSysCache1(AUTHOID as _, self.0.into());
            if tuple.is_null() {
                return false;
            }
            let role = pg_sys::GETSTRUCT(tuple).cast::<pg_sys::FormData_pg_authid>();
            let can = (*role).rolcanlogin;
            pg_sys::ReleaseSysCache(tuple);
            can
        }
    }
}

/// The name, or the number where somebody has dropped the role.
impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // SAFETY: a NUL-terminated copy in the current memory context, or none.
        let name = unsafe { pg_sys::GetUserNameFromId(self.0, true) };
        if name.is_null() {
            return write!(f, "{}", self.0.to_u32());
        }
        // SAFETY: as above.
        f.write_str(&from_server(unsafe { CStr::from_ptr(name) }))
    }
}
