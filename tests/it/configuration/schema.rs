//! The published schema: what it takes, the parser takes, and the other way round.

use std::{env, fs};

use neon_auth_admin::neon::configuration::schema::schema;
use neon_auth_admin::neon::configuration::{Document, section::Section};
use neon_auth_admin::neon::target::Target;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

use super::documents::{Extent, document};

#[test]
fn is_published() {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/docs/configuration.schema.json"
    );
    let made = serde_json::to_string_pretty(&schema()).expect("JSON") + "\n";
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(file, &made).expect("a writable file");
    }
    let published = fs::read_to_string(file).expect("the schema");
    assert_eq!(published, made, "UPDATE_DOCS=1 writes it");
}

/// What a validator makes of the keywords that are used.
fn is_valid(schema: &Value, value: &Value) -> bool {
    let number = |name: &str| schema.get(name).and_then(Value::as_f64);
    let Some(kind) = schema["type"].as_str() else {
        return true; // of anything
    };
    match (kind, value) {
        ("boolean", Value::Bool(_)) => true,
        ("integer", Value::Number(it)) => {
            let it = it.as_f64().expect("a number");
            it.fract() == 0.0
                && number("minimum").is_none_or(|min| min <= it)
                && number("maximum").is_none_or(|max| it <= max)
        }
        ("string", Value::String(it)) => {
            let length = it.chars().count() as f64;
            number("minLength").is_none_or(|min| min <= length)
                && number("maxLength").is_none_or(|max| length <= max)
        }
        ("array", Value::Array(items)) => {
            let is_set = schema["uniqueItems"] == true;
            let is_new = |n: usize| !is_set || !items[..n].contains(&items[n]);
            (0..items.len()).all(|n| is_new(n) && is_valid(&schema["items"], &items[n]))
        }
        ("object", Value::Object(members)) => members.iter().all(|(name, value)| {
            match (
                schema["properties"].get(name),
                &schema["additionalProperties"],
            ) {
                (Some(schema), _) => is_valid(schema, value),
                (None, Value::Bool(others)) => *others,
                (None, schema) => is_valid(schema, value),
            }
        }),
        _ => false,
    }
}

/// Every place in a document, as JSON Pointers.
fn places(value: &Value, path: &str, places: &mut Vec<String>) {
    places.push(path.to_owned());
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let name = name.replace('/', "~1");
                self::places(value, &format!("{path}/{name}"), places);
            }
        }
        Value::Array(items) => {
            for (n, value) in items.iter().enumerate() {
                self::places(value, &format!("{path}/{n}"), places);
            }
        }
        _ => {}
    }
}

fn anything() -> impl Strategy<Value = Value> {
    let things = [
        json!(null),
        json!(true),
        json!(0),
        json!(7),
        json!(7.0),
        json!(7.5),
        json!(99999),
        json!(""),
        json!("x"),
        json!([]),
        json!({}),
        json!({"unknown": 1}),
    ];
    prop::sample::select(things.to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn says_what_the_parser_takes(
        document in document(true, Extent::Part),
        edit in prop::option::of((any::<Index>(), anything())),
    ) {
        let mut document = document;
        if let Some((place, thing)) = edit {
            let mut all = Vec::new();
            places(&document, "", &mut all);
            let place = place.get(&all);
            // A text where a URI or an address is due: no schema says all that.
            let is_text = thing.as_str().is_some_and(|it| !it.is_empty());
            prop_assume!(!is_text || !["domains", "ur", "page", "sender_email"].iter().any(|it| place.contains(it)));
            *document.pointer_mut(place).expect("a place of it") = thing;
        }
        let branch = Target::new("p", Some("b"), None).expect("a target");
        let parsed = Document::parse(&document.to_string(), &branch);
        prop_assert_eq!(parsed.is_ok(), is_valid(&schema(), &document), "{}: {:?}", document, parsed.err());
    }
}

/// A document names its schema for an editor.
#[test]
fn may_be_named_in_a_document() {
    let project = Target::new("p", None, None).expect("a target");
    let document = json!({"$schema": "configuration.schema.json", "domains": []}).to_string();
    let parsed = Document::parse(&document, &project).expect("a document");
    assert_eq!(parsed.0.keys().collect::<Vec<_>>(), [&Section::Domains]);
}
