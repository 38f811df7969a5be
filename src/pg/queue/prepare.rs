//! Owns what has to be there before a queued call is sent, looked for at that moment: the right, the server, the
//! key, the request. It changes nothing.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use pgrx::PgTryBuilder;
use pgrx::pg_sys::panic::CaughtError;
use pgrx::prelude::*;
use serde_json::Value as Json;

use super::calls::Queued;
use super::{look, rights};
use crate::error::{Advice, Error, ErrorKind};
use crate::neon::queue::call::{Call, Operation, Prepared};
use crate::pg::raised::forget;
use crate::pg::reserve::keep;
use crate::pg::role::Role;
use crate::pg::session::Session;
use crate::pg::subtransaction::without_a_trace;

/// All that it takes to send a call.
pub struct Ready {
    pub operation: Operation,
    pub call: Call,
    pub session: Session,
    request: Prepared,
}

/// Why a call is not sent.
pub enum Unready {
    /// It need not be, since an earlier attempt has done it.
    MadeBefore(Json),
    Failed(Error),
    /// Nothing is wrong with it, but with its server or, if one is named, with this operation there.
    Blocked {
        why: Error,
        operation: Option<Operation>,
    },
}

/// The call is locked, and due.
pub fn prepare(queued: &Queued, role: Role) -> Result<Ready, Unready> {
    // One that cannot be read must not be in the way of the others.
    apart(|| look_up(queued, role))
        .unwrap_or_else(|message| Err(Unready::Failed(Error::unreadable_call(&message))))
}

fn look_up(queued: &Queued, role: Role) -> Result<Ready, Unready> {
    let failed = Unready::Failed;
    let operation = Operation::named(&queued.operation).map_err(failed)?;
    let of_this = |why| Unready::Blocked {
        why,
        operation: Some(operation),
    };
    rights::check(operation, role).map_err(of_this)?;
    let session = Session::to_neon(operation.endpoint(), Some(&queued.server));
    let session = session.map_err(|why| match why.kind {
        ErrorKind::NotSupported => of_this(why),
        _ => Unready::Blocked {
            why,
            operation: None,
        },
    })?;
    let arguments: Json = serde_json::from_str(&queued.arguments)
        .map_err(|error| Unready::Failed(Error::unreadable_call(&error.to_string())))?;
    let call = Call::new(operation, &arguments).map_err(failed)?;
    let request = match queued.in_doubt {
        true => call.repeated(session.target()),
        false => call.request(session.target()),
    };
    let ready = Ready {
        request: request.map_err(|error| failed(session.complete(error)))?,
        operation,
        call,
        session,
    };
    if queued.in_doubt
        && let Some(id) = look::id_of(&ready.session, &ready.call)
    {
        return Err(Unready::MadeBefore(ready.call.result(Some(&id))));
    }
    Ok(ready)
}

impl Ready {
    /// Sends the request; the id of a new user. No error is completed yet.
    pub fn send(&self, request_id: &str) -> Result<Option<String>, Error> {
        match &self.request {
            Prepared::User(request) => {
                let user = self.session.send_queued(request, request_id)?;
                Ok(Some(user.id))
            }
            Prepared::Plain(request) => {
                self.session.send_queued(request, request_id)?;
                Ok(None)
            }
        }
    }

    /// For how long Neon wants no more calls, if it says so.
    pub fn rest(&self, error: &Error) -> Option<Duration> {
        match error.advice {
            Some(Advice::SlowDown(rest)) => rest,
            _ => None,
        }
    }
}

/// Does `work`, which must change nothing, and returns what it raises in words. Only what ends the whole
/// delivery is raised on.
pub fn apart<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    // An earlier one may have used it.
    keep().map_err(|error| error.message)?;
    let canceled = PgSqlErrorCode::ERRCODE_QUERY_CANCELED;
    let timed_out = PgSqlErrorCode::ERRCODE_ADMIN_SHUTDOWN;
    PgTryBuilder::new(AssertUnwindSafe(|| Ok(without_a_trace(work))))
        .catch_when(canceled, |error| error.rethrow())
        .catch_when(timed_out, |error| error.rethrow())
        .catch_others(|error| match error {
            CaughtError::PostgresError(report) | CaughtError::ErrorReport(report) => {
                forget();
                Err(report.message().to_owned())
            }
            panic => panic.rethrow(),
        })
        .execute()
}
