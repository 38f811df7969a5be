//! Owns what is said of a call that failed: kind, message, detail and hint of each way to end.

use serde::Deserialize;

use super::Connection;
use crate::error::{Error, ErrorKind};
use crate::neon::http::{Cause, Failure, Response};
use crate::neon::request::Request;
use crate::neon::retry::Safety;
use crate::secret::blank_out;

/// What messages say of a call besides its request; on the way to success nobody asks.
pub struct FailedCall<'a> {
    pub connection: &'a Connection,
    pub request_id: String,
    pub attempts: u32,
}

/// The part of the API's error body that may be shown.
#[derive(Deserialize)]
struct GeneralError {
    message: String,
    #[serde(default)]
    code: String,
}

/// At most this many bytes of Neon's own words go into a message.
const MAX_QUOTE: usize = 1024;

impl FailedCall<'_> {
    /// An answer with a status other than success, and no attempts left.
    pub fn refused<T>(&self, request: &Request<T>, response: &Response) -> Error {
        use ErrorKind as K;
        let texts = request.texts();
        let (server, role) = (&self.connection.server, &self.connection.role);
        let project = self.connection.scope.project_id();
        let (kind, reason, hint) = match response.status {
            400 | 422 => (K::InvalidValue, "Neon rejects a value".to_owned(), None),
            401 => (
                K::Unauthenticated,
                "Neon does not accept the API key".to_owned(),
                Some(format!(
                    "Store a valid key for role \"{role}\" on server \"{server}\" with \
                     neon_auth_admin.set_api_key()."
                )),
            ),
            403 => (
                K::Forbidden,
                "the API key does not permit it".to_owned(),
                Some(format!(
                    "The key of role \"{role}\" on server \"{server}\" needs access to project \
                     \"{project}\"."
                )),
            ),
            404 => (
                K::NotFound,
                "not found".to_owned(),
                Some(format!(
                    "Neon says so too when the key of role \"{role}\" may not see the project of \
                     server \"{server}\"."
                )),
            ),
            409 => (
                K::AlreadyExists,
                format!("{} already exists", texts.noun),
                None,
            ),
            423 => (
                K::Busy,
                "another operation holds the project".to_owned(),
                Some("Try again when it has ended.".to_owned()),
            ),
            429 => (
                K::RateLimited,
                "too many requests".to_owned(),
                Some(match response.retry_after {
                    Some(wait) => format!("Try again in {} s.", wait.as_secs().max(1)),
                    None => "Neon allows 700 requests a minute, and 40 a second.".to_owned(),
                }),
            ),
            300..=399 => (K::BadResponse, "Neon redirects elsewhere".to_owned(), None),
            500 | 503 => (K::ServerFault, "Neon has a fault".to_owned(), None),
            // A gateway that gave up says nothing of what happened behind it.
            501..=599 if request.safety() == Safety::Once => (
                K::OutcomeUnknown,
                "it is unknown whether it was done".to_owned(),
                Some(look_hint(request)),
            ),
            501..=599 => (K::ServerFault, "Neon has a fault".to_owned(), None),
            _ => (K::BadResponse, "unexpected answer".to_owned(), None),
        };
        let detail = self.detail(
            request,
            |quote| match quote {
                Some(quote) => format!("answered {} \"{quote}\"", response.status),
                None => format!("answered {}", response.status),
            },
            &response.body,
        );
        let mut error = Error::new(kind, format!("could not {}: {reason}", texts.purpose));
        error.detail = Some(detail);
        error.hint = hint;
        error
    }

    /// No answer, and no attempts left.
    pub fn failed<T>(&self, request: &Request<T>, failure: &Failure) -> Error {
        use ErrorKind as K;
        if failure.cause == Cause::Interrupted {
            return self.interrupted(request, failure.sent);
        }
        let write = request.safety() == Safety::Once;
        let (kind, reason) = match failure.cause {
            _ if !failure.sent => (K::Unreachable, "could not reach Neon"),
            Cause::TooLarge => (K::BadResponse, "the answer is too large"),
            _ if write => (K::OutcomeUnknown, "it is unknown whether it was done"),
            Cause::Malformed | Cause::CutShort => (K::BadResponse, "the answer is malformed"),
            Cause::Timeout => (K::Disconnected, "no answer in time"),
            _ => (K::Disconnected, "the connection was lost"),
        };
        let verb = if failure.sent {
            "got no usable answer"
        } else {
            "was not sent"
        };
        let message = format!("could not {}: {reason}", request.texts().purpose);
        let detail = self.detail(request, |_| format!("{verb}: {}", failure.reason), &[]);
        let error = Error::new(kind, message).with_detail(detail);
        if write && failure.sent {
            error.with_hint(look_hint(request))
        } else {
            error
        }
    }

    /// Success by its status, and a body that is not what the operation answers.
    pub fn undecodable<T>(&self, request: &Request<T>, response: &Response) -> Error {
        let message = format!(
            "could not {}: the answer is malformed",
            request.texts().purpose
        );
        let detail = self.detail(
            request,
            |_| format!("answered {} without the JSON it promises", response.status),
            &[],
        );
        let error = Error::new(ErrorKind::BadResponse, message).with_detail(detail);
        match request.safety() {
            Safety::Once => error.with_hint(look_hint(request)),
            Safety::Repeatable => error,
        }
    }

    /// The hint is there exactly when a write may have been carried out.
    pub fn interrupted<T>(&self, request: &Request<T>, sent: bool) -> Error {
        let message = format!(
            "request to {} was sent before the interrupt and may have been carried out",
            request.texts().purpose
        );
        let detail = self.detail(request, |_| "was interrupted".to_owned(), &[]);
        let error = Error::new(ErrorKind::Interrupted, message).with_detail(detail);
        if sent && request.safety() == Safety::Once {
            error.with_hint(look_hint(request))
        } else {
            error
        }
    }

    /// One sentence: the operation, what became of it, and the id to ask Neon about.
    fn detail<T>(
        &self,
        request: &Request<T>,
        what: impl FnOnce(Option<String>) -> String,
        body: &[u8],
    ) -> String {
        let quote = self.quote(request, body);
        let attempts = match self.attempts {
            1 => String::new(),
            attempts => format!(" after {attempts} attempts"),
        };
        format!(
            "Neon API: {request:?} {}{attempts}, request id {}.",
            what(quote),
            self.request_id
        )
    }

    /// Neon's own words about an error, safe to show: no secret of the call, no control character,
    /// no more than [`MAX_QUOTE`] bytes.
    fn quote<T>(&self, request: &Request<T>, body: &[u8]) -> Option<String> {
        let error: GeneralError = serde_json::from_slice(body).ok()?;
        let text = match error.code.as_str() {
            "" => error.message,
            code => format!("{code}: {}", error.message),
        };
        let secrets = request.secrets().iter().chain([&self.connection.api_key]);
        let mut quote = String::new();
        for c in blank_out(&text, secrets).chars() {
            let escaped: String = match c {
                '"' | '\'' | '\\' => c.to_string(),
                c => c.escape_debug().collect(),
            };
            if quote.len() + escaped.len() > MAX_QUOTE {
                break;
            }
            quote += &escaped;
        }
        Some(quote)
    }
}

fn look_hint<T>(request: &Request<T>) -> String {
    format!("Look before you try again: {};", request.texts().look)
}
