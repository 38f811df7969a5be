//! Owns the reading of a document: what can be wrong with it is found here, for the whole of it and before
//! anything is sent, and named by its path. It knows nothing of what Neon has.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use super::json::{Tree, whole};
use super::section::{Field, Form, Kind, Section, Sight};
use super::value::{Content, Fields, Value};
use crate::error::Error;
use crate::neon::argument;
use crate::neon::target::Target;
use crate::quote::shortened;

const EXPECTED: &str =
    "a JSON object of at most 1 MB, in which nothing is nested deeper than 100 levels";

/// A wanted configuration: what it does not name is to stay as it is.
#[derive(Clone, Debug, Default)]
pub struct Document(pub BTreeMap<Section, Content>);

impl Document {
    /// Errors: `InvalidValue`, with the path.
    pub fn parse(json: &str, target: &Target) -> Result<Self, Error> {
        let unreadable = || Error::unreadable_document(EXPECTED);
        let tree = Tree(serde_json::from_str(json).map_err(|_| unreadable())?);
        let Json::Object(members) = &tree.0 else {
            return Err(unreadable());
        };
        let mut sections = BTreeMap::new();
        // So that an editor finds the schema.
        for (name, json) in members.iter().filter(|(name, _)| *name != "$schema") {
            let path = step("", name);
            let known = || Section::ALL.into_iter().map(|it| it.shape().name);
            let section =
                Section::named(name).ok_or_else(|| Error::unknown_member(&path, known()))?;
            if !section.is_at(target) {
                let is_branch = target.branch_id().is_some();
                return Err(Error::section_of_other_level(&path, is_branch));
            }
            sections.insert(section, content(section, &path, json)?);
        }
        Ok(Self(sections))
    }

    /// Of this, one entry of one section.
    pub fn only(&self, section: Section, id: &str) -> Self {
        let entry = match self.0.get(&section) {
            Some(Content::Entries(entries)) => entries.get(id).cloned(),
            _ => None,
        };
        let entries = entry.map(|entry| Content::Entries([(id.to_owned(), entry)].into()));
        Self(entries.map(|it| (section, it)).into_iter().collect())
    }

    /// Whether it is about what others change by themselves.
    pub fn has_webhooks(&self) -> bool {
        self.names(Section::Webhooks)
    }

    pub fn names(&self, section: Section) -> bool {
        self.0.contains_key(&section)
    }
}

fn content(section: Section, path: &str, json: &Json) -> Result<Content, Error> {
    Ok(match section.shape().form {
        Form::One(kind) => Content::One(value(path, kind, Sight::Open, json)?),
        Form::Fields(known) => {
            let fields = fields(path, known, json)?;
            check_together(section, path, &fields)?;
            Content::Fields(fields)
        }
        Form::Entries(known) => {
            let mut entries = BTreeMap::new();
            for (id, json) in object(path, json)? {
                let path = step(path, id);
                check_id(section, id).map_err(|error| error.at_path(&path))?;
                let fields = fields(&path, known, json)?;
                check_together(section, &path, &fields)?;
                entries.insert(id.clone(), fields);
            }
            Content::Entries(entries)
        }
    })
}

fn check_id(section: Section, id: &str) -> Result<(), Error> {
    match section {
        Section::OauthClients => argument::client_id("id", id),
        _ => argument::id("id", id),
    }
    .map(drop)
}

fn object<'a>(path: &str, json: &'a Json) -> Result<&'a Map<String, Json>, Error> {
    match json {
        Json::Object(members) => Ok(members),
        Json::Null => Err(Error::null_member(path)),
        _ => Err(Error::invalid_document(path, "an object")),
    }
}

fn fields(path: &str, known: &[Field], json: &Json) -> Result<Fields, Error> {
    let mut fields = Fields::default();
    for (name, json) in object(path, json)? {
        let path = step(path, name);
        let field = known.iter().find(|field| field.name == name);
        let names = || known.iter().map(|field| field.name);
        let field = field.ok_or_else(|| Error::unknown_member(&path, names()))?;
        fields.insert(field, value(&path, field.kind, field.sight, json)?);
    }
    Ok(fields)
}

fn value(path: &str, kind: Kind, sight: Sight, json: &Json) -> Result<Value, Error> {
    let expected = |what: &str| Err(Error::invalid_document(path, what));
    match (kind, json) {
        (_, Json::Null) => Err(Error::null_member(path)),
        (Kind::Flag, Json::Bool(flag)) => Ok(Value::Flag(*flag)),
        (Kind::Flag, _) => expected("true or false"),
        (Kind::Number(min, max), json) => match whole(json) {
            Some(number) => argument::number(path, number, min, max)
                .map(Value::Number)
                .map_err(|error| error.at_path(path)),
            None => expected("a whole number"),
        },
        (kind, Json::String(text)) if kind.is_text() => {
            let value = Value::text(text);
            let is_mask = value == Value::Masked;
            let checked = match sight {
                _ if is_mask => Ok(()),
                Sight::Secret => argument::free_text("x", text).map(drop),
                _ => check(kind, text),
            };
            checked.map_err(|error| error.at_path(path)).map(|()| value)
        }
        (Kind::Object, Json::Object(_)) | (Kind::List, Json::Array(_)) => {
            Ok(Value::Json(json.clone()))
        }
        (Kind::Object, _) => expected("an object"),
        (Kind::List, _) => expected("an array"),
        (kind, Json::Array(items)) if kind.is_set() => set(path, kind, items),
        (kind, _) if kind.is_set() => expected("an array of texts"),
        _ => expected("a text"),
    }
}

fn check(kind: Kind, text: &str) -> Result<(), Error> {
    match kind {
        Kind::Text(min, max) => argument::text("x", text, min..=max),
        Kind::Email => argument::empty_or(argument::email)("x", text),
        Kind::Uri => argument::empty_or(argument::uri)("x", text),
        Kind::Origins | Kind::Uris => argument::uri("x", text),
        Kind::Word(_)
        | Kind::Words(_)
        | Kind::Texts
        | Kind::Flag
        | Kind::Number(..)
        | Kind::Object
        | Kind::List => argument::any_text("x", text),
    }
    .map(drop)
}

fn set(path: &str, kind: Kind, items: &[Json]) -> Result<Value, Error> {
    let mut texts = Vec::with_capacity(items.len());
    let mut seen = BTreeMap::new();
    for (n, item) in items.iter().enumerate() {
        let path = format!("{path}[{n}]");
        match item {
            Json::String(text) => {
                check(kind, text).map_err(|error| error.at_path(&path))?;
                if let Some(first) = seen.insert(kind.key(text), path.clone()) {
                    return Err(Error::duplicate_member(&path, &first));
                }
                texts.push(text.clone());
            }
            Json::Null => return Err(Error::null_member(&path)),
            _ => return Err(Error::invalid_document(&path, "a text")),
        }
    }
    Ok(Value::Set(texts))
}

/// What fields say of each other.
fn check_together(section: Section, path: &str, fields: &Fields) -> Result<(), Error> {
    let own: &[&str] = match section {
        Section::OauthProviders => &["client_id", "client_secret", "microsoft_tenant_id"],
        Section::EmailServer => &["host", "port", "username", "password"],
        _ => return Ok(()),
    };
    let given = own.iter().find(|name| fields.has(name));
    match (fields.text("type"), given) {
        (Some("shared"), Some(name)) => {
            let path = step(path, name);
            let expected = "absent where the type is shared";
            Err(Error::invalid_document(&path, expected))
        }
        _ => Ok(()),
    }
}

/// The path of a member of what is at `path`.
pub fn step(path: &str, name: &str) -> String {
    let is_plain = !name.is_empty()
        && name.len() <= 128
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    let name = match is_plain {
        true => name.to_owned(),
        false => format!("'{}'", shortened(name, 64)),
    };
    match path {
        "" => name,
        path => format!("{path}.{name}"),
    }
}
