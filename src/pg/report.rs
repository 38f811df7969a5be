//! Owns the way from an [`Error`] to what Postgres reports. An error is raised when it is turned into
//! what a SQL function returns, and not later: see [`Raise`].

use std::fmt;

use pgrx::pg_sys::elog::PgLogLevel;
use pgrx::pg_sys::panic::ErrorReport;

use crate::error::Error;
use crate::pg::raised::Raised;
use crate::pg::text::for_message;
use crate::pg::wait::uninterrupted;

/// The error of a SQL function. It has no values: to make one of an [`Error`] is to raise that. So
/// nobody can keep one, let it go, or raise it in the place of another.
pub enum Raise {}

impl From<Error> for Raise {
    fn from(error: Error) -> Self {
        raise(error)
    }
}

impl fmt::Display for Raise {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}

pub fn raise(error: Error) -> ! {
    report(error, PgLogLevel::ERROR);
    unreachable!("an error was reported")
}

pub fn warn(error: Error) {
    // An interrupt that is served now would jump over what this call still holds.
    uninterrupted(|| report(error, PgLogLevel::WARNING));
}

fn report(error: Error, level: PgLogLevel) {
    let raised = Raised::new(error.kind.sqlstate());
    let mut report = ErrorReport::new(
        raised.known_code(),
        for_message(error.message),
        "neon_auth_admin",
    );
    if let Some(detail) = error.detail {
        report = report.set_detail(for_message(detail));
    }
    if let Some(hint) = error.hint {
        report = report.set_hint(for_message(hint));
    }
    raised.complete(report, level);
}
