//! Owns the only way a request is executed: attempts, waits, what a failure means, decoding. It
//! knows nothing of single operations, and nothing of how bytes travel.

use std::time::{Duration, Instant};

use serde::Deserialize;
use uuid::Uuid;

use crate::error::{Error, ErrorKind};
use crate::neon::api_url::ApiUrl;
use crate::neon::http::{Cause, Failure, Http, Message, Response};
use crate::neon::request::Request;
use crate::neon::retry::{Decision, Outcome, Safety, decide};
use crate::neon::scope::Scope;
use crate::secret::{Secret, blank_out};

/// Where requests go, as whom, and with how much patience.
#[derive(Clone, Debug)]
pub struct Connection {
    /// The names of the foreign server and the role, for hints.
    pub server: String,
    pub role: String,
    pub api_url: ApiUrl,
    pub scope: Scope,
    pub api_key: Secret,
    /// The budget of a call, all attempts and waits together.
    pub timeout: Duration,
    pub max_attempts: u32,
    /// The longest answer that is read, in bytes.
    pub max_response: u64,
}

/// What the client needs of the place it runs in.
pub trait Host {
    /// Waits; an error when the wait was ended from outside.
    fn sleep(&self, wait: Duration) -> Result<(), SleepInterrupted>;
}

pub struct SleepInterrupted;

/// Sends requests over one connection's settings.
pub struct Client<'a> {
    connection: &'a Connection,
    http: &'a Http,
    host: &'a dyn Host,
}

/// How an attempt ended without a usable answer.
enum Ending {
    Answer(Response),
    Failure(Failure),
}

/// What messages say of a call, besides its request.
struct Call<'a> {
    connection: &'a Connection,
    request_id: String,
    attempts: u32,
}

impl<'a> Client<'a> {
    pub fn new(connection: &'a Connection, http: &'a Http, host: &'a dyn Host) -> Self {
        Self {
            connection,
            http,
            host,
        }
    }

    pub fn scope(&self) -> &'a Scope {
        &self.connection.scope
    }

    /// Sends `request`, again where that is safe, until there is an answer or the budget is spent.
    pub fn send<T>(&self, request: &Request<T>) -> Result<T, Error> {
        let started = Instant::now();
        let connection = self.connection;
        let left = || connection.timeout.saturating_sub(started.elapsed());
        let url = connection.api_url.join(&request.path());
        let mut call = Call {
            connection,
            request_id: Uuid::new_v4().to_string(),
            attempts: 0,
        };
        loop {
            call.attempts += 1;
            let result = self.http.send(Message {
                method: request.method(),
                url: &url,
                https_only: connection.api_url.is_https(),
                api_key: &connection.api_key,
                request_id: &call.request_id,
                body: request.body(),
                budget: left(),
                max_body: connection.max_response,
            });
            let ending = match result {
                Ok(response) if matches!(response.status, 200..=299) => {
                    return request
                        .decode(&response.body)
                        .map_err(|_| call.undecodable(request, &response));
                }
                Ok(response) => Ending::Answer(response),
                Err(failure) => Ending::Failure(failure),
            };
            let decision = decide(
                call.attempts,
                connection.max_attempts,
                ending.outcome(),
                request.safety(),
                left(),
                fastrand::f64(),
            );
            match decision {
                Decision::Wait(wait) => {
                    if self.host.sleep(wait).is_err() {
                        return Err(call.interrupted(request, ending.may_be_done()));
                    }
                }
                Decision::GiveUp => {
                    return Err(match ending {
                        Ending::Answer(response) => call.refused(request, &response),
                        Ending::Failure(failure) => call.failed(request, &failure),
                    });
                }
            }
        }
    }
}

impl Ending {
    fn outcome(&self) -> Outcome {
        match self {
            Self::Answer(response) => Outcome::Status(response.status, response.retry_after),
            Self::Failure(failure) => match failure.cause {
                Cause::Certificate | Cause::Malformed | Cause::TooLarge | Cause::Interrupted => {
                    Outcome::Hopeless
                }
                _ if failure.sent => Outcome::Lost,
                _ => Outcome::NotSent,
            },
        }
    }

    /// Whether a write may have been carried out.
    fn may_be_done(&self) -> bool {
        matches!(self.outcome(), Outcome::Lost)
    }
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

impl Call<'_> {
    /// An answer with a status other than success, and no attempts left.
    fn refused<T>(&self, request: &Request<T>, response: &Response) -> Error {
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
    fn failed<T>(&self, request: &Request<T>, failure: &Failure) -> Error {
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
    fn undecodable<T>(&self, request: &Request<T>, response: &Response) -> Error {
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
    fn interrupted<T>(&self, request: &Request<T>, sent: bool) -> Error {
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
