//! Owns what is said of API keys that are missing, in the wrong place, or for something else.

use std::fmt;

use super::{Error, ErrorKind, quote_literal};

/// A user mapping, as messages name it.
pub struct Mapping<'a> {
    pub server: &'a str,
    /// `None` for PUBLIC's.
    pub role: Option<String>,
}

impl Mapping<'_> {
    /// The statement that stores a key in it.
    fn to_store(&self) -> String {
        self.to_store_for(None)
    }

    /// The same, for one project.
    fn to_store_for(&self, project_id: Option<&str>) -> String {
        let server = quote_literal(self.server);
        let role = match self.role {
            Some(_) => "",
            None => ", role => 'public'",
        };
        let project = project_id.map(|id| format!(", project_id => {}", quote_literal(id)));
        let project = project.unwrap_or_default();
        format!("SELECT neon_auth_admin.set_api_key(:'key', server => {server}{role}{project});")
    }
}

impl fmt::Display for Mapping<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.role {
            Some(role) => write!(f, "role \"{role}\"")?,
            None => f.write_str("PUBLIC")?,
        }
        write!(f, " on server \"{}\"", self.server)
    }
}

impl Error {
    /// For `set_api_key`, where the value may be a key in the wrong place.
    pub fn unknown_name(argument: &str) -> Self {
        Self::new(
            ErrorKind::NotConfigured,
            format!("argument \"{argument}\" names no {argument}"),
        )
        .with_detail("The value is not repeated here: it might be a key in the wrong place.")
        .with_hint("The order of the arguments is api_key, server, role.")
    }

    pub fn sealed_argument(name: &str) -> Self {
        Self::new(
            ErrorKind::InvalidValue,
            format!("argument \"{name}\" is a sealed key"),
        )
        .with_detail("What a user mapping holds is of use in that mapping of its database alone.")
        .with_hint("Give the key itself, as Neon shows it when it is created.")
    }

    pub fn no_api_key(mapping: &Mapping) -> Self {
        Self::new(
            ErrorKind::NotConfigured,
            format!("no api_key for {mapping}"),
        )
        .with_hint(format!("Store one: {}", mapping.to_store()))
    }

    /// For the validator: a text that begins as sealed ones do, and is none.
    pub fn damaged_seal(option: &str) -> Self {
        Self::new(
            ErrorKind::InvalidValue,
            format!("invalid value for option \"{option}\""),
        )
        .with_detail("It begins as a sealed key does, but is damaged: cut off, or changed.")
        .with_hint(
            "Store the key itself, as Neon shows it when it is created: \
             SELECT neon_auth_admin.set_api_key(:'key', server => '...');",
        )
    }

    /// It was sealed with another secret than this database's, or is not as it was sealed.
    pub fn foreign_seal(mapping: &Mapping) -> Self {
        Self::new(
            ErrorKind::NotConfigured,
            format!("the key of {mapping} was stored in another database"),
        )
        .with_detail(
            "A stored key is sealed with a secret of its database, which no dump contains.",
        )
        .with_hint(format!("Store it here as well: {}", mapping.to_store()))
    }

    /// `what` is a host or a project; `project` the one to store the key for again, if it was for one.
    pub fn key_for_elsewhere(
        mapping: &Mapping,
        what: &str,
        sealed: &str,
        asked: &str,
        project: Option<&str>,
    ) -> Self {
        Self::new(
            ErrorKind::Forbidden,
            format!("the key of {mapping} was stored for another {what}"),
        )
        .with_detail(format!(
            "It is for {what} \"{sealed}\", and the server now names \"{asked}\"."
        ))
        .with_hint(format!(
            "If it is to go there, store it again: {}",
            mapping.to_store_for(project)
        ))
    }

    /// For what goes beyond any single project.
    pub fn key_of_one_project(mapping: &Mapping, project: &str) -> Self {
        Self::new(
            ErrorKind::Forbidden,
            format!("the key of {mapping} was stored for one project"),
        )
        .with_detail(format!(
            "It is for project \"{project}\", and what is asked is about all that the key may see."
        ))
        .with_hint(format!(
            "If it may be used so, store it again without a project: {}",
            mapping.to_store()
        ))
    }

    pub fn key_of_another_role(mapping: &Mapping) -> Self {
        Self::new(
            ErrorKind::Forbidden,
            format!("the key of {mapping} was stored for another role"),
        )
        .with_detail("Its sealed text was copied from the user mapping of that role.")
        .with_hint(format!("Store an own one: {}", mapping.to_store()))
    }

    pub fn no_sealing_secret() -> Self {
        Self::new(
            ErrorKind::NotConfigured,
            "the secret that seals keys in this database is missing",
        )
        .with_detail(
            "It is in the user mapping of server \"neon_auth_admin_seal\", which CREATE EXTENSION makes.",
        )
        .with_hint("Create the extension again, and then the servers and keys that go with it: DROP EXTENSION neon_auth_admin CASCADE; CREATE EXTENSION neon_auth_admin;")
    }

    pub fn no_randomness() -> Self {
        Self::new(
            ErrorKind::NotConfigured,
            "the operating system gave no random bytes to seal a key with",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_can_be_pasted() {
        let mapping = |role: Option<&str>| Mapping {
            server: "it's",
            role: role.map(str::to_owned),
        };
        let error = Error::no_api_key(&mapping(Some("app")));
        assert_eq!(
            error.message,
            "no api_key for role \"app\" on server \"it's\""
        );
        assert_eq!(
            error.hint(),
            Some("Store one: SELECT neon_auth_admin.set_api_key(:'key', server => 'it''s');")
        );
        let error = Error::foreign_seal(&mapping(None));
        let hint = "Store it here as well: SELECT neon_auth_admin.set_api_key(:'key', server => 'it''s', role => 'public');";
        assert_eq!(error.hint(), Some(hint));
        // What was for one project does not come to be for all.
        let error = Error::key_for_elsewhere(&mapping(None), "host", "a:443", "b:443", Some("p"));
        let hint = "If it is to go there, store it again: SELECT neon_auth_admin.set_api_key(:'key', server => 'it''s', role => 'public', project_id => 'p');";
        assert_eq!(error.hint(), Some(hint));
    }
}
