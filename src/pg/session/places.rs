//! Owns where and when no call is made, which is refused before any I/O. It knows nothing of what is called.

use std::ffi::CString;

use crate::error::Error;
use crate::pg::guc;

/// Raises when the transaction is read-only or on a standby; `function` is the SQL name.
pub fn prevent_if_read_only(function: &str) {
    // SAFETY: a variable of the backend; a NUL-terminated name.
    #[allow(unsafe_code)]
    unsafe {
        if pgrx::pg_sys::XactReadOnly {
            let name = CString::new(format!("{function}()")).unwrap_or_default();
            pgrx::pg_sys::PreventCommandIfReadOnly(name.as_ptr());
        }
    }
}

/// Raises where there may be workers, also in their leader, which does whatever part of the work it comes to.
pub fn prevent_if_parallel() {
    // SAFETY: a NUL-terminated name.
    #[allow(unsafe_code)]
    unsafe {
        pgrx::pg_sys::PreventCommandIfParallelMode(c"a call of the Neon API".as_ptr());
    }
}

/// Some places are none for a call: a parallel worker (where only a caller's function that is wrongly
/// marked as safe can bring us; its leader may read), a security-restricted operation such as the refresh of a materialized
/// view, and a session whose settings are not the configured ones.
pub fn refuse_wrong_place() -> Result<(), Error> {
    // SAFETY: a variable of the backend, and its security context.
    #[allow(unsafe_code)]
    let (is_worker, restricted) = unsafe {
        (
            pgrx::pg_sys::ParallelWorkerNumber >= 0,
            pgrx::pg_sys::InSecurityRestrictedOperation(),
        )
    };
    if is_worker {
        // Every worker is in parallel mode.
        prevent_if_parallel();
    }
    if restricted {
        return Err(Error::security_restricted());
    }
    if guc::came_dry_run_too_late() {
        return Err(Error::dry_run_too_late());
    }
    // Whoever connects may choose so for himself, and not for functions that run with others' rights.
    // SAFETY: reads the backend's security context.
    #[allow(unsafe_code)]
    let is_for_others = unsafe { pgrx::pg_sys::InLocalUserIdChange() };
    if is_for_others && guc::is_dry_run_by_client() {
        return Err(Error::dry_run_for_others());
    }
    match guc::overridden() {
        Some(setting) => Err(Error::overridden_setting(&setting)),
        None => Ok(()),
    }
}
