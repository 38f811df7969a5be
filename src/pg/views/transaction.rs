//! Owns what a transaction has deleted and this database still shows: Neon takes a moment to bring a
//! deletion here, and no savepoint takes a call back.

// Lives in a memory context of Postgres'.
#![allow(unsafe_code)]

use std::cell::RefCell;
use std::collections::HashSet;

use pgrx::{PgMemoryContexts, pg_sys};

use crate::neon::target::Target;

thread_local! {
    static DELETED: RefCell<HashSet<(Target, String)>> = RefCell::default();
}

/// Forgets it, when Postgres lets the memory of the transaction go.
struct UntilTheEnd;

impl Drop for UntilTheEnd {
    fn drop(&mut self) {
        DELETED.take();
    }
}

pub fn has_deleted(target: &Target, key: &str) -> bool {
    DELETED.with_borrow(|deleted| deleted.contains(&entry(target, key)))
}

pub fn note_deleted(target: &Target, key: &str) {
    let is_first = DELETED.with_borrow(HashSet::is_empty);
    if is_first {
        // SAFETY: it is there as long as there is a transaction.
        let context = unsafe { pg_sys::TopTransactionContext };
        PgMemoryContexts::For(context).leak_and_drop_on_delete(UntilTheEnd);
    }
    DELETED.with_borrow_mut(|deleted| deleted.insert(entry(target, key)));
}

fn entry(target: &Target, key: &str) -> (Target, String) {
    (target.clone(), key.to_owned())
}
