//! Owns the errors of the crate: a fieldless kind, and one named constructor per situation, so that
//! every message is found here. It knows nothing of SQLSTATEs.

mod synced_users;

use std::fmt;

/// What went wrong, in the terms a caller can act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// No server, no mapping, or no usable option in them.
    NotConfigured,
    /// A required argument is NULL.
    NullArgument,
    /// A table that is not in this database.
    UndefinedTable,
    /// The transaction sees nothing that others commit from now on.
    FixedSnapshot,
    /// An argument or option, or what Neon says of an argument (400, 422).
    InvalidValue,
    /// An option that does not exist where it was given.
    InvalidOptionName,
    /// Neon does not know the key (401).
    Unauthenticated,
    /// The role or the key may not do this (403).
    Forbidden,
    /// Neon answered 404, or the only row of a list is not there.
    NotFound,
    /// A list that should have one row has more.
    TooManyRows,
    /// Neon answered 409.
    AlreadyExists,
    /// Neon answered 423 each time.
    Busy,
    /// Neon answered 429, and the wait does not fit.
    RateLimited,
    /// Nothing was sent: name resolution, connection or TLS failed.
    Unreachable,
    /// A read was cut off or timed out.
    Disconnected,
    /// A write was sent and no usable answer came back.
    OutcomeUnknown,
    /// An answer that is not what the API promises.
    BadResponse,
    /// Neon answered 5xx.
    ServerFault,
    /// The wait was ended from outside. The caller holds the reason and raises it instead of this.
    Interrupted,
}

/// A failed call, ready to be shown: the message is short and names no value of the user's, detail
/// and hint are full sentences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    pub kind: ErrorKind,
    pub message: String,
    pub detail: Option<String>,
    pub hint: Option<String>,
}

impl Error {
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            detail: None,
            hint: None,
        }
    }

    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    // Arguments.

    pub fn null_argument(name: &str) -> Self {
        Self::new(
            ErrorKind::NullArgument,
            format!("argument \"{name}\" must not be null"),
        )
    }

    /// `expected` completes the sentence "It must be ...".
    pub fn invalid_argument(name: &str, expected: &str) -> Self {
        Self::new(
            ErrorKind::InvalidValue,
            format!("invalid value for argument \"{name}\""),
        )
        .with_detail(format!("It must be {expected}."))
    }

    pub fn masked_secret(name: &str) -> Self {
        Self::new(
            ErrorKind::InvalidValue,
            format!("argument \"{name}\" is a masked secret"),
        )
        .with_detail("Secrets are shown as ******** unless neon_auth_admin.show_secrets is on.")
        .with_hint("Give the secret itself.")
    }

    pub fn nothing_to_update() -> Self {
        Self::new(ErrorKind::InvalidValue, "nothing to update")
            .with_hint("Name at least one field that is to change.")
    }

    // Server and user mapping.

    pub fn no_server_named() -> Self {
        Self::new(ErrorKind::NotConfigured, "no server is named")
            .with_hint("Name one in the argument \"server\" or the setting neon_auth_admin.server.")
    }

    pub fn no_such_server(server: &str) -> Self {
        Self::new(
            ErrorKind::NotConfigured,
            format!("server \"{server}\" does not exist"),
        )
        .with_hint(format!(
            "Create it: CREATE SERVER {} FOREIGN DATA WRAPPER neon_auth_admin OPTIONS (project_id '...'); \
             or name another one in the argument \"server\" or the setting neon_auth_admin.server.",
            quote_identifier(server)
        ))
    }

    pub fn impossible_server_name() -> Self {
        Self::new(
            ErrorKind::NotConfigured,
            "the name of the server is too long for a name",
        )
    }

    /// For `set_api_key`, where the value may be a key in the wrong place.
    pub fn unknown_name(argument: &str) -> Self {
        Self::new(
            ErrorKind::NotConfigured,
            format!("argument \"{argument}\" names no {argument}"),
        )
        .with_detail("The value is not repeated here: it might be a key in the wrong place.")
        .with_hint("The order of the arguments is api_key, server, role.")
    }

    pub fn wrong_wrapper(server: &str) -> Self {
        Self::new(
            ErrorKind::NotConfigured,
            format!("server \"{server}\" does not use the foreign-data wrapper neon_auth_admin"),
        )
        .with_hint("Create the server with FOREIGN DATA WRAPPER neon_auth_admin.")
    }

    pub fn server_usage(server: &str, role: &str) -> Self {
        Self::new(
            ErrorKind::Forbidden,
            format!("permission denied for foreign server \"{server}\""),
        )
        .with_hint(format!(
            "Its owner can allow it: GRANT USAGE ON FOREIGN SERVER {} TO {};",
            quote_identifier(server),
            quote_identifier(role)
        ))
    }

    pub fn no_api_key(server: &str, role: &str) -> Self {
        Self::new(
            ErrorKind::NotConfigured,
            format!("no api_key for role \"{role}\" on server \"{server}\""),
        )
        .with_hint(format!(
            "Store one: SELECT neon_auth_admin.set_api_key(:'key', server => {});",
            quote_literal(server)
        ))
    }

    pub fn missing_option(option: &str, server: &str) -> Self {
        Self::new(
            ErrorKind::NotConfigured,
            format!("server \"{server}\" has no option \"{option}\""),
        )
        .with_hint(format!(
            "Set it: ALTER SERVER {} OPTIONS (ADD {option} '...');",
            quote_identifier(server)
        ))
    }

    /// The value of an option is never shown: it could be a key in the wrong place.
    pub fn invalid_option(option: &str, expected: &str) -> Self {
        Self::new(
            ErrorKind::InvalidValue,
            format!("invalid value for option \"{option}\""),
        )
        .with_detail(format!("It must be {expected}."))
    }

    /// `hint` says where it belongs, or what is valid instead.
    pub fn invalid_option_name(option: &str, hint: impl Into<String>) -> Self {
        Self::new(
            ErrorKind::InvalidOptionName,
            format!("invalid option \"{option}\""),
        )
        .with_hint(hint)
    }

    pub fn host_not_allowed(host: &str) -> Self {
        Self::new(
            ErrorKind::Forbidden,
            format!("host \"{host}\" of option \"api_url\" is not allowed"),
        )
        .with_detail("The API key is sent only to hosts in neon_auth_admin.allowed_hosts.")
        .with_hint(
            "Drop the option to use Neon's API, or add the host to that setting in postgresql.conf.",
        )
    }

    pub fn plain_http(host: &str) -> Self {
        Self::new(
            ErrorKind::Forbidden,
            format!("option \"api_url\" must use https for host \"{host}\""),
        )
        .with_detail("Unencrypted http is for loopback addresses alone.")
    }

    pub fn unreadable_roots(what: &str) -> Self {
        Self::new(
            ErrorKind::NotConfigured,
            "could not load the trusted TLS certificates",
        )
        .with_detail(what)
        .with_hint(
            "Install the system's certificates (package ca-certificates), or name a PEM file in \
             neon_auth_admin.ca_file.",
        )
    }

    pub fn invalid_proxy() -> Self {
        Self::new(
            ErrorKind::NotConfigured,
            "neon_auth_admin.proxy is not a proxy URL",
        )
        .with_detail("It must have the form http://host:port.")
    }

    // The place of a call.

    pub fn security_restricted() -> Self {
        Self::new(
            ErrorKind::Forbidden,
            "cannot call the Neon API within security-restricted operation",
        )
    }

    /// The library is newer or older than the extension's objects.
    pub fn stale_extension(what: &str) -> Self {
        Self::new(
            ErrorKind::NotConfigured,
            format!("extension \"neon_auth_admin\" does not fit its library: {what}"),
        )
        .with_hint("Run ALTER EXTENSION neon_auth_admin UPDATE;")
    }

    // Results.

    pub fn unusable_value(column: &str, why: &str) -> Self {
        Self::new(
            ErrorKind::BadResponse,
            format!("Neon's answer has an unusable value for \"{column}\""),
        )
        .with_detail(why)
    }

    pub fn no_integration() -> Self {
        Self::new(
            ErrorKind::NotFound,
            "could not get integration: there is none",
        )
        .with_hint("Create one with neon_auth_admin.create_integration().")
    }

    pub fn several_integrations() -> Self {
        Self::new(
            ErrorKind::TooManyRows,
            "could not get integration: there is more than one",
        )
        .with_hint("List them with neon_auth_admin.list_integrations().")
    }
}

/// A name as SQL takes it, so that a hint can be pasted.
fn quote_identifier(name: &str) -> String {
    let is_plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if is_plain {
        name.to_owned()
    } else {
        format!("\"{}\"", name.replace('"', "\"\""))
    }
}

pub fn quote_literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_can_be_pasted() {
        let error = Error::server_usage("my \"neon\"", "app");
        assert_eq!(
            error.hint.as_deref(),
            Some(
                "Its owner can allow it: GRANT USAGE ON FOREIGN SERVER \"my \"\"neon\"\"\" TO app;"
            )
        );
        let error = Error::no_api_key("it's", "app");
        assert_eq!(
            error.hint.as_deref(),
            Some("Store one: SELECT neon_auth_admin.set_api_key(:'key', server => 'it''s');")
        );
    }
}
