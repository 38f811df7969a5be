//! Owns the difference of the integration, which is there or not, and of sections that are one value.

use super::{Error, Making};
use crate::neon::configuration::document;
use crate::neon::configuration::section::{Section, Sight};
use crate::neon::configuration::step::{Action, Change, Faster, Stage, Step};
use crate::neon::configuration::value::{Content, Fields, Value};
use crate::neon::request::Request;
use crate::neon::{integration, sign_in};

impl Making<'_> {
    pub(super) fn integration(&mut self, wanted: &Fields) -> Result<(), Error> {
        let section = Section::Integration;
        let current = self.current_fields(section)?;
        let compared = self.compare("integration", section.fields(), wanted, current, false)?;
        if self.is_known() {
            return match compared.changes.first().and_then(|change| change.field) {
                None => Ok(()),
                Some(field) => Err(Error::replacement(
                    &document::step("integration", field),
                    "It is fixed once there is an integration, and Neon has another one.",
                    "Take it out of the document.",
                )),
            };
        }
        let provider = self.target.auth_provider();
        if wanted
            .text("auth_provider")
            .is_some_and(|it| it != provider)
        {
            let expected = format!("the auth_provider of the server, which is {provider}");
            let path = "integration.auth_provider";
            return Err(Error::invalid_document(path, &expected));
        }
        if self.target.branch_id().is_none() {
            // For which branch, a document of the project level does not say.
            return match self.is_unseen() {
                true => Ok(()),
                false => Err(Error::no_integration()),
            };
        }
        let database = wanted.text("database_name");
        let request = integration::create(self.target, None, database, None)?;
        let mut changes: Vec<_> = compared.changes.into_iter().collect();
        changes.iter_mut().for_each(|change| change.note = None);
        if changes.is_empty() {
            let wanted = Value::text(provider);
            changes.push(Change::of(
                "auth_provider",
                Sight::Open,
                None,
                Some(&wanted),
            ));
        }
        self.plan.steps.push(Step {
            stage: Stage::Integration,
            action: Action::Create,
            object: section.shape().object.to_owned(),
            changes,
            request: request.without_answer(),
            faster: Faster::Made(section, section.shape().name.to_owned()),
        });
        Ok(())
    }

    pub(super) fn name(&mut self, wanted: &Value) -> Result<(), Error> {
        let Value::Text(name) = wanted else {
            return Ok(());
        };
        let request = sign_in::update_config(self.target, name.expose())?;
        self.one(Section::Name, wanted, Stage::Name, request.without_answer())
    }

    pub(super) fn allow_localhost(&mut self, wanted: bool) -> Result<(), Error> {
        let request = sign_in::update_allow_localhost(self.target, wanted)?;
        let stage = match wanted {
            true => Stage::AllowedLocalhost,
            false => Stage::ForbiddenLocalhost,
        };
        let (section, wanted) = (Section::AllowLocalhost, Value::Flag(wanted));
        self.one(section, &wanted, stage, request.without_answer())
    }

    /// A section that is one value.
    fn one(
        &mut self,
        section: Section,
        wanted: &Value,
        stage: Stage,
        request: Request<()>,
    ) -> Result<(), Error> {
        let now = match self.content(section)? {
            Some(Content::One(now)) if now == wanted => return Ok(()),
            Some(Content::One(now)) => Some(now).filter(|now| **now != Value::text("")),
            _ => None,
        };
        let change = Change::of(section.shape().name, Sight::Open, now, Some(wanted));
        let change = match self.is_known() {
            true => change,
            false => change.noted(self.why_not_compared()),
        };
        self.plan.steps.push(Step {
            stage,
            action: Action::Update,
            object: section.shape().object.to_owned(),
            changes: vec![change],
            request,
            faster: Faster::Fails,
        });
        Ok(())
    }
}
