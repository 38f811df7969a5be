//! Owns the check of arguments that are JSON. It knows no operation, and nothing of what is in them.

use serde_json::value::RawValue;

use crate::error::Error;
use crate::secret::MASK;

/// Far more than any setting of the API takes.
const MAX_JSON: usize = 64 * 1024;

#[derive(Clone, Copy, Debug)]
pub enum JsonKind {
    Object,
    Array,
}

/// JSON of that kind, with no secret in it that a reader was shown masked.
pub fn json<'a>(name: &str, value: &'a str, kind: JsonKind) -> Result<&'a RawValue, Error> {
    let (start, expected) = match kind {
        JsonKind::Object => ('{', "a JSON object, of at most 64 kB"),
        JsonKind::Array => ('[', "a JSON array, of at most 64 kB"),
    };
    let is_of_kind = |json: &&RawValue| json.get().starts_with(start);
    let json = Some(value).filter(|value| value.len() <= MAX_JSON);
    let json = json.and_then(|value| serde_json::from_str(value).ok());
    match json.filter(is_of_kind) {
        None => Err(Error::invalid_argument(name, expected)),
        Some(_) if value.contains(&format!("\"{MASK}\"")) => Err(Error::masked_secret(name)),
        Some(json) => Ok(json),
    }
}
