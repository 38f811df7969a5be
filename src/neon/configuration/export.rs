//! Owns the making of a document from what Neon has, so that it changes nothing there: without null, without
//! what Neon makes, and with a mask for each secret.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json};

use super::current::Current;
use super::section::{Field, Form, Kind, Section, Sight};
use super::value::{Content, Fields, Value};
use crate::secret::MASK;

pub fn document(current: &Current) -> Json {
    let sections = current.sections().filter_map(|(section, content)| {
        Some((section.shape().name.to_owned(), exported(section, content)?))
    });
    Json::Object(sections.collect())
}

fn exported(section: Section, content: &Content) -> Option<Json> {
    let fields = section.fields();
    match content {
        // A branch that nobody has named has no name.
        Content::One(value) => {
            let value = match section.shape().form {
                Form::One(kind) => once(kind, value),
                Form::Fields(_) | Form::Entries(_) => value.clone(),
            };
            Some(value.shown(Sight::Open)).filter(|json| json != "")
        }
        Content::Fields(values) => Some(Json::Object(members(fields, values))),
        Content::Entries(entries) => {
            let entries = entries
                .iter()
                .map(|(id, values)| (id.clone(), Json::Object(members(fields, values))));
            Some(Json::Object(entries.collect()))
        }
    }
}

fn members(fields: &[Field], values: &Fields) -> Map<String, Json> {
    let is_own = values.text("type") == Some("standard");
    let member = |field: &Field| {
        let value = match (values.get(field.name), field.sight) {
            (Some(value), sight) => once(field.kind, value).shown(sight),
            // There is one, whether or not Neon shows it.
            (None, Sight::Secret) if is_own => MASK.into(),
            (None, _) if values.is_masked(field.name) => MASK.into(),
            (None, _) => return None,
        };
        Some((field.name.to_owned(), value))
    };
    fields.iter().filter_map(member).collect()
}

/// Neon may have something in two spellings; a document names it once.
fn once(kind: Kind, value: &Value) -> Value {
    let Value::Set(items) = value else {
        return value.clone();
    };
    let mut seen = BTreeSet::new();
    let mut items = items.clone();
    items.retain(|item| seen.insert(kind.key(item)));
    Value::Set(items)
}
