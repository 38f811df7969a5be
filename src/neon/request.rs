//! Owns [`Request`]: one call of the Neon API as a value that tests compare. It knows the shape of
//! HTTP requests and nothing of sending them.

use std::borrow::Cow;
use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use crate::error::{Advice, Error};
use crate::fields::fields;
use crate::neon::answer::{self, Unusable};
use crate::neon::argument;
use crate::neon::endpoint::Endpoint;
use crate::neon::other::{self, HasOther};
use crate::neon::relative_path;
use crate::neon::retry::Safety;
use crate::neon::target::Target;
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

/// What fills a gap of a path: a part between two slashes, or several. There is no way to make one that
/// would lead elsewhere: an id with `/`, `#`, `..` or nothing in it never becomes a segment as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment(String);

impl Segment {
    /// A value whose form the caller has checked more strictly than [`Segment::id`] would.
    pub(super) fn checked(value: String) -> Self {
        Self(value)
    }

    /// An id from the argument `name`: `^[A-Za-z0-9_-]{1,128}$`.
    pub fn id(name: &str, value: &str) -> Result<Self, Error> {
        argument::id(name, value).map(|id| Self(id.to_owned()))
    }

    /// The id of an OAuth client, which may be a URL: all of it is one segment.
    pub(super) fn client_id(name: &str, value: &str) -> Result<Self, Error> {
        let id = argument::client_id(name, value)?;
        Ok(Self(utf8_percent_encode(id, RESERVED).to_string()))
    }

    /// What a caller says of a path, with a query perhaps; see [`relative_path::check`].
    pub(super) fn several(name: &str, value: &str) -> Result<Self, Error> {
        relative_path::check(name, value).map(|path| Self(path.to_owned()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// What RFC 3986 reserves, or does not know.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A call of one operation, and how to read its answer as a `T`.
pub struct Request<T> {
    endpoint: &'static Endpoint,
    path: String,
    query: Vec<(&'static str, String)>,
    body: Option<Secret>,
    secrets: Vec<Secret>,
    subject: Option<String>,
    known: Option<&'static [&'static str]>,
    if_rejected: Option<Advice>,
    decode: Decode<T>,
    accept: Accept<T>,
}

/// Of the status and the body of a success.
type Decode<T> = fn(u16, &[u8]) -> serde_json::Result<T>;
/// Of the status and the message of a refusal.
type Accept<T> = fn(u16, &str) -> Option<T>;

impl Endpoint {
    /// A request whose answer is JSON. `segments` fill the gaps of the path.
    pub(super) fn json<T: DeserializeOwned, const N: usize>(
        &'static self,
        target: &Target,
        segments: [Segment; N],
    ) -> Result<Request<T>, Error> {
        Request::new(self, target, segments, |_, body| {
            serde_json::from_slice(body)
        })
    }

    /// The same, where fields that `T` has not go into its field `other`.
    pub(super) fn json_and_other<T: HasOther, const N: usize>(
        &'static self,
        target: &Target,
        segments: [Segment; N],
    ) -> Result<Request<T>, Error> {
        let request = Request::new(self, target, segments, |_, body| other::read(body))?;
        Ok(Request {
            known: Some(fields::<T>()),
            ..request
        })
    }

    /// A request whose answer has no body that matters.
    pub(super) fn empty<const N: usize>(
        &'static self,
        target: &Target,
        segments: [Segment; N],
    ) -> Result<Request<()>, Error> {
        Request::new(self, target, segments, |_, _| Ok(()))
    }

    /// A change of those fields of `body` that are given; at least one has to be.
    pub(super) fn partial_update<T, B, const N: usize>(
        &'static self,
        target: &Target,
        segments: [Segment; N],
        body: &B,
    ) -> Result<Request<T>, Error>
    where
        T: DeserializeOwned,
        B: Serialize,
    {
        self.json(target, segments)?.with_update(body)
    }
}

impl<T> Request<T> {
    pub(super) fn new<const N: usize>(
        endpoint: &'static Endpoint,
        target: &Target,
        segments: [Segment; N],
        decode: Decode<T>,
    ) -> Result<Self, Error> {
        Ok(Self {
            endpoint,
            path: endpoint.fill(target, segments)?,
            query: Vec::new(),
            body: None,
            secrets: Vec::new(),
            subject: None,
            known: None,
            if_rejected: None,
            decode,
            accept: |_, _| None,
        })
    }

    /// With a parameter in its query, if there is a value; one that it has already is replaced.
    pub(super) fn with_query(mut self, name: &'static str, value: Option<String>) -> Self {
        self.query.retain(|(known, _)| *known != name);
        self.query.extend(value.map(|value| (name, value)));
        self
    }

    /// What to do where Neon rejects a value.
    pub(super) fn if_rejected(mut self, advice: Option<Advice>) -> Self {
        self.if_rejected = advice;
        self
    }

    /// The same call, of which only its success is of interest. What is there must be JSON: a page of somebody
    /// else's in its place says nothing of what became of it.
    pub(super) fn without_answer(self) -> Request<()> {
        Request {
            endpoint: self.endpoint,
            path: self.path,
            query: self.query,
            body: self.body,
            secrets: self.secrets,
            subject: self.subject,
            known: None,
            if_rejected: self.if_rejected,
            decode: |_, body| match body {
                b"" => Ok(()),
                body => serde_json::from_slice::<IgnoredAny>(body).map(drop),
            },
            accept: |_, _| None,
        }
    }

    pub fn with_body(self, body: &impl Serialize) -> Self {
        self.with_json(Secret::json(body))
    }

    /// The same of a text that is JSON already.
    pub(super) fn with_json(mut self, body: Secret) -> Self {
        self.body = Some(body);
        self
    }

    /// The same, of the fields that are to change; at least one has to be there.
    pub(super) fn with_update(self, body: &impl Serialize) -> Result<Self, Error> {
        let request = self.with_body(body);
        match &request.body {
            Some(body) if body.expose() != "{}" => Ok(request),
            _ => Err(Error::nothing_to_update()),
        }
    }

    /// Another way to read the answer.
    pub(super) fn decoded_by(self, decode: Decode<T>) -> Self {
        Self { decode, ..self }
    }

    /// Values that must not show up in a message, even when Neon's answer repeats them.
    pub fn with_secrets<'a>(mut self, secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        self.secrets.extend(secrets.into_iter().cloned());
        self
    }

    /// A sentence for the detail of each message about it, which tells it from others of its kind. It has
    /// to be safe to show.
    pub(super) fn about(mut self, sentence: Option<String>) -> Self {
        self.subject = sentence;
        self
    }

    /// `accept` says which refusals, by status and message, are an answer after all.
    pub(super) fn accepting(mut self, accept: Accept<T>) -> Self {
        self.accept = accept;
        self
    }

    pub fn endpoint(&self) -> &'static Endpoint {
        self.endpoint
    }

    pub fn method(&self) -> Method {
        self.endpoint.method
    }

    /// With the query that a caller has given, if there is one, and without the parameters of a list.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// With both: what follows the address of the API.
    pub fn path_and_query(&self) -> Cow<'_, str> {
        let mut whole = Cow::from(&self.path);
        for (n, (name, value)) in self.query.iter().enumerate() {
            let value = utf8_percent_encode(value, RESERVED);
            *whole.to_mut() += &format!("{}{name}={value}", if n == 0 { '?' } else { '&' });
        }
        whole
    }

    pub fn body(&self) -> Option<&Secret> {
        self.body.as_ref()
    }

    pub fn advice_if_rejected(&self) -> Option<&Advice> {
        self.if_rejected.as_ref()
    }

    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    pub fn secrets(&self) -> &[Secret] {
        &self.secrets
    }

    /// Whether the answer has a place for a field of that name; it may not matter.
    pub fn knows(&self, field: &str) -> bool {
        self.known.is_none_or(|known| known.contains(&field))
    }

    /// Nothing is made of an answer that [`answer::check`] refuses.
    pub fn decode(&self, status: u16, body: &[u8]) -> Result<T, Unusable> {
        answer::check(body)?;
        Ok((self.decode)(status, body)?)
    }

    /// The answer that this refusal is, if it is one.
    pub fn accept(&self, status: u16, message: &str) -> Option<T> {
        (self.accept)(status, message)
    }

    pub fn safety(&self) -> Safety {
        match self.endpoint.is_write() {
            true => Safety::Once,
            false => Safety::Repeatable,
        }
    }
}

/// Without the query: what is looked for in it may be anybody's address.
impl<T> fmt::Debug for Request<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.split('?').next().unwrap_or_default();
        write!(f, "{} {path}", self.method())
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
