//! Owns which part of Neon a call is about: a project, one branch of it, or all that its key may see, and
//! where that is in a path.
//! It knows nothing of single operations.

use std::fmt;

use crate::error::Error;
use crate::neon::argument;
use crate::neon::request::Segment;

/// What an operation acts on. With a branch it is the current, branch-level API (Better Auth), without
/// one the project-level API (Stack Auth).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    /// `None` for the account of the key.
    project_id: Option<String>,
    branch_id: Option<String>,
    auth_provider: String,
}

impl Target {
    /// The values come from the server's options and are named so in the error. `auth_provider` has
    /// the default of its level.
    pub fn new(
        project_id: &str,
        branch_id: Option<&str>,
        auth_provider: Option<&str>,
    ) -> Result<Self, Error> {
        let auth_provider = auth_provider.unwrap_or(match branch_id {
            Some(_) => "better_auth",
            None => "stack",
        });
        let ids = [("project_id", Some(project_id)), ("branch_id", branch_id)];
        for (option, id) in ids {
            if id.is_some_and(|id| !argument::is_neon_id(id)) {
                return Err(Error::invalid_option(option, argument::NEON_ID));
            }
        }
        if !is_auth_provider(auth_provider) {
            return Err(Error::invalid_option("auth_provider", AUTH_PROVIDER));
        }
        Ok(Self {
            project_id: Some(project_id.to_owned()),
            branch_id: branch_id.map(str::to_owned),
            auth_provider: auth_provider.to_owned(),
        })
    }

    /// For what a key alone is asked about.
    pub fn account() -> Self {
        Self {
            project_id: None,
            branch_id: None,
            auth_provider: String::new(),
        }
    }

    /// `None` for what is about no single project.
    pub fn project_id(&self) -> Option<&str> {
        self.project_id.as_deref()
    }

    /// `None` at project level.
    pub fn branch_id(&self) -> Option<&str> {
        self.branch_id.as_deref()
    }

    pub fn auth_provider(&self) -> &str {
        &self.auth_provider
    }

    /// Appends `/projects/{project_id}/auth`, or `/projects/{project_id}/branches/{branch_id}/auth`.
    pub(super) fn push_path(&self, path: &mut String) {
        path.push_str("/projects/");
        path.push_str(self.project_id().unwrap_or_default());
        if let Some(branch_id) = &self.branch_id {
            path.push_str("/branches/");
            path.push_str(branch_id);
        }
        path.push_str("/auth");
    }

    /// Where users of this level come into the database, as SQL has it.
    pub fn table_of_users(&self) -> &'static str {
        match self.branch_id {
            Some(_) => "neon_auth.\"user\"",
            None => "neon_auth.users_sync",
        }
    }

    /// `auth_provider` as a segment.
    pub fn provider_segment(&self) -> Segment {
        Segment::checked(self.auth_provider.clone())
    }
}

/// As messages name it.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(branch_id) = &self.branch_id {
            write!(f, "branch \"{branch_id}\" of ")?;
        }
        match &self.project_id {
            Some(project_id) => write!(f, "project \"{project_id}\""),
            None => f.write_str("the account of its key"),
        }
    }
}

/// What [`is_auth_provider`] asks for; completes "It must be ...".
pub const AUTH_PROVIDER: &str = "the name of a provider, such as better_auth or stack";

/// The names are a growing set at Neon (`stack`, `better_auth`, `mock`), so only their form is
/// checked.
pub fn is_auth_provider(name: &str) -> bool {
    (1..=60).contains(&name.len())
        && name
            .bytes()
            .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_'))
}

/// Whether a refusal says that branch or project have no integration. What a key may not see, and what
/// does not exist, is refused with other words.
pub fn lacks_integration(status: u16, message: &str) -> bool {
    status == 404 && message.contains("integration not found for ")
}
