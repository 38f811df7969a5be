//! Owns what an operation of the API is: a const for each, from which a session learns whether it may
//! be called, a request its method and path, and a message its words.

use crate::error::Error;
use crate::neon::request::{Method, Segment};
use crate::neon::target::Target;
use crate::neon::{account, any_operation, branches, domains, email_server, integration};
use crate::neon::{oauth_clients, oauth_providers, oauth_server, plugins, projects};
use crate::neon::{sign_in, users, webhooks};

/// An operation. What changes nothing is a GET.
#[derive(Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The SQL function that calls it.
    pub function: &'static str,
    pub method: Method,
    pub path: Path,
    /// Completes "could not ...".
    pub purpose: &'static str,
    pub resource: &'static Resource,
}

/// Which level has an operation, and where: the words below `.../auth` of the project or branch, with
/// `{name}` for what a request fills in; from a slash on, the whole path.
#[derive(Debug, PartialEq, Eq)]
pub enum Path {
    /// Of neither level, but of the key: the whole path.
    Account(&'static str),
    /// Of neither level, but of the project: the whole path.
    OfProject(&'static str),
    Both(&'static str),
    Project(&'static str),
    Branch(&'static str),
    Each {
        project: &'static str,
        branch: &'static str,
    },
}

/// Which of a server's ids an operation needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// None: a key is enough.
    Account,
    /// That of the project.
    Project,
    /// That of the project and, where there is one, that of the branch.
    Level,
}

/// What an operation is about.
#[derive(Debug, PartialEq, Eq)]
pub struct Resource {
    /// What is there already when Neon answers 409.
    pub noun: &'static str,
    pub look: Look,
}

/// Where to look when it is unknown whether a write was carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// This SQL function shows it.
    Function(&'static str),
    /// The table of users does, a moment later.
    Users,
    /// A list shows a new client of the OAuth server, and nobody its secret again.
    NewClient,
    /// Nobody shows the secret of a client.
    ClientSecret,
    /// Nobody knows: it may be anything that Neon Auth has, users too.
    Anywhere,
}

/// All operations.
pub const ENDPOINTS: [&Endpoint; 51] = [
    &account::GET_AUTH_DETAILS,
    &projects::LIST_PROJECTS,
    &branches::LIST_BRANCHES,
    &integration::CREATE_INTEGRATION,
    &integration::LIST_INTEGRATIONS,
    &integration::GET_INTEGRATION,
    &integration::DELETE_INTEGRATION,
    &integration::CREATE_SDK_KEYS,
    &integration::TRANSFER_OWNERSHIP,
    &users::CREATE_USER,
    &users::ENSURE_USER,
    &users::DELETE_USER,
    &users::SET_USER_ROLES,
    &oauth_providers::LIST_OAUTH_PROVIDERS,
    &oauth_providers::ADD_OAUTH_PROVIDER,
    &oauth_providers::ENSURE_OAUTH_PROVIDER,
    &oauth_providers::UPDATE_OAUTH_PROVIDER,
    &oauth_providers::DELETE_OAUTH_PROVIDER,
    &domains::LIST_DOMAINS,
    &domains::ADD_DOMAIN,
    &domains::ENSURE_DOMAIN,
    &domains::DELETE_DOMAIN,
    &domains::DELETE_DOMAINS,
    &email_server::GET_EMAIL_SERVER,
    &email_server::UPDATE_EMAIL_SERVER,
    &email_server::SEND_TEST_EMAIL,
    &email_server::TEST_EMAIL_SERVER,
    &plugins::GET_PLUGINS,
    &plugins::UPDATE_ORGANIZATION,
    &plugins::UPDATE_MAGIC_LINK,
    &plugins::GET_PHONE_NUMBER,
    &plugins::UPDATE_PHONE_NUMBER,
    &oauth_server::GET_OAUTH_SERVER,
    &oauth_server::UPDATE_OAUTH_SERVER,
    &oauth_clients::LIST_OAUTH_CLIENTS,
    &oauth_clients::CREATE_OAUTH_CLIENT,
    &oauth_clients::UPDATE_OAUTH_CLIENT,
    &oauth_clients::DELETE_OAUTH_CLIENT,
    &oauth_clients::ROTATE_OAUTH_CLIENT_SECRET,
    &sign_in::GET_EMAIL_AND_PASSWORD,
    &sign_in::UPDATE_EMAIL_AND_PASSWORD,
    &sign_in::GET_ALLOW_LOCALHOST,
    &sign_in::UPDATE_ALLOW_LOCALHOST,
    &sign_in::UPDATE_CONFIG,
    &webhooks::GET_WEBHOOKS,
    &webhooks::UPDATE_WEBHOOKS,
    &any_operation::CALL_GET,
    &any_operation::CALL_POST,
    &any_operation::CALL_PUT,
    &any_operation::CALL_PATCH,
    &any_operation::CALL_DELETE,
];

impl Path {
    /// Where it is at branch level, and at project level.
    pub fn at_each_level(&self) -> (Option<&'static str>, Option<&'static str>) {
        match *self {
            Self::Account(path) | Self::OfProject(path) | Self::Both(path) => {
                (Some(path), Some(path))
            }
            Self::Project(path) => (None, Some(path)),
            Self::Branch(path) => (Some(path), None),
            Self::Each { project, branch } => (Some(branch), Some(project)),
        }
    }
}

impl Endpoint {
    pub fn is_write(&self) -> bool {
        self.method != Method::Get
    }

    /// Whether Neon writes to the table of users for it, or may do so.
    pub fn changes_users(&self) -> bool {
        self.is_write() && matches!(self.resource.look, Look::Users | Look::Anywhere)
    }

    /// The function that makes the same or finds it there, for whoever calls another one.
    pub fn ensuring(&self) -> Option<&'static str> {
        let is_twin = |other: &&&Self| {
            let same = (other.method, &other.path) == (self.method, &self.path);
            same && other.function != self.function && other.function.starts_with("ensure_")
        };
        ENDPOINTS.iter().find(is_twin).map(|twin| twin.function)
    }

    pub fn scope(&self) -> Scope {
        match self.path {
            Path::Account(_) => Scope::Account,
            Path::OfProject(_) => Scope::Project,
            Path::Both(_) | Path::Project(_) | Path::Branch(_) | Path::Each { .. } => Scope::Level,
        }
    }

    /// The path on the level of `target`, with gaps; an error where that has no such operation.
    pub fn path_at(&self, target: &Target) -> Result<&'static str, Error> {
        if target.project_id().is_none() && self.scope() != Scope::Account {
            return Err(Error::needs_project(self.function));
        }
        let branch = target.branch_id().is_some();
        match (&self.path, branch) {
            (Path::Account(path) | Path::OfProject(path) | Path::Both(path), _)
            | (Path::Project(path) | Path::Each { project: path, .. }, false)
            | (Path::Branch(path) | Path::Each { branch: path, .. }, true) => Ok(path),
            (Path::Branch(_), false) => Err(Error::needs_branch(self.function)),
            (Path::Project(_), true) => Err(Error::needs_no_branch(self.function)),
        }
    }

    /// The whole path, with `segments` in its gaps.
    pub(super) fn fill<const N: usize>(
        &self,
        target: &Target,
        segments: [Segment; N],
    ) -> Result<String, Error> {
        let below = self.path_at(target)?;
        let mut path = String::with_capacity(128);
        if !below.starts_with('/') {
            target.push_path(&mut path);
        }
        let mut segments = segments.iter();
        for word in below.split('/').filter(|word| !word.is_empty()) {
            path.push('/');
            path.push_str(match word {
                "{project_id}" => target.project_id().unwrap_or_default(),
                gap if gap.starts_with('{') => {
                    segments.next().expect("a segment for each gap").as_str()
                }
                word => word,
            });
        }
        Ok(path)
    }
}
