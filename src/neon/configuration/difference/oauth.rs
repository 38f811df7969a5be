//! Owns the difference of the OAuth server and its clients. A client can only have resources that the server
//! has, so that the server gives up none before the clients have.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::{Compared, Error, Making};
use crate::neon::configuration::document;
use crate::neon::configuration::json::is_same;
use crate::neon::configuration::section::{Section, Sight};
use crate::neon::configuration::step::{Action, Change, Faster, Stage, Step};
use crate::neon::configuration::value::{Content, Fields, Value};
use crate::neon::oauth_clients::{self, Update};
use crate::neon::oauth_server;
use crate::neon::request::Request;

const OF_THE_ROOT: &str = "Neon enables it on the root branch alone";
const FOR_NOW: &str = "for as long as clients may have them";

impl Making<'_> {
    pub(super) fn oauth_server(&mut self, wanted: &Fields) -> Result<(), Error> {
        let section = Section::OauthServer;
        let shape = section.shape();
        let current = self.current_fields(section)?;
        let compared = self.compare(shape.name, section.fields(), wanted, current, false)?;
        let Compared {
            mut changes,
            mut send,
        } = compared;
        if let Some(Value::Json(mcp)) = send.get("mcp") {
            // It is replaced as a whole: what is not named stays.
            let merged = match current.and_then(|fields| fields.get("mcp")) {
                Some(Value::Json(current)) => merged(current, mcp),
                _ => mcp.clone(),
            };
            send.set("mcp", Value::Json(merged));
        }
        if let Some(Value::Json(Json::Array(wanted))) = send.get("resources") {
            let there = resources(current);
            let own = |it: &Json| there.iter().find(|own| is_same(own, it)).cloned();
            let wanted = wanted
                .iter()
                .map(|it| own(it).unwrap_or_else(|| it.clone()));
            send.set("resources", Value::Json(wanted.collect()));
        }
        for change in &mut changes {
            if change.field == Some("enabled") && send.flag("enabled") == Some(true) {
                change.note = Some(OF_THE_ROOT);
            }
        }
        let there = resources(current);
        // Clients change in between.
        let last = split_off_last(there, &mut changes, &mut send);
        for (stage, Compared { changes, send }) in [
            (Stage::OauthServer, Compared { changes, send }),
            (Stage::OauthServerAtLast, last),
        ] {
            if changes.is_empty() {
                continue;
            }
            let request = self.update_of_server(&send)?;
            self.plan.steps.push(Step {
                stage,
                action: Action::Update,
                object: shape.object.to_owned(),
                changes,
                request,
                faster: Faster::Fails,
            });
        }
        Ok(())
    }

    fn update_of_server(&self, send: &Fields) -> Result<Request<()>, Error> {
        let (mcp, resources) = (send.json("mcp"), send.json("resources"));
        let update = oauth_server::Update {
            enabled: send.flag("enabled"),
            login_page: send.text("login_page"),
            consent_page: send.text("consent_page"),
            mcp: mcp.as_deref(),
            resources: resources.as_deref(),
        };
        Ok(oauth_server::update(self.target, &update)?.without_answer())
    }

    /// None is created: its secret is shown once, and there would be nobody to see it.
    pub(super) fn oauth_clients(&mut self, wanted: &BTreeMap<String, Fields>) -> Result<(), Error> {
        let section = Section::OauthClients;
        let current = match self.content(section)? {
            Some(Content::Entries(entries)) => entries.clone(),
            _ => BTreeMap::new(),
        };
        for (id, fields) in wanted {
            match current.get(id) {
                Some(current) => self.oauth_client(id, fields, current)?,
                None if self.is_unseen() => {}
                None => {
                    let path = document::step(section.shape().name, id);
                    return Err(Error::no_such_client(&path));
                }
            }
        }
        for id in current.keys().filter(|id| !wanted.contains_key(*id)) {
            let change = Change::of_all(object(id), id);
            if !self.options.prune.contains(&section) {
                self.leave(vec![change]);
                continue;
            }
            self.plan.steps.push(Step {
                stage: Stage::DeletedClients,
                action: Action::Delete,
                object: object(id),
                changes: vec![change],
                request: oauth_clients::delete(self.target, id)?,
                faster: Faster::Deleted(section, vec![id.clone()]),
            });
        }
        Ok(())
    }

    fn oauth_client(&mut self, id: &str, wanted: &Fields, current: &Fields) -> Result<(), Error> {
        let section = Section::OauthClients;
        let path = document::step(section.shape().name, id);
        let compared = self.compare(&path, section.fields(), wanted, Some(current), false)?;
        let Compared { changes, send } = compared;
        if send.get("type").is_some() {
            return Err(Error::replacement(
                &document::step(&path, "type"),
                "The type of a client is fixed.",
                "Take it out of the document, or create another client.",
            ));
        }
        if changes.is_empty() {
            return Ok(());
        }
        let update = Update {
            name: send.owned("name"),
            redirect_uris: send.set_of("redirect_uris"),
            skip_consent: send.flag("skip_consent"),
            disabled: send.flag("disabled"),
            resources: send.set_of("resources"),
        };
        let request = oauth_clients::update(self.target, id, &update)?;
        self.plan.steps.push(Step {
            stage: Stage::OauthClients,
            action: Action::Update,
            object: object(id),
            changes,
            request: request.without_answer(),
            faster: Faster::Fails,
        });
        Ok(())
    }
}

/// Takes out what clients must not meet: that the server is off, and resources that are no longer wanted,
/// which it keeps until then.
fn split_off_last(there: Vec<Json>, changes: &mut Vec<Change>, send: &mut Fields) -> Compared {
    const RESOURCES: &str = "resources";
    let mut last = Compared::default();
    let mut move_change = |name: &'static str, last: &mut Compared, send: &mut Fields| {
        let at = changes.iter().position(|it| it.field == Some(name))?;
        last.send.set(name, send.remove(name)?);
        last.changes.push(changes.remove(at));
        Some(())
    };
    if send.flag("enabled") == Some(false) {
        move_change("enabled", &mut last, send);
    }
    let named = resources(Some(send));
    let is_in = |list: &[Json], one: &Json| list.iter().any(|it| is_same(it, one));
    let gives_up = !there.iter().all(|it| is_in(&named, it));
    if gives_up && move_change(RESOURCES, &mut last, send).is_some() {
        let more = named.into_iter().filter(|it| !is_in(&there, it));
        let all = Value::Json(there.iter().cloned().chain(more).collect());
        let there = Value::Json(there.into());
        if all != there {
            let change = Change::of(RESOURCES, Sight::Open, Some(&there), Some(&all));
            changes.push(change.noted(FOR_NOW));
            if let Some(change) = last.changes.last_mut() {
                change.current = Some(all.shown(Sight::Open));
            }
            send.set(RESOURCES, all);
        }
    }
    last
}

fn resources(fields: Option<&Fields>) -> Vec<Json> {
    match fields.and_then(|fields| fields.get("resources")) {
        Some(Value::Json(Json::Array(resources))) => resources.clone(),
        _ => Vec::new(),
    }
}

fn object(id: &str) -> String {
    format!("{} {id}", Section::OauthClients.shape().object)
}

fn merged(current: &Json, wanted: &Json) -> Json {
    let mut merged = current.clone();
    if let (Json::Object(merged), Json::Object(wanted)) = (&mut merged, wanted) {
        let is_there = |name: &str, value| merged.get(name).is_some_and(|it| is_same(it, value));
        let other: Vec<_> = wanted
            .iter()
            .filter(|(name, value)| !is_there(name, value))
            .collect();
        merged.extend(
            other
                .into_iter()
                .map(|(name, value)| (name.clone(), value.clone())),
        );
    }
    merged
}
