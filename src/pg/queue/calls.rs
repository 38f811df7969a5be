//! Owns the statements on queued calls that a delivery takes: which are due, in which order, and what is in
//! their way. Each names the role and the place that it is about. It knows nothing of Neon.

mod others;

use super::table::{Found, Value, change, now, run, statement};
use crate::error::Error;
use crate::neon::queue::call::Operation;
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
    /// As JSON: the row that waits for it, with its key.
    pub of_row: Option<String>,
    /// As JSON, of what is made already and not over.
    pub result: Option<String>,
    pub enqueued_at: i64,
}

/// What [`Queued::new`] reads.
macro_rules! queued {
    () => {
        "id, operation, arguments, server, subject, attempts, crashes, in_doubt, failing_since, next_attempt_at, timeline,
         CASE WHEN of_table IS NOT NULL THEN jsonb_build_object('table', of_table::bigint, 'is_linked', is_linked,
            'former', of_former, 'columns', CASE WHEN of_key IS NOT NULL THEN
                jsonb_build_object('email', of_email, 'id', of_id, 'key', of_key::jsonb) END) END,
         result, enqueued_at
         FROM neon_auth_admin.queued_calls "
    };
}
use queued;

impl Queued {
    pub fn lane(&self) -> Lane {
        Lane {
            server: self.server.clone(),
            operation: self.operation.clone(),
        }
    }

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
            of_row: Some(found.json(11)).filter(|row| !row.is_empty()),
            result: Some(found.json(12)).filter(|result| !result.is_empty()),
            enqueued_at: found.int8(13).unwrap_or_default(),
        }
    }
}

impl Queued {
    /// Whether a row is to have what it makes.
    pub fn waits_for_row(&self) -> bool {
        self.of_row.is_some() && self.operation == Operation::CreateUser.name()
    }
}

/// The calls of an operation at a server. None waits for those of another lane, but for what is of its subject.
/// An index knows it by a hash of 64 bits: should there ever be two with the same, they are one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Lane {
    pub server: String,
    pub operation: String,
}

/// Where in the order of what is due: a time, and an id.
pub type Place = (i64, i64);

/// Before everything.
pub const START: Place = (i64::MIN, 0);

impl Scope {
    fn values(&self) -> [Value<'_>; 2] {
        [Value::Oid(self.role.0), Value::Text(Some(&self.origin))]
    }

    /// Of what calls wait, however many there are.
    pub fn lanes(&self) -> Result<Vec<Lane>, Error> {
        run(
            c"WITH RECURSIVE found AS (
                (SELECT hashtextextended(operation, hashtextextended(server, 0)) AS lane, server, operation
                 FROM neon_auth_admin.queued_calls
                 WHERE role = $1 AND hashtext(origin) = hashtext($2) AND origin = $2 AND next_attempt_at IS NOT NULL
                 ORDER BY lane LIMIT 1)
                UNION ALL
                SELECT n.lane, n.server, n.operation FROM found CROSS JOIN LATERAL (
                    SELECT hashtextextended(q.operation, hashtextextended(q.server, 0)) AS lane, q.server, q.operation
                    FROM neon_auth_admin.queued_calls AS q
                    WHERE q.role = $1 AND hashtext(q.origin) = hashtext($2) AND q.origin = $2
                        AND q.next_attempt_at IS NOT NULL
                        AND hashtextextended(q.operation, hashtextextended(q.server, 0)) > found.lane
                    ORDER BY lane LIMIT 1) AS n
            ) SELECT server, operation FROM found",
            &self.values(),
            |found| Lane {
                server: found.text(0),
                operation: found.text(1),
            },
        )
    }

    /// Calls that are due after that place.
    pub fn due(&self, lane: &Lane, after: Place, limit: i32) -> Result<Vec<Place>, Error> {
        let [role, origin] = self.values();
        let values = [
            role,
            origin,
            Value::Text(Some(&lane.server)),
            Value::Text(Some(&lane.operation)),
            Value::Time(Some(now())),
            Value::Time(Some(after.0)),
            Value::Int8(after.1),
            Value::Int4(limit),
        ];
        run(
            c"SELECT next_attempt_at, id FROM neon_auth_admin.queued_calls
              WHERE role = $1 AND hashtext(origin) = hashtext($2) AND origin = $2
                AND hashtextextended(operation, hashtextextended(server, 0)) =
                    hashtextextended($4, hashtextextended($3, 0))
                AND next_attempt_at <= $5 AND (next_attempt_at, id) > ($6, $7)
              ORDER BY next_attempt_at, id LIMIT $8",
            &values,
            |found| {
                (
                    found.int8(0).unwrap_or_default(),
                    found.int8(1).unwrap_or_default(),
                )
            },
        )
    }

    /// The first time from now on at which one is due.
    pub fn next_due(&self, lane: &Lane) -> Result<Option<i64>, Error> {
        let [role, origin] = self.values();
        let values = [
            role,
            origin,
            Value::Text(Some(&lane.server)),
            Value::Text(Some(&lane.operation)),
            Value::Time(Some(now())),
        ];
        let found = run(
            c"SELECT next_attempt_at FROM neon_auth_admin.queued_calls
              WHERE role = $1 AND hashtext(origin) = hashtext($2) AND origin = $2
                AND hashtextextended(operation, hashtextextended(server, 0)) =
                    hashtextextended($4, hashtextextended($3, 0))
                AND next_attempt_at > $5
              ORDER BY next_attempt_at LIMIT 1",
            &values,
            |found| found.int8(0),
        )?;
        Ok(found.into_iter().next().flatten())
    }

    /// The call, if it is still due, locked; `None` also where somebody else has it in hand. It is said so that no
    /// other index than that of the ids is taken, in which there may be many that are dead.
    pub fn lock_due(&self, id: i64) -> Result<Option<Queued>, Error> {
        let [role, origin] = self.values();
        let values = [role, origin, Value::Int8(id), Value::Time(Some(now()))];
        let found = run(
            statement!(
                "SELECT ",
                queued!(),
                "WHERE id = $3 AND role = $1 AND origin = $2
                    AND state NOT IN ('sending', 'done', 'failed', 'cancelled') AND coalesce(next_attempt_at <= $4, false)
                 FOR UPDATE SKIP LOCKED"
            ),
            &values,
            Queued::new,
        )?;
        Ok(found.into_iter().next())
    }

    /// Whether a call of the same subject has to end first: an earlier one, or one of those that are `sent`. If it
    /// stays so until this transaction ends, this one and all behind it are held: `None` where it is in somebody
    /// else's hands.
    ///
    /// Where most calls are of one subject, Postgres would look for the first of it among all ids. A hash that is
    /// a range of one, here and below, keeps it to the index of subjects.
    pub fn hold_behind_earlier(&self, call: &Queued, sent: &[i64]) -> Result<Option<bool>, Error> {
        let [role, origin] = self.values();
        let server = Value::Text(Some(&call.server));
        let subject = Value::Text(Some(&call.subject));
        let id = Value::Int8(call.id);
        let sent: Vec<_> = sent.iter().map(ToString::to_string).collect();
        let sent = sent.join(",");
        let earlier = run(
            c"(SELECT id FROM (
                SELECT id FROM neon_auth_admin.queued_calls
                WHERE role = $1 AND server = $3 AND subject = $4
                    AND hashtextextended(subject, 0) BETWEEN hashtextextended($4, 0) AND hashtextextended($4, 0)
                    AND state IN ('waiting', 'sending') AND NOT is_new AND origin = $2
                ORDER BY hashtextextended(subject, 0), id LIMIT 1) AS first
               WHERE id < $5)
              UNION ALL
              (SELECT id FROM neon_auth_admin.queued_calls
               WHERE id = ANY (string_to_array($6, ',')::bigint[])
                 AND state NOT IN ('waiting', 'done', 'failed', 'cancelled') -- or another index would be taken
                 AND role = $1 AND server = $3 AND subject = $4 AND origin = $2 AND id > $5)
              LIMIT 1",
            &[role, origin, server, subject, id, Value::Text(Some(&sent))],
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
                WHERE role = $1 AND server = $3 AND subject = $4
                    AND (hashtextextended(subject, 0), id) >= (hashtextextended($4, 0), $5)
                    AND hashtextextended(subject, 0) <= hashtextextended($4, 0)
                    AND state IN ('waiting', 'sending') AND NOT is_new AND origin = $2
                    AND state = 'waiting' AND next_attempt_at IS NOT NULL
                ORDER BY hashtextextended(subject, 0), id LIMIT 1000 FOR UPDATE SKIP LOCKED)",
            &[role, origin, server, subject, id],
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
                WHERE role = $1 AND server = $3 AND subject = $4
                    AND hashtextextended(subject, 0) BETWEEN hashtextextended($4, 0) AND hashtextextended($4, 0)
                    AND state IN ('waiting', 'sending') AND NOT is_new AND origin = $2
                ORDER BY hashtextextended(subject, 0), id LIMIT 1 FOR UPDATE SKIP LOCKED)",
            &values,
            |_| (),
        )?;
        Ok(())
    }

    /// What is held and has nothing before it any more, since who ended that could not see it. Of each subject
    /// only the first can be: however many are behind it, they are passed over.
    pub fn free_forgotten(&self) -> Result<bool, Error> {
        let [role, origin] = self.values();
        let freed = run(
            c"WITH RECURSIVE first AS (
                (SELECT id, server, subject FROM neon_auth_admin.queued_calls
                 WHERE role = $1 AND origin = $2 AND held ORDER BY server, subject, id LIMIT 1)
                UNION ALL
                SELECT n.id, n.server, n.subject FROM first CROSS JOIN LATERAL (
                    SELECT q.id, q.server, q.subject FROM neon_auth_admin.queued_calls AS q
                    WHERE q.role = $1 AND q.origin = $2 AND q.held
                        AND (q.server, q.subject) > (first.server, first.subject)
                    ORDER BY q.server, q.subject, q.id LIMIT 1) AS n
              ), free AS (
                SELECT first.id FROM first
                WHERE first.id = (
                    SELECT e.id FROM neon_auth_admin.queued_calls AS e
                    WHERE e.role = $1 AND e.server = first.server
                        AND e.subject = first.subject
                        AND hashtextextended(e.subject, 0)
                            BETWEEN hashtextextended(first.subject, 0) AND hashtextextended(first.subject, 0)
                        AND e.state IN ('waiting', 'sending') AND NOT e.is_new AND e.origin = $2
                    ORDER BY hashtextextended(e.subject, 0), e.id LIMIT 1)
                AND NOT EXISTS (
                    SELECT FROM neon_auth_admin.queued_calls AS s
                    WHERE s.role = $1 AND s.state = 'sending' AND s.origin = $2
                        AND s.server = first.server AND s.subject = first.subject)
              )
              UPDATE neon_auth_admin.queued_calls SET held = false, next_attempt_at = $3
              WHERE id IN (
                SELECT q.id FROM neon_auth_admin.queued_calls AS q
                WHERE q.id IN (SELECT id FROM free) AND q.state = 'waiting' AND q.held
                FOR UPDATE OF q SKIP LOCKED)
              RETURNING id",
            &[role, origin, Value::Time(Some(now()))],
            |_| (),
        )?;
        Ok(!freed.is_empty())
    }

    /// Those of the calls that are being sent and that nobody has locked, which are locked now.
    pub fn lock_sent(&self, ids: &[i64]) -> Result<Vec<i64>, Error> {
        let mut locked = Vec::new();
        for id in ids {
            let found = run(
                c"SELECT id FROM neon_auth_admin.queued_calls
                  WHERE id = $1 AND state = 'sending' FOR UPDATE SKIP LOCKED",
                &[Value::Int8(*id)],
                |found| found.int8(0),
            )?;
            locked.extend(found.into_iter().flatten());
        }
        Ok(locked)
    }
}
