//! Owns the errors of the functions that read users in this database, without a request.

use std::time::Duration;

use super::{Error, ErrorKind};

impl Error {
    pub fn no_table_of_users() -> Self {
        Self::missing_users("Neither neon_auth.\"user\" nor neon_auth.users_sync exists.")
    }

    /// The table of one level is missing; `table` as SQL has it.
    pub fn no_such_table_of_users(table: &str) -> Self {
        Self::missing_users(&format!(
            "The users of that server come into {table}, which does not exist."
        ))
    }

    fn missing_users(detail: &str) -> Self {
        Self::new(
            ErrorKind::UndefinedTable,
            "this database has no table of Neon Auth's users",
        )
        .with_detail(detail)
        .with_hint(
            "Enable Neon Auth with neon_auth_admin.create_integration(), or connect to the branch \
             and database that neon_auth_admin.list_integrations() shows.",
        )
    }

    /// `table` as SQL has it.
    pub fn user_not_there(table: &str, id: &str, waited: Duration) -> Self {
        Self::new(
            ErrorKind::NotFound,
            format!("user did not appear in {table} in time"),
        )
        .with_detail(format!(
            "After {} ms, no user there has the id \"{id}\".",
            waited.as_millis()
        ))
        .with_hint(
            "It may take longer: wait again. A user that never appears was deleted, or Neon Auth \
             writes to another branch or database: see neon_auth_admin.list_integrations().",
        )
    }

    pub fn fixed_snapshot() -> Self {
        Self::new(
            ErrorKind::FixedSnapshot,
            "cannot wait for a user in a transaction that sees no new commits",
        )
        .with_detail(
            "The user is not there yet, and at the isolation levels REPEATABLE READ and SERIALIZABLE \
             a transaction does not see what is committed after its snapshot.",
        )
        .with_hint("Commit first, and wait in a READ COMMITTED transaction of its own.")
    }
}
