//! Owns the only way a request is executed: attempts, waits, what a failure means, decoding. It
//! knows nothing of single operations, and nothing of how bytes travel.

mod failed_call;

use std::time::{Duration, Instant};

use uuid::Builder;

use self::failed_call::{FailedCall, accepted};
use crate::error::{Error, quote_literal};
use crate::neon::api_url::ApiUrl;
use crate::neon::http::{Cause, Failure, Http, Message, Response};
use crate::neon::request::Request;
use crate::neon::retry::{Decision, Outcome, decide};
use crate::neon::scope::Scope;
use crate::secret::Secret;

/// Where requests go, as whom, and with how much patience.
#[derive(Clone, Debug)]
pub struct Connection {
    /// The name of the foreign server, for hints.
    pub server: String,
    pub api_url: ApiUrl,
    pub scope: Scope,
    pub api_key: Secret,
    /// Whether the key is everyone's, for want of one of the role's own.
    pub key_of_public: bool,
    /// The budget of a call, all attempts and waits together.
    pub timeout: Duration,
    pub max_attempts: u32,
    /// The longest answer that is read, in bytes.
    pub max_response: u64,
}

impl Connection {
    /// The statement that creates the integration, where there is none.
    pub fn to_integrate(&self) -> String {
        let branch_id = match self.scope.branch_id() {
            Some(_) => "",
            None => "branch_id => '...', ",
        };
        let server = quote_literal(&self.server);
        format!("SELECT neon_auth_admin.create_integration({branch_id}server => {server});")
    }
}

/// What the client needs of the place it runs in.
pub trait Host {
    /// Waits; an error when the wait was ended from outside.
    fn sleep(&self, wait: Duration) -> Result<(), SleepInterrupted>;

    /// The name of the role in effect, for hints.
    fn role(&self) -> String;
}

pub struct SleepInterrupted;

/// Sends requests over one connection's settings.
pub struct Client<'a> {
    connection: &'a Connection,
    http: &'a Http,
    host: &'a dyn Host,
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

impl<'a> Client<'a> {
    pub fn new(connection: &'a Connection, http: &'a Http, host: &'a dyn Host) -> Self {
        Self {
            connection,
            http,
            host,
        }
    }

    pub fn connection(&self) -> &'a Connection {
        self.connection
    }

    pub fn scope(&self) -> &'a Scope {
        &self.connection.scope
    }

    /// Sends `request` once, and says what came of it in people's words.
    pub fn try_once<T>(&self, request: &Request<T>) -> Attempt<T> {
        let url = self.connection.api_url.join(&request.path());
        let mut call = self.failed_call();
        call.attempts = 1;
        match self.attempt(request, &url, &call.request_id, self.connection.timeout) {
            Err(failure) if failure.sent => Attempt::NoAnswer(failure.reason),
            Err(failure) => Attempt::NotSent(failure.reason),
            Ok(response) => Attempt::Answered {
                status: response.status,
                answer: match response.status {
                    200..=299 => request.decode(&response.body).ok(),
                    _ => accepted(request, &response),
                },
                words: call.quote(request, &response.body),
            },
        }
    }

    /// Sends `request`, again where that is safe, until there is an answer or the budget is spent.
    pub fn send<T>(&self, request: &Request<T>) -> Result<T, Error> {
        let started = Instant::now();
        let connection = self.connection;
        let left = || connection.timeout.saturating_sub(started.elapsed());
        let url = connection.api_url.join(&request.path());
        let mut call = self.failed_call();
        loop {
            call.attempts += 1;
            let result = self.attempt(request, &url, &call.request_id, left());
            let ending = match result {
                Ok(response) if matches!(response.status, 200..=299) => {
                    return request
                        .decode(&response.body)
                        .map_err(|why| call.unusable(request, &response, why));
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
                    // A write that waits here was not carried out, or it would not be sent again.
                    if self.host.sleep(wait).is_err() {
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
        budget: Duration,
    ) -> Result<Response, Failure> {
        self.http.send(Message {
            method: request.method(),
            url,
            api_key: &self.connection.api_key,
            request_id,
            body: request.body(),
            budget,
            max_body: self.connection.max_response,
        })
    }

    fn failed_call(&self) -> FailedCall<'a> {
        FailedCall {
            connection: self.connection,
            host: self.host,
            request_id: request_id(),
            attempts: 0,
        }
    }
}

/// Unique, and no secret: the fast generator will do, and saves a system call.
fn request_id() -> String {
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
