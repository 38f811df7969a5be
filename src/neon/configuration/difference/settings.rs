//! Owns the difference of settings that are changed field by field, and of the webhooks, which are written
//! whole.

use super::{Compared, Error, Making};
use crate::neon::configuration::section::Section;
use crate::neon::configuration::step::{Action, Faster, Stage, Step};
use crate::neon::configuration::value::Fields;
use crate::neon::plugins::{self, MagicLink, Organization, PhoneNumber};
use crate::neon::request::Request;
use crate::neon::sign_in::{self, EmailAndPassword};
use crate::neon::webhooks::{self, Webhooks};

impl Making<'_> {
    pub(super) fn settings(&mut self, section: Section, wanted: &Fields) -> Result<(), Error> {
        let shape = section.shape();
        let current = self.current_fields(section)?;
        let compared = self.compare(shape.name, section.fields(), wanted, current, false)?;
        if compared.changes.is_empty() {
            return Ok(());
        }
        let Compared { changes, send } = compared;
        let stage = match (section, send.flag("enabled")) {
            (Section::Webhooks, _) => Stage::Webhooks,
            (_, Some(false)) => Stage::Disabled,
            _ => Stage::Enabled,
        };
        if let Some(request) = self.update(section, &send)? {
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

    fn update(&self, section: Section, send: &Fields) -> Result<Option<Request<()>>, Error> {
        let target = self.target;
        Ok(Some(match section {
            Section::EmailAndPassword => {
                let update = EmailAndPassword {
                    enabled: send.flag("enabled"),
                    email_verification_method: send.owned("email_verification_method"),
                    require_email_verification: send.flag("require_email_verification"),
                    auto_sign_in_after_verification: send.flag("auto_sign_in_after_verification"),
                    send_verification_email_on_sign_up: send
                        .flag("send_verification_email_on_sign_up"),
                    send_verification_email_on_sign_in: send
                        .flag("send_verification_email_on_sign_in"),
                    disable_sign_up: send.flag("disable_sign_up"),
                };
                sign_in::update_email_and_password(target, &update)?.without_answer()
            }
            Section::Organization => {
                let update = Organization {
                    enabled: send.flag("enabled"),
                    organization_limit: send.number("organization_limit"),
                    membership_limit: send.number("membership_limit"),
                    creator_role: send.owned("creator_role"),
                    send_invitation_email: send.flag("send_invitation_email"),
                };
                plugins::update_organization(target, &update)?.without_answer()
            }
            Section::MagicLink => {
                let update = MagicLink {
                    enabled: send.flag("enabled"),
                    expires_in: send.number("expires_in"),
                    disable_sign_up: send.flag("disable_sign_up"),
                };
                plugins::update_magic_link(target, &update)?.without_answer()
            }
            Section::PhoneNumber => {
                let update = PhoneNumber {
                    enabled: send.flag("enabled"),
                    otp_expires_in: send.number("otp_expires_in"),
                };
                plugins::update_phone_number(target, &update)?.without_answer()
            }
            Section::Webhooks => {
                let update = Webhooks {
                    enabled: send.flag("enabled"),
                    webhook_url: send.owned("webhook_url"),
                    enabled_events: send.set_of("enabled_events"),
                    timeout_seconds: send.number("timeout_seconds"),
                };
                let current = self.current.webhooks.clone();
                webhooks::replace(target, current, &update)?.without_answer()
            }
            Section::Integration
            | Section::Name
            | Section::Domains
            | Section::AllowLocalhost
            | Section::OauthProviders
            | Section::EmailServer
            | Section::OauthServer
            | Section::OauthClients => return Ok(None),
        }))
    }
}
