//! Owns how JSON is compared and wiped. It knows kinds of fields, and no section.

use serde_json::Value as Json;
use zeroize::Zeroize;

use super::section::Kind;

/// Whether `current` is, or has, what is wanted.
pub fn has(kind: Kind, current: &Json, wanted: &Json) -> bool {
    match (kind, current, wanted) {
        (Kind::Object, Json::Object(current), Json::Object(wanted)) => wanted
            .iter()
            .all(|(name, wanted)| current.get(name).is_some_and(|it| is_same(it, wanted))),
        (Kind::List, Json::Array(current), Json::Array(wanted)) => {
            let is_in = |list: &[Json], one: &Json| list.iter().any(|it| is_same(it, one));
            wanted.iter().all(|it| is_in(current, it)) && current.iter().all(|it| is_in(wanted, it))
        }
        (_, current, wanted) => is_same(current, wanted),
    }
}

/// Numbers by their value; a mask is the same as any text.
pub fn is_same(one: &Json, other: &Json) -> bool {
    match (one, other) {
        (Json::String(one), Json::String(other)) => one == other || is_mask(one) || is_mask(other),
        (Json::Number(one), Json::Number(other)) => one.as_f64() == other.as_f64(),
        (Json::Array(one), Json::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, it)| is_same(one, it))
        }
        (Json::Object(one), Json::Object(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .all(|(name, one)| other.get(name).is_some_and(|it| is_same(one, it)))
        }
        (one, other) => one == other,
    }
}

/// A whole number, however it is written: 5.0 is one.
pub fn whole(json: &Json) -> Option<i32> {
    let number = json.as_number()?;
    match number.as_i64() {
        Some(number) => i32::try_from(number).ok(),
        None => {
            let number = number.as_f64()?;
            let fits = f64::from(i32::MIN) <= number && number <= f64::from(i32::MAX);
            (fits && number.fract() == 0.0).then_some(number as i32)
        }
    }
}

/// What Neon, its tools and this library show in the place of a secret.
pub fn is_mask(text: &str) -> bool {
    let is_blotted = !text.is_empty() && text.chars().all(|c| matches!(c, '*' | '•'));
    is_blotted || text == "***redacted***"
}

/// JSON whose texts may be secrets: they are wiped when it is dropped.
pub struct Tree(pub Json);

impl Drop for Tree {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

fn wipe(json: &mut Json) {
    match json {
        Json::String(text) => text.zeroize(),
        Json::Array(items) => items.iter_mut().for_each(wipe),
        Json::Object(fields) => fields.values_mut().for_each(wipe),
        Json::Null | Json::Bool(_) | Json::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::secret::MASK;

    #[test]
    fn numbers_are_compared_by_value() {
        for five in ["5", "5.0", "5e0", "50e-1"] {
            let json = serde_json::from_str(five).expect("JSON");
            assert_eq!(whole(&json), Some(5), "{five}");
        }
        for none in [
            json!(5.5),
            json!("5"),
            json!(1e10),
            json!(true),
            json!(null),
        ] {
            assert_eq!(whole(&none), None, "{none}");
        }
    }

    #[test]
    fn json_is_compared_by_what_is_named_of_it() {
        let current = json!({"resource": "r", "token": "s3cret", "scopes": [1, {"a": 2}]});
        for (wanted, expected) in [
            (json!({}), true),
            (json!({"resource": "r", "scopes": [1.0, {"a": 2.0}]}), true),
            (json!({"token": MASK}), true),
            (json!({"token": "other"}), false),
            (json!({"scopes": [{"a": 2}, 1]}), false),
            (json!({"new": null}), false),
        ] {
            let is = has(Kind::Object, &current, &wanted);
            assert_eq!(is, expected, "{wanted}");
        }
        let current = json!(["a", {"key": "s3cret"}]);
        assert!(has(Kind::List, &current, &json!([{"key": MASK}, "a"])));
        assert!(!has(Kind::List, &current, &json!(["a"])));
    }
}
