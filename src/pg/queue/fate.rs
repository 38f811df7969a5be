//! Owns what is stored of an attempt: that it begins, and what came of it. A result is stored by the number of its
//! attempt, so that none is stored twice or in the place of another.

use serde_json::Value as Json;

use super::calls::Queued;
use super::table::{Value, change, now, run};
use crate::error::Error;
use crate::pg::row::jsonb_datum;
use crate::pg::text::for_message;

/// That an attempt begins, which is committed before anything is sent. Its number is the next one.
pub fn begin_attempt(id: i64, request_id: &str, in_doubt: bool) -> Result<(), Error> {
    run(
        c"UPDATE neon_auth_admin.queued_calls
          SET state = 'sending', attempts = attempts + 1, next_attempt_at = NULL, request_id = $2, in_doubt = $3
          WHERE id = $1",
        &[
            Value::Int8(id),
            Value::Text(Some(request_id)),
            Value::Bool(in_doubt),
        ],
        |_| (),
    )?;
    Ok(())
}

/// That a row is to have what was made for it, which is committed before anything runs that could end the process.
pub fn begin_writing(id: i64) -> Result<(), Error> {
    run(
        c"UPDATE neon_auth_admin.queued_calls SET state = 'sending', next_attempt_at = NULL WHERE id = $1",
        &[Value::Int8(id)],
        |_| (),
    )?;
    Ok(())
}

/// What becomes of a call.
pub enum Fate<'a> {
    Done(Json),
    Failed(&'a Error),
    Cancelled(&'a Error),
    /// It is done at Neon, and here a row waits for it.
    Made(Json),
    /// It waits until then.
    Waits {
        until: i64,
        why: &'a Error,
    },
}

/// Stores it, if the call still is in that state and has had no later attempt. Whether it was so.
pub fn decide(call: &Queued, state: &str, fate: Fate) -> Result<bool, Error> {
    // What is to be done with it now has not failed yet.
    let failing_since = call
        .failing_since
        .filter(|_| !matches!(fate, Fate::Made(_)));
    let (next_state, ended, until, result, why) = match fate {
        Fate::Done(result) => ("done", Some(now()), None, Some(result), None),
        Fate::Made(result) => ("waiting", None, Some(now()), Some(result), None),
        Fate::Cancelled(why) => ("cancelled", Some(now()), None, None, Some(why)),
        Fate::Failed(why) => ("failed", Some(now()), None, None, Some(why)),
        Fate::Waits { until, why } => ("waiting", None, Some(until), None, Some(why)),
    };
    let [sqlstate, message, detail, hint] = &why.map(words).unwrap_or_default();
    change(
        c"UPDATE neon_auth_admin.queued_calls
          SET state = $4, finished_at = $5, next_attempt_at = $6, result = coalesce($7, result), in_doubt = $8, crashes = $9,
            failing_since = $10, sqlstate = $11, message = $12, detail = $13, hint = $14, held = false
          WHERE id = $1 AND state = $2 AND attempts = $3
          RETURNING id",
        &[
            Value::Int8(call.id),
            Value::Text(Some(state)),
            Value::Int4(call.attempts),
            Value::Text(Some(next_state)),
            Value::Time(ended),
            Value::Time(until),
            Value::Json(result.and_then(jsonb_datum)),
            Value::Bool(call.in_doubt),
            Value::Int4(call.crashes),
            Value::Time(failing_since),
            sqlstate.into(),
            message.into(),
            detail.into(),
            hint.into(),
        ],
    )
}

/// SQLSTATE, message, detail and hint.
type Words = [Option<String>; 4];

/// As the view shows it.
pub fn words(error: &Error) -> Words {
    let hint = error.hint().map(str::to_owned);
    let texts = [Some(error.message.clone()), error.detail.clone(), hint];
    let [message, detail, hint] = texts.map(|text| text.map(for_message));
    [
        Some(error.kind.sqlstate().to_owned()),
        message,
        detail,
        hint,
    ]
}

impl<'a> From<&'a Option<String>> for Value<'a> {
    fn from(text: &'a Option<String>) -> Self {
        Self::Text(text.as_deref())
    }
}
