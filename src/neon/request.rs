//! Owns [`Request`]: one call of the Neon API as a value that tests compare. It knows the shape of
//! HTTP requests and nothing of sending them.

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Error;
use crate::neon::answer::{self, Unusable};
use crate::neon::check;
use crate::neon::retry::Safety;
use crate::secret::Secret;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        })
    }
}

/// A part of a path between two slashes. There is no way to make one that would change the path's
/// shape: an id with `/`, `#`, `..` or nothing in it never becomes a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment(Cow<'static, str>);

impl Segment {
    /// A word of the API's own paths.
    pub const fn fixed(word: &'static str) -> Self {
        Self(Cow::Borrowed(word))
    }

    /// A value whose form the caller has checked more strictly than [`Segment::id`] would.
    pub(super) fn checked(value: String) -> Self {
        Self(Cow::Owned(value))
    }

    /// An id from the argument `name`: `^[A-Za-z0-9_-]{1,128}$`.
    pub fn id(name: &str, value: &str) -> Result<Self, Error> {
        check::id(name, value).map(|id| Self(Cow::Owned(id.to_owned())))
    }
}

/// A call of one operation, and how to read its answer as a `T`.
pub struct Request<T> {
    method: Method,
    path: Vec<Segment>,
    body: Option<Secret>,
    secrets: Vec<Secret>,
    texts: Texts,
    decode: Decode<T>,
    accept: Accept<T>,
}

type Decode<T> = fn(&[u8]) -> serde_json::Result<T>;
/// Of the status and the message of a refusal.
type Accept<T> = fn(u16, &str) -> Option<T>;

/// What messages say of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Texts {
    /// Completes "could not ...".
    pub purpose: &'static str,
    /// What is there already when Neon answers 409.
    pub noun: &'static str,
    pub look: Look,
}

/// Where to look when it is unknown whether a write was carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// This SQL function shows it.
    Function(&'static str),
    /// This table of users does, a moment later.
    Table(&'static str),
}

impl<T: DeserializeOwned> Request<T> {
    /// A request whose answer is JSON.
    pub fn json(method: Method, path: Vec<Segment>, texts: Texts) -> Self {
        Self::new(method, path, texts, |body| serde_json::from_slice(body))
    }
}

impl<T: DeserializeOwned> Request<T> {
    /// A change of those fields of `body` that are given; at least one has to be.
    pub fn partial_update<B: Serialize + Default + PartialEq>(
        path: Vec<Segment>,
        texts: Texts,
        body: &B,
    ) -> Result<Self, Error> {
        if *body == B::default() {
            return Err(Error::nothing_to_update());
        }
        Ok(Self::json(Method::Patch, path, texts).with_body(body))
    }
}

impl Request<()> {
    /// A request whose answer has no body that matters.
    pub fn empty(method: Method, path: Vec<Segment>, texts: Texts) -> Self {
        Self::new(method, path, texts, |_| Ok(()))
    }
}

impl<T> Request<T> {
    pub(super) fn new(method: Method, path: Vec<Segment>, texts: Texts, decode: Decode<T>) -> Self {
        Self {
            method,
            path,
            body: None,
            secrets: Vec::new(),
            texts,
            decode,
            accept: |_, _| None,
        }
    }

    pub fn with_body(mut self, body: &impl Serialize) -> Self {
        self.body = Some(Secret::json(body));
        self
    }

    /// Values that must not show up in a message, even when Neon's answer repeats them.
    pub fn with_secrets<'a>(mut self, secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        self.secrets.extend(secrets.into_iter().cloned());
        self
    }

    /// `accept` says which refusals, by status and message, are an answer after all.
    pub(super) fn accepting(mut self, accept: Accept<T>) -> Self {
        self.accept = accept;
        self
    }

    pub fn method(&self) -> Method {
        self.method
    }

    pub fn path(&self) -> String {
        let mut path = String::with_capacity(128);
        for segment in &self.path {
            path.push('/');
            path.push_str(&segment.0);
        }
        path
    }

    pub fn body(&self) -> Option<&Secret> {
        self.body.as_ref()
    }

    pub fn secrets(&self) -> &[Secret] {
        &self.secrets
    }

    pub fn texts(&self) -> Texts {
        self.texts
    }

    /// Nothing is made of an answer that [`answer::check`] refuses.
    pub fn decode(&self, body: &[u8]) -> Result<T, Unusable> {
        answer::check(body)?;
        Ok((self.decode)(body)?)
    }

    /// The answer that this refusal is, if it is one.
    pub fn accept(&self, status: u16, message: &str) -> Option<T> {
        (self.accept)(status, message)
    }

    pub fn safety(&self) -> Safety {
        match self.method {
            Method::Get => Safety::Repeatable,
            Method::Post | Method::Put | Method::Patch | Method::Delete => Safety::Once,
        }
    }
}

impl<T> fmt::Debug for Request<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ids_become_segments() {
        assert!(Segment::id("id", "3f2a-b_C9").is_ok());
        let long = "a".repeat(129);
        for bad in [
            "",
            ".",
            "..",
            "a/b",
            "../x",
            "a#b",
            "a?b",
            "%2e%2e",
            "a\r\nb",
            "a\0",
            "é",
            "a\u{202e}b",
            " ",
            &long,
        ] {
            let error = Segment::id("id", bad).expect_err(bad);
            assert_eq!(error.message, "invalid value for argument \"id\"");
        }
    }
}
