//! Owns the difference of the redirect domains, which are added one by one and deleted together.

use std::collections::BTreeSet;

use super::{Error, Making};
use crate::neon::configuration::section::{Kind, Section};
use crate::neon::configuration::step::{Action, Change, Faster, Stage, Step};
use crate::neon::configuration::value::{Content, Value};
use crate::neon::domains;

impl Making<'_> {
    pub(super) fn domains(&mut self, wanted: &[String]) -> Result<(), Error> {
        let (target, section) = (self.target, Section::Domains);
        let noun = section.shape().object;
        let current = match self.content(section)? {
            Some(Content::One(Value::Set(current))) => current.clone(),
            _ => Vec::new(),
        };
        let keys = |domains: &[String]| -> BTreeSet<_> {
            domains.iter().map(|it| Kind::Origins.key(it)).collect()
        };
        let (there, named) = (keys(&current), keys(wanted));
        let missing = |it: &&String| !there.contains(&Kind::Origins.key(it));
        for domain in wanted.iter().filter(missing) {
            let wanted = Some(domain.as_str().into());
            self.plan.steps.push(Step {
                stage: Stage::AddedDomains,
                action: Action::Create,
                object: format!("{noun} {domain}"),
                changes: vec![Change {
                    object: None,
                    field: None,
                    current: None,
                    wanted,
                    note: (!self.is_known()).then(|| self.why_not_compared()),
                }],
                request: domains::add(target, domain)?,
                faster: Faster::Made(section, domain.clone()),
            });
        }
        let rest = current
            .iter()
            .filter(|it| !named.contains(&Kind::Origins.key(it)));
        let rest: Vec<_> = rest.map(String::as_str).collect();
        let gone = |domain: &&str| Change::of_all(format!("{noun} {domain}"), domain);
        let changes: Vec<_> = rest.iter().map(gone).collect();
        if changes.is_empty() {
            return Ok(());
        }
        if !self.options.prune.contains(&section) {
            self.leave(changes);
            return Ok(());
        }
        let object = match rest.as_slice() {
            [domain] => format!("{noun} {domain}"),
            domains => format!("{} {noun}s", domains.len()),
        };
        self.plan.steps.push(Step {
            stage: Stage::DeletedDomains,
            action: Action::Delete,
            object,
            changes,
            request: domains::delete_all(target, &rest)?,
            faster: Faster::Deleted(section, rest.iter().map(|&it| it.to_owned()).collect()),
        });
        Ok(())
    }
}
