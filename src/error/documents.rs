//! Owns what is said of documents: of a configuration that cannot be read, planned or applied. A place in a
//! document is a path such as `domains[1]` or `oauth_providers.google.client_secret`; no value is repeated.

use super::{Advice, Error, ErrorKind};

impl Error {
    /// `expected` completes the sentence "It must be ...".
    pub fn invalid_document(path: &str, expected: &str) -> Self {
        Self::at(path).with_detail(format!("It must be {expected}."))
    }

    /// The same with what a check of an argument says.
    pub fn at_path(self, path: &str) -> Self {
        Self {
            detail: self.detail,
            ..Self::at(path)
        }
    }

    fn at(path: &str) -> Self {
        Self::new(
            ErrorKind::InvalidValue,
            format!("invalid configuration at \"{path}\""),
        )
    }

    pub fn unreadable_document(expected: &str) -> Self {
        Self::invalid_argument("configuration", expected)
    }

    /// `known` are the names that are taken in its place.
    pub fn unknown_member<'a>(path: &str, known: impl Iterator<Item = &'a str>) -> Self {
        let known = known.collect::<Vec<_>>().join(", ");
        Self::at(path)
            .with_detail("There is nothing of that name.")
            .with_hint(format!("These names are known there: {known}."))
    }

    pub fn null_member(path: &str) -> Self {
        Self::at(path).with_detail("It is null.").with_hint(
            "Leave out what is to stay as it is. A setting that does not exist is null: \
             current_setting() with a second argument returns it.",
        )
    }

    pub fn duplicate_member(path: &str, first: &str) -> Self {
        Self::at(path).with_detail(format!("It is the same as \"{first}\"."))
    }

    /// `is_branch` says what the server is.
    pub fn section_of_other_level(path: &str, is_branch: bool) -> Self {
        let (level, advice) = match is_branch {
            true => ("branch", Advice::UseProjectLevel),
            false => ("project", Advice::UseBranchLevel),
        };
        Self::at(path)
            .with_detail(format!(
                "The {level}-level API, which the server speaks to, has no such section."
            ))
            .with_advice(advice)
    }

    /// The document is right, but not for what Neon has.
    pub fn missing_member(path: &str, why: &str) -> Self {
        Self::at(path)
            .with_detail(format!("It is missing. {why}"))
            .with_hint("Name it in the document.")
    }

    pub fn nothing_to_leave(path: &str) -> Self {
        Self::at(path)
            .with_detail(
                "It is a masked secret, which stands for the one at Neon, and there is none.",
            )
            .with_hint("Give the secret itself, or take what it belongs to out of the document.")
    }

    /// `what` is a sentence, and so is `instead`.
    pub fn replacement(path: &str, what: &str, instead: &str) -> Self {
        Self::new(
            ErrorKind::NotSupported,
            format!("configuration at \"{path}\" would replace what Neon has"),
        )
        .with_detail(format!("{what} Nothing was changed."))
        .with_hint(instead)
    }

    pub fn no_such_client(path: &str) -> Self {
        Self::new(
            ErrorKind::NotFound,
            format!("OAuth client at \"{path}\" does not exist"),
        )
        .with_detail(
            "No document creates a client: its secret is shown once, and nobody would see it.",
        )
        .with_hint("create_oauth_client() creates one; name it by the client_id that it returns.")
    }

    /// Of a branch whose answer has no such part, although the document names it.
    pub fn section_not_shown(path: &str) -> Self {
        Self::new(
            ErrorKind::BadResponse,
            format!("Neon does not show \"{path}\""),
        )
        .with_detail(
            "What it shows of the plugins is without it, which does not say that it is off.",
        )
        .with_hint("Take it out of the document.")
    }

    pub fn invalid_prune(n: usize, expected: &str) -> Self {
        Self::invalid_argument(&format!("prune[{n}]"), expected)
    }

    /// `progress` says what was made, and what was not tried.
    pub fn step_failed(self, progress: &str) -> Self {
        self.and_detail(progress)
    }

    pub fn no_time_for_step(progress: &str) -> Self {
        Self::new(
            ErrorKind::Unreachable,
            "could not apply configuration: no time is left for the next step",
        )
        .with_detail(format!("It was not sent. {progress}"))
        .with_hint("Apply it again, which goes on from here; a longer timeout of the server leaves more time.")
    }

    /// For whoever interrupts a step that was not sent.
    pub fn apply_interrupted(progress: &str) -> Self {
        Self::new(
            ErrorKind::OutcomeUnknown,
            "the interrupt came before the configuration was applied as a whole",
        )
        .with_detail(progress)
        .with_hint("Apply it again, which goes on from here.")
    }
}
