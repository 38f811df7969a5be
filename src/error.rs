//! Owns the errors of the crate: a fieldless kind, and one named constructor per situation, so that
//! every message is found here and below.

mod configuration;
mod documents;
mod keys;
mod lists;
mod local_users;
mod paths;
mod places;
mod queue;
mod sqlstate;
mod sync_user;
mod views;

use std::fmt;
use std::time::Duration;

use crate::neon::endpoint::Look;

pub use configuration::quote_literal;
pub use keys::Mapping;
pub use local_users::ROWS_OF_ITS_OWN;
pub use views::Done;

/// What went wrong, in the terms a caller can act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// No server, no mapping, or no usable option in them.
    NotConfigured,
    /// A required argument is NULL.
    NullArgument,
    /// A table that is not in this database.
    UndefinedTable,
    /// A lock in this database that somebody else holds for longer than there is time.
    Locked,
    /// Neon would wait for the transaction that waits for Neon.
    WaitingForItself,
    /// It is being used at the moment, and that passes.
    InUse,
    /// What commits was called inside of a transaction.
    InTransaction,
    /// The session that delivered a queued call ended too often while it did.
    CrashedDelivery,
    /// The transaction sees nothing that others commit from now on.
    FixedSnapshot,
    /// An argument or option, or what Neon says of an argument (400, 422).
    InvalidValue,
    /// An option that does not exist where it was given.
    InvalidOptionName,
    /// A foreign table, of which the wrapper has none.
    ForeignTable,
    /// Neon does not know the key (401).
    Unauthenticated,
    /// The role or the key may not do this (403).
    Forbidden,
    /// Neon answered 404, or the only row of a list is not there.
    NotFound,
    /// A list that should have one row has more, or a statement would write more rows than it may.
    TooManyRows,
    /// Neon answered 409, or says so in the words of a 400 or 422.
    AlreadyExists,
    /// Neon answered 423 for as long as there was time.
    Busy,
    /// Neon answered 429, and the wait does not fit.
    RateLimited,
    /// Nothing was sent: name resolution, connection or TLS failed.
    Unreachable,
    /// A read was cut off or timed out.
    Disconnected,
    /// A write was sent, and what came back does not say that it was not done: nothing, nothing that can
    /// be used, 5xx other than 503.
    OutcomeUnknown,
    /// An answer to a read that is not what the API promises; to any request, a redirect or another refusal
    /// that it does not know.
    BadResponse,
    /// Neon answered 503, or 5xx to a read: nothing was done.
    ServerFault,
    /// The API that the server speaks to has no such operation, or a view no such change.
    NotSupported,
    /// One statement would change a row a second time.
    ChangedTwice,
    /// The system refuses memory.
    OutOfMemory,
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
    pub advice: Option<Advice>,
}

/// What to do about it. Whoever shows it knows names, SQL and settings, and makes a sentence of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Advice {
    /// The sentence itself.
    Hint(String),
    /// Neon does not know the key.
    StoreKey,
    /// The key may not do this.
    GrantAccess,
    /// Project and branch may be others, or hidden from the key.
    CheckIds,
    /// The same, where Neon says that it is the user who is not there.
    CheckUser,
    /// A key of a person works in several organizations.
    NameOrganization,
    CreateIntegration,
    ListIntegrations,
    /// What is there already can be seen; and the function, if there is one, that takes it as done.
    LookAround(Option<&'static str>),
    /// A write may have been carried out.
    LookBefore(Look),
    /// A write was carried out, and what it answered is not known.
    LookAtResult(Look),
    WaitForOthers,
    /// For as long as Neon says, if it does.
    SlowDown(Option<Duration>),
    CheckConnection,
    /// The authority that signed a certificate may be one of those that are trusted.
    TrustAuthority,
    RaiseMaxResponse,
    /// The other level has the operation.
    UseBranchLevel,
    UseProjectLevel,
}

impl Error {
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            detail: None,
            advice: None,
        }
    }

    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    pub fn with_hint(self, hint: impl Into<String>) -> Self {
        self.with_advice(Advice::Hint(hint.into()))
    }

    pub fn with_advice(mut self, advice: Advice) -> Self {
        self.advice = Some(advice);
        self
    }

    /// The advice, where it is a sentence.
    pub fn hint(&self) -> Option<&str> {
        match &self.advice {
            Some(Advice::Hint(hint)) => Some(hint),
            _ => None,
        }
    }

    /// The same as a warning, if a write may have been carried out; for whoever is interrupted.
    pub fn if_it_may_be_done(self) -> Option<Self> {
        let kind = ErrorKind::OutcomeUnknown;
        let is_open = matches!(
            self.advice,
            Some(Advice::LookBefore(_) | Advice::LookAtResult(_))
        );
        is_open.then_some(Self { kind, ..self })
    }

    /// With one more sentence of detail.
    pub fn and_detail(self, sentence: &str) -> Self {
        match self.detail.as_deref() {
            Some(detail) => {
                let detail = format!("{detail} {sentence}");
                self.with_detail(detail)
            }
            None => self.with_detail(sentence),
        }
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

    /// `c` is the `n`th, and the reader of the message would not see it in the value either.
    pub fn unseen_character(name: &str, expected: &str, n: usize, c: char) -> Self {
        let code = u32::from(c);
        let expected =
            format!("{expected}, and character {n} of it is U+{code:04X}, which cannot be seen");
        Self::invalid_argument(name, &expected)
    }

    pub fn masked_secret(name: &str) -> Self {
        Self::new(
            ErrorKind::InvalidValue,
            format!("argument \"{name}\" is a masked secret"),
        )
        .with_detail(
            "Readers show ******** in place of a secret unless their argument \"show_secrets\" is true.",
        )
        .with_hint("Give the secret itself.")
    }

    pub fn nothing_to_update() -> Self {
        Self::new(ErrorKind::InvalidValue, "nothing to update")
            .with_hint("Name at least one field that is to change.")
    }

    pub fn needs_project(function: &str) -> Self {
        Self::new(
            ErrorKind::NotConfigured,
            format!("{function}() needs a server with a project_id"),
        )
    }

    pub fn needs_branch(function: &str) -> Self {
        Self::new(
            ErrorKind::NotSupported,
            format!("{function}() needs a server with a branch_id"),
        )
        .with_detail(
            "The project-level API, which a server without one speaks to, has no such operation.",
        )
        .with_advice(Advice::UseBranchLevel)
    }

    pub fn needs_no_branch(function: &str) -> Self {
        Self::new(
            ErrorKind::NotSupported,
            format!("{function}() needs a server without a branch_id"),
        )
        .with_detail(
            "The branch-level API, which a server with one speaks to, has no such operation.",
        )
        .with_advice(Advice::UseProjectLevel)
    }

    pub fn no_reserve() -> Self {
        Self::new(ErrorKind::OutOfMemory, "out of memory")
            .with_detail("There is not enough left to report what might fail.")
    }

    /// It was there when it was to be added, and not when it was looked for.
    pub fn provider_gone(id: &str) -> Self {
        let message = format!("OAuth provider \"{id}\" was deleted by somebody else meanwhile");
        Self::new(ErrorKind::NotFound, message).with_hint("Try again.")
    }

    /// The library is newer or older than the extension's objects.
    pub fn stale_extension(what: &str) -> Self {
        Self::new(
            ErrorKind::NotConfigured,
            format!("extension \"neon_auth_admin\" does not fit its library: {what}"),
        )
        .with_hint("Run ALTER EXTENSION neon_auth_admin UPDATE;")
    }

    /// Others read it and write it, one session after the other.
    pub fn no_turn(purpose: &str) -> Self {
        Self::new(
            ErrorKind::Locked,
            format!("could not {purpose}: another session of this database is doing so"),
        )
        .with_detail(
            "What is not given is read first, so that calls wait for each other. Nothing was sent.",
        )
        .with_hint("Try again when it has ended.")
    }

    // Results.

    /// The arguments whose values are in no list: said of a deletion that succeeded.
    pub fn nothing_to_delete(arguments: &[String]) -> Self {
        let named = arguments.iter().map(|name| format!("\"{name}\""));
        let named = named.collect::<Vec<_>>().join(", ");
        let (message, named) = match arguments {
            [_] => ("redirect domain did not exist", format!("argument {named}")),
            _ => ("redirect domains did not exist", format!("these: {named}")),
        };
        Self::new(ErrorKind::NotFound, message)
            .with_detail(format!("Neon listed none that is spelled like {named}."))
            .with_hint("Spellings are compared letter by letter; list_domains() shows them.")
    }

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
        .with_advice(Advice::CreateIntegration)
    }

    pub fn several_integrations() -> Self {
        Self::new(
            ErrorKind::TooManyRows,
            "could not get integration: there is more than one",
        )
        .with_advice(Advice::ListIntegrations)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
