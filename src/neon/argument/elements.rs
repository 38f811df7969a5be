//! Owns the checks of arrays: how long one may be, and each of its elements. It knows no operation.

use crate::error::Error;

/// Far more elements than any array of the API has.
const MAX_ELEMENTS: usize = 1000;

/// Whether an array is not too long to look at.
pub fn number_of_elements(name: &str, number: usize) -> Result<(), Error> {
    match number {
        ..=MAX_ELEMENTS => Ok(()),
        _ => {
            let expected = format!("an array of at most {MAX_ELEMENTS} elements");
            Err(Error::invalid_argument(name, &expected))
        }
    }
}

/// The elements of an array, each checked under its place in it.
pub fn each<'a, T>(
    name: &str,
    values: impl IntoIterator<Item = &'a str>,
    check: impl Fn(&str, &'a str) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    let values = values.into_iter().zip(1..);
    values
        .map(|(value, n)| check(&format!("{name}[{n}]"), value))
        .collect()
}
