//! Owns what is told of a request while it is underway and when it has ended, as data. It knows nothing
//! of who listens, and gives out nothing that may not be written down: no body, no query, and of a path
//! only what cannot be an address or a secret.

use std::fmt;
use std::time::Duration;

use crate::neon::request::{Method, Request};
use crate::neon::retry::Safety;
use crate::neon::target::Target;

/// Who is told. Nothing that it does may fail.
pub trait Listener {
    /// Before anything is sent: the last occasion to find the memory that the rest needs.
    fn begins(&self, _: &Call) {}

    fn hears(&self, _: &Call, _: Event, _: &Progress) {}
}

/// Nobody.
impl Listener for () {}

/// A request, as it may be written down.
pub struct Call<'a> {
    pub function: &'static str,
    pub method: Method,
    pub is_write: bool,
    pub request_id: &'a str,
    path: &'a str,
    target: &'a Target,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// It was sent, or could not be, and may be again.
    Attempt,
    /// It is about to wait for the next attempt.
    Wait,
    /// It is over: nothing more is sent.
    End,
}

/// How far it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    pub attempts: u32,
    /// Of the last attempt.
    pub status: Status,
    /// Of that attempt; of the wait that follows; or at the end of all together.
    pub time: Duration,
}

/// As one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Answered(u16),
    /// Sent, perhaps in part.
    NoAnswer,
    NotSent,
}

impl<'a> Call<'a> {
    pub fn new<T>(request: &'a Request<T>, target: &'a Target, request_id: &'a str) -> Self {
        Self {
            function: request.endpoint().function,
            method: request.method(),
            is_write: request.safety() == Safety::Once,
            request_id,
            path: request.path(),
            target,
        }
    }

    /// The path without a query, with `*` for each segment that may be what a user has typed: anything
    /// but a short word of lower-case letters, a UUID, and project and branch of the target.
    pub fn path(&self) -> String {
        let (path, _) = self.path.split_once(['?', '#']).unwrap_or((self.path, ""));
        let known = |segment: &&str| self.is_known(segment);
        let shown = |segment| Some(segment).filter(known).unwrap_or("*");
        path.split('/').map(shown).collect::<Vec<_>>().join("/")
    }

    fn is_known(&self, segment: &str) -> bool {
        let of_word = |b: u8| matches!(b, b'a'..=b'z' | b'_' | b'-');
        (segment.len() <= LONGEST_WORD && segment.bytes().all(of_word))
            || (segment.len() == UUID && uuid::Uuid::try_parse(segment).is_ok())
            || self.target.project_id() == Some(segment)
            || self.target.branch_id() == Some(segment)
    }
}

/// Keys are longer.
const LONGEST_WORD: usize = 24;
/// With its hyphens, and nothing around it.
const UUID: usize = 36;

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answered(status) => status.fmt(f),
            Self::NoAnswer => f.write_str("none"),
            Self::NotSent => f.write_str("unsent"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_of_a_path() {
        let target = Target::new("p-1", Some("br-2"), None).expect("a target");
        let auth = "/projects/p-1/branches/br-2/auth";
        let uuid = "1e38f016-4964-43de-a4d0-4aaad026ff95";
        for (path, shown) in [
            ("", ""),
            ("/plugins/magic-link", "/plugins/magic-link"),
            ("/oauth_providers/google", "/oauth_providers/google"),
            (
                &format!("/users/{uuid}/role"),
                &format!("/users/{uuid}/role"),
            ),
            (&format!("/users/{{{}}}", &uuid[2..]), "/users/*"),
            (&format!("/users/{}", uuid.replace('-', "")), "/users/*"),
            ("/users/ada@example.com", "/users/*"),
            ("/users/ada%40example.com", "/users/*"),
            ("/users/Ada", "/users/*"),
            ("/users/napi_9s8d7", "/users/*"),
            ("/users/abcdefghijklmnopqrstuvwxy", "/users/*"),
            ("/oauth2/https%3A%2F%2Fapp.example.com", "/*/*"),
            ("/users?email=ada@example.com", "/users"),
            ("/users#/ada", "/users"),
            ("/a\nb/\u{202e}/p-2", "/*/*/*"),
        ] {
            let path = format!("{auth}{path}");
            let call = Call {
                function: "f",
                method: Method::Get,
                is_write: false,
                request_id: "",
                path: &path,
                target: &target,
            };
            assert_eq!(call.path(), format!("{auth}{shown}"), "{path}");
        }
    }
}
