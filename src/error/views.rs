//! Owns what is said of statements that write through a view.

use super::{Advice, Error, ErrorKind};
use crate::neon::target::Target;

const STAYS: &str = "Earlier rows of this statement are done and stay so";

/// How many rows of a statement are done.
#[derive(Clone, Copy, Default)]
pub struct Done {
    pub created: usize,
    pub changed: usize,
    pub deleted: usize,
}

impl Done {
    pub fn rows(&self) -> usize {
        self.created + self.changed + self.deleted
    }

    fn in_words(&self) -> Option<String> {
        let kinds = [
            (self.created, "created"),
            (self.changed, "changed"),
            (self.deleted, "deleted"),
        ];
        let kinds = kinds.iter().filter(|(count, _)| *count > 0);
        let kinds: Vec<_> = kinds
            .map(|(count, verb)| format!("{count} {verb}"))
            .collect();
        (!kinds.is_empty()).then(|| kinds.join(", "))
    }
}

impl Error {
    /// Of a row that failed after others of its statement, which no ROLLBACK takes back.
    pub fn after(self, done: Done) -> Self {
        match done.in_words() {
            Some(done) => self.and_detail(&format!("{STAYS}: {done}.")),
            None => self,
        }
    }

    /// The same, said of a statement that ends with an error of Postgres' own.
    pub fn interrupted_after(done: Done) -> Option<Self> {
        let message = "statement ends after calls of the Neon API";
        let error = Self::new(ErrorKind::Interrupted, message);
        Some(error.with_detail(format!("{STAYS}: {}.", done.in_words()?)))
    }

    /// What is there already, where INSERT has a clause for that which Postgres does not tell a trigger of.
    pub fn if_it_was_there(self) -> Self {
        if self.kind != ErrorKind::AlreadyExists {
            return self;
        }
        let clause =
            "ON CONFLICT has no effect on this view: leave such rows out with WHERE NOT EXISTS.";
        let hint = match &self.advice {
            Some(Advice::Hint(hint)) => format!("{hint} {clause}"),
            _ => clause.to_owned(),
        };
        self.with_hint(hint)
    }

    pub fn no_view_to_write() -> Self {
        Self::new(
            ErrorKind::NotSupported,
            "neon_auth_admin_write() is for this extension's own triggers",
        )
    }

    /// `taken` are the columns that INSERT may name.
    pub fn not_taken(view: &str, column: &str, function: &str, taken: &[&str]) -> Self {
        Self::new(
            ErrorKind::InvalidValue,
            format!("column \"{column}\" of view \"{view}\" cannot be given"),
        )
        .with_detail(format!(
            "INSERT calls {function}(), which takes {}.",
            taken.join(", ")
        ))
        .with_hint("Leave it out, or give NULL.")
    }

    /// `changed` are the columns that UPDATE may set.
    pub fn not_changeable(view: &str, column: &str, changed: &[&str]) -> Self {
        let error = Self::new(
            ErrorKind::NotSupported,
            format!("column \"{column}\" of view \"{view}\" cannot be changed"),
        );
        match changed {
            [] => error
                .with_detail("Neon has no operation that changes such a row.")
                .with_hint("INSERT another one, and DELETE this."),
            changed => error.with_detail(format!(
                "Of such a row Neon can change {}.",
                changed.join(", ")
            )),
        }
    }

    pub fn not_clearable(view: &str, column: &str) -> Self {
        Self::new(
            ErrorKind::NullArgument,
            format!("column \"{column}\" of view \"{view}\" cannot be set to null"),
        )
        .with_detail("Neon can replace its value, and not remove it.")
    }

    pub fn changed_twice(view: &str) -> Self {
        Self::new(
            ErrorKind::ChangedTwice,
            format!("a row of view \"{view}\" would be changed a second time by one statement"),
        )
        .with_hint("Let no more than one row be joined with each row of the view.")
    }

    pub fn too_many_writes(view: &str, most: usize) -> Self {
        Self::new(
            ErrorKind::TooManyRows,
            format!("a statement may write no more than {most} rows through view \"{view}\""),
        )
        .with_hint(
            "If all of them are meant, queue them with enqueue(), or raise neon_auth_admin.max_rows for the transaction.",
        )
    }

    pub fn secret_by_copy(view: &str, column: &str) -> Self {
        Self::new(
            ErrorKind::NotSupported,
            format!("column \"{column}\" of view \"{view}\" is not taken from COPY"),
        )
        .with_detail(
            "When a row fails, COPY puts its line into the error and into the server's log.",
        )
        .with_hint("Use INSERT with bound values.")
    }

    /// `own` is the branch of this database, and `target` where calls go.
    pub fn users_of_another_branch(own: &str, target: &Target) -> Self {
        Self::new(
            ErrorKind::NotSupported,
            "view \"users\" shows the users of this branch, and calls go to another one",
        )
        .with_detail(format!("This compute runs branch \"{own}\", and they go to {target}."))
        .with_hint(
            "Call create_user(), set_user_roles() or delete_user(), which show no users of this one.",
        )
    }
}
