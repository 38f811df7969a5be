//! Owns the errors of the functions that read users in this database, without a request.

use std::time::Duration;

use super::{Error, ErrorKind};

/// For a hint: what no transaction can see of itself.
pub const ROWS_OF_ITS_OWN: &str = " Neon waits for this transaction, if that has changed, deleted or \
    locked rows there: then commit first.";

const KEEPS_OUT: &str = "LOCK TABLE, a new foreign key to it or another change of its definition keeps \
    writers out until the transaction ends.";

impl Error {
    pub fn no_table_of_users() -> Self {
        Self::missing_users("Neither neon_auth.\"user\" nor neon_auth.users_sync exists.")
    }

    pub fn schema_of_users_denied() -> Self {
        Self::new(
            ErrorKind::Forbidden,
            "permission denied for schema neon_auth",
        )
    }

    pub fn table_of_users_denied(table: &str) -> Self {
        let message = format!("permission denied for table {table}");
        Self::new(ErrorKind::Forbidden, message)
    }

    /// The table of one level is missing; `table` as SQL has it.
    pub fn no_such_table_of_users(table: &str) -> Self {
        Self::missing_users(&format!(
            "The users of that server come into {table}, which does not exist."
        ))
    }

    /// The same in one line, for a list of findings.
    pub fn absent_table_of_users(table: &str) -> Self {
        Self::new(
            ErrorKind::UndefinedTable,
            format!(
                "this database has no {table}, which list_users() and wait_for_user() read; Neon Auth \
                 has it in the database of its branch"
            ),
        )
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

    /// For a request that changes `table`, on which this transaction holds a lock.
    pub fn write_waits_for_itself(purpose: &str, table: &str) -> Self {
        Self::waits_for_itself(purpose).with_detail(format!(
            "Neon writes to {table}, and this transaction holds a lock on it: {KEEPS_OUT} Nothing was sent."
        ))
    }

    /// For a request that drops `table`.
    pub fn drop_waits_for_itself(purpose: &str, table: &str) -> Self {
        Self::waits_for_itself(purpose).with_detail(format!(
            "Neon drops {table}, which this transaction has used, so that it holds a lock on it. Nothing \
             was sent."
        ))
    }

    fn waits_for_itself(purpose: &str) -> Self {
        Self::new(
            ErrorKind::WaitingForItself,
            format!("could not {purpose}: Neon would wait for this transaction"),
        )
        .with_hint("Commit first, and call in a transaction of its own.")
    }

    /// For who waits for what another session writes to `table`.
    pub fn wait_waits_for_itself(table: &str) -> Self {
        Self::new(
            ErrorKind::WaitingForItself,
            "cannot wait for a user in a transaction that keeps others from writing",
        )
        .with_detail(format!(
            "The user is not there yet, and this transaction holds a lock on {table}: {KEEPS_OUT}"
        ))
        .with_hint("Commit first, and wait in a transaction of its own.")
    }

    /// `table` as SQL has it; `may_lock_rows` says whether this transaction may hold locks on rows.
    pub fn user_not_there(table: &str, id: &str, waited: Duration, may_lock_rows: bool) -> Self {
        let own = match may_lock_rows {
            true => ROWS_OF_ITS_OWN,
            false => "",
        };
        Self::new(
            ErrorKind::NotFound,
            format!("user did not appear in {table} in time"),
        )
        .with_detail(format!(
            "After {} ms, no user there has the id \"{id}\".",
            waited.as_millis()
        ))
        .with_hint(format!(
            "It may take longer: wait again. A user that never appears was deleted, or Neon Auth \
             writes to another branch or database: see neon_auth_admin.list_integrations().{own}",
        ))
    }

    /// `what` and the roles as SQL has them, without quotes.
    pub fn untrusted_owner(what: &str, owner: &str, caller: &str) -> Self {
        Self::new(
            ErrorKind::Forbidden,
            format!("{what} belongs to role \"{owner}\", which is not trusted"),
        )
        .with_detail(format!(
            "To read it would run that role's code. Trusted are superusers, the owner of the database, \
             role \"{caller}\" itself, and the roles in neon_auth_admin.users_owners.",
        ))
        .with_hint(
            "If it is what Neon Auth writes to, give it another owner, or have the role added to that \
             setting in postgresql.conf.",
        )
    }

    /// `why` says of the relation what stands against it.
    pub fn no_reading_as_owner(
        relation: &str,
        why: &str,
        owner: &str,
        caller: &str,
        may_become_superuser: bool,
    ) -> Self {
        let reason = match may_become_superuser {
            true => "this session can become a superuser".to_owned(),
            false => format!("neon_auth_admin.users_owners alone makes role \"{owner}\" trusted"),
        };
        Self::new(
            ErrorKind::Forbidden,
            format!("could not read {relation} with the rights of its owner: it {why}"),
        )
        .with_detail(format!(
            "It is read so because {reason}; but then it would show what role \"{owner}\" sees, and \
             not what role \"{caller}\" does.",
        ))
        .with_hint("Query it without this function, or call it in a session of that role.")
    }

    pub fn users_locked(table: &str) -> Self {
        Self::new(ErrorKind::Locked, format!("could not read {table} in time"))
            .with_detail("Another session holds a lock on it, or on what it reads.")
            .with_hint("See pg_locks for who that is, or try again.")
    }

    pub fn users_moved(table: &str) -> Self {
        Self::new(
            ErrorKind::Locked,
            format!("{table} was replaced while it was being read"),
        )
        .with_hint("Try again.")
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
