//! Owns what arguments of SQL functions have in common: those that must be there, and arrays.

use pgrx::prelude::*;

use crate::error::Error;
use crate::neon::argument;
use crate::pg::text::Text;

/// An argument that must not be NULL.
pub fn required<T>(name: &str, value: Option<T>) -> Result<T, Error> {
    value.ok_or_else(|| Error::null_argument(name))
}

/// An argument that is no secret, as Rust's own text.
pub fn owned(value: &Option<Text>) -> Option<String> {
    value.as_deref().map(str::to_owned)
}

/// The elements of an array that is not too long to look at, made as they are asked for: an array of
/// NULLs has a bit for each.
pub fn elements<'a>(
    name: &str,
    array: &'a Array<Text>,
) -> Result<impl Iterator<Item = Option<Text>> + use<'a>, Error> {
    argument::number_of_elements(name, array.len())?;
    Ok(array.iter())
}

/// The elements, none of which may be NULL.
pub fn texts(name: &str, array: &Array<Text>) -> Result<Vec<Text>, Error> {
    let elements = elements(name, array)?.zip(1..);
    elements
        .map(|(element, n)| required(&format!("{name}[{n}]"), element))
        .collect()
}
