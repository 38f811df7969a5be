//! Owns what is said of a call that failed: kind, message, detail and hint of each way to end.

use serde::Deserialize;

use super::Connection;
use crate::error::{Advice, Error, ErrorKind};
use crate::neon::answer::{MAX_VALUES, Unusable};
use crate::neon::endpoint::Look;
use crate::neon::http::{Cause, Failure, Response};
use crate::neon::request::Request;
use crate::neon::retry::Safety;
use crate::neon::target::lacks_integration;
use crate::neon::users::lacks_user;
use crate::quote::escape;
use crate::secret::{Secret, blank_out};

/// What messages say of a call besides its request; on the way to success nobody asks.
pub struct FailedCall<'a> {
    pub connection: &'a Connection,
    pub request_id: &'a str,
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
/// No more of them is looked at.
const MAX_LOOK: usize = 64 * MAX_QUOTE;
/// JSON escapes a character with at most this many.
const MAX_ESCAPE: usize = 6;

impl FailedCall<'_> {
    /// An answer with a status other than success, and no attempts left.
    pub fn refused<T>(&self, request: &Request<T>, response: &Response) -> Error {
        use ErrorKind as K;
        let write = request.safety() == Safety::Once;
        let (kind, reason) = match meaning(request, response) {
            400 | 422 => (K::InvalidValue, "Neon rejects a value"),
            401 => (K::Unauthenticated, "Neon does not accept the API key"),
            403 => (K::Forbidden, "the API key does not permit it"),
            404 => (K::NotFound, "not found"),
            409 => (K::AlreadyExists, "already exists"),
            423 => (K::Busy, "another operation holds the project"),
            429 => (K::RateLimited, "too many requests"),
            503 => (K::ServerFault, "Neon has a fault"),
            // Neon promises of 503 alone that nothing was done. A fault may come after the deed, and a
            // gateway that gave up, or a status that HTTP does not have, says nothing of it.
            ..200 | 500.. if write => (K::OutcomeUnknown, ""),
            500..=599 => (K::ServerFault, "Neon has a fault"),
            300..=399 => (K::BadResponse, "Neon redirects elsewhere"),
            _ => (K::BadResponse, "unexpected answer"),
        };
        let what = |quote| match quote {
            Some(quote) => format!("answered {} \"{quote}\"", response.status),
            None => format!("answered {}", response.status),
        };
        let mut error = Error::new(kind, message(request, kind, reason));
        error.detail = Some(self.detail(request, what, &response.body));
        error.advice = self.advice(request, response);
        error
    }

    fn advice<T>(&self, request: &Request<T>, response: &Response) -> Option<Advice> {
        let write = request.safety() == Safety::Once;
        let words = words(&response.body);
        let says = |what: fn(u16, &str) -> bool| {
            let words = words.as_ref();
            words.is_some_and(|error| what(response.status, &error.message))
        };
        Some(match meaning(request, response) {
            400 | 422 => return request.advice_if_rejected().cloned(),
            401 => Advice::StoreKey,
            403 => Advice::GrantAccess,
            404 if says(lacks_integration) => Advice::CreateIntegration,
            404 if says(lacks_user) => Advice::CheckUser,
            404 => Advice::CheckIds,
            409 => Advice::LookAround(request.endpoint().ensuring()),
            423 => Advice::WaitForOthers,
            429 => Advice::SlowDown(response.retry_after),
            503 => return None,
            ..200 | 500.. if write => self.look(request),
            _ => return None,
        })
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
            _ if write => (K::OutcomeUnknown, ""),
            Cause::TooLarge | Cause::LargeHead => (K::BadResponse, "the answer is too large"),
            Cause::Malformed | Cause::CutShort => (K::BadResponse, "the answer is malformed"),
            Cause::Timeout => (K::Disconnected, "no answer in time"),
            _ => (K::Disconnected, "the connection was lost"),
        };
        let verb = if failure.sent {
            "got no usable answer".to_owned()
        } else {
            format!("was not sent to {}", self.connection.api_url.authority())
        };
        let message = message(request, kind, reason);
        let detail = self.detail(request, |_| format!("{verb}: {}", failure.reason), &[]);
        let error = Error::new(kind, message).with_detail(detail);
        match failure.cause {
            Cause::UnknownAuthority => error.with_advice(Advice::TrustAuthority),
            _ if !failure.sent => error.with_advice(Advice::CheckConnection),
            _ if write => error.with_advice(self.look(request)),
            Cause::TooLarge => error.with_advice(Advice::RaiseMaxResponse),
            _ => error,
        }
    }

    /// Success by its status, and a body that is not what the operation answers.
    pub fn unusable<T>(&self, request: &Request<T>, response: &Response, why: Unusable) -> Error {
        let (reason, what) = match why {
            Unusable::Malformed => (
                "the answer is malformed",
                "without the JSON it promises".to_owned(),
            ),
            Unusable::TooManyValues => (
                "the answer is too large",
                format!("with more than {MAX_VALUES} values in its JSON"),
            ),
        };
        let detail = self.detail(
            request,
            |_| format!("answered {} {what}", response.status),
            &[],
        );
        match request.safety() {
            Safety::Once => {
                let purpose = request.endpoint().purpose;
                let message = format!("request to {purpose} was carried out, but {reason}");
                Error::new(ErrorKind::OutcomeUnknown, message)
                    .with_detail(detail)
                    .with_advice(Advice::LookAtResult(request.endpoint().resource.look))
            }
            Safety::Repeatable => {
                let message = message(request, ErrorKind::BadResponse, reason);
                Error::new(ErrorKind::BadResponse, message).with_detail(detail)
            }
        }
    }

    /// The advice is there exactly when a write may have been carried out.
    pub fn interrupted<T>(&self, request: &Request<T>, sent: bool) -> Error {
        let message = format!(
            "request to {} was sent before the interrupt and may have been carried out",
            request.endpoint().purpose
        );
        let detail = self.detail(request, |_| "was interrupted".to_owned(), &[]);
        let error = Error::new(ErrorKind::Interrupted, message).with_detail(detail);
        if sent && request.safety() == Safety::Once {
            error.with_advice(self.look(request))
        } else {
            error
        }
    }

    /// Where a write shows when it was carried out after all.
    fn look<T>(&self, request: &Request<T>) -> Advice {
        Advice::LookBefore(request.endpoint().resource.look)
    }

    /// A sentence: the operation, what became of it, and the id to ask Neon about; and perhaps one that
    /// says what it was about.
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
        let of_the_call = format!(
            "Neon API: {request:?} {}{attempts}, request id {}.",
            what(quote),
            self.request_id
        );
        match request.subject() {
            Some(subject) => format!("{of_the_call} {subject}"),
            None => of_the_call,
        }
    }

    /// Neon's own words about an error, safe to show: no secret of the call and not its body, no
    /// control character, no more than [`MAX_QUOTE`] bytes.
    pub fn quote<T>(&self, request: &Request<T>, body: &[u8]) -> Option<String> {
        let error = words(body)?;
        let text = match error.code.as_str() {
            "" => error.message,
            code => format!("{code}: {}", error.message),
        };
        let secrets: Vec<_> = request
            .secrets()
            .iter()
            .chain([&self.connection.api_key])
            .chain(request.body())
            .collect();
        Some(quotable(&text, &secrets))
    }
}

impl Error {
    /// For whoever is interrupted when the answer is there.
    pub fn done_before_interrupt<T>(request: &Request<T>, request_id: &str) -> Self {
        let purpose = request.endpoint().purpose;
        let message = format!("request to {purpose} was carried out before the interrupt");
        let detail = format!("Neon API: {request:?} succeeded, request id {request_id}.");
        let mut error = Self::new(ErrorKind::OutcomeUnknown, message).with_detail(detail);
        let look = request.endpoint().resource.look;
        if matches!(look, Look::NewClient | Look::ClientSecret) {
            // What it answered cannot be had again.
            error.advice = Some(Advice::LookAtResult(look));
        }
        match request.subject() {
            Some(subject) => error.and_detail(subject),
            None => error,
        }
    }
}

fn words(body: &[u8]) -> Option<GeneralError> {
    serde_json::from_slice(body).ok()
}

/// The status, as other statuses have it that mean the same: Better Auth says in words of a 400 or 422
/// that something exists already. Words of the request's own do not count.
fn meaning<T>(request: &Request<T>, response: &Response) -> u16 {
    const EXISTS: [&str; 2] = ["already exists", "already_exists"];
    let says_so = |text: &str| {
        let text = text.to_lowercase();
        EXISTS.iter().any(|words| text.contains(words))
    };
    let is_repeated = || request.body().is_some_and(|body| says_so(body.expose()));
    let exists = || {
        words(&response.body).is_some_and(|error| says_so(&error.code) || says_so(&error.message))
    };
    match response.status {
        400 | 422 if exists() && !is_repeated() => 409,
        status => status,
    }
}

/// What a refusal answers after all, for a request that knows it as an answer.
pub fn accepted<T>(request: &Request<T>, response: &Response) -> Option<T> {
    let error = words(&response.body)?;
    request.accept(response.status, &error.message)
}

/// `text` as it may be shown: no secret, no control character, no more than [`MAX_QUOTE`] bytes.
fn quotable(text: &str, secrets: &[&Secret]) -> String {
    let blank = |text: &str| blank_out(text, secrets.iter().copied());
    let end = text.floor_char_boundary(MAX_LOOK);
    let mut quote = blank(&text[..end]);
    if end < text.len() {
        // A secret that was cut in two is not blanked out: its first part is the end of what is left.
        let longest = secrets.iter().map(|secret| secret.expose().len()).max();
        let whole = quote
            .len()
            .saturating_sub(longest.unwrap_or_default() * MAX_ESCAPE);
        quote.truncate(quote.floor_char_boundary(whole));
    }
    let escaped = escape(&quote);
    // Escaping can spell a secret that was not there: a line feed becomes an n.
    let mut quote = blank(&escaped);
    quote.truncate(quote.floor_char_boundary(MAX_QUOTE));
    quote
}

fn message<T>(request: &Request<T>, kind: ErrorKind, reason: &str) -> String {
    let purpose = request.endpoint().purpose;
    match kind {
        ErrorKind::OutcomeUnknown => {
            format!("could not learn whether the request to {purpose} was carried out")
        }
        ErrorKind::AlreadyExists => format!(
            "could not {purpose}: {} {reason}",
            request.endpoint().resource.noun
        ),
        _ => format!("could not {purpose}: {reason}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_that_is_cut_in_two_is_not_shown() {
        let secret = Secret::new("s".repeat(4095) + "t");
        let text = "ab".to_owned() + &secret.expose().repeat(20);
        let quote = quotable(&text, &[&secret]);
        assert!(!quote.contains("ss"), "{quote}");
    }

    #[test]
    fn a_secret_that_escaping_spells_is_not_shown() {
        let secret = Secret::new("napi_canary");
        let quote = quotable("a\napi_canary \u{202e}\"'", &[&secret]);
        assert_eq!(quote, "a\\******** \\u{202e}\"'");
    }
}
