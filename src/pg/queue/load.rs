//! Owns calls that are new: of a statement with many rows, which would spend most of its time on the entries of
//! indexes. No index knows of them but that of ids. The first of those that were written together is as any call, and
//! says up to which id there are new ones; they become as any when somebody delivers, or looks for one of them by its
//! subject.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::insertion::Rows;
use super::table::{Found, Value, change, now, run};
use super::wake;
use crate::error::Error;
use crate::pg::role::Role;

/// So many are settled in a transaction of a delivery.
const AT_ONCE: usize = 1000;

/// What there is when some were to be settled.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum New {
    Nothing,
    /// Some have become as any, and there may be more.
    Settled,
    /// All that are left are in somebody else's hands.
    Held,
}

/// Of rows that are written together: who is the first, and up to where there are others.
struct Load {
    first: i64,
    last: i64,
    /// Of this transaction.
    is_own: bool,
}

impl Load {
    fn new(found: &Found) -> Self {
        Self {
            first: found.int8(0).unwrap_or_default(),
            last: found.int8(1).unwrap_or_default(),
            // A transaction that has changed one of another's has its number there, too.
            is_own: found.is_of_this_transaction(2) && found.bool(3),
        }
    }
}

/// Before rows that are new are written.
pub fn begin(rows: &mut Rows) -> Result<(), Error> {
    let Some(ids) = rows.ids() else {
        return Ok(());
    };
    let has_others = ids.greatest > ids.least;
    rows.change_first(&[
        (c"is_new", Value::Bool(false)),
        (c"next_attempt_at", Value::Time(Some(now()))),
        (
            c"new_until",
            match has_others {
                true => Value::Int8(ids.greatest),
                false => Value::Null(pgrx::pg_sys::INT8OID),
            },
        ),
    ])
}

/// Has that role's calls become as any, some of them at a time, where nobody else has them in hand.
pub fn settle(role: Role) -> Result<New, Error> {
    let mut settled = 0;
    let mut found = New::Nothing;
    for load in loads(role)? {
        let (count, is_over) = load.settle(role)?;
        settled += count;
        if count > 0 || is_over {
            found = New::Settled;
        } else if found == New::Nothing {
            found = New::Held;
        }
        if settled >= AT_ONCE {
            break;
        }
    }
    Ok(found)
}

/// The same for the calls of a subject, for who is about to change them: waits for whoever has one in hand. Whoever
/// looks for many knows of all: see [`Known`].
pub fn settle_of(
    role: Role,
    server: &str,
    subject: &str,
    known: Option<&Known>,
) -> Result<(), Error> {
    let found = match known {
        Some(known) => known.ids(subject),
        None => {
            let loads = loads(role)?;
            // Nobody else sees them, and many statements may look for one each.
            for load in loads.iter().filter(|load| load.is_own) {
                load.settle(role)?;
            }
            match loads.is_empty() {
                true => Vec::new(),
                false => find(role, server, subject)?,
            }
        }
    };
    if !found.is_empty() {
        wake::after_end(role);
        run(
            c"UPDATE neon_auth_admin.queued_calls SET is_new = false, next_attempt_at = enqueued_at
              WHERE id = ANY (string_to_array($1, ',')::bigint[]) AND is_new",
            &[Value::Text(Some(&join(&found)))],
            |_| (),
        )?;
    }
    Ok(())
}

/// The ids of all at a server, by hashes of their subjects.
pub struct Known(HashMap<u64, Vec<i64>>);

impl Known {
    pub fn of(role: Role, server: &str) -> Result<Self, Error> {
        let found = run(
            c"SELECT new.subject, new.id FROM (
                SELECT id, new_until FROM neon_auth_admin.queued_calls
                WHERE role = $1 AND new_until IS NOT NULL ORDER BY new_until) AS first
              CROSS JOIN LATERAL (
                SELECT id, subject FROM neon_auth_admin.queued_calls
                WHERE id > first.id AND id <= first.new_until AND is_new AND role = $1 AND server = $2
                LIMIT 100000) AS new",
            &[Value::Oid(role.0), Value::Text(Some(server))],
            |found| (hash(&found.text(0)), found.int8(1).unwrap_or_default()),
        )?;
        let mut known: HashMap<u64, Vec<i64>> = HashMap::new();
        for (subject, id) in found {
            known.entry(subject).or_default().push(id);
        }
        Ok(Self(known))
    }

    fn ids(&self, subject: &str) -> Vec<i64> {
        self.0.get(&hash(subject)).cloned().unwrap_or_default()
    }
}

fn hash(subject: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    subject.hash(&mut hasher);
    hasher.finish()
}

fn join(ids: &[i64]) -> String {
    let ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
    ids.join(",")
}

/// The same for who may not wait: whether nobody has one in hand.
pub fn settle_free_of(role: Role, server: &str, subject: &str) -> Result<bool, Error> {
    let found = find(role, server, subject)?;
    if found.is_empty() {
        return Ok(true);
    }
    let settled = run(
        c"UPDATE neon_auth_admin.queued_calls SET is_new = false, next_attempt_at = enqueued_at
          WHERE id IN (
            SELECT id FROM neon_auth_admin.queued_calls
            WHERE id = ANY (string_to_array($1, ',')::bigint[]) AND is_new FOR UPDATE SKIP LOCKED)
          RETURNING id",
        &[Value::Text(Some(&join(&found)))],
        |_| (),
    )?;
    Ok(settled.len() == found.len())
}

/// The ids of those of a subject. The limit keeps Postgres from looking for loads of each call, instead of for calls
/// of each load.
fn find(role: Role, server: &str, subject: &str) -> Result<Vec<i64>, Error> {
    run(
        c"SELECT new.id FROM (
            SELECT id, new_until FROM neon_auth_admin.queued_calls
            WHERE role = $1 AND new_until IS NOT NULL ORDER BY new_until) AS first
          CROSS JOIN LATERAL (
            SELECT id FROM neon_auth_admin.queued_calls
            WHERE id > first.id AND id <= first.new_until AND is_new
                AND role = $1 AND server = $2 AND subject = $3
            LIMIT 100000) AS new",
        &[
            Value::Oid(role.0),
            Value::Text(Some(server)),
            Value::Text(Some(subject)),
        ],
        |found| found.int8(0).unwrap_or_default(),
    )
}

fn loads(role: Role) -> Result<Vec<Load>, Error> {
    // In an order that the index of ids does not have, or all ids would be looked through.
    run(
        c"SELECT id, new_until, xmin, enqueued_at >= now() FROM neon_auth_admin.queued_calls
          WHERE role = $1 AND new_until IS NOT NULL ORDER BY new_until",
        &[Value::Oid(role.0)],
        Load::new,
    )
}

impl Load {
    /// Returns how many have become as any, and whether none is left.
    fn settle(&self, role: Role) -> Result<(usize, bool), Error> {
        let values = [
            Value::Int8(self.first),
            Value::Int8(self.last),
            Value::Oid(role.0),
        ];
        let settled = run(
            c"UPDATE neon_auth_admin.queued_calls SET is_new = false, next_attempt_at = enqueued_at
              WHERE id IN (
                SELECT id FROM neon_auth_admin.queued_calls
                WHERE id > $1 AND id <= $2 AND is_new AND role = $3 FOR UPDATE SKIP LOCKED)
              RETURNING id",
            &values,
            |_| (),
        )?;
        let is_over = change(
            c"UPDATE neon_auth_admin.queued_calls SET new_until = NULL
              WHERE id IN (
                SELECT id FROM neon_auth_admin.queued_calls AS first
                WHERE id = $1 AND new_until IS NOT NULL AND NOT EXISTS (
                    SELECT FROM neon_auth_admin.queued_calls AS q
                    WHERE q.id > $1 AND q.id <= $2 AND q.is_new AND q.role = $3)
                FOR UPDATE SKIP LOCKED)
              RETURNING id",
            &values,
        )?;
        Ok((settled.len(), is_over))
    }
}
