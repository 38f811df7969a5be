//! Owns what is said of tables that are kept together with users: to who writes to one, and of calls that wait.

use super::{Error, ErrorKind};

impl Error {
    pub fn no_sync_trigger() -> Self {
        Self::new(
            ErrorKind::NotSupported,
            "sync_user() is for triggers that fire AFTER INSERT OR UPDATE OR DELETE, FOR EACH ROW",
        )
    }

    /// COPY does not say which line it was: a trigger is called when all have been read.
    pub fn of_inserted_row(self, nth: u64) -> Self {
        match nth {
            1 => self,
            nth => self.and_detail(&format!("It is row {nth} of those that were inserted.")),
        }
    }

    pub fn wrong_arguments_to_sync() -> Self {
        Self::new(ErrorKind::InvalidValue, "wrong arguments for sync_user()").with_hint(
            "They are the names of the columns of address, name and id, and a server where it is not \"neon\": \
             sync_user('email', 'name', 'auth_user_id'), each another one. Without a column of names: ''.",
        )
    }

    pub fn no_such_column(table: &str, column: &str) -> Self {
        Self::new(
            ErrorKind::InvalidValue,
            format!("column \"{column}\" of {table} does not exist"),
        )
        .with_hint("A trigger with sync_user() names it.")
    }

    pub fn wrong_column(column: &str, expected: &str) -> Self {
        Self::new(
            ErrorKind::InvalidValue,
            format!("column \"{column}\" cannot be used by sync_user()"),
        )
        .with_detail(format!("It must be {expected}."))
    }

    pub fn not_to_be_synced(table: &str, why: &str) -> Self {
        Self::new(
            ErrorKind::NotSupported,
            format!("{table} cannot be kept together with users"),
        )
        .with_detail(why)
    }

    pub fn users_of_truncated(table: &str) -> Self {
        Self::new(
            ErrorKind::NotSupported,
            format!("cannot truncate {table}, whose rows have users"),
        )
        .with_hint("DELETE deletes the users, too.")
    }

    pub fn id_is_of_owner(table: &str, column: &str) -> Self {
        Self::new(
            ErrorKind::Forbidden,
            format!("only the owner of {table} may set column \"{column}\""),
        )
        .with_detail(
            "It is set when the user is there, and who deletes the row deletes the user. Before Postgres 18 a \
             deferrable trigger does not know who writes, and lets nobody set it.",
        )
    }

    pub fn address_of_user(table: &str, column: &str) -> Self {
        Self::new(
            ErrorKind::NotSupported,
            format!("cannot change column \"{column}\" of a row of {table} that has a user"),
        )
        .with_detail("Neon has no operation for it.")
        .with_hint("Delete the row and insert it anew, which makes another user.")
    }

    /// `role` may make triggers there, and with this function.
    pub fn trigger_of_strangers(table: &str, role: &str, owner: &str) -> Self {
        Self::new(
            ErrorKind::Forbidden,
            format!("role \"{role}\" could have made the trigger on {table}"),
        )
        .with_detail(format!(
            "Its calls are made with the key of the owner, \"{owner}\", and the other may use it by rights to \
             TRIGGER on the table and EXECUTE on sync_user()."
        ))
        .with_hint("REVOKE one of them.")
    }

    // What is kept with a call.

    pub fn row_is_gone() -> Self {
        Self::new(ErrorKind::NotFound, "the row is gone")
    }

    pub fn row_has_its_user() -> Self {
        Self::new(ErrorKind::AlreadyExists, "the row has its user")
    }

    pub fn table_of_another(table: &str) -> Self {
        Self::new(
            ErrorKind::Forbidden,
            format!("{table} belongs to another role by now"),
        )
        .with_detail("The call was queued with the rights of its owner then.")
    }

    pub fn code_of_strangers(table: &str, code: &str, of: &str, owner: &str) -> Self {
        Self::new(
            ErrorKind::Forbidden,
            format!("{code} of role \"{of}\" would run with the rights of role \"{owner}\""),
        )
        .with_detail(format!(
            "An UPDATE of {table} runs it, in a partition, a trigger, a constraint or an expression."
        ))
        .with_hint("Partitions, and what they and the table run, must belong to its owner, or to a superuser.")
    }

    /// Somebody has locked it; it is tried again.
    pub fn table_is_locked(table: &str) -> Self {
        Self::new(ErrorKind::Locked, format!("{table} is locked"))
            .with_detail("Calls for its rows wait until it is not.")
    }

    pub fn table_has_changed(table: &str) -> Self {
        Self::new(ErrorKind::Locked, format!("{table} has changed meanwhile"))
    }

    /// Whatever has run when the id was stored.
    pub fn lost_writing() -> Self {
        Self::new(
            ErrorKind::Locked,
            "the session that was to store the id of the user in the row ended while it did",
        )
    }

    pub fn crashed_writing(crashes: i32) -> Self {
        Self::new(
            ErrorKind::CrashedDelivery,
            format!("the session that was to store the id of the user in the row ended {crashes} times while it did"),
        )
        .with_detail("The user was created. A trigger of the table may be what ends it.")
        .with_hint("Find out why in the server's log, then try again: SELECT neon_auth_admin.retry_queued(...);")
    }

    /// `role` may make triggers there.
    pub fn code_by_strangers(table: &str, role: &str, owner: &str) -> Self {
        Self::new(
            ErrorKind::Forbidden,
            format!("role \"{role}\" could have made a trigger on {table} or a partition"),
        )
        .with_detail(format!(
            "When the id of a user is stored, it runs with the rights of the owner, \"{owner}\"."
        ))
        .with_hint("Look at the triggers, and REVOKE TRIGGER.")
    }

    pub fn column_is_gone(table: &str) -> Self {
        Self::new(
            ErrorKind::NotConfigured,
            format!("a column of {table} is not what it was when the call was queued"),
        )
    }

    pub fn key_of_several_rows(table: &str) -> Self {
        Self::new(
            ErrorKind::NotConfigured,
            format!("{table} has several rows with what was the primary key"),
        )
    }

    pub fn row_cannot_be_read(message: &str) -> Self {
        Self::new(
            ErrorKind::Locked,
            "could not look at the row that the call is for",
        )
        .with_detail(message)
    }

    pub fn id_not_stored(message: &str) -> Self {
        Self::new(
            ErrorKind::Locked,
            "the user was created, and its id could not be stored in the row",
        )
        .with_detail(message)
    }

    pub fn id_not_known() -> Self {
        Self::new(
            ErrorKind::OutcomeUnknown,
            "the user is there, and its id is not known here yet",
        )
        .with_detail("It is looked for in the table of users.")
    }

    /// By that call, which waits or has failed.
    pub fn user_is_to_be_deleted(call: i64) -> Self {
        Self::new(
            ErrorKind::Busy,
            format!("the user with this address is to be deleted by call {call}"),
        )
        .with_detail("Otherwise the row would have the id of a user who is there no more.")
        .with_hint(format!(
            "It is tried again. If that call is not made by itself: SELECT neon_auth_admin.retry_queued({call}); or \
             take it back, so that the row gets this user: SELECT neon_auth_admin.cancel_queued({call});"
        ))
    }

    pub fn user_was_there() -> &'static str {
        "Where it is to be the row's: store its id there, or retry_queued() once the table of users has it and \
         can be read."
    }
}
