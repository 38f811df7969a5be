//! Owns values of a configuration, as a document wants them and as Neon shows them, and when two are the
//! same. It knows kinds of fields, and no section.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json};

use super::json::{has, is_mask, whole};
use super::origin;
use super::section::{Field, Kind, Sight};
use crate::secret::{MASK, Secret};

#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Flag(bool),
    Number(i32),
    /// Perhaps a secret.
    Text(Secret),
    Set(Vec<String>),
    /// What a reader is shown in the place of something else: in a document it means "as it is", in an
    /// answer "not shown".
    Masked,
    /// JSON as it is: that of [`Kind::Object`] and [`Kind::List`], and an answer that is not understood.
    Json(Json),
}

/// Those of a section, or of one of its entries, by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fields(BTreeMap<&'static str, Value>);

/// What a section has.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    One(Value),
    Fields(Fields),
    Entries(BTreeMap<String, Fields>),
}

impl Fields {
    pub fn insert(&mut self, field: &Field, value: Value) {
        self.0.insert(field.name, value);
    }

    /// `None` for what is masked, too.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| **value != Value::Masked)
    }

    pub fn is_masked(&self, name: &str) -> bool {
        self.0.get(name) == Some(&Value::Masked)
    }

    pub fn set(&mut self, name: &'static str, value: Value) {
        self.0.insert(name, value);
    }

    pub fn remove(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name)
    }

    /// Also of what is masked.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn flag(&self, name: &str) -> Option<bool> {
        match self.get(name) {
            Some(Value::Flag(flag)) => Some(*flag),
            _ => None,
        }
    }

    pub fn number(&self, name: &str) -> Option<i32> {
        match self.get(name) {
            Some(Value::Number(number)) => Some(*number),
            _ => None,
        }
    }

    pub fn secret(&self, name: &str) -> Option<&Secret> {
        match self.get(name) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// Of a field that is no secret.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.secret(name).map(Secret::expose)
    }

    pub fn owned(&self, name: &str) -> Option<String> {
        self.text(name).map(str::to_owned)
    }

    /// As text.
    pub fn json(&self, name: &str) -> Option<String> {
        match self.get(name) {
            Some(Value::Json(json)) => Some(json.to_string()),
            _ => None,
        }
    }

    pub fn set_of(&self, name: &str) -> Option<Vec<String>> {
        match self.get(name) {
            Some(Value::Set(items)) => Some(items.clone()),
            _ => None,
        }
    }

    /// These, and of `others` those that are not there.
    pub fn or(&self, others: &Self) -> Self {
        let named = self.0.iter().filter(|(_, value)| **value != Value::Masked);
        let mut all = others.clone();
        all.0
            .extend(named.map(|(name, value)| (*name, value.clone())));
        all
    }

    /// Of an answer. What is null is not there, and neither is a secret that is not shown.
    pub fn read(fields: &[Field], answer: &Map<String, Json>) -> Self {
        let read = fields.iter().filter_map(|field| {
            let value = Value::read(field.kind, answer.get(field.name)?)?;
            let is_empty = matches!(&value, Value::Text(text) if text.expose().is_empty());
            let is_hidden = field.sight != Sight::Open && is_empty;
            (!is_hidden).then_some((field.name, value))
        });
        Self(read.collect())
    }
}

impl Value {
    /// Of an answer, in which everything may be.
    pub fn read(kind: Kind, json: &Json) -> Option<Self> {
        Some(match (kind, json) {
            (_, Json::Null) => return None,
            (Kind::Flag, Json::Bool(flag)) => Self::Flag(*flag),
            (Kind::Number(..), json) => match whole(json) {
                Some(number) => Self::Number(number),
                None => Self::Json(json.clone()),
            },
            (kind, Json::String(text)) if kind.is_text() => Self::text(text),
            (kind, Json::Array(items)) if kind.is_set() => {
                let texts = items
                    .iter()
                    .map(|item| item.as_str().unwrap_or_default().to_owned());
                Self::Set(texts.collect())
            }
            (_, json) => Self::Json(json.clone()),
        })
    }

    pub fn text(text: &str) -> Self {
        match is_mask(text) {
            true => Self::Masked,
            false => Self::Text(Secret::new(text)),
        }
    }

    /// Whether Neon has what is wanted already. What is empty and what is not there are the same.
    pub fn is_at_neon(&self, kind: Kind, current: Option<&Self>) -> bool {
        match (self, current) {
            (Self::Text(wanted), None) => wanted.expose().is_empty(),
            (Self::Set(wanted), None) => wanted.is_empty(),
            (Self::Json(Json::Array(wanted)), None) => wanted.is_empty(),
            (Self::Json(Json::Object(wanted)), None) => wanted.is_empty(),
            (Self::Json(wanted), Some(Self::Json(current))) => has(kind, current, wanted),
            (Self::Set(wanted), Some(Self::Set(current))) => {
                kind.keys(wanted) == kind.keys(current)
            }
            (wanted, Some(current)) => wanted == current,
            (_, None) => false,
        }
    }

    /// As a row may show it.
    pub fn shown(&self, sight: Sight) -> Json {
        match self {
            Self::Text(_) | Self::Json(_) if sight == Sight::Secret => MASK.into(),
            Self::Masked => MASK.into(),
            Self::Flag(flag) => (*flag).into(),
            Self::Number(number) => (*number).into(),
            Self::Text(text) => text.expose().into(),
            Self::Set(items) => items.as_slice().into(),
            Self::Json(json) => crate::secret::mask(json.clone()),
        }
    }
}

impl Kind {
    pub fn is_text(self) -> bool {
        matches!(
            self,
            Self::Text(..) | Self::Word(_) | Self::Email | Self::Uri
        )
    }

    pub fn is_set(self) -> bool {
        matches!(
            self,
            Self::Words(_) | Self::Texts | Self::Uris | Self::Origins
        )
    }

    /// Equal for items of a set that are the same.
    pub fn key(self, item: &str) -> String {
        match self {
            Self::Origins => origin::key(item),
            _ => item.to_owned(),
        }
    }

    fn keys(self, items: &[String]) -> BTreeSet<String> {
        items.iter().map(|item| self.key(item)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_of_any_spelling() {
        for mask in ["********", "*", "••••", "***redacted***"] {
            assert_eq!(Value::text(mask), Value::Masked, "{mask}");
        }
        for value in ["", "*a", "redacted", "* *"] {
            assert_ne!(Value::text(value), Value::Masked, "{value}");
        }
    }

    #[test]
    fn sets_have_no_order_and_what_is_empty_is_not_there() {
        let set = |items: &[&str]| Value::Set(items.iter().map(|it| (*it).to_owned()).collect());
        let words = Kind::Words(&[]);
        assert!(set(&["a", "b"]).is_at_neon(words, Some(&set(&["b", "a"]))));
        assert!(!set(&["a"]).is_at_neon(words, Some(&set(&["b", "a"]))));
        assert!(set(&[]).is_at_neon(words, None));
        assert!(Value::text("").is_at_neon(Kind::Uri, None));
        assert!(!Value::Flag(false).is_at_neon(Kind::Flag, None));
    }
}
