//! Owns where a call is queued: a copy of the database must not send it as well. It knows nothing of calls.

// Reads variables of the server.
#![allow(unsafe_code)]

use pgrx::pg_sys;

use crate::pg::compat;
use crate::pg::server::current;

/// The server, the database and, on Neon, branch and timeline: what a copy does not share. (A physical copy
/// outside of Neon shares all of it.)
pub fn here() -> String {
    // SAFETY: variables of the server and of the backend.
    let (system, database) = unsafe { (pg_sys::GetSystemIdentifier(), pg_sys::MyDatabaseId) };
    let branch = current::configured("branch_id").unwrap_or_default();
    let timeline = current::configured("timeline_id").unwrap_or_default();
    format!("{system}/{}/{branch}/{timeline}", database.to_u32())
}

/// That of the WAL: another one after a standby was promoted, which may lack what its primary did last.
pub fn timeline() -> i32 {
    compat::wal_timeline().cast_signed()
}
