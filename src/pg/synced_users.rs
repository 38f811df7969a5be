//! Owns the SQL functions that read users in this database, where Neon Auth keeps them. They send
//! nothing.

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use pgrx::composite_type;
use pgrx::datum::Interval;
use pgrx::pg_sys::panic::{CaughtError, ErrorReport};
use pgrx::prelude::*;

use self::table::Table;
use crate::error::Error;
use crate::neon::check as argument;
use crate::neon::diagnosis::Finding;
use crate::neon::scope::Scope;
use crate::pg::call::required;
use crate::pg::query::{snapshot_is_fixed, without_a_trace};
use crate::pg::row::{Composite, Row};
use crate::pg::rows::{Rows, SetOf};
use crate::pg::server;
use crate::pg::text::Text;
use crate::pg::wait::pause;

mod table;

const LONGEST_WAIT: Duration = Duration::from_secs(600);
/// Between two looks: a user takes a few hundred milliseconds to arrive.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// Lists the users of this database, as its current statement sees them: of the table that belongs to
/// the level of `server`, or without one of the current table.
#[pg_extern(volatile, parallel_unsafe, cost = 10000)]
fn list_users(
    include_deleted: default!(Option<bool>, "false"),
    server: default!(Option<Text>, "NULL"),
) -> Result<Rows<SyncedUser>, ErrorReport> {
    let include_deleted = required("include_deleted", include_deleted)?;
    let row = new_row()?;
    let table = match server.as_deref() {
        None => Table::find().ok_or_else(Error::no_table_of_users)?,
        Some(server) => {
            let scope = server::scope(&*server::usable_server(Some(server))?)?;
            Table::find_for(&scope).map_err(Error::no_such_table_of_users)?
        }
    };
    Ok(Rows::of_query(row, table.all(include_deleted)))
}

/// Waits until the user is in this database, and returns it. The table is waited for as well: a new
/// integration makes it when it has a first user.
#[pg_extern(volatile, parallel_unsafe, cost = 10000)]
fn wait_for_user(
    id: Option<Text>,
    timeout: default!(Option<Interval>, "'5 s'"),
) -> Result<composite_type!('static, "neon_auth_admin.synced_user"), ErrorReport> {
    let id = argument::id("id", required("id", id.as_deref())?)?;
    let timeout = to_duration(required("timeout", timeout)?)?;
    let row = new_row()?;
    let end = Instant::now() + timeout;
    let mut next_pause = FIRST_PAUSE;
    loop {
        // Between looks nothing is locked, so that whoever brings the user may also change the table.
        let (tables, found) = without_a_trace(|| look(&row, id))?;
        if let Some(found) = found {
            return Ok(found);
        }
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() || snapshot_is_fixed() {
            let error = if tables.is_empty() {
                Error::no_table_of_users()
            } else if snapshot_is_fixed() {
                Error::fixed_snapshot()
            } else {
                let names: Vec<_> = tables.iter().map(Table::name).collect();
                Error::user_not_there(&names.join(" or "), id, timeout)
            };
            return Err(error.into());
        }
        pause(next_pause.min(left));
        next_pause = (next_pause * 2).min(LONGEST_PAUSE);
    }
}

/// The tables that are there, and the user, if one of them has it. (A database may have both, after
/// its project moved on; an id is in one of them.)
fn look(row: &Row, id: &str) -> Result<(Vec<Table>, Option<Composite>), ErrorReport> {
    let mut found = None;
    let tables = Table::find_all();
    let mut is_possible = tables.is_empty();
    for (n, table) in tables.iter().enumerate() {
        let Some(query) = table.one(id) else {
            continue;
        };
        // Who may not read the only table is told so; a former one need not be open to everybody.
        if n > 0 && !table.is_readable() {
            continue;
        }
        is_possible = true;
        // Somebody who holds the table for long must not hold us beyond our time.
        if found.is_none() && table.lock_if_free() {
            query.run(row, |row| {
                found = Some(row.finish()?);
                Ok(())
            })?;
        }
    }
    if is_possible {
        Ok((tables, found))
    } else {
        Err(Error::invalid_argument("id", "a UUID, as all ids here are").into())
    }
}

/// Says how many users the table for `scope` (or the current one, if nothing is known of that) has, and
/// how old the latest change in it is. `like` is a row of `connection_check`. Whatever the caller may not
/// read is a finding as well.
pub fn check(like: &Row, scope: Option<&Scope>) -> Result<Finding, ErrorReport> {
    let finding = |ok, detail| Finding {
        step: "users table",
        ok: Some(ok),
        detail,
    };
    let look = || -> Result<Finding, ErrorReport> {
        let table = match scope {
            None => Table::find().ok_or("no table of Neon Auth's users"),
            Some(scope) => Table::find_for(scope),
        };
        let table = match table {
            Ok(table) => table,
            Err(missing) => return Ok(finding(false, format!("this database has no {missing}"))),
        };
        let mut state = String::new();
        table.state().run(like, |row| {
            state = row.text_at("detail")?;
            Ok(())
        })?;
        Ok(finding(true, state))
    };
    PgTryBuilder::new(AssertUnwindSafe(|| without_a_trace(look)))
        .catch_when(PgSqlErrorCode::ERRCODE_QUERY_CANCELED, |error| {
            error.rethrow()
        })
        .catch_others(move |error| match error {
            CaughtError::PostgresError(report) | CaughtError::ErrorReport(report) => {
                Ok(finding(false, report.message().to_owned()))
            }
            panic => panic.rethrow(),
        })
        .execute()
}

fn to_duration(timeout: Interval) -> Result<Duration, Error> {
    u64::try_from(timeout.as_micros())
        .map(Duration::from_micros)
        .ok()
        .filter(|timeout| *timeout <= LONGEST_WAIT)
        .ok_or_else(|| Error::invalid_argument("timeout", "from 0 to 10 minutes"))
}

/// A row of either table.
struct SyncedUser;

impl SetOf for SyncedUser {
    const SQL: &str = "SETOF neon_auth_admin.synced_user";
}

fn new_row() -> Result<Row, ErrorReport> {
    Row::new(
        c"synced_user",
        &[
            "id",
            "email",
            "name",
            "role",
            "created_at",
            "updated_at",
            "deleted_at",
        ],
    )
}
