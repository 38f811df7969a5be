//! Owns what is said of places and sessions in which no call is made.

use super::{Error, ErrorKind};

impl Error {
    pub fn overridden_setting(setting: &str) -> Self {
        Self::new(
            ErrorKind::Forbidden,
            format!("setting \"{setting}\" was given outside of the server's configuration"),
        )
        .with_detail(
            "It decides where an API key goes, whose code runs or what is logged, and this session does \
             not know its configured value.",
        )
        .with_hint(
            "Remove it from the connection's options, from ALTER ROLE and from ALTER DATABASE, and \
             connect again.",
        )
    }

    pub fn security_restricted() -> Self {
        Self::new(
            ErrorKind::Forbidden,
            "cannot call the Neon API within security-restricted operation",
        )
        .with_detail("Postgres makes and refreshes materialized views so, and builds indexes.")
        .with_hint("Keep the rows in a table: CREATE TABLE ... AS SELECT ...;")
    }

    pub fn dry_run_too_late() -> Self {
        Self::new(
            ErrorKind::Forbidden,
            "neon_auth_admin.dry_run was set after connection start",
        )
        .with_detail("It does not count, and no call is made in this session.")
        .with_hint("Connect again, with it in the connection's options, or without it.")
    }

    pub fn dry_run_for_others() -> Self {
        Self::new(
            ErrorKind::Forbidden,
            "neon_auth_admin.dry_run of the connection does not count in a SECURITY DEFINER function",
        )
        .with_detail("Who connects must not decide what is done with another role's rights.")
        .with_hint("Set it for the database: ALTER DATABASE ... SET neon_auth_admin.dry_run = on;")
    }

    pub fn nothing_made_up(function: &str) -> Self {
        let message = format!("could not make an answer of {function}() up in a dry run");
        Self::new(ErrorKind::BadResponse, message)
    }

    pub fn dry_run() -> Self {
        let message = "nothing is sent while neon_auth_admin.dry_run is on";
        Self::new(ErrorKind::NotConfigured, message)
    }
}
