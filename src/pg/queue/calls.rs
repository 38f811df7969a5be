//! Owns the statements on queued calls that a delivery takes: which are due, in which order, and what is in
//! their way. Each names the role and the place that it is about. It knows nothing of Neon.

use super::fate::words;
use super::table::{Found, Value, change, now, run};
use crate::error::Error;
use crate::pg::role::Role;

/// Whose calls, queued where.
pub struct Scope {
    pub role: Role,
    pub origin: String,
}

/// A call as it waits, or is about to be sent.
#[derive(Clone)]
pub struct Queued {
    pub id: i64,
    pub operation: String,
    /// As JSON.
    pub arguments: String,
    pub server: String,
    pub subject: String,
    pub attempts: i32,
    pub crashes: i32,
    pub in_doubt: bool,
    pub failing_since: Option<i64>,
    pub next_attempt_at: Option<i64>,
    pub timeline: i32,
}

impl Queued {
    fn new(found: &Found) -> Self {
        Self {
            id: found.int8(0).unwrap_or_default(),
            operation: found.text(1),
            arguments: found.json(2),
            server: found.text(3),
            subject: found.text(4),
            attempts: found.int4(5),
            crashes: found.int4(6),
            in_doubt: found.bool(7),
            failing_since: found.int8(8),
            next_attempt_at: found.int8(9),
            timeline: found.int4(10),
        }
    }
}

/// Where in the order of what is due: a time, and an id.
pub type Place = (i64, i64);

/// Before everything.
pub const START: Place = (i64::MIN, 0);

impl Scope {
    fn values(&self) -> [Value<'_>; 2] {
        [Value::Oid(self.role.0), Value::Text(Some(&self.origin))]
    }

    /// The servers for which calls wait, however many calls there are.
    pub fn servers(&self) -> Result<Vec<String>, Error> {
        run(
            c"WITH RECURSIVE found AS (
                (SELECT server FROM neon_auth_admin.queued_calls
                 WHERE role = $1 AND origin = $2 AND next_attempt_at IS NOT NULL ORDER BY server LIMIT 1)
                UNION ALL
                SELECT (SELECT q.server FROM neon_auth_admin.queued_calls AS q
                        WHERE q.role = $1 AND q.origin = $2 AND q.next_attempt_at IS NOT NULL
                            AND q.server > found.server ORDER BY q.server LIMIT 1)
                FROM found WHERE found.server IS NOT NULL
            ) SELECT server FROM found WHERE server IS NOT NULL",
            &self.values(),
            |found| found.text(0),
        )
    }

    /// Calls that are due after that place, and none of those operations.
    pub fn due(
        &self,
        server: &str,
        after: Place,
        except: &[&str],
        limit: i32,
    ) -> Result<Vec<(i64, Place)>, Error> {
        let [role, origin] = self.values();
        let values = [
            role,
            origin,
            Value::Text(Some(server)),
            Value::Time(Some(now())),
            Value::Time(Some(after.0)),
            Value::Int8(after.1),
            Value::Texts(except),
            Value::Int4(limit),
        ];
        run(
            c"SELECT id, next_attempt_at FROM neon_auth_admin.queued_calls
              WHERE role = $1 AND origin = $2 AND server = $3 AND next_attempt_at <= $4
                AND (next_attempt_at, id) > ($5, $6) AND operation <> ALL ($7)
              ORDER BY next_attempt_at, id LIMIT $8",
            &values,
            |found| {
                let id = found.int8(0).unwrap_or_default();
                (id, (found.int8(1).unwrap_or_default(), id))
            },
        )
    }

    /// The call, if it is still due, locked; `None` also where somebody else has it in hand.
    pub fn lock_due(&self, id: i64) -> Result<Option<Queued>, Error> {
        let [role, origin] = self.values();
        let values = [role, origin, Value::Int8(id), Value::Time(Some(now()))];
        let found = run(
            c"SELECT id, operation, arguments, server, subject, attempts, crashes, in_doubt, failing_since,
                next_attempt_at, timeline
              FROM neon_auth_admin.queued_calls
              WHERE id = $3 AND role = $1 AND origin = $2 AND state = 'waiting' AND next_attempt_at <= $4
              FOR UPDATE SKIP LOCKED",
            &values,
            Queued::new,
        )?;
        Ok(found.into_iter().next())
    }

    /// Whether a call of the same subject has to end first. If it stays so until this transaction ends, this
    /// one and all behind it are held: `None` where it is in somebody else's hands.
    pub fn hold_behind_earlier(&self, call: &Queued) -> Result<Option<bool>, Error> {
        let [role, origin] = self.values();
        let values = [
            role,
            origin,
            Value::Text(Some(&call.server)),
            Value::Text(Some(&call.subject)),
            Value::Int8(call.id),
        ];
        let earlier = run(
            c"SELECT id FROM neon_auth_admin.queued_calls
              WHERE role = $1 AND server = $3 AND subject = $4 AND state IN ('waiting', 'sending')
                AND origin = $2 AND id <> $5 AND (id < $5 OR state = 'sending')
              ORDER BY id LIMIT 1",
            &values,
            |found| found.int8(0),
        )?;
        let Some(Some(earlier)) = earlier.first() else {
            return Ok(Some(false));
        };
        // Whoever ends it from now on waits, and sees then what is held.
        let is_open = change(
            c"SELECT id FROM neon_auth_admin.queued_calls
              WHERE id = $1 AND state IN ('waiting', 'sending') FOR SHARE SKIP LOCKED",
            &[Value::Int8(*earlier)],
        )?;
        if !is_open {
            return Ok(None);
        }
        run(
            c"UPDATE neon_auth_admin.queued_calls SET held = true, next_attempt_at = NULL
              WHERE id IN (
                SELECT id FROM neon_auth_admin.queued_calls
                WHERE role = $1 AND server = $3 AND subject = $4 AND state IN ('waiting', 'sending')
                    AND origin = $2 AND id >= $5 AND state = 'waiting' AND next_attempt_at IS NOT NULL
                ORDER BY id LIMIT 1000 FOR UPDATE SKIP LOCKED)",
            &values,
            |_| (),
        )?;
        Ok(Some(true))
    }

    /// What is next of a subject, when an earlier call has ended.
    pub fn free_next(&self, server: &str, subject: &str) -> Result<(), Error> {
        let [role, origin] = self.values();
        let values = [
            role,
            origin,
            Value::Text(Some(server)),
            Value::Text(Some(subject)),
            Value::Time(Some(now())),
        ];
        run(
            c"UPDATE neon_auth_admin.queued_calls SET held = false, next_attempt_at = $5
              WHERE held AND id = (
                SELECT id FROM neon_auth_admin.queued_calls
                WHERE role = $1 AND server = $3 AND subject = $4 AND state IN ('waiting', 'sending')
                    AND origin = $2
                ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)",
            &values,
            |_| (),
        )?;
        Ok(())
    }

    /// What is held and has nothing before it any more, since who ended that could not see it.
    pub fn free_forgotten(&self) -> Result<bool, Error> {
        let [role, origin] = self.values();
        let freed = run(
            c"UPDATE neon_auth_admin.queued_calls SET held = false, next_attempt_at = $3
              WHERE id IN (
                SELECT q.id FROM neon_auth_admin.queued_calls AS q
                WHERE q.role = $1 AND q.state = 'waiting' AND q.held AND q.origin = $2 AND NOT EXISTS (
                    SELECT FROM neon_auth_admin.queued_calls AS e
                    WHERE e.role = $1 AND e.server = q.server AND e.subject = q.subject
                        AND e.state IN ('waiting', 'sending') AND e.origin = $2
                        AND e.id <> q.id AND (e.id < q.id OR e.state = 'sending'))
                FOR UPDATE OF q SKIP LOCKED)
              RETURNING id",
            &[role, origin, Value::Time(Some(now()))],
            |_| (),
        )?;
        Ok(!freed.is_empty())
    }

    /// Calls that a session was sending that is gone: whoever asks has the role's lock. They are locked.
    pub fn orphans(&self) -> Result<Vec<Queued>, Error> {
        run(
            c"SELECT id, operation, arguments, server, subject, attempts, crashes, in_doubt, failing_since,
                next_attempt_at, timeline
              FROM neon_auth_admin.queued_calls
              WHERE role = $1 AND state = 'sending' AND origin = $2
              ORDER BY id FOR UPDATE SKIP LOCKED",
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
                 WHERE role = $1 AND origin < $2 AND next_attempt_at IS NOT NULL LIMIT 1000)
                UNION ALL
                (SELECT id FROM neon_auth_admin.queued_calls
                 WHERE role = $1 AND origin > $2 AND next_attempt_at IS NOT NULL LIMIT 1000)
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
            c"DELETE FROM neon_auth_admin.queued_calls WHERE id IN (
                SELECT id FROM neon_auth_admin.queued_calls
                WHERE id > $2 AND id <= $3 AND role = $1 AND finished_at < $4
                    AND state IN ('done', 'failed', 'cancelled')
                FOR UPDATE SKIP LOCKED)",
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
