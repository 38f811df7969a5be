//! Owns what an attempt means for a queued call: whether it is done, has failed, or is tried again. It is a
//! pure function of the error's kind, the operation, and whether an earlier attempt may have been carried out.

use super::call::Operation;
use crate::error::{Advice, Error, ErrorKind};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// An earlier attempt of the same call has made it: what it was to make is there.
    MadeBefore,
    /// The user whom it names is missing, or project or branch are: Neon does not say which. If it is not the user, it
    /// may pass.
    Missing,
    /// Certainly not carried out; it will pass.
    Again,
    /// Perhaps carried out: the next attempt must know of that.
    InDoubt,
    /// Neon wants no more calls for a while, from nobody. Not carried out.
    TooMany,
    /// Nothing about the call is wrong, but the server, the key or a right: its calls wait.
    Configuration,
    /// Another attempt would end the same way.
    Failed,
}

/// What an attempt means that was sent, or was to be. `in_doubt`: an earlier one may have been carried out.
pub fn judge(error: &Error, operation: Operation, in_doubt: bool) -> Verdict {
    use ErrorKind as K;
    use Operation as O;
    match error.kind {
        K::AlreadyExists if in_doubt && matches!(operation, O::CreateUser | O::AddDomain) => {
            Verdict::MadeBefore
        }
        K::NotFound if !matches!(operation, O::DeleteUser | O::SetUserRoles) => {
            Verdict::Configuration
        }
        K::NotFound if error.advice == Some(Advice::CreateIntegration) => Verdict::Configuration,
        K::NotFound if error.advice != Some(Advice::CheckUser) => Verdict::Missing,
        K::OutcomeUnknown => Verdict::InDoubt,
        // The advice is there exactly when a write may have been carried out.
        K::Interrupted if matches!(error.advice, Some(Advice::LookBefore(_))) => Verdict::InDoubt,
        K::RateLimited => Verdict::TooMany,
        K::Interrupted
        | K::Unreachable
        | K::Disconnected
        | K::ServerFault
        | K::Busy
        | K::Locked
        | K::WaitingForItself
        | K::OutOfMemory => Verdict::Again,
        K::NotConfigured | K::Unauthenticated | K::Forbidden => Verdict::Configuration,
        _ => Verdict::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::neon::endpoint::Look;
    use Operation::{AddDomain, CreateUser, DeleteDomain, DeleteUser, SetUserRoles};
    use Verdict::{Again, Configuration, Failed, InDoubt, MadeBefore, Missing, TooMany};

    fn verdict(kind: ErrorKind, operation: Operation, in_doubt: bool) -> Verdict {
        judge(&Error::new(kind, ""), operation, in_doubt)
    }

    fn no_user() -> Error {
        Error::new(ErrorKind::NotFound, "").with_advice(Advice::CheckUser)
    }

    #[test]
    fn what_a_failure_means() {
        use ErrorKind as K;
        let cases = [
            (K::OutcomeUnknown, InDoubt),
            (K::Unreachable, Again),
            (K::Disconnected, Again),
            (K::ServerFault, Again),
            (K::Busy, Again),
            (K::Locked, Again),
            (K::Interrupted, Again),
            (K::OutOfMemory, Again),
            (K::RateLimited, TooMany),
            (K::NotConfigured, Configuration),
            (K::Unauthenticated, Configuration),
            (K::Forbidden, Configuration),
            (K::InvalidValue, Failed),
            (K::BadResponse, Failed),
            (K::NotSupported, Failed),
            (K::AlreadyExists, Failed),
        ];
        for (kind, expected) in cases {
            for operation in Operation::ALL {
                assert_eq!(verdict(kind, operation, false), expected, "{kind:?}");
            }
        }
    }

    #[test]
    fn a_conflict_after_a_doubtful_attempt_is_its_own() {
        use ErrorKind::{AlreadyExists, InvalidValue, NotFound};
        let cases = [
            (AlreadyExists, CreateUser, MadeBefore),
            (AlreadyExists, AddDomain, MadeBefore),
            (AlreadyExists, SetUserRoles, Failed),
            (NotFound, DeleteUser, Missing),
            (InvalidValue, CreateUser, Failed),
        ];
        for (kind, operation, expected) in cases {
            assert_eq!(verdict(kind, operation, true), expected, "{kind:?}");
        }
    }

    #[test]
    fn what_is_not_found_is_what_the_call_names_or_its_place() {
        let no_integration =
            Error::new(ErrorKind::NotFound, "").with_advice(Advice::CreateIntegration);
        let cases = [
            (DeleteUser, Failed, Missing),
            (SetUserRoles, Failed, Missing),
            (CreateUser, Configuration, Configuration),
            (AddDomain, Configuration, Configuration),
            (DeleteDomain, Configuration, Configuration),
        ];
        for (operation, of_user, of_anything) in cases {
            for in_doubt in [false, true] {
                assert_eq!(judge(&no_user(), operation, in_doubt), of_user);
                let judged = judge(&no_integration, operation, in_doubt);
                assert_eq!(judged, Configuration, "{operation:?}");
                let judged = verdict(ErrorKind::NotFound, operation, in_doubt);
                assert_eq!(judged, of_anything, "{operation:?}");
            }
        }
    }

    #[test]
    fn an_interrupt_after_the_request_left_is_in_doubt() {
        let sent =
            Error::new(ErrorKind::Interrupted, "").with_advice(Advice::LookBefore(Look::Users));
        assert_eq!(judge(&sent, CreateUser, false), InDoubt);
    }
}
