//! Owns what differs between the versions of Postgres. Elsewhere there is one way for all of them.

// Calls functions of Postgres' that not every version has.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_char, c_int, c_void};

use pgrx::pg_sys;

use crate::pg::raised::{Raised, attempt};

unsafe extern "C-unwind" {
    // Runs others' code, without pgrx's guard.
    #[cfg_attr(feature = "pg14", link_name = "parse_analyze")]
    pub fn parse_analyze_fixedparams(
        statement: *mut pg_sys::RawStmt,
        text: *const c_char,
        types: *const pg_sys::Oid,
        count: c_int,
        environment: *mut pg_sys::QueryEnvironment,
    ) -> *mut pg_sys::Query;
}

/// Whether a role may use a foreign server.
pub fn may_use_server(server: pg_sys::Oid, role: pg_sys::Oid) -> bool {
    let usage = pg_sys::ACL_USAGE as pg_sys::AclMode;
    // SAFETY: a look-up in the catalogs.
    let result = unsafe {
        #[cfg(any(feature = "pg14", feature = "pg15"))]
        {
            pg_sys::pg_foreign_server_aclcheck(server, role, usage)
        }
        #[cfg(not(any(feature = "pg14", feature = "pg15")))]
        {
            pg_sys::object_aclcheck(pg_sys::ForeignServerRelationId, server, role, usage)
        }
    };
    result == pg_sys::AclResult::ACLCHECK_OK
}

/// Whether a role may call a function.
pub fn may_execute(function: pg_sys::Oid, role: pg_sys::Oid) -> bool {
    let execute = pg_sys::ACL_EXECUTE as pg_sys::AclMode;
    // SAFETY: a look-up in the catalogs.
    let result = unsafe {
        #[cfg(any(feature = "pg14", feature = "pg15"))]
        {
            pg_sys::pg_proc_aclcheck(function, role, execute)
        }
        #[cfg(not(any(feature = "pg14", feature = "pg15")))]
        {
            pg_sys::object_aclcheck(pg_sys::ProcedureRelationId, function, role, execute)
        }
    };
    result == pg_sys::AclResult::ACLCHECK_OK
}

/// Whether deferred triggers run as who has written the row. Before 18 it is whoever has them run.
pub const WRITER_IN_EFFECT: bool = cfg!(feature = "pg18");

/// What numbers an identity column of a relation that is open.
///
/// # Safety
/// It is.
pub unsafe fn identity_sequence(relation: pg_sys::Relation, column: i16) -> pg_sys::Oid {
    // SAFETY: the caller's promise.
    unsafe {
        #[cfg(any(feature = "pg14", feature = "pg15", feature = "pg16"))]
        let relation = (*relation).rd_id;
        pg_sys::getIdentitySequence(relation, column, false)
    }
}

/// What indexes have of a row that was written.
///
/// # Safety
/// The relation and its indexes are open, and the row is in the slot.
pub unsafe fn insert_index_entries(
    into: *mut pg_sys::ResultRelInfo,
    slot: *mut pg_sys::TupleTableSlot,
    executor: *mut pg_sys::EState,
) {
    let none = std::ptr::null_mut();
    macro_rules! insert {
        ($($since_16:expr)?) => {
            pg_sys::ExecInsertIndexTuples(
                into, slot, executor, false, false, none, std::ptr::null_mut() $(, $since_16)?
            )
        };
    }
    // SAFETY: the caller's promise.
    unsafe {
        #[cfg(any(feature = "pg14", feature = "pg15"))]
        insert!();
        #[cfg(not(any(feature = "pg14", feature = "pg15")))]
        insert!(false);
    }
}

/// Whether the primary key of a relation that is open, and whose indexes were looked at, is deferrable. Before 17
/// such a key is none to whoever asks for it.
///
/// # Safety
/// It is.
pub unsafe fn has_deferrable_key(relation: pg_sys::Relation) -> bool {
    #[cfg(any(feature = "pg14", feature = "pg15", feature = "pg16"))]
    {
        let _ = relation;
        false
    }
    #[cfg(not(any(feature = "pg14", feature = "pg15", feature = "pg16")))]
    // SAFETY: the caller's promise.
    unsafe {
        (*relation).rd_ispkdeferrable
    }
}

/// The timeline that this server writes.
pub fn wal_timeline() -> pg_sys::TimeLineID {
    // SAFETY: variables of the server, which is no standby.
    unsafe {
        #[cfg(feature = "pg14")]
        {
            // Looks it up, once.
            pg_sys::RecoveryInProgress();
            pg_sys::ThisTimeLineID
        }
        #[cfg(not(feature = "pg14"))]
        {
            pg_sys::GetWALInsertionTimeLine()
        }
    }
}

/// For a worker that connects as a role which cannot log in: not before 17.
pub const BYPASS_LOGIN: Option<u32> = {
    #[cfg(any(feature = "pg14", feature = "pg15", feature = "pg16"))]
    {
        None
    }
    #[cfg(not(any(feature = "pg14", feature = "pg15", feature = "pg16")))]
    {
        Some(pg_sys::BGWORKER_BYPASS_ROLELOGINCHECK)
    }
};

/// What ends a session whose transaction takes too long.
pub const HAS_TRANSACTION_TIMEOUT: bool = BYPASS_LOGIN.is_some();

/// Has that function serve a signal.
pub fn serve_signal(signal: c_int, serve: unsafe extern "C-unwind" fn(c_int)) {
    // SAFETY: the function may be called at any time.
    unsafe {
        #[cfg(not(feature = "pg18"))]
        pg_sys::pqsignal(signal, Some(serve));
        #[cfg(feature = "pg18")]
        pg_sys::pqsignal_be(signal, Some(serve));
    }
}

/// Whether a role may look into a schema.
pub fn may_use_schema(schema: pg_sys::Oid, role: pg_sys::Oid) -> bool {
    let usage = pg_sys::ACL_USAGE as pg_sys::AclMode;
    // SAFETY: a look-up in the catalogs.
    let result = unsafe {
        #[cfg(any(feature = "pg14", feature = "pg15"))]
        {
            pg_sys::pg_namespace_aclcheck(schema, role, usage)
        }
        #[cfg(not(any(feature = "pg14", feature = "pg15")))]
        {
            pg_sys::object_aclcheck(pg_sys::NamespaceRelationId, schema, role, usage)
        }
    };
    result == pg_sys::AclResult::ACLCHECK_OK
}

/// Postgres' own record of a setting, whoever defined it.
pub fn find_setting(name: &CStr) -> Option<&'static pg_sys::config_generic> {
    // SAFETY: Postgres keeps its settings as long as the backend lives, and this is its only thread.
    unsafe {
        #[cfg(any(feature = "pg14", feature = "pg15"))]
        {
            let count = usize::try_from(pg_sys::GetNumConfigOptions()).ok()?;
            let settings = std::slice::from_raw_parts(pg_sys::get_guc_variables(), count);
            let setting = settings.iter().find(|setting| {
                let found = CStr::from_ptr((***setting).name).to_bytes();
                found.eq_ignore_ascii_case(name.to_bytes())
            })?;
            setting.as_ref()
        }
        #[cfg(not(any(feature = "pg14", feature = "pg15")))]
        {
            pg_sys::find_option(name.as_ptr(), false, true, 0).as_ref()
        }
    }
}

/// A misspelt setting is an error from here on.
pub fn reserve_prefix(prefix: &CStr) {
    // SAFETY: the string outlives the call, which copies it.
    unsafe {
        #[cfg(feature = "pg14")]
        pg_sys::EmitWarningsOnPlaceholders(prefix.as_ptr());
        #[cfg(not(feature = "pg14"))]
        pg_sys::MarkGUCPrefixReserved(prefix.as_ptr());
    }
}

/// Whether this transaction holds exactly that lock.
pub fn holds_lock(tag: &pg_sys::LOCKTAG, lock: pg_sys::LOCKMODE) -> bool {
    // SAFETY: a look into what this backend knows of its own locks.
    unsafe {
        #[cfg(any(feature = "pg14", feature = "pg15", feature = "pg16"))]
        {
            pg_sys::LockHeldByMe(tag, lock)
        }
        #[cfg(not(any(feature = "pg14", feature = "pg15", feature = "pg16")))]
        {
            pg_sys::LockHeldByMe(tag, lock, false)
        }
    }
}

/// Raises 42501, as Postgres does when a query begins, if the role in effect may not read what it reads.
///
/// # Safety
/// `plan` is one.
pub unsafe fn check_permissions(plan: *mut pg_sys::PlannedStmt) -> Result<(), Raised> {
    // SAFETY: the caller's promise.
    unsafe {
        #[cfg(any(feature = "pg14", feature = "pg15"))]
        {
            unsafe extern "C-unwind" {
                fn ExecCheckRTPerms(relations: *mut pg_sys::List, raise: bool) -> bool;
            }
            attempt(|| ExecCheckRTPerms((*plan).rtable, true))?;
        }
        #[cfg(not(any(feature = "pg14", feature = "pg15")))]
        {
            unsafe extern "C-unwind" {
                fn ExecCheckPermissions(
                    relations: *mut pg_sys::List,
                    permissions: *mut pg_sys::List,
                    raise: bool,
                ) -> bool;
            }
            attempt(|| ExecCheckPermissions((*plan).rtable, (*plan).permInfos, true))?;
        }
    }
    Ok(())
}

/// Whether `transaction_timeout` is about to end the session.
pub fn is_transaction_timed_out() -> bool {
    #[cfg(any(feature = "pg14", feature = "pg15", feature = "pg16"))]
    {
        false
    }
    #[cfg(not(any(feature = "pg14", feature = "pg15", feature = "pg16")))]
    // SAFETY: a variable of the backend, read on its own thread.
    unsafe {
        pg_sys::TransactionTimeoutPending != 0
    }
}

/// What a backend is shown to wait for, in `pg_stat_activity.wait_event`: since 17 the name.
pub fn wait_event(name: &'static CStr) -> u32 {
    #[cfg(any(feature = "pg14", feature = "pg15", feature = "pg16"))]
    {
        let _ = name;
        pg_sys::PG_WAIT_EXTENSION
    }
    #[cfg(not(any(feature = "pg14", feature = "pg15", feature = "pg16")))]
    {
        use std::cell::RefCell;
        use std::collections::HashMap;
        thread_local!(static IDS: RefCell<HashMap<&'static CStr, u32>> = RefCell::default());
        IDS.with_borrow_mut(|ids| {
            *ids.entry(name)
                // SAFETY: a NUL-terminated name that Postgres copies into shared memory.
                .or_insert_with(|| unsafe { pg_sys::WaitEventExtensionNew(name.as_ptr()) })
        })
    }
}

/// A set with that much room, which lives as long as the backend.
pub fn new_wait_event_set(room: i32) -> *mut pg_sys::WaitEventSet {
    // SAFETY: a context that lives as long as the backend, or no owner that could end before it.
    unsafe {
        #[cfg(any(feature = "pg14", feature = "pg15", feature = "pg16"))]
        {
            pg_sys::CreateWaitEventSet(pg_sys::TopMemoryContext, room)
        }
        #[cfg(not(any(feature = "pg14", feature = "pg15", feature = "pg16")))]
        {
            pg_sys::CreateWaitEventSet(std::ptr::null_mut(), room)
        }
    }
}

/// Memory of that name that all processes of the server share. `begin` is called for the first.
pub fn shared_memory(
    name: &CStr,
    size: usize,
    begin: unsafe extern "C-unwind" fn(*mut c_void),
) -> *mut c_void {
    let mut found = false;
    // SAFETY: a NUL-terminated name, which Postgres copies.
    unsafe {
        #[cfg(any(feature = "pg14", feature = "pg15", feature = "pg16"))]
        {
            /// Of Postgres' own locks, AddinShmemInitLock.
            const LOCK: usize = 21;
            let lock = &raw mut (*pg_sys::MainLWLockArray.add(LOCK)).lock;
            pg_sys::LWLockAcquire(lock, pg_sys::LWLockMode::LW_EXCLUSIVE);
            let place = pg_sys::ShmemInitStruct(name.as_ptr(), size, &raw mut found);
            if !found {
                begin(place);
            }
            pg_sys::LWLockRelease(lock);
            place
        }
        #[cfg(not(any(feature = "pg14", feature = "pg15", feature = "pg16")))]
        {
            pg_sys::GetNamedDSMSegment(name.as_ptr(), size, Some(begin), &raw mut found)
        }
    }
}
