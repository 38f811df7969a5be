//! Owns what a view reads, as its rule has it, before anything of it runs. Postgres locks that while it
//! rewrites a query, each in its queue for as long as it takes.

// Reads the rules in Postgres' relation cache.
#![allow(unsafe_code)]

use std::slice;

use pgrx::{PgList, pg_sys};

use crate::pg::query::dependencies;
use crate::pg::raised::{Raised, attempt};

/// The relations that a view names, itself perhaps among them; none of a table. It is locked.
pub fn named_by(oid: pg_sys::Oid) -> Result<Vec<pg_sys::Oid>, Raised> {
    unsafe extern "C-unwind" {
        // Without pgrx' guard.
        fn RelationIdGetRelation(oid: pg_sys::Oid) -> pg_sys::Relation;
    }
    let mut all = Vec::new();
    // SAFETY: a relation that cannot change, as it is locked, and that is closed after its last use. Its
    // rules are lists of queries.
    unsafe {
        if pg_sys::get_rel_relkind(oid) as u8 != pg_sys::RELKIND_VIEW {
            return Ok(all);
        }
        let relation = attempt(|| RelationIdGetRelation(oid))?;
        if relation.is_null() {
            return Ok(all);
        }
        if let Some(rules) = (*relation).rd_rules.as_ref() {
            let count = usize::try_from(rules.numLocks).unwrap_or_default();
            for &rule in slice::from_raw_parts(rules.rules, count) {
                for query in PgList::<pg_sys::Query>::from_pg((*rule).actions).iter_ptr() {
                    all.extend(dependencies(query.cast()).0);
                }
            }
        }
        pg_sys::RelationClose(relation);
    }
    Ok(all)
}
