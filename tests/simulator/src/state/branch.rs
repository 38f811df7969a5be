//! What the service remembers of one branch. It knows nothing of requests, nor of the database that
//! the branch stands for.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use super::oauth_server::OauthServer;
use super::settings::Settings;

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
    /// What e-mails call the application.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Integration {
    pub fn new(auth_provider: AuthProvider, branch: &str, database: Option<String>) -> Self {
        let id = Uuid::new_v4().to_string();
        let db_name = database.unwrap_or_else(|| DEFAULT_DATABASE.to_owned());
        let base_url = (auth_provider == AuthProvider::BetterAuth)
            .then(|| format!("https://{branch}.neonauth.example/{db_name}/auth"));
        let keys_url = match &base_url {
            Some(base_url) => base_url.clone(),
            None => format!("https://api.stack-auth.com/api/v1/projects/{id}"),
        };
        Self {
            auth_provider,
            auth_provider_project_id: id,
            branch_id: branch.to_owned(),
            db_name,
            created_at: OffsetDateTime::now_utc()
                .format(&Rfc3339)
                .expect("the present has a four-digit year"),
            owned_by: "neon",
            jwks_url: format!("{keys_url}/.well-known/jwks.json"),
            base_url,
            name: None,
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

#[derive(Clone, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum EmailServer {
    Shared(SharedEmailServer),
    Standard(StandardEmailServer),
}

#[derive(Clone, Default, Serialize)]
pub struct SharedEmailServer {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sender_email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sender_name: Option<String>,
}

#[derive(Clone, Serialize)]
pub struct StandardEmailServer {
    pub host: String,
    pub port: i64,
    pub username: String,
    pub password: String,
    pub sender_email: String,
    pub sender_name: String,
}

pub struct Branch {
    pub integration: Option<Integration>,
    /// Whether the schema `neon_auth` is there, which it can be without an integration.
    pub has_schema: bool,
    /// `None` stands for a provider with Neon's shared credentials.
    pub oauth_providers: BTreeMap<OauthProviderId, Option<Credentials>>,
    pub domains: Vec<Domain>,
    pub email_server: EmailServer,
    pub settings: Settings,
    pub oauth_server: OauthServer,
    /// Ids by e-mail address in lower case.
    users: BTreeMap<String, String>,
}

impl Branch {
    pub fn new(integration: Option<Integration>) -> Self {
        Self {
            has_schema: integration.is_some(),
            integration,
            oauth_providers: BTreeMap::from([
                (OauthProviderId::Google, None),
                (OauthProviderId::Github, None),
            ]),
            domains: Vec::new(),
            email_server: EmailServer::Shared(SharedEmailServer::default()),
            settings: Settings::default(),
            oauth_server: OauthServer::default(),
            users: BTreeMap::new(),
        }
    }

    pub fn enable(&mut self, integration: Integration) {
        self.integration = Some(integration);
        self.has_schema = true;
    }

    /// Forgets the configuration, and the users and their schema too if `delete_data`.
    pub fn remove_integration(&mut self, delete_data: bool) {
        let before = std::mem::replace(self, Self::new(None));
        if !delete_data {
            self.users = before.users;
            self.has_schema = before.has_schema;
        }
    }

    /// The id of the new user; `None` if the address is taken.
    pub fn add_user(&mut self, email: &str) -> Option<String> {
        match self.users.entry(email.to_lowercase()) {
            Entry::Occupied(_) => None,
            Entry::Vacant(free) => Some(free.insert(Uuid::new_v4().to_string()).clone()),
        }
    }

    pub fn has_user(&self, id: &str) -> bool {
        self.users.values().any(|user| user == id)
    }

    /// Whether there was such a user.
    pub fn remove_user(&mut self, id: &str) -> bool {
        let before = self.users.len();
        self.users.retain(|_, user| user != id);
        self.users.len() < before
    }
}
