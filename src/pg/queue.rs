//! Owns the SQL functions on queued calls but for their delivery. They send nothing.

mod buckets;
mod calls;
mod check;
mod deliver;
mod delivery;
mod fate;
mod insertion;
mod load;
mod lock;
mod look;
mod origin;
mod posts;
mod prepare;
mod rest;
mod rights;
mod run;
mod senders;
mod start;
mod store;
mod stored;
mod sync_user;
mod table;
mod wait;
mod wake;
mod window;
mod worker;

pub use self::check::check;
pub use self::look::who_is_there;
pub use self::rest::end as statement_ends;
pub use self::wake::after_start;

use pgrx::prelude::*;

use self::calls::Scope;
use self::store::NewCall;
use self::table::{Value, now};
use crate::error::Error;
use crate::neon::queue::call::{Call, Operation};
use crate::pg::args::required;
use crate::pg::json::Json;
use crate::pg::report::{Asked, Raise, raise};
use crate::pg::reserve::Entry;
use crate::pg::role::Role;
use crate::pg::row::jsonb_datum;
use crate::pg::session::{prevent_if_parallel, prevent_if_read_only, refuse_wrong_place};
use crate::pg::text::{MAX_ARGUMENT, Text};
use crate::pg::{dry_run, guc, server};

/// Queues a call, which is made after COMMIT. It is checked now as its function checks it, and so are the
/// rights to that function and to the server.
#[pg_extern(volatile, parallel_unsafe, cost = 1000, requires = ["queue"])]
fn enqueue(
    _entry: Entry,
    operation: Option<Text>,
    arguments: Option<Json>,
    server: default!(Option<Text>, "NULL"),
) -> Result<Option<i64>, Raise> {
    refuse_to_write("enqueue")?;
    let operation = Operation::named(&required("operation", operation)?)?;
    let role = Role::in_effect();
    rights::check(operation, role)?;
    let server = server.as_deref();
    let (name, target) = if guc::is_dry_run() {
        (None, dry_run::target(operation.endpoint(), server)?)
    } else {
        let server = server::usable_server(server, role)?;
        let target = server::target(&server, operation.endpoint().scope())?;
        (Some(server.name.clone()), target)
    };
    let asked = Asked {
        server: name.clone().unwrap_or_default(),
        role,
        is_key_of_public: false,
    };
    let complete = |error| asked.complete(&target, error);
    operation.endpoint().path_at(&target).map_err(complete)?;
    let arguments = required("arguments", arguments)?;
    if arguments.is_empty() {
        raise(Error::too_much_to_queue(MAX_ARGUMENT));
    }
    let arguments: serde_json::Value = serde_json::from_str(&arguments)
        .map_err(|error| Error::invalid_argument("arguments", &format!("JSON: {error}")))?;
    let call = Call::new(operation, &arguments)?;
    call.request(&target).map_err(complete)?;
    let Some(server) = name else {
        notice!("dry run: enqueue() would queue {}()", operation.name());
        return Ok(None);
    };
    let new = NewCall {
        operation,
        arguments: jsonb_datum(arguments),
        server: &server,
        origin: &origin::here(),
        role,
        subject: &call.subject(),
        row: None,
    };
    Ok(new.store()?)
}

/// Has a call that has failed or was cancelled made after all, or one that waits made at once.
#[pg_extern(volatile, parallel_unsafe, cost = 1000, requires = ["queue"])]
fn retry_queued(_entry: Entry, id: Option<i64>) -> Result<i64, Raise> {
    refuse_to_write("retry_queued")?;
    let id = required("id", id)?;
    // What has become of its attempts stays known: their number, and whether one may have been carried out.
    let changed = table::run(
        c"UPDATE neon_auth_admin.queued_calls
          SET state = 'waiting', crashes = 0, failing_since = NULL, finished_at = NULL, is_new = false,
            next_attempt_at = CASE WHEN held THEN NULL ELSE $3 END
          WHERE id = $1 AND state IN ('waiting', 'failed', 'cancelled') AND pg_has_role($2, role, 'USAGE')
          RETURNING role::bigint",
        &[
            Value::Int8(id),
            Value::Oid(Role::in_effect().0),
            Value::Time(Some(now())),
        ],
        |found| found.role(0),
    )?;
    let Some(role) = changed.first() else {
        raise(refusal(id, "retry"));
    };
    wake::after_end(*role);
    Ok(id)
}

/// Takes a call back that is not being sent.
#[pg_extern(volatile, parallel_unsafe, cost = 1000, requires = ["queue"])]
fn cancel_queued(_entry: Entry, id: Option<i64>) -> Result<i64, Raise> {
    refuse_to_write("cancel_queued")?;
    let id = required("id", id)?;
    let cancelled = table::run(
        c"UPDATE neon_auth_admin.queued_calls
          SET state = 'cancelled', next_attempt_at = NULL, held = false, is_new = false, finished_at = $3
          WHERE id = $1 AND state IN ('waiting', 'failed') AND pg_has_role($2, role, 'USAGE')
          RETURNING role::bigint, origin, server, subject",
        &[
            Value::Int8(id),
            Value::Oid(Role::in_effect().0),
            Value::Time(Some(now())),
        ],
        |found| {
            let role = found.role(0);
            let origin = found.text(1);
            (Scope { role, origin }, found.text(2), found.text(3))
        },
    )?;
    let Some((scope, server, subject)) = cancelled.first() else {
        raise(refusal(id, "cancel"));
    };
    scope.free_next(server, subject)?;
    wake::after_end(scope.role);
    Ok(id)
}

/// Has calls that were queued elsewhere made from here: in a copy whose original is gone. Returns how many.
#[pg_extern(volatile, parallel_unsafe, cost = 1000, requires = ["queue"])]
fn adopt_queued(_entry: Entry) -> Result<i64, Raise> {
    refuse_to_write("adopt_queued")?;
    // The original may have been at it.
    let adopted = table::run(
        c"UPDATE neon_auth_admin.queued_calls
          SET origin = $2, timeline = $3, state = 'waiting', in_doubt = true, held = false, is_new = false,
            next_attempt_at = $4, sqlstate = NULL, message = NULL, detail = NULL, hint = NULL
          WHERE origin <> $2 AND state IN ('waiting', 'sending') AND pg_has_role($1, role, 'USAGE')
          RETURNING role::bigint",
        &[
            Value::Oid(Role::in_effect().0),
            Value::Text(Some(&origin::here())),
            Value::Int4(origin::timeline()),
            Value::Time(Some(now())),
        ],
        |found| found.role(0),
    )?;
    adopted.iter().for_each(|role| wake::after_end(*role));
    Ok(i64::try_from(adopted.len()).unwrap_or(i64::MAX))
}

/// For what changes the queue.
fn refuse_to_write(function: &str) -> Result<(), Error> {
    prevent_if_read_only(function);
    prevent_if_parallel();
    refuse_wrong_place()?;
    wake::after_start();
    Ok(())
}

/// Why nothing was changed. `verb` completes "cannot ...".
fn refusal(id: i64, verb: &str) -> Error {
    match state(id) {
        Err(error) => error,
        Ok(None) => Error::no_such_call(id),
        Ok(Some((state, _))) if state == "sending" => Error::call_is_being_sent(id, verb),
        Ok(Some((state, _))) => Error::call_is_over(id, verb, &state),
    }
}

/// The state of a call, as far as the role in effect may know of it, and whether it is this transaction that
/// has queued or changed it.
fn state(id: i64) -> Result<Option<(String, bool)>, Error> {
    let found = table::run(
        c"SELECT state, xmin FROM neon_auth_admin.queued_calls
          WHERE id = $1 AND pg_has_role($2, role, 'USAGE')",
        &[Value::Int8(id), Value::Oid(Role::in_effect().0)],
        |found| (found.text(0), found.is_of_this_transaction(1)),
    )?;
    Ok(found.into_iter().next())
}
