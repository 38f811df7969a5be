//! What the simulated service remembers, per project and branch. It knows nothing of HTTP requests
//! or faults.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

pub const DEFAULT_PROJECTS: [&str; 2] = ["quiet-bar-123456", "staging-lake-654321"];
const DEFAULT_BRANCH: &str = "br-main-000001";
const DEFAULT_DATABASE: &str = "neondb";

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthProvider {
    Mock,
    Stack,
    BetterAuth,
}

#[derive(Clone, Serialize)]
pub struct Integration {
    pub auth_provider: AuthProvider,
    pub auth_provider_project_id: String,
    pub branch_id: String,
    pub db_name: String,
    pub created_at: String,
    pub owned_by: &'static str,
    pub jwks_url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
}

impl Integration {
    pub fn new(auth_provider: AuthProvider, branch: &str, database: Option<String>) -> Self {
        let id = Uuid::new_v4().to_string();
        Self {
            auth_provider,
            jwks_url: format!(
                "https://api.stack-auth.com/api/v1/projects/{id}/.well-known/jwks.json"
            ),
            base_url: (auth_provider == AuthProvider::BetterAuth)
                .then(|| format!("https://{branch}.neonauth.example/neondb/auth")),
            auth_provider_project_id: id,
            branch_id: branch.to_owned(),
            db_name: database.unwrap_or_else(|| DEFAULT_DATABASE.to_owned()),
            created_at: OffsetDateTime::now_utc()
                .format(&Rfc3339)
                .expect("the present has a four-digit year"),
            owned_by: "neon",
        }
    }
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OauthProviderId {
    Google,
    Github,
    Microsoft,
    Vercel,
}

/// The credentials of a `standard` provider: client id and client secret.
#[derive(Clone)]
pub struct Credentials {
    pub client_id: String,
    pub client_secret: String,
}

#[derive(Clone, Serialize)]
pub struct Domain {
    pub domain: String,
    pub auth_provider: AuthProvider,
}

#[derive(Clone, Deserialize, Serialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum EmailServer {
    Shared {
        #[serde(skip_serializing_if = "Option::is_none")]
        sender_email: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        sender_name: Option<String>,
    },
    Standard {
        host: String,
        port: u16,
        username: String,
        password: String,
        sender_email: String,
        sender_name: String,
    },
}

/// What the service keeps for one branch; the project-level operations use the branch that has the
/// integration.
pub struct Branch {
    pub integration: Option<Integration>,
    /// `None` stands for a provider with Neon's shared credentials.
    pub oauth_providers: BTreeMap<OauthProviderId, Option<Credentials>>,
    pub domains: Vec<Domain>,
    pub email_server: EmailServer,
    /// Ids by e-mail address in lower case.
    pub users: BTreeMap<String, String>,
}

impl Branch {
    fn new(integration: Option<Integration>) -> Self {
        Self {
            integration,
            oauth_providers: BTreeMap::from([
                (OauthProviderId::Google, None),
                (OauthProviderId::Github, None),
            ]),
            domains: Vec::new(),
            email_server: EmailServer::Shared {
                sender_email: None,
                sender_name: None,
            },
            users: BTreeMap::new(),
        }
    }

    /// Forgets the configuration, and the users too if `delete_data`.
    pub fn remove_integration(&mut self, delete_data: bool) {
        let users = if delete_data {
            BTreeMap::new()
        } else {
            std::mem::take(&mut self.users)
        };
        *self = Self {
            users,
            ..Self::new(None)
        };
    }
}

pub struct Project {
    branches: BTreeMap<String, Branch>,
}

impl Project {
    fn new(id: &str) -> Self {
        let integration = (!id.starts_with("test-empty-"))
            .then(|| Integration::new(AuthProvider::Stack, DEFAULT_BRANCH, None));
        Self {
            branches: BTreeMap::from([(DEFAULT_BRANCH.to_owned(), Branch::new(integration))]),
        }
    }

    /// The branch, made when it is named for the first time.
    pub fn branch(&mut self, id: &str) -> &mut Branch {
        self.branches
            .entry(id.to_owned())
            .or_insert_with(|| Branch::new(None))
    }

    /// The branch that project-level operations mean.
    pub fn integrated_branch(&mut self) -> Option<&mut Branch> {
        self.branches
            .values_mut()
            .find(|branch| branch.integration.is_some())
    }
}

/// All projects; a known project comes into being when it is first used.
pub struct Projects {
    named: Vec<String>,
    projects: Mutex<HashMap<String, Project>>,
}

impl Projects {
    pub fn new(named: Vec<String>) -> Self {
        Self {
            named,
            projects: Mutex::default(),
        }
    }

    pub fn is_known(&self, id: &str) -> bool {
        ["test-", "fault-", "bench-"]
            .iter()
            .any(|prefix| id.starts_with(prefix))
            || DEFAULT_PROJECTS.contains(&id)
            || self.named.iter().any(|named| named == id)
    }

    pub fn with<T>(&self, id: &str, work: impl FnOnce(&mut Project) -> T) -> T {
        work(
            self.lock()
                .entry(id.to_owned())
                .or_insert_with(|| Project::new(id)),
        )
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Project>> {
        self.projects.lock().expect("no holder of this lock panics")
    }
}
