//! Owns what is said of queued calls.

use std::time::Duration;

use super::{Error, ErrorKind};

impl Error {
    pub fn not_for_the_queue(operations: &[&str]) -> Self {
        let expected = format!("one of {}", operations.join(", "));
        Self::invalid_argument("operation", &expected).with_hint(
            "What is in the queue can be made again without harm, and has no secret in it. Call the others \
             themselves.",
        )
    }

    /// What stands in the place of a name may be a value, and even a key: only what looks like the name of
    /// an argument is shown.
    pub fn unknown_argument(function: &str, name: &str, known: &[&str]) -> Self {
        let is_name = name.len() < 30 && name.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_');
        let message = match is_name {
            true => format!("unknown argument \"{name}\""),
            false => "unknown argument".to_owned(),
        };
        Self::new(ErrorKind::InvalidValue, message).with_detail(format!(
            "{function}() has these, besides the server: {}.",
            known.join(", ")
        ))
    }

    pub fn too_much_to_queue(limit: usize) -> Self {
        let expected = format!("an object of at most {limit} bytes");
        Self::invalid_argument("arguments", &expected)
    }

    pub fn function_denied(function: &str, role: &str) -> Self {
        Self::new(
            ErrorKind::Forbidden,
            format!("permission denied for function {function}"),
        )
        .with_hint(format!(
            "Whoever may grant it can allow it to role \"{role}\": \
             GRANT EXECUTE ON FUNCTION neon_auth_admin.{function} TO ...;"
        ))
    }

    pub fn no_such_call(id: i64) -> Self {
        Self::new(ErrorKind::NotFound, format!("there is no queued call {id}"))
            .with_detail("It never was, it was removed after neon_auth_admin.queue_keep, or it is of a role whose rights you do not have.")
    }

    /// `verb` completes "cannot ...".
    pub fn call_is_being_sent(id: i64, verb: &str) -> Self {
        Self::new(
            ErrorKind::InUse,
            format!("cannot {verb} queued call {id} while it is being sent"),
        )
        .with_hint("Wait for it: SELECT * FROM neon_auth_admin.wait_for_queued(...);")
    }

    pub fn call_is_over(id: i64, verb: &str, state: &str) -> Self {
        Self::new(
            ErrorKind::InvalidValue,
            format!("cannot {verb} queued call {id}"),
        )
        .with_detail(format!("Its state is \"{state}\"."))
    }

    pub fn call_of_this_transaction(id: i64) -> Self {
        Self::new(
            ErrorKind::WaitingForItself,
            format!("cannot wait for queued call {id} in the transaction that has queued it"),
        )
        .with_detail("It is sent after COMMIT.")
        .with_hint("Commit first.")
    }

    pub fn call_not_over(id: i64, state: &str, time: Duration) -> Self {
        Self::new(
            ErrorKind::NotFound,
            format!("queued call {id} did not end in time"),
        )
        .with_detail(format!("After {time:?} its state is \"{state}\"."))
        .with_hint("The view neon_auth_admin.queue says what a call waits for. Where there is no worker: CALL neon_auth_admin.run_queue();")
    }

    pub fn queue_in_transaction() -> Self {
        Self::new(
            ErrorKind::InTransaction,
            "run_queue() cannot run inside a transaction block",
        )
        .with_detail(
            "It commits after each call; nor can it be called by a function, or by a procedure with SECURITY \
             DEFINER or settings of its own.",
        )
        .with_hint("Call it by itself: CALL neon_auth_admin.run_queue();")
    }

    /// Said to whoever would deliver as well.
    pub fn queue_is_being_run(role: &str) -> Self {
        Self::new(
            ErrorKind::Locked,
            format!("another session delivers the calls of role \"{role}\""),
        )
    }

    pub fn another_role(role: &str) -> Self {
        Self::new(
            ErrorKind::InUse,
            format!("the calls of role \"{role}\" are made by that role alone"),
        )
        .with_detail("Another role is in effect by now.")
    }

    pub fn queue_in_dry_run(operation: &str) -> Self {
        Self::new(
            ErrorKind::NotConfigured,
            format!("dry run: enqueue() would queue {operation}()"),
        )
    }

    // What is kept with a call.

    pub fn crashed_delivery(crashes: i32) -> Self {
        Self::new(
            ErrorKind::CrashedDelivery,
            format!("the session that delivered the call ended {crashes} times while it did"),
        )
        .with_detail("Whether the call was carried out is not known.")
        .with_hint("Find out why in the server's log, then try again: SELECT neon_auth_admin.retry_queued(...);")
    }

    pub fn lost_delivery() -> Self {
        Self::new(
            ErrorKind::OutcomeUnknown,
            "the session that delivered the call ended while it did",
        )
        .with_detail("The call is made again, and a conflict then counts as success.")
    }

    pub fn interrupted_call(request_id: &str) -> Self {
        Self::new(
            ErrorKind::OutcomeUnknown,
            "the delivery was interrupted while the call was under way",
        )
        .with_detail(format!(
            "The call is made again, and a conflict then counts as success. Request id {request_id}."
        ))
    }

    pub fn lost_thread() -> Self {
        Self::new(
            ErrorKind::OutcomeUnknown,
            "the thread that was making the call has ended",
        )
        .with_detail("The call is made again, and a conflict then counts as success.")
    }

    /// Nothing was sent.
    pub fn no_sender(why: &str) -> Self {
        Self::new(ErrorKind::Unreachable, "could not begin to make the call").with_detail(why)
    }

    pub fn queued_elsewhere() -> Self {
        Self::new(
            ErrorKind::NotConfigured,
            "the call was queued in another database, of which this is a copy",
        )
        .with_detail("It is not sent from here, as it is sent from there.")
        .with_hint(
            "If there is no other any more: SELECT neon_auth_admin.adopt_queued(); or take it back: \
             SELECT neon_auth_admin.cancel_queued(...);",
        )
    }

    pub fn notification_queue_is_full() -> Self {
        Self::new(
            ErrorKind::Busy,
            "no notification of finished calls was sent: the queue for notifications is nearly full",
        )
    }

    pub fn unreadable_call(message: &str) -> Self {
        Self::new(ErrorKind::BadResponse, "could not prepare the call").with_detail(message)
    }

    pub fn delivery_failed(message: &str) -> Self {
        Self::new(
            ErrorKind::InUse,
            "the worker of neon_auth_admin could not deliver queued calls",
        )
        .with_detail(format!("{message}."))
        .with_hint("It tries again.")
    }

    pub fn not_for_worker(role: &str) -> Self {
        Self::new(
            ErrorKind::InUse,
            format!("the worker cannot deliver the queued calls of role \"{role}\""),
        )
        .with_detail("Another session delivers them, or settings of the role make it another one.")
    }

    pub fn queue_is_stopped() -> Self {
        Self::new(
            ErrorKind::NotConfigured,
            "no queued call is made: neon_auth_admin.queue_connections is 0",
        )
    }

    pub fn no_slot_for_worker() -> Self {
        Self::new(
            ErrorKind::InUse,
            "no background worker could be started for queued calls",
        )
        .with_detail("All of max_worker_processes are in use.")
        .with_hint("The calls are made when one is free, or by CALL neon_auth_admin.run_queue();")
    }

    pub fn no_post_for_worker() -> Self {
        Self::new(
            ErrorKind::InUse,
            "no background worker can be told of queued calls",
        )
        .with_detail("The memory that processes share has no place for another role.")
        .with_hint("Have the calls made by CALL neon_auth_admin.run_queue();")
    }

    pub fn no_worker_for_role(role: &str) -> Self {
        Self::new(
            ErrorKind::NotSupported,
            format!("role \"{role}\" cannot log in, so no worker makes its queued calls"),
        )
        .with_detail(
            "Before Postgres 17, a background worker connects only as a role that may log in.",
        )
        .with_hint("Have them made by who may become that role: CALL neon_auth_admin.run_queue();")
    }
}
