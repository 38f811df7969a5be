//! Owns the only way a request is executed: attempts, waits, what a failure means, decoding. It
//! knows nothing of single operations, and nothing of how bytes travel.

mod failed_call;

use std::time::{Duration, Instant};

use uuid::Builder;

use self::failed_call::{FailedCall, accepted};
use crate::error::Error;
use crate::neon::api_url::ApiUrl;
use crate::neon::http::{Cause, Failure, Http, HttpRequest, Response};
use crate::neon::progress::{Call, Event, Listener, Progress, Status};
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
    pub listener: &'a dyn Listener,
    /// When everything must have ended, all requests, attempts and waits together.
    pub deadline: Instant,
}

/// What came of a request that was sent once.
pub enum Attempt<T> {
    /// Why not.
    NotSent(Failure),
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

/// How an attempt ended.
enum Ending {
    Answer(Response),
    Failure(Failure),
}

/// What all attempts came to.
struct Sent {
    attempts: u32,
    /// Of the last.
    ending: Ending,
    /// Whether the wait for another one was.
    interrupted: bool,
}

impl Client<'_> {
    /// Sends `request` once, and says what came of it in people's words.
    pub fn try_once<T>(&self, request: &Request<T>) -> Attempt<T> {
        let id = new_request_id();
        let sent = self.tell(request, &id, |call| Sent {
            attempts: 1,
            ending: self.attempt(request, call, 1),
            interrupted: false,
        });
        match sent.ending {
            Ending::Failure(failure) if failure.sent => Attempt::NoAnswer(failure.reason),
            Ending::Failure(failure) => Attempt::NotSent(failure),
            Ending::Answer(response) => Attempt::Answered {
                status: response.status,
                answer: match response.status {
                    200..=299 => request.decode(response.status, &response.body).ok(),
                    _ => accepted(request, &response),
                },
                words: self.failed_call(&id, 1).quote(request, &response.body),
            },
        }
    }

    /// Sends `request`, again where that is safe, until there is an answer or the budget is spent.
    /// Neon can be asked about it by its id.
    pub fn send<T>(&self, request: &Request<T>, id: &str) -> Result<T, Error> {
        let sent = self.tell(request, id, |call| self.attempts(request, call));
        let call = self.failed_call(id, sent.attempts);
        match sent.ending {
            // A write that waits was not carried out, or it would not be sent again.
            _ if sent.interrupted => Err(call.interrupted(request, false)),
            Ending::Answer(response) if matches!(response.status, 200..=299) => request
                .decode(response.status, &response.body)
                .map_err(|why| call.unusable(request, &response, why)),
            Ending::Answer(response) => {
                accepted(request, &response).ok_or_else(|| call.refused(request, &response))
            }
            Ending::Failure(failure) => Err(call.failed(request, &failure)),
        }
    }

    /// Tells the listener of `work`, and of its end before anything is made of what came of it.
    fn tell<T>(&self, request: &Request<T>, id: &str, work: impl FnOnce(&Call) -> Sent) -> Sent {
        let call = Call::new(request, &self.connection.target, id);
        self.listener.begins(&call);
        let started = Instant::now();
        let sent = work(&call);
        let progress = sent.ending.progress(sent.attempts, started.elapsed());
        self.listener.hears(&call, Event::End, &progress);
        sent
    }

    fn attempts<T>(&self, request: &Request<T>, call: &Call) -> Sent {
        let mut attempts = 0;
        // What a lock takes is not taken from the attempts that faults may need.
        let mut locked = 0;
        loop {
            attempts += 1;
            let ending = self.attempt(request, call, attempts);
            let now = Instant::now();
            let decision = match ending.outcome() {
                Outcome::Status(200..=299, _) => Decision::GiveUp,
                outcome => decide(
                    attempts,
                    self.connection.max_attempts.saturating_add(locked),
                    outcome,
                    request.safety(),
                    self.deadline.saturating_duration_since(now),
                    fastrand::f64(),
                ),
            };
            let mut interrupted = false;
            if let Decision::Wait(wait) = decision {
                locked += u32::from(matches!(ending.outcome(), Outcome::Status(423, _)));
                let progress = ending.progress(attempts, wait);
                self.listener.hears(call, Event::Wait, &progress);
                if self.place.pause_until(now + wait).is_ok() {
                    continue;
                }
                interrupted = true;
            }
            return Sent {
                attempts,
                ending,
                interrupted,
            };
        }
    }

    fn attempt<T>(&self, request: &Request<T>, call: &Call, attempts: u32) -> Ending {
        let started = Instant::now();
        let result = self.http.send(HttpRequest {
            method: request.method(),
            url: &self.connection.api_url.join(&request.path_and_query()),
            api_key: &self.connection.api_key,
            request_id: call.request_id,
            body: request.body(),
            deadline: self.deadline,
            max_body: self.connection.max_response,
        });
        let ending = match result {
            Ok(response) => Ending::Answer(response),
            Err(failure) => Ending::Failure(failure),
        };
        let progress = ending.progress(attempts, started.elapsed());
        self.listener.hears(call, Event::Attempt, &progress);
        ending
    }

    fn failed_call<'a>(&'a self, request_id: &'a str, attempts: u32) -> FailedCall<'a> {
        FailedCall {
            connection: self.connection,
            request_id,
            attempts,
        }
    }
}

/// Unique, and no secret: the fast generator will do, and saves a system call.
pub fn new_request_id() -> String {
    let random = fastrand::u128(..).to_ne_bytes();
    Builder::from_random_bytes(random).into_uuid().to_string()
}

impl Ending {
    fn progress(&self, attempts: u32, time: Duration) -> Progress {
        let status = match self {
            Self::Answer(response) => Status::Answered(response.status),
            Self::Failure(failure) if failure.sent => Status::NoAnswer,
            Self::Failure(_) => Status::NotSent,
        };
        Progress {
            attempts,
            status,
            time,
        }
    }

    fn outcome(&self) -> Outcome {
        match self {
            Self::Answer(response) => Outcome::Status(response.status, response.retry_after),
            Self::Failure(failure) => match failure.cause {
                Cause::Certificate
                | Cause::UnknownAuthority
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
