//! Owns what is said of servers, user mappings and settings that are missing or wrong.

use std::path::Path;

use super::{Error, ErrorKind};

const NO_ROOTS: &str = "could not load the trusted TLS certificates";

impl Error {
    pub fn no_server_named() -> Self {
        Self::new(ErrorKind::NotConfigured, "no server is named").with_hint(
            "Name one in the argument \"server\" or, for new sessions, in the setting \
                 neon_auth_admin.server: ALTER ROLE ... SET neon_auth_admin.server = '...';",
        )
    }

    pub fn no_such_server(server: &str) -> Self {
        // As Neon's keys begin.
        if server.starts_with("napi_") {
            return Self::unknown_name("server").with_hint("Name a foreign server.");
        }
        Self::new(
            ErrorKind::NotConfigured,
            format!("server \"{server}\" does not exist"),
        )
        .with_hint(format!(
            "Create it: CREATE SERVER {} FOREIGN DATA WRAPPER neon_auth_admin OPTIONS (project_id '...', \
             branch_id '...'); or name another one in the argument \"server\" or, for new sessions, in the setting neon_auth_admin.server.",
            quote_identifier(server)
        ))
    }

    pub fn impossible_server_name() -> Self {
        Self::new(
            ErrorKind::NotConfigured,
            "the name of the server is too long for a name",
        )
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

    pub fn missing_project(server: &str) -> Self {
        Self::new(
            ErrorKind::NotConfigured,
            format!("server \"{server}\" has no option \"project_id\""),
        )
        .with_hint(format!(
            "Set it: ALTER SERVER {} OPTIONS (ADD project_id '...'); the ids are in \
             neon_auth_admin.list_projects(server => {}).",
            quote_identifier(server),
            quote_literal(server)
        ))
    }

    /// `setting` is what an option `current` stands for.
    pub fn no_current(option: &str, setting: &str, server: &str) -> Self {
        Self::new(
            ErrorKind::NotConfigured,
            format!("setting \"{setting}\" is not set"),
        )
        .with_detail(format!(
            "Option \"{option}\" of server \"{server}\" is current, which stands for that setting \
             of a Neon compute."
        ))
        .with_hint(format!(
            "Elsewhere than on Neon, name the id itself: ALTER SERVER {} OPTIONS (SET {option} '...');",
            quote_identifier(server)
        ))
    }

    /// What a session may set must not decide where a key goes.
    pub fn current_set_by_session(setting: &str) -> Self {
        Self::new(
            ErrorKind::Forbidden,
            format!("setting \"{setting}\" does not come from the server's configuration"),
        )
        .with_detail(
            "A session, a role or a database that sets it must not decide where an API key goes.",
        )
        .with_hint(format!(
            "RESET {setting}; or name the id itself in the server's options."
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

    pub fn no_foreign_tables() -> Self {
        Self::new(
            ErrorKind::ForeignTable,
            "foreign-data wrapper \"neon_auth_admin\" has no foreign tables",
        )
        .with_detail("Its servers say where calls go; what Neon has is read with functions.")
        .with_hint(
            "Make a view: CREATE VIEW ... AS SELECT * FROM neon_auth_admin.list_domains(server => '...');",
        )
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

    pub fn invalid_api_url() -> Self {
        Self::invalid_option("api_url", "a URL such as https://console.neon.tech/api/v2")
    }

    pub fn plain_http(host: &str) -> Self {
        Self::new(
            ErrorKind::Forbidden,
            format!("option \"api_url\" must use https for host \"{host}\""),
        )
        .with_detail("Unencrypted http is for loopback addresses alone.")
    }

    pub fn plain_http_through_proxy(host: &str) -> Self {
        Self::new(
            ErrorKind::Forbidden,
            format!("option \"api_url\" must use https for host \"{host}\" while a proxy is set"),
        )
        .with_detail(
            "Calls go through neon_auth_admin.proxy, which would see the API key in unencrypted http.",
        )
    }

    /// `why` follows the name of the file. It must not repeat what is in the file.
    pub fn unusable_ca_file(path: &Path, why: &str) -> Self {
        Self::new(ErrorKind::NotConfigured, NO_ROOTS)
            .with_detail(format!("File \"{}\": {why}.", path.display()))
            .with_hint(
                "Let neon_auth_admin.ca_file name a PEM file with the certificates to trust, which \
                 the server can read; empty, it stands for those of the system.",
            )
    }

    pub fn no_roots() -> Self {
        Self::new(ErrorKind::NotConfigured, NO_ROOTS)
            .with_detail("None of the system's could be read.")
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

    pub fn proxy_with_user_info() -> Self {
        Self::new(
            ErrorKind::NotConfigured,
            "neon_auth_admin.proxy must not have a user name or a password in it",
        )
        .with_detail("Every role can see this setting.")
        .with_hint(
            "Set neon_auth_admin.proxy_user and neon_auth_admin.proxy_password_file in \
             postgresql.conf, and change the password.",
        )
    }

    pub fn half_of_proxy_credentials() -> Self {
        Self::new(
            ErrorKind::NotConfigured,
            "neon_auth_admin.proxy_user and neon_auth_admin.proxy_password_file belong together",
        )
        .with_detail("Only one of them is set.")
    }

    pub fn invalid_proxy_user() -> Self {
        Self::new(
            ErrorKind::NotConfigured,
            "invalid value for neon_auth_admin.proxy_user",
        )
        .with_detail(
            "It must be 1 to 1024 bytes of text without a colon and without control characters.",
        )
    }

    /// `why` is a clause, with nothing in it of what the file holds.
    pub fn unusable_proxy_password(file: &str, why: &str) -> Self {
        Self::new(
            ErrorKind::NotConfigured,
            "could not read a password from neon_auth_admin.proxy_password_file",
        )
        .with_detail(format!("File \"{file}\": {why}."))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_can_be_pasted() {
        let error = Error::server_usage("my \"neon\"", "app");
        assert_eq!(
            error.hint(),
            Some(
                "Its owner can allow it: GRANT USAGE ON FOREIGN SERVER \"my \"\"neon\"\"\" TO app;"
            )
        );
    }
}
