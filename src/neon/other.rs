//! Owns what an answer has and its row has not: fields that are newer than this library, or that nobody
//! has described. It knows JSON, and nothing of what operations answer.

use std::collections::BTreeMap;

use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error as _, IgnoredAny};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::fields::fields;

/// The other fields, by name; `None` if there are none.
pub type Other = Option<Map<String, Value>>;

/// An answer with a field `other`, which has `#[serde(default, deserialize_with = "not_yet")]`.
pub trait HasOther: DeserializeOwned {
    fn other(&mut self) -> &mut Other;
}

/// An answer, and in its field `other` what it has no field for. (serde's own way to do so hides the names
/// of all fields, of which columns are made.)
pub fn read<T: HasOther>(json: &[u8]) -> serde_json::Result<T> {
    let mut known: T = serde_json::from_slice(json)?;
    let all: BTreeMap<String, &RawValue> = serde_json::from_slice(json)?;
    let names = fields::<T>();
    let is_other = |name: &str| name == "other" || !names.contains(&name);
    let other: Map<_, _> = all
        .into_iter()
        .filter(|(name, _)| is_other(name))
        .map(|(name, value)| Ok((name, serde_json::from_str(value.get())?)))
        .collect::<serde_json::Result<_>>()?;
    *known.other() = (!other.is_empty()).then_some(other);
    Ok(known)
}

/// The same for each of a list.
pub fn read_each<'de, T, D>(list: D) -> Result<Vec<T>, D::Error>
where
    T: HasOther,
    D: Deserializer<'de>,
{
    let items = Vec::<Box<RawValue>>::deserialize(list)?;
    let items = items.iter().map(|item| read(item.get().as_bytes()));
    items.map(|item| item.map_err(D::Error::custom)).collect()
}

/// Nothing, whatever is there: a field of the answer that is called `other`, too, is one of the others.
pub fn not_yet<'de, D: Deserializer<'de>>(value: D) -> Result<Other, D::Error> {
    IgnoredAny::deserialize(value).map(|_| None)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::neon::oauth_server::OauthServer;

    fn of(value: Value) -> Option<Value> {
        let json = value.to_string();
        let mut server: OauthServer = read(json.as_bytes()).expect("an answer");
        server.other().take().map(Value::Object)
    }

    #[test]
    fn what_has_no_field_is_kept() {
        assert_eq!(of(json!({"enabled": true})), None);
        let answer = json!({"enabled": true, "scopes": ["a"], "other": 1, "none": null});
        let other = json!({"scopes": ["a"], "other": 1, "none": null});
        assert_eq!(of(answer), Some(other));
    }

    #[test]
    fn an_answer_is_an_object() {
        for json in ["[]", "[true]", "null", "1", ""] {
            assert!(read::<OauthServer>(json.as_bytes()).is_err(), "{json}");
        }
    }
}
