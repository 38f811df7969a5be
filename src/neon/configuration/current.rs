//! Owns the reading of what Neon has: only what somebody asks for, in as few requests as there are. It knows
//! no wanted configuration.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value as Json;
use serde_json::value::RawValue;

use super::Way;
use super::json::Tree;
use super::section::{Form, Kind, Section};
use super::value::{Content, Fields, Value};
use crate::error::Error;
use crate::neon::integration::Integration;
use crate::neon::plugins::Plugins;
use crate::neon::target::Target;
use crate::neon::{
    domains, email_server, integration, oauth_clients, oauth_providers, oauth_server, plugins,
    sign_in, webhooks,
};

/// What Neon has, as far as it was read.
#[derive(Debug, Default)]
pub struct Current {
    pub knowledge: Knowledge,
    sections: BTreeMap<Section, Content>,
    /// What Neon shows beside the sections.
    pub unknown: Vec<String>,
    /// Written whole, so that what is not known here goes back as it came.
    pub webhooks: webhooks::Fields,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Knowledge {
    #[default]
    Read,
    /// There is no integration: what there will be once it is created, Neon knows alone.
    New,
    /// Nothing was sent.
    Unseen,
}

/// The sections that the answer of `GET .../auth/plugins` has, all of whose members are optional.
const OF_PLUGINS: [Section; 7] = [
    Section::AllowLocalhost,
    Section::OauthProviders,
    Section::EmailServer,
    Section::EmailAndPassword,
    Section::Organization,
    Section::MagicLink,
    Section::PhoneNumber,
];

impl Current {
    /// Reads these sections, with at most 4 requests at project level and 6 at branch level, and one more
    /// for each plugin that Neon leaves out although it has a request of its own.
    pub fn read<W: Way>(way: &W, asked: &BTreeSet<Section>) -> Result<Self, Error> {
        let mut current = Self::default();
        if !way.sends() {
            current.knowledge = Knowledge::Unseen;
            return Ok(current);
        }
        let mut reader = Reader {
            way,
            asked,
            current: &mut current,
        };
        let knowledge = reader.read()?;
        current.knowledge = knowledge;
        Ok(current)
    }

    pub fn get(&self, section: Section) -> Option<&Content> {
        self.sections.get(&section)
    }

    /// Whether there is such a thing in a section; of one that is no list, whether it is there at all.
    pub fn has(&self, section: Section, key: &str) -> bool {
        match self.get(section) {
            Some(Content::Entries(entries)) => entries.contains_key(key),
            Some(Content::One(Value::Set(members))) => {
                let origin = Kind::Origins.key(key);
                let mut keys = members.iter().map(|it| Kind::Origins.key(it));
                keys.any(|key| key == origin)
            }
            Some(Content::One(_) | Content::Fields(_)) => true,
            None => false,
        }
    }

    pub fn sections(&self) -> impl Iterator<Item = (Section, &Content)> {
        self.sections
            .iter()
            .map(|(section, content)| (*section, content))
    }
}

struct Reader<'a, W> {
    way: &'a W,
    asked: &'a BTreeSet<Section>,
    current: &'a mut Current,
}

impl<W: Way> Reader<'_, W> {
    fn read(&mut self) -> Result<Knowledge, Error> {
        let (way, target) = (self.way, self.way.target());
        if self.asks(Section::Integration) || self.asks(Section::Name) {
            // Where there is none, the one is an error, and the other an empty list.
            let request = match self.asks(Section::Integration) {
                true => integration::list(target)?,
                false => integration::get(target)?,
            };
            match only(target, way.send(&request)?.data) {
                Some(integration) => self.put_integration(&integration),
                None => return Ok(Knowledge::New),
            }
        }
        if self.asks(Section::Domains) {
            let list = way.send(&domains::list(target)?)?.domains;
            let domains = list.into_iter().map(|it| it.domain).collect();
            let domains = Content::One(Value::Set(domains));
            self.current.sections.insert(Section::Domains, domains);
        }
        let is_of_plugins = |it: &Section| OF_PLUGINS.contains(it);
        if target.branch_id().is_some() && self.asked.iter().any(is_of_plugins) {
            let plugins = way.send(&plugins::get(target)?)?;
            self.put_plugins(&plugins);
        }
        if self.lacks(Section::OauthProviders) {
            let list = way.send(&oauth_providers::list(target)?)?;
            self.put(Section::OauthProviders, &list.providers);
        }
        if self.lacks(Section::EmailServer) {
            let server = way.send(&email_server::get(target)?)?;
            self.put(Section::EmailServer, &server);
        }
        if self.lacks(Section::AllowLocalhost) {
            let setting = way.send(&sign_in::get_allow_localhost(target)?)?;
            self.put(Section::AllowLocalhost, &setting.allow_localhost);
        }
        if self.lacks(Section::EmailAndPassword) {
            let settings = way.send(&sign_in::get_email_and_password(target)?)?;
            self.put(Section::EmailAndPassword, &settings);
        }
        if self.lacks(Section::PhoneNumber) {
            let plugin = way.send(&plugins::get_phone_number(target)?)?;
            self.put(Section::PhoneNumber, &plugin);
        }
        if self.asks(Section::Webhooks) {
            let fields: webhooks::Fields = way.send(&webhooks::get(target)?)?;
            self.put(Section::Webhooks, &fields);
            self.current.webhooks = fields;
        }
        if self.asks(Section::OauthServer) {
            let server = way.send(&oauth_server::get(target)?)?;
            self.put(Section::OauthServer, &server);
        }
        if self.asks(Section::OauthClients) {
            let list = way.send(&oauth_clients::list(target)?)?;
            self.put(Section::OauthClients, &list.clients);
        }
        Ok(Knowledge::Read)
    }

    fn asks(&self, section: Section) -> bool {
        self.asked.contains(&section)
    }

    fn lacks(&self, section: Section) -> bool {
        self.asks(section) && !self.current.sections.contains_key(&section)
    }

    fn put_integration(&mut self, integration: &Integration) {
        if self.asks(Section::Integration) {
            let shown = serde_json::json!({
                "auth_provider": integration.auth_provider,
                "database_name": integration.db_name,
            });
            self.put(Section::Integration, &shown);
        }
        if self.asks(Section::Name) {
            // One that has no name has an empty one.
            let name = integration.name.as_deref().unwrap_or_default();
            self.put(Section::Name, &name);
        }
    }

    fn put_plugins(&mut self, plugins: &Plugins) {
        for (section, part) in [
            (Section::Organization, &plugins.organization),
            (Section::MagicLink, &plugins.magic_link),
            (Section::PhoneNumber, &plugins.phone_number),
            (Section::EmailServer, &plugins.email_provider),
            (Section::EmailAndPassword, &plugins.email_and_password),
            (Section::OauthProviders, &plugins.oauth_providers),
        ] {
            if let Some(part) = part {
                self.put_raw(section, part);
            }
        }
        let others = plugins.other.iter().flatten();
        self.current.unknown = others.map(|(name, _)| name.clone()).collect();
        if let Some(is_allowed) = plugins.allow_localhost {
            self.put(Section::AllowLocalhost, &is_allowed);
        }
    }

    fn put_raw(&mut self, section: Section, part: &RawValue) {
        if let Ok(json) = serde_json::from_str(part.get()) {
            self.put_json(section, &Tree(json));
        }
    }

    fn put(&mut self, section: Section, answer: &impl Serialize) {
        if let Ok(json) = serde_json::to_value(answer) {
            self.put_json(section, &Tree(json));
        }
    }

    /// What was not asked for, or is not what it should be, is not taken.
    fn put_json(&mut self, section: Section, tree: &Tree) {
        let content = match (&section.shape().form, &tree.0) {
            (Form::One(kind), json) => Value::read(*kind, json).map(Content::One),
            (Form::Fields(fields), Json::Object(answer)) => {
                Some(Content::Fields(Fields::read(fields, answer)))
            }
            (Form::Entries(fields), Json::Array(entries)) => {
                let entries = entries.iter().filter_map(|entry| {
                    let answer = entry.as_object()?;
                    let id = answer.get("id").or(answer.get("client_id"))?.as_str()?;
                    Some((id.to_owned(), Fields::read(fields, answer)))
                });
                Some(Content::Entries(entries.collect()))
            }
            _ => None,
        };
        if let Some(content) = content.filter(|_| self.asks(section)) {
            self.current.sections.insert(section, content);
        }
    }
}

/// The one that the server's calls are about.
fn only(target: &Target, integrations: Vec<Integration>) -> Option<Integration> {
    let is_of_provider = |it: &&Integration| it.auth_provider == target.auth_provider();
    let own = integrations.iter().position(|it| is_of_provider(&it));
    integrations.into_iter().nth(own.unwrap_or_default())
}
