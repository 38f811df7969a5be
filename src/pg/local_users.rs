//! Owns the SQL functions that read users in this database, where Neon Auth keeps them. They send
//! nothing.

use std::time::{Duration, Instant};

use pgrx::datum::Interval;
use pgrx::prelude::*;
use serde::{Deserialize, Serialize};

use self::table::Table;
use self::table::queries::Wanted;
use crate::error::Error;
use crate::neon::argument;
use crate::neon::endpoint::Scope;
use crate::neon::target::Target;
use crate::pg::args::{required, texts};
use crate::pg::local::{Failure, Relation};
use crate::pg::query::{Query, snapshot_is_fixed};
use crate::pg::report::{Raise, raise};
use crate::pg::reserve::Entry;
use crate::pg::role::Role;
use crate::pg::row::{One, Row, Secrets, row_type};
use crate::pg::rows::Rows;
use crate::pg::server::catalog::DEFAULT_TIMEOUT;
use crate::pg::subtransaction::without_a_trace;
use crate::pg::text::Text;
use crate::pg::wait::{Event, pause};
use crate::pg::{guc, server};

pub mod own_locks;
mod table;

/// Where no table in particular is meant.
const USERS: &str = "the table of users";
const LONGEST_WAIT: Duration = Duration::from_secs(600);
/// Between two looks: a user takes a few hundred milliseconds to arrive.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// Lists the users of this database, as its current statement sees them: of the table that belongs to
/// the level of `server`, or without one of the current table. What narrows them down is a part of the
/// table's query, so that its indexes serve it.
///
/// It may read a view, whose functions nobody here knows to be fit for a parallel plan.
#[pg_extern(volatile, parallel_unsafe, cost = 1000)]
fn list_users(
    _entry: Entry,
    search: default!(Option<Text>, "NULL"),
    ids: default!(Option<Array<Text>>, "NULL"),
    include_deleted: default!(Option<bool>, "false"),
    server: default!(Option<Text>, "NULL"),
) -> Result<Rows<SyncedUser>, Raise> {
    argument::optional("search", search.as_deref(), argument::any_text)?;
    let ids = ids.map(|ids| texts("ids", &ids)).transpose()?;
    let given = ids.iter().flatten().map(|id| &**id);
    argument::each("ids", given, argument::any_text)?;
    let wanted = Wanted {
        search,
        ids,
        include_deleted: required("include_deleted", include_deleted)?,
    };
    let row = Row::new::<SyncedUser>()?;
    if nothing_is_there_in_a_dry_run() {
        return Ok(Rows::new(row, Vec::new(), Secrets::Masked)?);
    }
    let (target, time) = match server.as_deref() {
        None => (None, DEFAULT_TIMEOUT),
        Some(server) => {
            let server = server::usable_server(Some(server), Role::in_effect())?;
            (Some(server::target(&server, Scope::Level)?), server.timeout)
        }
    };
    let find = || match &target {
        None => Table::find()?.ok_or_else(Error::no_table_of_users),
        Some(target) => Table::find_for(target)?.map_err(Error::no_such_table_of_users),
    };
    let opened = open(find, time).map_err(|failure| failure.into_error(USERS));
    let (table, relation) = opened?;
    Ok(Rows::of_query(row, relation, table.list(wanted)))
}

/// A database into which migrations are replayed need not have a table, nor a role that may look for it.
fn nothing_is_there_in_a_dry_run() -> bool {
    guc::is_dry_run() && Table::find_all().map_or(true, |tables| tables.is_empty())
}

/// The table, locked. If another one has its name when the lock is there, it is that one.
fn open(
    find: impl Fn() -> Result<Table, Error>,
    time: Duration,
) -> Result<(Table, Relation), Failure> {
    let deadline = Instant::now() + time;
    loop {
        let table = find()?;
        match table.open(deadline) {
            Ok(relation) => return Ok((table, relation)),
            Err(Failure::Moved) => {}
            Err(failure) => return Err(failure.of(table.name())),
        }
    }
}

/// Waits until the user is in this database, and returns it. The table is waited for as well: a new
/// integration makes it when it has a first user.
#[pg_extern(volatile, parallel_unsafe, cost = 1000)]
fn wait_for_user(
    _entry: Entry,
    id: Option<Text>,
    timeout: default!(Option<Interval>, "'5 s'"),
) -> Result<One<SyncedUser>, Raise> {
    let id = argument::id("id", required("id", id.as_deref())?)?;
    let timeout = to_duration(required("timeout", timeout)?)?;
    let row = Row::new::<SyncedUser>()?;
    if nothing_is_there_in_a_dry_run() {
        return Ok(One::null());
    }
    let end = Instant::now() + timeout;
    let mut next_pause = FIRST_PAUSE;
    let mut looked_into = Vec::new();
    loop {
        // Between looks nothing is locked, so that whoever brings the user may also change the table.
        let look = without_a_trace(|| Look::now(&row, id));
        let look = look.map_err(|failure| failure.into_error(USERS))?;
        if let Some(found) = look.found {
            return Ok(found);
        }
        let news = look.into.into_iter();
        looked_into.extend(
            news.filter(|name| !looked_into.contains(name))
                .collect::<Vec<_>>(),
        );
        let left = end.saturating_duration_since(Instant::now());
        if guc::is_dry_run() {
            return Ok(One::null());
        }
        if left.is_zero() || snapshot_is_fixed() {
            let error = if !look.is_there {
                Error::no_table_of_users()
            } else if snapshot_is_fixed() {
                Error::fixed_snapshot()
            } else if looked_into.is_empty() {
                Error::users_locked(USERS)
            } else {
                let may_lock_rows = own_locks::may_be_on_rows();
                Error::user_not_there(&looked_into.join(" or "), id, timeout, may_lock_rows)
            };
            raise(error);
        }
        if let Some(table) = own_locks::kept_from_all_others()? {
            raise(Error::wait_waits_for_itself(table));
        }
        pause(next_pause.min(left), Event::WaitForUser);
        next_pause = (next_pause * 2).min(LONGEST_PAUSE);
    }
}

/// What came of looking for a user. (A database may have both tables, after its project moved on; an id
/// is in one of them.)
struct Look {
    /// Whether there is a table.
    is_there: bool,
    /// The tables that were read.
    into: Vec<&'static str>,
    found: Option<One<SyncedUser>>,
}

impl Look {
    fn now(row: &Row, id: &str) -> Result<Self, Failure> {
        let tables = Table::find_all()?;
        let mut look = Self {
            is_there: !tables.is_empty(),
            into: Vec::new(),
            found: None,
        };
        let mut may_be_an_id = tables.is_empty();
        for (n, table) in tables.iter().enumerate() {
            if !table.may_have(id) {
                continue;
            }
            // Who may not read the only table is told so; a former one need not be open to everybody.
            if n > 0 && !table.is_readable() {
                continue;
            }
            may_be_an_id = true;
            // Somebody who holds the table for long must not hold us beyond our time.
            let relation = match table.open(Instant::now()) {
                Ok(relation) => relation,
                Err(Failure::Locked | Failure::Moved) => continue,
                Err(failure) => return Err(failure),
            };
            let looked = table.one(id).run(&relation, row, |row| {
                look.found = Some(One::new(row));
                Ok(())
            });
            match looked {
                Ok(()) => look.into.push(table.name()),
                // What it left behind ends with this look.
                Err(Failure::Locked | Failure::Moved) => break,
                Err(failure) => return Err(failure),
            }
            if look.found.is_some() {
                break;
            }
        }
        if may_be_an_id {
            Ok(look)
        } else {
            let error = Error::invalid_argument("id", "a UUID, as all ids here are");
            Err(error.into())
        }
    }
}

/// The ids of users with that address, in the table for `target`. `like` is a row with a column `id`.
pub fn ids_of(
    like: &Row,
    target: &Target,
    time: Duration,
    email: Text,
) -> Result<Vec<String>, Error> {
    let find = || Table::find_for(target)?.map_err(Error::no_such_table_of_users);
    let mut ids = Vec::new();
    let looked = open(find, time).and_then(|(table, relation)| {
        let query = table.ids_of(email).run(&relation, like, |row| {
            ids.push(row.text_at("id")?);
            Ok(())
        });
        query.map_err(|failure| failure.of(table.name()))
    });
    looked.map_err(|failure| failure.into_error(USERS))?;
    Ok(ids)
}

/// [`ids_of`] for who has no row that they could be like.
pub fn ids_by_address(target: &Target, time: Duration, email: Text) -> Result<Vec<String>, Error> {
    ids_of(&Row::new::<SyncedUser>()?, target, time, email)
}

/// Whether the table for `target` can be read and has no such user.
pub fn is_gone(target: &Target, time: Duration, id: &str) -> Result<bool, Error> {
    Ok(!is_any(target, time, id, |table| table.one(id))?)
}

/// Whether the user in the table for `target` was created before `at`, in seconds of Unix.
pub fn was_there(target: &Target, time: Duration, id: &str, at: f64) -> Result<bool, Error> {
    is_any(target, time, id, |table| table.one_before(id, at))
}

/// Whether `query`, about the user with that id, finds somebody.
fn is_any(
    target: &Target,
    time: Duration,
    id: &str,
    query: impl Fn(&Table) -> Query,
) -> Result<bool, Error> {
    let row = Row::new::<SyncedUser>()?;
    let find = || Table::find_for(target)?.map_err(Error::no_such_table_of_users);
    let mut is_there = false;
    let looked = open(find, time).and_then(|(table, relation)| {
        // Who cannot be in it is no one of whom it says something.
        if !table.may_have(id) {
            return Err(Error::no_table_of_users().into());
        }
        query(&table).run(&relation, &row, |_| {
            is_there = true;
            Ok(())
        })
    });
    looked.map_err(|failure| failure.into_error(USERS))?;
    Ok(is_there)
}

/// Says how many users the table for `target` (or the current one, if nothing is known of that) has, and
/// how old the latest change in it is. `like` is a row of `connection_check`.
pub fn check(like: &Row, target: Option<&Target>, time: Duration) -> Result<String, Failure> {
    let find = || {
        let table = match target {
            None => Table::find()?.ok_or("no table of Neon Auth's users"),
            Some(target) => Table::find_for(target)?,
        };
        table.map_err(Error::absent_table_of_users)
    };
    let (table, relation) = open(find, time)?;
    if !table.is_readable() {
        return Err(Error::table_of_users_denied(table.name()).into());
    }
    let mut state = String::new();
    let read = table.state().run(&relation, like, |row| {
        state = row.text_at("detail")?;
        Ok(())
    });
    read.map_err(|failure| failure.of(table.name()))?;
    Ok(state)
}

pub fn to_duration(timeout: Interval) -> Result<Duration, Error> {
    u64::try_from(timeout.as_micros())
        .map(Duration::from_micros)
        .ok()
        .filter(|timeout| *timeout <= LONGEST_WAIT)
        .ok_or_else(|| Error::invalid_argument("timeout", "from 0 to 10 minutes"))
}

/// A row of either table, made by the query.
#[derive(Deserialize, Serialize)]
struct SyncedUser {
    id: (),
    email: (),
    name: (),
    email_verified: (),
    image: (),
    role: (),
    banned: (),
    ban_reason: (),
    ban_expires: (),
    created_at: (),
    updated_at: (),
    deleted_at: (),
}

row_type!(SyncedUser, "synced_user");
