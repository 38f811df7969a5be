//! The fields of a request's body, read one by one, so that a refusal names the field. It knows no
//! operation.
//!
//! A reader takes a value; its error is the end of the message, beginning with what follows the
//! field's name.

use std::fmt::Display;
use std::ops::RangeInclusive;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use url::Url;

use super::error::ApiError;

pub struct Body {
    fields: Map<String, Value>,
    refuses_unknown: bool,
}

impl Body {
    pub fn new(fields: Map<String, Value>, refuses_unknown: bool) -> Self {
        Self {
            fields,
            refuses_unknown,
        }
    }

    /// Refuses other fields, where the operation is one that does.
    pub fn with(self, known: &[&str]) -> Result<Self, ApiError> {
        let unknown = |name: &&String| !known.contains(&name.as_str());
        match self.fields.keys().find(unknown) {
            Some(name) if self.refuses_unknown => Err(refusal(name, ": unknown field")),
            _ => Ok(self),
        }
    }

    /// `None` if the field is not there. None of the API's fields can be null.
    pub fn optional<T>(
        &self,
        name: &str,
        read: impl Fn(&Value) -> Result<T, String>,
    ) -> Result<Option<T>, ApiError> {
        let value = self.fields.get(name);
        let read = value.map(|value| read(value).map_err(|error| refusal(name, error)));
        read.transpose()
    }

    pub fn required<T>(
        &self,
        name: &str,
        read: impl Fn(&Value) -> Result<T, String>,
    ) -> Result<T, ApiError> {
        self.required_or(name, read, None)
    }

    /// As [`Self::required`], but a field that is not there has the value `known`, if there is one.
    pub fn required_or<T>(
        &self,
        name: &str,
        read: impl Fn(&Value) -> Result<T, String>,
        known: Option<T>,
    ) -> Result<T, ApiError> {
        self.optional(name, read)?
            .or(known)
            .ok_or_else(|| refusal(name, ": missing"))
    }

    /// Replaces `value` if the field is there.
    pub fn merge<T>(
        &self,
        name: &str,
        read: impl Fn(&Value) -> Result<T, String>,
        value: &mut T,
    ) -> Result<(), ApiError> {
        if let Some(new) = self.optional(name, read)? {
            *value = new;
        }
        Ok(())
    }
}

pub fn boolean(value: &Value) -> Result<bool, String> {
    value.as_bool().ok_or_else(|| expected("a boolean"))
}

pub fn string(value: &Value) -> Result<String, String> {
    let text = value.as_str().ok_or_else(|| expected("a string"))?;
    Ok(text.to_owned())
}

/// So many characters.
pub fn text(length: RangeInclusive<usize>) -> impl Fn(&Value) -> Result<String, String> {
    move |value| {
        let text = value.as_str();
        let fits = text.filter(|text| length.contains(&text.chars().count()));
        fits.map(str::to_owned).ok_or_else(|| {
            expected(format!(
                "a string of {} to {} characters",
                length.start(),
                length.end()
            ))
        })
    }
}

pub fn email(value: &Value) -> Result<String, String> {
    let email = text(1..=256)(value).ok();
    email
        .filter(|email| email.contains('@'))
        .ok_or_else(|| expected("an e-mail address of 1 to 256 characters"))
}

pub fn uri(value: &Value) -> Result<String, String> {
    let is_uri = |text: &&str| Url::parse(text).is_ok();
    let uri = value.as_str().filter(is_uri);
    uri.map(str::to_owned).ok_or_else(|| expected("a URI"))
}

pub fn integer(range: RangeInclusive<i64>) -> impl Fn(&Value) -> Result<i64, String> {
    move |value| {
        let number = value.as_i64().filter(|number| range.contains(number));
        number.ok_or_else(|| {
            expected(format!(
                "an integer from {} to {}",
                range.start(),
                range.end()
            ))
        })
    }
}

/// A fieldless enum by its name.
pub fn one_of<T: DeserializeOwned>(value: &Value) -> Result<T, String> {
    let name = string(value)?;
    serde_json::from_value(name.into()).map_err(|error| format!(": {error}"))
}

pub fn items<T>(
    minimum: usize,
    read: impl Fn(&Value) -> Result<T, String>,
) -> impl Fn(&Value) -> Result<Vec<T>, String> {
    move |value| {
        let items = value.as_array().filter(|items| items.len() >= minimum);
        let items = items.ok_or_else(|| expected(format!("a list of at least {minimum}")))?;
        let read = |(n, item)| read(item).map_err(|error| format!("[{n}]{error}"));
        items.iter().enumerate().map(read).collect()
    }
}

/// An object, of which one field is read.
pub fn object_with<T>(
    name: &str,
    read: impl Fn(&Value) -> Result<T, String>,
) -> impl Fn(&Value) -> Result<T, String> {
    move |value| match value.get(name) {
        Some(field) => read(field).map_err(|error| format!(".{name}{error}")),
        None => Err(format!(".{name}: missing")),
    }
}

fn expected(what: impl Display) -> String {
    format!(": expected {what}")
}

fn refusal(name: &str, reason: impl Display) -> ApiError {
    ApiError::bad_request(format!("invalid request body: {name}{reason}"))
}
