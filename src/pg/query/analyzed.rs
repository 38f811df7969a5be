//! Owns what texts of queries mean: Postgres' analysis of each, kept for the session until a relation, a
//! type or a cast changes. It takes longer than all that a query by key does. What runs, and with whose
//! rights, is no part of it, and is judged anew each time.

// Calls the parser, and keeps its trees in a memory context of its own.
#![allow(unsafe_code)]

use std::cell::RefCell;
use std::ffi::{CStr, CString, c_int};
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};

use pgrx::pg_sys::SysCacheIdentifier::{CASTSOURCETARGET, TYPEOID};
use pgrx::{PgList, pg_sys};

use crate::pg::compat::parse_analyze_fixedparams;
use crate::pg::raised::{Raised, attempt};

/// More texts than there are without a change of a table.
const MOST: usize = 32;

/// How often there was a change.
static CHANGES: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static KEPT: RefCell<Kept> = const {
        RefCell::new(Kept { context: ptr::null_mut(), changes: 0, queries: Vec::new() })
    };
}

struct Kept {
    context: pg_sys::MemoryContext,
    /// What [`CHANGES`] was when all of them were right.
    changes: u64,
    queries: Vec<Analyzed>,
}

struct Analyzed {
    relation: pg_sys::Oid,
    text: CString,
    query: *mut pg_sys::Query,
}

/// To be called once, when the library is loaded.
pub fn watch() {
    // SAFETY: the functions stay loaded as long as the backend lives.
    unsafe {
        pg_sys::CacheRegisterRelcacheCallback(Some(relation_changed), 0.into());
        for catalog in [CASTSOURCETARGET, TYPEOID] {
            let changed = Some(catalog_changed as unsafe extern "C-unwind" fn(_, _, _));
            pg_sys::CacheRegisterSyscacheCallback(catalog as c_int, changed, 0.into());
        }
    }
}

unsafe extern "C-unwind" fn relation_changed(_: pg_sys::Datum, _: pg_sys::Oid) {
    CHANGES.fetch_add(1, Ordering::Relaxed);
}

unsafe extern "C-unwind" fn catalog_changed(_: pg_sys::Datum, _: c_int, _: u32) {
    CHANGES.fetch_add(1, Ordering::Relaxed);
}

/// What the text means now, to whoever asks: everything in it is qualified. The tree is the caller's, and
/// is kept if `is_it` says that it reads `relation`, which is locked. No code of others runs.
pub unsafe fn analyzed(
    relation: pg_sys::Oid,
    text: &CStr,
    types: &[pg_sys::Oid],
    is_it: impl FnOnce(*mut pg_sys::Query) -> bool,
) -> Result<*mut pg_sys::Query, Raised> {
    let changes = CHANGES.load(Ordering::Relaxed);
    if let Some(query) = kept(relation, text, changes) {
        return Ok(query);
    }
    // SAFETY: a text with one statement, and the types of its parameters.
    let query = unsafe {
        let statements = PgList::<pg_sys::RawStmt>::from_pg(pg_sys::pg_parse_query(text.as_ptr()));
        let statement = statements.get_ptr(0).expect("one statement");
        let (text, count, environment) = (text.as_ptr(), types.len() as c_int, ptr::null_mut());
        attempt(|| parse_analyze_fixedparams(statement, text, types.as_ptr(), count, environment))?
    };
    if is_it(query) && CHANGES.load(Ordering::Relaxed) == changes {
        keep(relation, text, query, changes);
    }
    Ok(query)
}

/// A copy: whoever plans it changes it.
fn kept(relation: pg_sys::Oid, text: &CStr, changes: u64) -> Option<*mut pg_sys::Query> {
    KEPT.with_borrow(|kept| {
        let mut queries = kept.queries.iter().filter(|_| kept.changes == changes);
        let found = queries.find(|it| it.relation == relation && it.text.as_c_str() == text)?;
        // SAFETY: a tree that lives as long as it is in the list.
        Some(unsafe { pg_sys::copyObjectImpl(found.query.cast()) }.cast())
    })
}

fn keep(relation: pg_sys::Oid, text: &CStr, query: *mut pg_sys::Query, changes: u64) {
    KEPT.with_borrow_mut(|kept| {
        // SAFETY: a context of the session's, and a tree that is copied into it. Where there is no memory
        // for that, nothing was put into the list.
        unsafe {
            if kept.context.is_null() {
                kept.context = pg_sys::AllocSetContextCreateInternal(
                    pg_sys::CacheMemoryContext,
                    c"neon_auth_admin queries".as_ptr(),
                    pg_sys::ALLOCSET_SMALL_MINSIZE as usize,
                    pg_sys::ALLOCSET_SMALL_INITSIZE as usize,
                    pg_sys::ALLOCSET_SMALL_MAXSIZE as usize,
                );
            }
            if kept.changes != changes || kept.queries.len() == MOST {
                kept.queries.clear();
                pg_sys::MemoryContextReset(kept.context);
            }
            let before = pg_sys::MemoryContextSwitchTo(kept.context);
            let query = pg_sys::copyObjectImpl(query.cast()).cast();
            pg_sys::MemoryContextSwitchTo(before);
            kept.changes = changes;
            kept.queries.push(Analyzed {
                relation,
                text: text.to_owned(),
                query,
            });
        }
    });
}
