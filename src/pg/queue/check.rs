//! Owns what `check_connection` says of the queue: what waits and has failed of a role's calls, who makes them, or
//! why nobody does, and whether the server has room for a worker. It changes nothing.

// Locks the table, and reads variables of the server.
#![allow(unsafe_code)]

use std::ffi::c_int;

use pgrx::pg_sys;

use super::posts::{Seen, Whose, is_worker, look_at, workers};
use super::start::{Obstacle, obstacle};
use super::table::{self, Value};
use crate::error::Error;
use crate::pg::guc;
use crate::pg::role::Role;

/// More are not counted: somebody waits for the answer.
const MOST: i32 = 10_000;

/// How it is with the calls of that role, and whether they are made, if there are any.
pub fn check(role: Role) -> Result<(bool, String), Error> {
    let Some((waiting, failed)) = counts(role)? else {
        return Ok((false, "its table is locked by somebody else".to_owned()));
    };
    let (is_made, who) = deliverer(role, waiting > 0);
    let told = format!("{} waiting, {} failed; {who}", few(waiting), few(failed));
    // SAFETY: a variable of the server.
    let most = unsafe { pg_sys::max_worker_processes };
    let slots = format!("{} of {most} worker processes in use", workers());
    Ok((is_made || waiting == 0, format!("{told}; {slots}")))
}

/// `None` while somebody keeps everybody else from the table.
fn counts(role: Role) -> Result<Option<(i32, i32)>, Error> {
    let (table, mode) = (table::oid()?, pg_sys::AccessShareLock as c_int);
    // SAFETY: a lock until the end of the (sub)transaction, without waiting.
    if !unsafe { pg_sys::ConditionalLockRelationOid(table, mode) } {
        return Ok(None);
    }
    let found = table::run(
        c"SELECT (SELECT count(*) FROM (SELECT FROM neon_auth_admin.queued_calls
                WHERE role = $1 AND state IN ('waiting', 'sending') AND NOT is_new
                ORDER BY hashtextextended(subject, 0) LIMIT $2) AS open)::int
            + (SELECT count(*) FROM (SELECT FROM (SELECT id,
                        -- What was written at the same time by others has ids in between: none is counted twice.
                        least(new_until, min(id) OVER (
                            ORDER BY new_until DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)) AS last
                    FROM neon_auth_admin.queued_calls WHERE role = $1 AND new_until IS NOT NULL) AS first
                CROSS JOIN LATERAL (SELECT FROM neon_auth_admin.queued_calls
                    WHERE id > first.id AND id <= first.last AND is_new AND role = $1 LIMIT $2) AS new
                LIMIT $2) AS new)::int,
            (SELECT count(*) FROM (SELECT FROM neon_auth_admin.queued_calls
                WHERE role = $1 AND state = 'failed' AND state IN ('sending', 'failed')
                LIMIT $2) AS failed)::int",
        &[Value::Oid(role.0), Value::Int4(MOST + 1)],
        |found| (found.int4(0), found.int4(1)),
    )?;
    Ok(found.into_iter().next())
}

fn few(count: i32) -> String {
    match count > MOST {
        true => format!("more than {MOST}"),
        false => count.to_string(),
    }
}

/// Whether somebody makes the calls of that role, or is about to; and who, or why nobody does.
fn deliverer(role: Role, is_needed: bool) -> (bool, String) {
    // SAFETY: a variable of the server.
    if unsafe { pg_sys::RecoveryInProgress() } {
        // It is the business of another server, which is not seen from here.
        return (true, "no worker, as this is a standby".to_owned());
    }
    let seen = look_at(Whose::here(role));
    let why = match (seen, obstacle(role)) {
        (Seen::Running(id), _) if is_worker(id) => return (true, format!("worker {}", id.pid)),
        (Seen::Running(id), _) => return (true, format!("run_queue() in process {}", id.pid)),
        (Seen::Starting, _) => return (true, "a worker is about to start".to_owned()),
        (_, Some(Obstacle::Stopped)) => "neon_auth_admin.queue_connections is 0".to_owned(),
        (_, Some(Obstacle::NoLinger)) => "neon_auth_admin.queue_linger is -1".to_owned(),
        (_, Some(Obstacle::CannotLogIn)) => format!("role \"{role}\" cannot log in"),
        (_, Some(Obstacle::NoSlots)) => "max_worker_processes is 0".to_owned(),
        _ if guc::is_dry_run() => "neon_auth_admin.dry_run is on".to_owned(),
        (Seen::NoSlot, _) => "there was no room for one".to_owned(),
        (Seen::CouldNotConnect, _) => "the last one could not connect".to_owned(),
        (Seen::Nobody, _) if !is_needed => {
            return (false, "no worker, as none is needed".to_owned());
        }
        (Seen::Nobody, _) => "neon_auth_admin.queue says of each call what it waits for".to_owned(),
    };
    (false, format!("no worker: {why}"))
}
