//! Owns what has to be there before a queued call is sent, looked for at that moment: the right, the server, the
//! key, the request. It changes nothing.

use serde_json::Value as Json;

use super::calls::Queued;
use super::{look, rights};
use crate::error::{Error, ErrorKind};
use crate::neon::queue::call::{Call, Operation, Prepared};
use crate::pg::role::Role;
use crate::pg::session::Session;
use crate::pg::subtransaction::apart;

/// All that it takes to send a call.
pub struct Ready {
    pub operation: Operation,
    pub call: Call,
    pub session: Session,
    pub request: Prepared,
}

/// Why a call is not sent.
pub enum Unready {
    /// It need not be: the user is there, by an earlier attempt or from before.
    MadeBefore {
        result: Json,
        is_from_before: bool,
    },
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
        return Err(Unready::MadeBefore {
            result: ready.call.result(Some(&id)),
            is_from_before: look::was_there(&ready.session, &id, queued.enqueued_at),
        });
    }
    Ok(ready)
}
