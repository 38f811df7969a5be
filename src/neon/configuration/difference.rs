//! Owns the difference between a wanted configuration and what Neon has: the steps from one to the other, as
//! a pure function of the two. It knows nothing of how either was come by.

mod domains;
mod email;
mod oauth;
mod providers;
mod settings;
mod single;

use std::collections::BTreeSet;

use super::current::{Current, Knowledge};
use super::document::{self, Document};
use super::section::{Field, Kind, Section, Sight};
use super::step::{Action, Change, ConfigurationChange, Step, rows};
use super::value::{Content, Fields, Value};
use crate::error::Error;
use crate::neon::target::Target;

/// What is done beyond what the document names.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Of these lists, what the document does not name is deleted.
    pub prune: BTreeSet<Section>,
    /// What the document does not name is shown.
    pub unmanaged: bool,
    /// What cannot be compared is sent in any case.
    pub resend: bool,
}

#[derive(Default)]
pub struct Plan {
    /// In their order.
    pub steps: Vec<Step>,
    pub unmanaged: Vec<ConfigurationChange>,
}

const NOT_SHOWN: &str = "cannot be compared: Neon does not show it";
const DIFFERS: &str = "differs, and is shown to nobody";
const CAN_BE_PRUNED: &str = "not in the document; deleted if prune names its section";

/// Errors: `InvalidValue` where the document does not fit what there is, `NotSupported` where something
/// would have to be replaced.
pub fn difference(
    target: &Target,
    document: &Document,
    current: &Current,
    options: &Options,
) -> Result<Plan, Error> {
    let mut making = Making {
        target,
        current,
        options,
        plan: Plan::default(),
    };
    for (section, wanted) in &document.0 {
        making.section(*section, wanted)?;
    }
    let mut plan = making.plan;
    plan.steps.sort_by_key(|step| step.stage);
    Ok(plan)
}

struct Making<'a> {
    target: &'a Target,
    current: &'a Current,
    options: &'a Options,
    plan: Plan,
}

/// What of an object is to be sent, and why.
#[derive(Default)]
struct Compared {
    changes: Vec<Change>,
    send: Fields,
}

impl Making<'_> {
    fn section(&mut self, section: Section, wanted: &Content) -> Result<(), Error> {
        match (section, wanted) {
            (Section::Integration, Content::Fields(wanted)) => self.integration(wanted),
            (Section::Name, Content::One(wanted)) => self.name(wanted),
            (Section::Domains, Content::One(Value::Set(wanted))) => self.domains(wanted),
            (Section::AllowLocalhost, Content::One(Value::Flag(wanted))) => {
                self.allow_localhost(*wanted)
            }
            (Section::OauthProviders, Content::Entries(wanted)) => self.providers(wanted),
            (Section::EmailServer, Content::Fields(wanted)) => self.email_server(wanted),
            (Section::OauthServer, Content::Fields(wanted)) => self.oauth_server(wanted),
            (Section::OauthClients, Content::Entries(wanted)) => self.oauth_clients(wanted),
            (
                Section::EmailAndPassword
                | Section::Organization
                | Section::MagicLink
                | Section::PhoneNumber
                | Section::Webhooks,
                Content::Fields(wanted),
            ) => self.settings(section, wanted),
            // A document has each section in its form.
            (
                Section::Integration
                | Section::Name
                | Section::Domains
                | Section::AllowLocalhost
                | Section::OauthProviders
                | Section::EmailServer
                | Section::EmailAndPassword
                | Section::Organization
                | Section::MagicLink
                | Section::PhoneNumber
                | Section::Webhooks
                | Section::OauthServer
                | Section::OauthClients,
                _,
            ) => Ok(()),
        }
    }

    fn is_known(&self) -> bool {
        self.current.knowledge == Knowledge::Read
    }

    /// Whether nothing at all was read, so that nothing can be said of what is there.
    fn is_unseen(&self) -> bool {
        self.current.knowledge == Knowledge::Unseen
    }

    fn why_not_compared(&self) -> &'static str {
        match self.is_unseen() {
            true => "not compared: nothing is sent",
            false => "compared when the integration is there",
        }
    }

    /// `None` where it is not known what there is.
    fn content(&self, section: Section) -> Result<Option<&Content>, Error> {
        match self.current.get(section) {
            None if self.is_known() => Err(Error::section_not_shown(section.shape().name)),
            content => Ok(content),
        }
    }

    fn current_fields(&self, section: Section) -> Result<Option<&Fields>, Error> {
        Ok(match self.content(section)? {
            Some(Content::Fields(fields)) => Some(fields),
            _ => None,
        })
    }

    /// Compares what is named of an object. Of a new one, everything is sent.
    fn compare(
        &self,
        path: &str,
        known: &'static [Field],
        wanted: &Fields,
        current: Option<&Fields>,
        is_new: bool,
    ) -> Result<Compared, Error> {
        let (mut seen, mut unseen) = (Compared::default(), Compared::default());
        for field in known {
            let path = || document::step(path, field.name);
            let now = current.and_then(|fields| fields.get(field.name));
            let Some(value) = wanted.get(field.name) else {
                if wanted.is_masked(field.name) && is_new && now.is_none() && !self.is_unseen() {
                    return Err(Error::nothing_to_leave(&path()));
                }
                continue;
            };
            let is_masked = current.is_some_and(|fields| fields.is_masked(field.name));
            let is_hidden = now.is_none() && (field.sight != Sight::Open || is_masked);
            let change = Change::of(field.name, field.sight, now, Some(value));
            if is_hidden && !is_new && current.is_some() {
                unseen.changes.push(Change {
                    current: Some(Value::Masked.shown(field.sight)),
                    ..change.noted(NOT_SHOWN)
                });
                unseen.send.insert(field, value.clone());
                continue;
            }
            let is_made = is_new && now.is_none();
            if current.is_some() && !is_made && value.is_at_neon(field.kind, now) {
                continue;
            }
            check_words(path, field.kind, value, now)?;
            seen.changes
                .push(match (self.is_known(), field.sight, now) {
                    (true, Sight::Secret, Some(_)) => change.noted(DIFFERS),
                    (true, ..) => change,
                    (false, ..) => change.noted(self.why_not_compared()),
                });
            seen.send.insert(field, value.clone());
        }
        if !seen.changes.is_empty() || self.options.resend {
            seen.changes.extend(unseen.changes);
            seen.send = seen.send.or(&unseen.send);
        }
        Ok(seen)
    }

    /// What nobody asked to delete.
    fn leave(&mut self, changes: Vec<Change>) {
        if self.options.unmanaged {
            let changes = changes.into_iter().map(|it| it.noted(CAN_BE_PRUNED));
            let changes: Vec<_> = changes.collect();
            let rows = rows(None, Action::Unmanaged, "", &changes, None);
            self.plan.unmanaged.extend(rows);
        }
    }
}

/// A word that this library does not know is taken as long as it changes nothing.
fn check_words(
    path: impl Fn() -> String,
    kind: Kind,
    wanted: &Value,
    current: Option<&Value>,
) -> Result<(), Error> {
    let refuse = |path: &str, known: &[&str]| {
        let expected = format!("one of {}", known.join(", "));
        Err(Error::invalid_document(path, &expected))
    };
    match (kind, wanted) {
        (Kind::Word(known), Value::Text(word)) if !known.contains(&word.expose()) => {
            refuse(&path(), known)
        }
        (Kind::Words(known), Value::Set(words)) => {
            let there: &[String] = match current {
                Some(Value::Set(there)) => there,
                _ => &[],
            };
            let is_new = |it: &String| !known.contains(&it.as_str()) && !there.contains(it);
            match words.iter().position(is_new) {
                Some(n) => refuse(&format!("{}[{n}]", path()), known),
                None => Ok(()),
            }
        }
        _ => Ok(()),
    }
}
