//! Owns the only way a request is executed: attempts, waits, what a failure means, decoding. It
//! knows nothing of single operations, and nothing of how bytes travel.

mod failed_call;

use std::time::Instant;

use uuid::Builder;

use self::failed_call::{FailedCall, accepted};
use crate::error::Error;
use crate::neon::api_url::ApiUrl;
use crate::neon::http::{Cause, Failure, Http, HttpRequest, Response};
use crate::neon::request::Request;
use crate::neon::retry::{Decision, Outcome, decide};
use crate::neon::target::Target;
use crate::secret::Secret;

/// Where requests go, with which key, and with how much patience.
#[derive(Clone, Debug)]
pub struct Connection {
    pub api_url: ApiUrl,
    pub target: Target,
    pub api_key: Secret,
    pub max_attempts: u32,
    /// The longest answer that is read, in bytes.
    pub max_response: u64,
}

/// Where the client waits between attempts.
pub trait Pause {
    fn pause_until(&self, end: Instant) -> Result<(), Interrupted>;
}

/// The wait was ended from outside.
pub struct Interrupted;

/// Sends requests over one connection's settings.
pub struct Client<'a> {
    pub connection: &'a Connection,
    pub http: &'a Http,
    pub place: &'a dyn Pause,
    /// When everything must have ended, all requests, attempts and waits together.
    pub deadline: Instant,
}

/// What came of a request that was sent once.
pub enum Attempt<T> {
    /// Why not.
    NotSent(String),
    /// Sent, and why there is no answer.
    NoAnswer(String),
    Answered {
        status: u16,
        /// `None` for a refusal, and for what cannot be read.
        answer: Option<T>,
        /// What Neon says of an error, safe to show.
        words: Option<String>,
    },
}

/// How an attempt ended without a usable answer.
enum Ending {
    Answer(Response),
    Failure(Failure),
}

impl Client<'_> {
    /// Sends `request` once, and says what came of it in people's words.
    pub fn try_once<T>(&self, request: &Request<T>) -> Attempt<T> {
        let url = self.connection.api_url.join(&request.path_and_query());
        let id = new_request_id();
        let call = FailedCall {
            attempts: 1,
            ..self.call(&id)
        };
        match self.attempt(request, &url, &id) {
            Err(failure) if failure.sent => Attempt::NoAnswer(failure.reason),
            Err(failure) => Attempt::NotSent(failure.reason),
            Ok(response) => Attempt::Answered {
                status: response.status,
                answer: match response.status {
                    200..=299 => request.decode(response.status, &response.body).ok(),
                    _ => accepted(request, &response),
                },
                words: call.quote(request, &response.body),
            },
        }
    }

    /// Sends `request`, again where that is safe, until there is an answer or the budget is spent.
    /// Neon can be asked about it by its id.
    pub fn send<T>(&self, request: &Request<T>, id: &str) -> Result<T, Error> {
        let url = self.connection.api_url.join(&request.path_and_query());
        let mut call = self.call(id);
        // What a lock takes is not taken from the attempts that faults may need.
        let mut locked = 0;
        loop {
            call.attempts += 1;
            let result = self.attempt(request, &url, id);
            let ending = match result {
                Ok(response) if matches!(response.status, 200..=299) => {
                    return request
                        .decode(response.status, &response.body)
                        .map_err(|why| call.unusable(request, &response, why));
                }
                Ok(response) => Ending::Answer(response),
                Err(failure) => Ending::Failure(failure),
            };
            let now = Instant::now();
            let decision = decide(
                call.attempts,
                self.connection.max_attempts.saturating_add(locked),
                ending.outcome(),
                request.safety(),
                self.deadline.saturating_duration_since(now),
                fastrand::f64(),
            );
            match decision {
                Decision::Wait(wait) => {
                    locked += u32::from(matches!(ending.outcome(), Outcome::Status(423, _)));
                    // A write that waits here was not carried out, or it would not be sent again.
                    if self.place.pause_until(now + wait).is_err() {
                        return Err(call.interrupted(request, false));
                    }
                }
                Decision::GiveUp => {
                    return match ending {
                        Ending::Answer(response) => accepted(request, &response)
                            .ok_or_else(|| call.refused(request, &response)),
                        Ending::Failure(failure) => Err(call.failed(request, &failure)),
                    };
                }
            }
        }
    }

    fn attempt<T>(
        &self,
        request: &Request<T>,
        url: &str,
        request_id: &str,
    ) -> Result<Response, Failure> {
        self.http.send(HttpRequest {
            method: request.method(),
            url,
            api_key: &self.connection.api_key,
            request_id,
            body: request.body(),
            deadline: self.deadline,
            max_body: self.connection.max_response,
        })
    }

    fn call<'a>(&'a self, request_id: &'a str) -> FailedCall<'a> {
        FailedCall {
            connection: self.connection,
            request_id,
            attempts: 0,
        }
    }
}

/// Unique, and no secret: the fast generator will do, and saves a system call.
pub fn new_request_id() -> String {
    let random = fastrand::u128(..).to_ne_bytes();
    Builder::from_random_bytes(random).into_uuid().to_string()
}

impl Ending {
    fn outcome(&self) -> Outcome {
        match self {
            Self::Answer(response) => Outcome::Status(response.status, response.retry_after),
            Self::Failure(failure) => match failure.cause {
                Cause::Certificate
                | Cause::Malformed
                | Cause::TooLarge
                | Cause::LargeHead
                | Cause::Interrupted => Outcome::Hopeless,
                _ if failure.sent => Outcome::Lost,
                _ => Outcome::NotSent,
            },
        }
    }
}
