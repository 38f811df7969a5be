//! A branch as an OAuth server, and its clients. It knows nothing of requests.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

#[derive(Clone, Default, Serialize)]
pub struct OauthServer {
    pub enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub login_page: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consent_page: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mcp: Option<Value>,
    /// What one of them is was not seen: anything is taken.
    pub resources: Vec<Value>,
    /// In the order in which they were created.
    #[serde(skip)]
    pub clients: Vec<Client>,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientType {
    Confidential,
    Public,
}

#[derive(Clone, Serialize)]
pub struct Client {
    pub client_id: String,
    pub name: String,
    pub r#type: ClientType,
    pub redirect_uris: Vec<String>,
    pub resources: Vec<String>,
    pub skip_consent: bool,
    pub disabled: bool,
    created_at: String,
    /// The newest alone; that of a confidential client.
    #[serde(skip)]
    secret: Option<String>,
}

impl OauthServer {
    /// Whether a client may have it: the text of a resource, or one of its fields.
    pub fn has_resource(&self, wanted: &str) -> bool {
        let is_wanted = |value: &Value| match value {
            Value::Object(fields) => fields.values().any(|value| value == wanted),
            value => value == wanted,
        };
        let mcp = self.mcp.as_ref().map(|mcp| &mcp["resource"]);
        self.resources.iter().chain(mcp).any(is_wanted)
    }

    pub fn client(&mut self, id: &str) -> Option<&mut Client> {
        self.clients.iter_mut().find(|it| it.client_id == id)
    }

    /// Whether there was such a client.
    pub fn remove_client(&mut self, id: &str) -> bool {
        let before = self.clients.len();
        self.clients.retain(|it| it.client_id != id);
        self.clients.len() < before
    }
}

impl Client {
    /// With an id of its own; but a name that is an https URL is the id, as of clients that are known by a
    /// document about them.
    pub fn new(name: String, r#type: ClientType) -> Self {
        let client_id = match name.starts_with("https://") {
            true => name.clone(),
            false => Uuid::new_v4().simple().to_string(),
        };
        Self {
            client_id,
            name,
            r#type,
            redirect_uris: Vec::new(),
            resources: Vec::new(),
            skip_consent: false,
            disabled: false,
            created_at: OffsetDateTime::now_utc()
                .format(&Rfc3339)
                .expect("the present has a four-digit year"),
            secret: None,
        }
    }

    /// The new secret, in the place of the old one; `None` if clients of this type have none.
    pub fn renew_secret(&mut self) -> Option<String> {
        self.secret = (self.r#type == ClientType::Confidential)
            .then(|| format!("oacs_{}", Uuid::new_v4().simple()));
        self.secret.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_newest_secret_is_one() {
        let mut client = Client::new("App".to_owned(), ClientType::Confidential);
        let first = client.renew_secret();
        assert!(first.is_some() && client.secret == first);
        let second = client.renew_secret();
        assert_ne!(first, second);
        assert_eq!(client.secret, second);
        let mut public = Client::new("App".to_owned(), ClientType::Public);
        assert_eq!(public.renew_secret(), None);
    }
}
