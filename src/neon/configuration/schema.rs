//! Owns the schema of documents, made of the table of sections, as `docs/configuration.schema.json` has it.

use serde_json::{Map, Value as Json, json};

use super::section::{Field, Form, Kind, Section, Sight};

/// JSON Schema of 2020-12.
pub fn schema() -> Json {
    let section = |section: Section| {
        let shape = section.shape();
        let schema = match shape.form {
            Form::One(kind) => of_kind(kind),
            Form::Fields(fields) => of_fields(fields),
            Form::Entries(fields) => json!({
                "type": "object",
                "propertyNames": match section {
                    Section::OauthClients => json!({"minLength": 1, "maxLength": 2048}),
                    _ => json!({"pattern": "^[A-Za-z0-9_-]{1,128}$"}),
                },
                "additionalProperties": of_fields(fields),
            }),
        };
        let level = match shape.at_both_levels {
            true => "",
            false => ". Branch level",
        };
        let about = format!("{}{level}", shape.about);
        (shape.name.to_owned(), described(schema, &about))
    };
    let mut properties: Map<_, _> = Section::ALL.into_iter().map(section).collect();
    let own = json!({"type": "string", "description": "The place of this schema; ignored"});
    properties.insert("$schema".to_owned(), own);
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Configuration of Neon Auth, as neon_auth_admin plans and applies it",
        "description": "What is not named stays as it is",
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
    })
}

fn of_fields(fields: &[Field]) -> Json {
    let field = |field: &Field| {
        let about = match field.sight {
            Sight::Open => field.about.to_owned(),
            Sight::Secret => format!("{}. A secret; a mask leaves it as it is", field.about),
            Sight::WriteOnly => format!("{}. Neon does not show it", field.about),
        };
        (
            field.name.to_owned(),
            described(of_kind(field.kind), &about),
        )
    };
    let properties: Map<_, _> = fields.iter().map(field).collect();
    json!({
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
    })
}

fn of_kind(kind: Kind) -> Json {
    match kind {
        Kind::Flag => json!({"type": "boolean"}),
        Kind::Number(min, i32::MAX) => json!({"type": "integer", "minimum": min}),
        Kind::Number(min, max) => json!({"type": "integer", "minimum": min, "maximum": max}),
        Kind::Text(min, max) => json!({"type": "string", "minLength": min, "maxLength": max}),
        Kind::Word(known) => json!({"type": "string", "minLength": 1, "examples": known}),
        Kind::Email => json!({"type": "string", "maxLength": 256}),
        Kind::Uri => json!({"type": "string", "maxLength": 2048}),
        Kind::Words(known) => json!({
            "type": "array",
            "uniqueItems": true,
            "items": {"type": "string", "minLength": 1, "examples": known},
        }),
        Kind::Texts => json!({
            "type": "array",
            "uniqueItems": true,
            "items": {"type": "string", "minLength": 1},
        }),
        Kind::Object => json!({"type": "object", "additionalProperties": true}),
        Kind::List => json!({"type": "array"}),
        Kind::Origins | Kind::Uris => json!({
            "type": "array",
            "uniqueItems": true,
            "items": {"type": "string", "minLength": 1, "maxLength": 2048, "format": "uri"},
        }),
    }
}

fn described(mut schema: Json, about: &str) -> Json {
    schema["description"] = about.into();
    schema
}
