//! Owns the difference of OAuth providers. Neon's own credentials can be exchanged for others, and not back.

use std::collections::BTreeMap;

use super::{Compared, Error, Making};
use crate::neon::configuration::document;
use crate::neon::configuration::section::{Section, Sight};
use crate::neon::configuration::step::{Action, Change, Faster, Stage, Step};
use crate::neon::configuration::value::{Content, Fields, Value};
use crate::neon::oauth_providers::{self, Credentials};

const SECTION: Section = Section::OauthProviders;

impl Making<'_> {
    pub(super) fn providers(&mut self, wanted: &BTreeMap<String, Fields>) -> Result<(), Error> {
        let current = match self.content(SECTION)? {
            Some(Content::Entries(entries)) => entries.clone(),
            _ => BTreeMap::new(),
        };
        for (id, fields) in wanted {
            self.provider(id, fields, current.get(id))?;
        }
        for (id, fields) in current.iter().filter(|(id, _)| !wanted.contains_key(*id)) {
            let change = Change::of_all(object(id), fields.text("type").unwrap_or_default());
            if !self.options.prune.contains(&SECTION) {
                self.leave(vec![change]);
                continue;
            }
            self.plan.steps.push(Step {
                stage: Stage::DeletedProviders,
                action: Action::Delete,
                object: object(id),
                changes: vec![change],
                request: oauth_providers::delete(self.target, id)?,
                faster: Faster::Deleted(SECTION, vec![id.clone()]),
            });
        }
        Ok(())
    }

    fn provider(
        &mut self,
        id: &str,
        wanted: &Fields,
        current: Option<&Fields>,
    ) -> Result<(), Error> {
        let path = document::step(SECTION.shape().name, id);
        let has_own = ["client_id", "client_secret", "microsoft_tenant_id"]
            .iter()
            .any(|name| wanted.has(name));
        let kind = wanted.text("type").unwrap_or(match has_own {
            true => "standard",
            false => "shared",
        });
        let now = current.and_then(|fields| fields.text("type"));
        if let (Some("standard"), "shared") = (now, kind) {
            return Err(Error::replacement(
                &path,
                "It has credentials of its own, which Neon does not take back for those that it shares.",
                "Name its client_id, or delete the provider by hand and apply the document again: \
                 nobody can sign in with it in between.",
            ));
        }
        let is_new = current.is_none() || now == Some("shared") && kind == "standard";
        let compared = self.compare(&path, SECTION.fields(), wanted, current, is_new)?;
        let Compared { mut changes, send } = compared;
        if current.is_some() && changes.is_empty() {
            return Ok(());
        }
        if is_new && !self.is_unseen() {
            need(&path, id, kind, &send)?;
        }
        if changes.is_empty() {
            let wanted = Value::text(kind);
            let change = Change::of("type", Sight::Open, None, Some(&wanted));
            changes.push(match self.is_known() {
                true => change,
                false => change.noted(self.why_not_compared()),
            });
        }
        let credentials = Credentials {
            client_id: send.text("client_id"),
            client_secret: send.secret("client_secret"),
            microsoft_tenant_id: send.text("microsoft_tenant_id"),
        };
        let (action, request, faster) = match current {
            None => (
                Action::Create,
                oauth_providers::add(self.target, id, credentials)?,
                Faster::Made(SECTION, id.to_owned()),
            ),
            Some(_) => (
                Action::Update,
                oauth_providers::update(self.target, id, credentials)?,
                Faster::Fails,
            ),
        };
        self.plan.steps.push(Step {
            stage: Stage::Enabled,
            action,
            object: object(id),
            changes,
            request: request.without_answer(),
            faster,
        });
        Ok(())
    }
}

fn object(id: &str) -> String {
    format!("{} {id}", SECTION.shape().object)
}

/// What a provider that is new, or has new credentials, cannot do without.
fn need(path: &str, id: &str, kind: &str, send: &Fields) -> Result<(), Error> {
    let missing = |name| {
        let path = document::step(path, name);
        let why = "Credentials of one's own have an id and a secret.";
        Err(Error::missing_member(&path, why))
    };
    if kind == "standard" {
        if send.secret("client_id").is_none() {
            return missing("client_id");
        }
        if send.secret("client_secret").is_none() {
            return missing("client_secret");
        }
    }
    if id == "microsoft" && send.secret("microsoft_tenant_id").is_none() {
        let path = document::step(path, "microsoft_tenant_id");
        let why = "Without it every tenant of Microsoft could sign in; common says so on purpose.";
        return Err(Error::missing_member(&path, why));
    }
    Ok(())
}
