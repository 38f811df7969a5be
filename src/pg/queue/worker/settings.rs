//! Owns what a worker is like whatever its role, its database and the server's configuration say: it acts as the
//! role and no other, and may write.

// Sets settings of Postgres'.
#![allow(unsafe_code)]

use std::ffi::CStr;

use pgrx::pg_sys;

use crate::pg::compat;
use crate::pg::role::Role;

const FIXED: [(&CStr, &CStr); 9] = [
    // First, as the others are this one's.
    (c"role", c"none"),
    (c"search_path", c"pg_catalog, pg_temp"),
    (c"row_security", c"on"),
    (c"default_transaction_read_only", c"off"),
    (c"default_transaction_isolation", c"read committed"),
    (c"default_transaction_deferrable", c"off"),
    (c"session_replication_role", c"origin"),
    // Somebody has locked the table of calls: not the end of a delivery.
    (c"lock_timeout", c"10s"),
    (c"application_name", c"neon_auth_admin worker"),
];

/// Before the first transaction.
pub fn fix() {
    let transaction_timeout =
        compat::HAS_TRANSACTION_TIMEOUT.then_some((c"transaction_timeout", c"0"));
    for (name, value) in FIXED.into_iter().chain(transaction_timeout) {
        // SAFETY: NUL-terminated texts. What a session has set wins over everything else.
        unsafe {
            pg_sys::SetConfigOption(
                name.as_ptr(),
                value.as_ptr(),
                pg_sys::GucContext::PGC_SUSET,
                pg_sys::GucSource::PGC_S_SESSION,
            );
        }
    }
}

/// Whether it acts as that role now.
pub fn acts_as(role: Role) -> bool {
    // SAFETY: variables of the backend.
    let (session, outer) = unsafe { (pg_sys::GetSessionUserId(), pg_sys::GetOuterUserId()) };
    Role::in_effect() == role && session == role.0 && outer == role.0
}
