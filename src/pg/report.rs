//! Owns the way from an [`Error`] to what Postgres reports. An error is raised when it is turned into
//! what a SQL function returns, and not later: see [`Raise`]. A hint is made for each advice, with the
//! names and the SQL that it takes.

use std::fmt;

use pgrx::pg_sys::elog::PgLogLevel;
use pgrx::pg_sys::panic::ErrorReport;

use crate::error::{Advice, Error, ROWS_OF_ITS_OWN, quote_literal};
use crate::neon::endpoint::Look;
use crate::neon::target::Target;
use crate::pg::api_key::Key;
use crate::pg::local_users::own_locks;
use crate::pg::raised::Raised;
use crate::pg::role::Role;
use crate::pg::server::catalog::ForeignServer;
use crate::pg::server::current;
use crate::pg::text::for_message;
use crate::pg::wait::uninterrupted;

/// Completes a sentence about a secret that was shown once, to nobody.
const NEW_SECRET: &str = "neon_auth_admin.rotate_oauth_client_secret() makes another and shows it.";

/// The error of a SQL function. It has no values: to make one of an [`Error`] is to raise that. So
/// nobody can keep one, let it go, or raise it in the place of another.
pub enum Raise {}

impl From<Error> for Raise {
    fn from(error: Error) -> Self {
        raise(error)
    }
}

impl fmt::Display for Raise {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}

pub fn raise(error: Error) -> ! {
    report(error, PgLogLevel::ERROR);
    unreachable!("an error was reported")
}

pub fn warn(error: Error) {
    // An interrupt that is served now would jump over what this call still holds.
    uninterrupted(|| report(error, PgLogLevel::WARNING));
}

/// For what is worth saying of a call that succeeded.
pub fn notice(error: Error) {
    uninterrupted(|| report(error, PgLogLevel::NOTICE));
}

/// The same, for what is no failure of anything.
pub fn tell(message: String) {
    uninterrupted(|| pgrx::notice!("{}", for_message(message)));
}

fn report(error: Error, level: PgLogLevel) {
    let raised = Raised::new(error.kind.sqlstate());
    let mut report = ErrorReport::new(
        raised.known_code(),
        for_message(error.message),
        "neon_auth_admin",
    );
    if let Some(detail) = error.detail {
        report = report.set_detail(for_message(detail));
    }
    if let Some(Advice::Hint(hint)) = error.advice {
        report = report.set_hint(for_message(hint));
    }
    raised.complete(report, level);
}

/// Who asked, and through which server.
#[derive(Clone)]
pub struct Asked {
    pub server: String,
    pub role: Role,
    /// Whether the key is everyone's, for want of one of the role's own.
    pub is_key_of_public: bool,
}

impl Asked {
    pub fn new(server: &ForeignServer, role: Role, key: &Key) -> Self {
        Self {
            server: server.name.clone(),
            role,
            is_key_of_public: key.is_of_public,
        }
    }

    /// The error with its advice as a sentence.
    pub fn complete(&self, target: &Target, mut error: Error) -> Error {
        let advice = error.advice.take();
        error.advice = advice.map(|advice| Advice::Hint(self.hint(target, advice)));
        error
    }

    /// The statement that creates the integration, where there is none.
    pub fn to_integrate(&self, target: &Target) -> String {
        let branch_id = match target.branch_id() {
            Some(_) => "",
            None => "branch_id => '...', ",
        };
        let server = quote_literal(&self.server);
        format!("SELECT neon_auth_admin.create_integration({branch_id}server => {server});")
    }

    pub fn hint(&self, target: &Target, advice: Advice) -> String {
        let (server, role) = (&self.server, self.role);
        let quoted = quote_literal(server);
        match advice {
            Advice::Hint(hint) => hint,
            Advice::StoreKey if self.is_key_of_public => format!(
                "The key is that of PUBLIC. Store a valid one: \
                 SELECT neon_auth_admin.set_api_key(:'key', server => {quoted}, role => 'public');"
            ),
            Advice::StoreKey => format!(
                "The key is that of role \"{role}\". Store a valid one: \
                 SELECT neon_auth_admin.set_api_key(:'key', server => {quoted});"
            ),
            Advice::GrantAccess | Advice::CheckIds | Advice::CheckUser if target.project_id().is_none() => {
                "A key of one project may not ask for this; nor may one of another organization."
                    .to_owned()
            }
            Advice::NameOrganization => {
                "A personal key needs the argument \"org_id\": the console shows it among the settings of \
                 the organization. The key of an organization needs none."
                    .to_owned()
            }
            Advice::GrantAccess => {
                format!("The key of role \"{role}\" on server \"{server}\" needs access to {target}.")
            }
            Advice::CheckIds | Advice::CheckUser => format!(
                "A key without access gets this answer too: look at the {} of server \"{server}\" \
                 and at the key of role \"{role}\".",
                match target.branch_id() {
                    Some(_) => "project_id and the branch_id",
                    None => "project_id",
                }
            ),
            Advice::CreateIntegration => {
                format!("There is no integration yet: {}", self.to_integrate(target))
            }
            Advice::ListIntegrations => {
                "List them with neon_auth_admin.list_integrations().".to_owned()
            }
            Advice::LookAround(ensuring) => {
                let look = format!(
                    "Look at what {target} of server \"{server}\" has; it was called with the key of \
                     role \"{role}\"."
                );
                match ensuring {
                    Some(name) => format!("{look} To accept one that exists already, call {name}()."),
                    None => look,
                }
            }
            Advice::LookBefore(Look::Function(name)) => format!(
                "Look before you try again: SELECT * FROM neon_auth_admin.{name}(server => {quoted});"
            ),
            Advice::LookBefore(Look::Users) => format!(
                "Look into {} before you try again; users appear there within about a second.{}",
                target.table_of_users(),
                match current::is_own_branch(target) && own_locks::may_be_on_rows() {
                    true => ROWS_OF_ITS_OWN,
                    false => "",
                }
            ),
            Advice::LookBefore(Look::NewClient) => format!(
                "The client may exist: SELECT * FROM neon_auth_admin.list_oauth_clients(server => {quoted}); \
                 Nothing shows its secret again, but {NEW_SECRET}"
            ),
            Advice::LookBefore(Look::ClientSecret) => {
                format!("The old secret may be void, and nothing shows the new one: {NEW_SECRET}")
            }
            Advice::LookAtResult(Look::NewClient) => format!(
                "Do not try again: the client is in neon_auth_admin.list_oauth_clients(server => {quoted}). \
                 Nothing shows its secret again, but {NEW_SECRET}"
            ),
            Advice::LookAtResult(Look::ClientSecret) => {
                format!("The old secret is void, and nothing shows the new one: {NEW_SECRET}")
            }
            Advice::LookBefore(Look::Anywhere) => format!(
                "Look at what {target} of server \"{server}\" has before you try again."
            ),
            Advice::LookAtResult(Look::Anywhere) => format!(
                "Do not try again, but look at what {target} of server \"{server}\" has."
            ),
            Advice::LookAtResult(Look::Function(name)) => format!(
                "Do not try again, but see what it did: SELECT * FROM neon_auth_admin.{name}(server => {quoted});"
            ),
            Advice::LookAtResult(Look::Users) => format!(
                "Do not try again: users appear in {} within about a second.",
                target.table_of_users()
            ),
            Advice::WaitForOthers => "Try again when it has ended.".to_owned(),
            Advice::SlowDown(Some(wait)) => {
                format!("Try again in {} s.", wait.as_secs().max(1))
            }
            Advice::SlowDown(None) => {
                "Neon allows 700 requests a minute, and 40 a second.".to_owned()
            }
            Advice::CheckConnection => format!(
                "See which step fails: SELECT * FROM neon_auth_admin.check_connection({quoted});"
            ),
            Advice::TrustAuthority => {
                "Trusted are the system's certificate authorities or, if the setting \
                 neon_auth_admin.ca_file is set, only those in that file."
                    .to_owned()
            }
            Advice::RaiseMaxResponse => {
                "Raise the setting neon_auth_admin.max_response_size.".to_owned()
            }
            Advice::UseBranchLevel => {
                "Name a branch-level server in the argument \"server\", or give this one a branch: \
                 ALTER SERVER ... OPTIONS (ADD branch_id 'br-...');"
                    .to_owned()
            }
            Advice::UseProjectLevel => {
                "Name a project-level server in the argument \"server\": Stack Auth, which has this \
                 operation, is reached through it."
                    .to_owned()
            }
        }
    }
}
