//! Owns which part of Neon a call is about: a project. It turns the tail of an operation's path
//! into the whole of it, and knows nothing of single operations.

use crate::error::Error;
use crate::neon::check;
use crate::neon::request::Segment;

/// What project-level operations act on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    project_id: String,
    auth_provider: String,
}

/// The provider that project-level Neon Auth runs on.
pub const DEFAULT_AUTH_PROVIDER: &str = "stack";

impl Scope {
    /// Both values come from the server's options and are named so in the error.
    pub fn new(project_id: &str, auth_provider: &str) -> Result<Self, Error> {
        if !check::is_neon_id(project_id) {
            return Err(Error::invalid_option(
                "project_id",
                "1 to 60 lower-case letters, digits and hyphens",
            ));
        }
        if !is_auth_provider(auth_provider) {
            return Err(Error::invalid_option(
                "auth_provider",
                "the name of a provider, such as stack",
            ));
        }
        Ok(Self {
            project_id: project_id.to_owned(),
            auth_provider: auth_provider.to_owned(),
        })
    }

    pub fn project_id(&self) -> &str {
        &self.project_id
    }

    pub fn auth_provider(&self) -> &str {
        &self.auth_provider
    }

    /// `/projects/{project_id}/auth/{tail}`.
    pub fn path<const N: usize>(&self, tail: [Segment; N]) -> Vec<Segment> {
        let mut path = vec![
            Segment::fixed("projects"),
            Segment::checked(self.project_id.clone()),
            Segment::fixed("auth"),
        ];
        path.extend(tail);
        path
    }

    /// `/projects/auth/{operation}`: the operations that take the project in their body.
    pub fn bodied_path(operation: &'static str) -> Vec<Segment> {
        ["projects", "auth", operation].map(Segment::fixed).into()
    }

    /// `auth_provider` as a segment.
    pub fn provider_segment(&self) -> Segment {
        Segment::checked(self.auth_provider.clone())
    }
}

/// The names are a growing set at Neon (`stack`, `better_auth`, `mock`), so only their form is
/// checked.
pub fn is_auth_provider(name: &str) -> bool {
    (1..=60).contains(&name.len())
        && name
            .bytes()
            .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_'))
}
