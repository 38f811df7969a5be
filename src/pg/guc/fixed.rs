//! Owns the rule of settings that are fixed when a session starts: the connection's options, the role,
//! the database and the configuration file may set one, and no statement. It knows nothing of what
//! they are for.

// Tells Postgres in its own variables why it refuses a value.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_char, c_void};

use pgrx::guc::{GucContext, GucFlags, GucRegistry, GucSetting};
use pgrx::pg_sys::{self, GucSource};

/// A setting of that kind, and what is said where a statement sets it.
pub trait Fixed {
    const NAME: &'static CStr;
    const DESCRIPTION: &'static CStr;
    const REFUSAL: &'static CStr;
    /// How else to get what the statement was for.
    const HINT: &'static CStr;
}

pub fn define_string<F: Fixed>(setting: &'static GucSetting<Option<CString>>) {
    // SAFETY: the hook does not panic.
    unsafe {
        GucRegistry::define_string_guc_with_hooks(
            F::NAME,
            F::DESCRIPTION,
            c"Fixed when the session starts.",
            setting,
            // PGC_BACKEND would keep roles and databases from setting it as well.
            GucContext::Userset,
            GucFlags::default(),
            Some(check::<F, *mut c_char>),
            None,
            None,
        );
    }
}

pub fn define_bool<F: Fixed>(setting: &'static GucSetting<bool>) {
    // SAFETY: the hook does not panic.
    unsafe {
        GucRegistry::define_bool_guc_with_hooks(
            F::NAME,
            F::DESCRIPTION,
            c"Fixed when the session starts.",
            setting,
            GucContext::Userset,
            GucFlags::default(),
            Some(check::<F, bool>),
            None,
            None,
        );
    }
}

/// Called with each value before it is taken, and where it comes from: a value that a session gave
/// before Postgres knew the setting comes here, too, when it is defined.
///
/// What a statement sets outlives it: in a session that a pooler hands to the next client, and in the
/// functions that run with another role's rights.
unsafe extern "C-unwind" fn check<F: Fixed, T>(
    _value: *mut T,
    _extra: *mut *mut c_void,
    source: GucSource::Type,
) -> bool {
    // A test is for later: ALTER ROLE and ALTER DATABASE have their values looked at.
    let may_set = source < GucSource::PGC_S_INTERACTIVE || source == GucSource::PGC_S_TEST;
    if !may_set {
        // SAFETY: constants, which Postgres copies into its report.
        unsafe {
            pg_sys::GUC_check_errcode(
                pgrx::PgSqlErrorCode::ERRCODE_CANT_CHANGE_RUNTIME_PARAM as i32,
            );
            pg_sys::GUC_check_errmsg_string = F::REFUSAL.as_ptr().cast_mut();
            pg_sys::GUC_check_errdetail_string = DETAIL.as_ptr().cast_mut();
            pg_sys::GUC_check_errhint_string = F::HINT.as_ptr().cast_mut();
        }
    }
    may_set
}

const DETAIL: &CStr = c"It is fixed when a session starts: by the connection's options, ALTER ROLE, ALTER DATABASE or the configuration file.";
