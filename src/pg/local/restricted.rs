//! Owns the state in which a local read runs: as a security-restricted operation, as whom it is to run,
//! and with settings of its own that end with it.

// Changes the role in effect and settings.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString};
use std::time::Instant;

use pgrx::pg_sys;

use super::Relation;

/// From [`Restricted::enter`] to [`Restricted::leave`]. After an error the end of the (sub)transaction
/// puts everything back, as it does for Postgres' own restricted operations; nothing is done when it is
/// dropped, because what would be done can raise.
#[must_use]
pub struct Restricted {
    role: pg_sys::Oid,
    context: i32,
    level: i32,
    reader: pg_sys::Oid,
}

impl Restricted {
    pub fn enter(relation: &Relation) -> Self {
        let (mut role, mut context) = (pg_sys::InvalidOid, 0);
        // SAFETY: variables of the backend.
        let level = unsafe {
            pg_sys::GetUserIdAndSecContext(&raw mut role, &raw mut context);
            pg_sys::SetUserIdAndSecContext(role, context | RESTRICTED);
            pg_sys::NewGUCNestLevel()
        };
        // As Postgres does it where it runs others' code: a function that names something without its
        // schema must not find what somebody put into the caller's search path.
        set(c"search_path", c"pg_catalog, pg_temp");
        set(c"lock_timeout", &lock_timeout(relation.deadline));
        let reader = relation.reader();
        Self {
            role,
            context,
            level,
            reader,
        }
    }

    /// From here on with the rights of whom the query runs as.
    pub fn as_reader(&self) {
        // SAFETY: as in `enter`.
        unsafe { pg_sys::SetUserIdAndSecContext(self.reader, self.context | RESTRICTED) }
    }

    /// From here on with the caller's rights, still restricted.
    pub fn as_caller(&self) {
        // SAFETY: as in `enter`.
        unsafe { pg_sys::SetUserIdAndSecContext(self.role, self.context | RESTRICTED) }
    }

    pub fn leave(self) {
        // SAFETY: what was entered is left; the settings first, as their owner is the same.
        unsafe {
            pg_sys::AtEOXact_GUC(false, self.level);
            pg_sys::SetUserIdAndSecContext(self.role, self.context);
        }
    }
}

const RESTRICTED: i32 = pg_sys::SECURITY_RESTRICTED_OPERATION as i32;

/// For the locks that Postgres takes itself, of what a view reads: no longer than there is time, nor
/// than the session wants.
fn lock_timeout(deadline: Instant) -> CString {
    let left = deadline.saturating_duration_since(Instant::now());
    let left = i32::try_from(left.as_millis()).unwrap_or(i32::MAX).max(1);
    // SAFETY: a variable of the backend, read on its own thread.
    let limit = match unsafe { pg_sys::LockTimeout } {
        0 => left,
        of_session => left.min(of_session),
    };
    CString::new(limit.to_string()).expect("a number has no NUL")
}

/// Until the level of settings ends that was begun last.
pub fn set(name: &CStr, value: &CStr) {
    // SAFETY: NUL-terminated strings, which Postgres copies.
    unsafe {
        pg_sys::set_config_option(
            name.as_ptr(),
            value.as_ptr(),
            pg_sys::GucContext::PGC_USERSET,
            pg_sys::GucSource::PGC_S_SESSION,
            pg_sys::GucAction::GUC_ACTION_SAVE,
            true,
            0,
            false,
        );
    }
}
