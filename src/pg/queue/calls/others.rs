//! Owns the statements on calls that this delivery does not send: those that another one was sending, that were queued
//! elsewhere, that are to delete a user whom a call has found, or that ended long ago.

use super::{Lane, Queued, Scope, queued};
use crate::error::Error;
use crate::pg::queue::fate::words;
use crate::pg::queue::table::{Value, change, now, run, statement, unknown};

/// A call that is to delete a user.
pub struct Deletion {
    pub id: i64,
    /// Whether it waits only for the call that has found the user.
    pub is_next: bool,
}

impl Scope {
    /// Calls that a session was sending that is gone: whoever asks has the role's lock. They are locked.
    pub fn orphans(&self) -> Result<Vec<Queued>, Error> {
        run(
            statement!(
                "SELECT ",
                queued!(),
                "WHERE role = $1 AND state = 'sending' AND origin = $2
                 ORDER BY id FOR UPDATE SKIP LOCKED"
            ),
            &self.values(),
            Queued::new,
        )
    }

    /// Calls that were queued elsewhere do not wait for anything here: up to 1,000 are put aside, with that
    /// to say. Whether there were any.
    pub fn put_copies_aside(&self, why: &Error) -> Result<bool, Error> {
        let [role, origin] = self.values();
        let [sqlstate, message, detail, hint] = &words(why);
        change(
            c"WITH copies AS (
                (SELECT id FROM neon_auth_admin.queued_calls
                 WHERE role = $1 AND hashtext(origin) < hashtext($2) AND next_attempt_at IS NOT NULL
                 ORDER BY hashtext(origin), hashtextextended(operation, hashtextextended(server, 0)) LIMIT 1000)
                UNION ALL
                (SELECT id FROM neon_auth_admin.queued_calls
                 WHERE role = $1 AND hashtext(origin) > hashtext($2) AND next_attempt_at IS NOT NULL
                 ORDER BY hashtext(origin), hashtextextended(operation, hashtextextended(server, 0)) LIMIT 1000)
                UNION ALL
                (SELECT id FROM neon_auth_admin.queued_calls
                 WHERE role = $1 AND state = 'sending' AND origin <> $2 LIMIT 1000)
              )
              UPDATE neon_auth_admin.queued_calls AS q
              SET in_doubt = q.in_doubt OR q.state = 'sending', state = 'waiting', next_attempt_at = NULL,
                sqlstate = $3, message = $4, detail = $5, hint = $6
              WHERE q.id IN (
                SELECT l.id FROM neon_auth_admin.queued_calls AS l
                WHERE l.id IN (SELECT id FROM copies) FOR UPDATE SKIP LOCKED)
              RETURNING q.id",
            &[role, origin, sqlstate.into(), message.into(), detail.into(), hint.into()],
        )
    }

    /// All that are due for rows of that table wait until then, 1,000 at a time. It is an OID.
    pub fn put_off_rows(
        &self,
        lane: &Lane,
        table: u32,
        until: i64,
        why: &Error,
    ) -> Result<(), Error> {
        let [role, origin] = self.values();
        let [sqlstate, message, detail, hint] = &words(why);
        run(
            c"UPDATE neon_auth_admin.queued_calls
              SET next_attempt_at = $7, failing_since = coalesce(failing_since, $5),
                sqlstate = $8, message = $9, detail = $10, hint = $11
              WHERE id IN (
                SELECT id FROM neon_auth_admin.queued_calls
                WHERE role = $1 AND hashtext(origin) = hashtext($2) AND origin = $2
                    AND hashtextextended(operation, hashtextextended(server, 0)) =
                        hashtextextended($4, hashtextextended($3, 0))
                    AND next_attempt_at <= $5 AND of_table = $6
                ORDER BY next_attempt_at, id LIMIT 1000 FOR UPDATE SKIP LOCKED)",
            &[
                role,
                origin,
                Value::Text(Some(&lane.server)),
                Value::Text(Some(&lane.operation)),
                Value::Time(Some(now())),
                Value::Oid(table.into()),
                Value::Time(Some(until)),
                sqlstate.into(),
                message.into(),
                detail.into(),
                hint.into(),
            ],
            |_| (),
        )?;
        Ok(())
    }

    /// Of a user whom a call has found: whether somebody wants that one deleted, or wanted it.
    pub fn deletion_of(&self, call: &Queued, user: &str) -> Result<Option<Deletion>, Error> {
        let [role, origin] = self.values();
        let found = run(
            c"SELECT id, role = $1 AND origin = $2 AND server = $3 AND subject = $4 AND state = 'waiting' AND id > $5
              FROM neon_auth_admin.queued_calls
              WHERE operation = 'delete_user' AND state IN ('waiting', 'sending', 'failed')
                AND hashtextextended(arguments ->> 'id', 0) = hashtextextended($6, 0) AND arguments ->> 'id' = $6
              ORDER BY 2 DESC LIMIT 1",
            &[
                role,
                origin,
                Value::Text(Some(&call.server)),
                Value::Text(Some(&call.subject)),
                Value::Int8(call.id),
                Value::Text(Some(user)),
            ],
            |found| Deletion {
                id: found.int8(0).unwrap_or_default(),
                is_next: found.bool(1),
            },
        )?;
        Ok(found.into_iter().next())
    }

    /// Removes calls of up to 1,000 ids after `after` that ended before `cutoff`. Returns the last of the ids,
    /// if any of them was queued before it: what was queued later has not ended earlier.
    pub fn remove_old(&self, after: i64, cutoff: i64) -> Result<Option<i64>, Error> {
        let window = run(
            c"SELECT max(id), min(enqueued_at) FROM (
                SELECT id, enqueued_at FROM neon_auth_admin.queued_calls
                WHERE id > $1 ORDER BY id LIMIT 1000) AS w",
            &[Value::Int8(after)],
            |found| found.int8(0).zip(found.int8(1)),
        )?;
        let Some(Some((last, earliest))) = window.first() else {
            return Ok(None);
        };
        if *earliest >= cutoff {
            return Ok(None);
        }
        run(
            statement!(
                "DELETE FROM neon_auth_admin.queued_calls WHERE id IN (
                    SELECT id FROM neon_auth_admin.queued_calls
                    WHERE id > $2 AND id <= $3 AND role = $1 AND finished_at < $4
                        AND state IN ('done', 'failed', 'cancelled')
                        AND NOT (is_linked AND state = 'done')
                        AND new_until IS NULL -- which others are found by
                        AND NOT (",
                unknown!(),
                ") FOR UPDATE SKIP LOCKED)"
            ),
            &[
                Value::Oid(self.role.0),
                Value::Int8(after),
                Value::Int8(*last),
                Value::Time(Some(cutoff)),
            ],
            |_| (),
        )?;
        Ok(Some(*last))
    }
}
