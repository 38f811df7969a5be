//! Owns the steps that lead from one configuration to another: what each changes, the request that makes it,
//! and their order. It knows nothing of how they are found or sent.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::section::{Section, Sight};
use super::value::Value;
use crate::neon::request::Request;
use crate::quote::shortened;

/// When a step is taken: who signs in or is signed in meanwhile is not locked out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    Integration,
    Name,
    AddedDomains,
    AllowedLocalhost,
    EmailServer,
    OauthServer,
    Enabled,
    OauthClients,
    Webhooks,
    Disabled,
    DeletedClients,
    OauthServerAtLast,
    DeletedProviders,
    DeletedDomains,
    ForbiddenLocalhost,
}

/// What it means that Neon refuses a step because somebody else was faster. Only another look at the section
/// shows whether somebody was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Faster {
    Fails,
    /// What is to be made is there; an entry perhaps otherwise than it is wanted.
    Made(Section, String),
    /// What is to be deleted is gone.
    Deleted(Section, Vec<String>),
}

pub struct Step {
    pub stage: Stage,
    pub action: Action,
    /// What it is about, in words that can be shown.
    pub object: String,
    pub changes: Vec<Change>,
    pub request: Request<()>,
    pub faster: Faster,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Create,
    Update,
    Delete,
    /// Nothing is done: it is there, and the document does not name it.
    Unmanaged,
}

/// Of a field, or of all of an object.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Of a step that is about several.
    pub object: Option<String>,
    pub field: Option<&'static str>,
    pub current: Option<Json>,
    pub wanted: Option<Json>,
    pub note: Option<&'static str>,
}

/// A row of a plan.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct ConfigurationChange {
    pub step: Option<i32>,
    pub action: String,
    pub object: String,
    pub field: Option<String>,
    pub current: Option<Json>,
    pub wanted: Option<Json>,
    pub note: Option<String>,
}

impl Action {
    pub fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Unmanaged => "unmanaged",
        }
    }
}

impl Change {
    pub fn of(
        field: &'static str,
        sight: Sight,
        current: Option<&Value>,
        wanted: Option<&Value>,
    ) -> Self {
        Self {
            object: None,
            field: Some(field),
            current: current.map(|value| value.shown(sight)),
            wanted: wanted.map(|value| value.shown(sight)),
            note: None,
        }
    }

    /// What is there, and will not be, or stays although nobody wants it.
    pub fn of_all(object: String, current: &str) -> Self {
        Self {
            object: Some(object),
            field: None,
            current: Some(current.into()),
            wanted: None,
            note: None,
        }
    }

    pub fn noted(self, note: &'static str) -> Self {
        Self {
            note: Some(note),
            ..self
        }
    }
}

impl Step {
    /// A row for each change.
    pub fn rows(&self, number: i32, note: Option<&str>) -> Vec<ConfigurationChange> {
        rows(Some(number), self.action, &self.object, &self.changes, note)
    }

    /// A clause.
    pub fn summary(&self) -> String {
        format!("{} {}", self.action.word(), shortened(&self.object, 100))
    }
}

pub fn rows(
    number: Option<i32>,
    action: Action,
    object: &str,
    changes: &[Change],
    note: Option<&str>,
) -> Vec<ConfigurationChange> {
    let row = |change: &Change| ConfigurationChange {
        step: number,
        action: action.word().to_owned(),
        object: change.object.as_deref().unwrap_or(object).to_owned(),
        field: change.field.map(str::to_owned),
        current: change.current.clone(),
        wanted: change.wanted.clone(),
        note: note.or(change.note).map(str::to_owned),
    };
    changes.iter().map(row).collect()
}
