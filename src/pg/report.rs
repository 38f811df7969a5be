//! Owns the way from an [`Error`] to what Postgres raises: the SQLSTATE of each kind.

use pgrx::pg_sys::errcodes::PgSqlErrorCode;
use pgrx::pg_sys::panic::ErrorReport;

use crate::error::{Error, ErrorKind};
use crate::pg::text::for_message;

impl From<Error> for ErrorReport {
    fn from(error: Error) -> Self {
        let mut report = Self::new(
            sqlstate(error.kind),
            for_message(error.message),
            "neon_auth_admin",
        );
        if let Some(detail) = error.detail {
            report = report.set_detail(for_message(detail));
        }
        if let Some(hint) = error.hint {
            report = report.set_hint(for_message(hint));
        }
        report
    }
}

fn sqlstate(kind: ErrorKind) -> PgSqlErrorCode {
    use PgSqlErrorCode as C;
    match kind {
        ErrorKind::NotConfigured => C::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, // 55000
        ErrorKind::NullArgument => C::ERRCODE_NULL_VALUE_NOT_ALLOWED,            // 22004
        ErrorKind::UndefinedTable => C::ERRCODE_UNDEFINED_TABLE,                 // 42P01
        ErrorKind::Locked => C::ERRCODE_LOCK_NOT_AVAILABLE,                      // 55P03
        ErrorKind::FixedSnapshot => C::ERRCODE_ACTIVE_SQL_TRANSACTION,           // 25001
        ErrorKind::InvalidValue => C::ERRCODE_INVALID_PARAMETER_VALUE,           // 22023
        ErrorKind::InvalidOptionName => C::ERRCODE_FDW_INVALID_OPTION_NAME,      // HV00D
        ErrorKind::ForeignTable => C::ERRCODE_WRONG_OBJECT_TYPE,                 // 42809
        ErrorKind::Unauthenticated => C::ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION, // 28000
        ErrorKind::Forbidden => C::ERRCODE_INSUFFICIENT_PRIVILEGE,               // 42501
        ErrorKind::NotFound => C::ERRCODE_NO_DATA_FOUND,                         // P0002
        ErrorKind::TooManyRows => C::ERRCODE_TOO_MANY_ROWS,                      // P0003
        ErrorKind::AlreadyExists => C::ERRCODE_UNIQUE_VIOLATION,                 // 23505
        ErrorKind::Busy => C::ERRCODE_OBJECT_IN_USE,                             // 55006
        ErrorKind::RateLimited => C::ERRCODE_CONFIGURATION_LIMIT_EXCEEDED,       // 53400
        ErrorKind::Unreachable => C::ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION, // 08001
        ErrorKind::Disconnected => C::ERRCODE_CONNECTION_FAILURE,                // 08006
        ErrorKind::OutcomeUnknown => C::ERRCODE_TRANSACTION_RESOLUTION_UNKNOWN,  // 08007
        ErrorKind::BadResponse => C::ERRCODE_PROTOCOL_VIOLATION,                 // 08P01
        ErrorKind::ServerFault => C::ERRCODE_SYSTEM_ERROR,                       // 58000
        ErrorKind::NotSupported => C::ERRCODE_FEATURE_NOT_SUPPORTED,             // 0A000
        ErrorKind::OutOfMemory => C::ERRCODE_OUT_OF_MEMORY,                      // 53200
        ErrorKind::Interrupted => C::ERRCODE_QUERY_CANCELED,                     // 57014
    }
}
