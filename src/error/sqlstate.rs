//! Owns the SQLSTATE of each kind of error. Class NA is the extension's own: pools take 08, 53, 57 and
//! 58 for a lost connection, retry layers send again after 40 and 55, and a failed HTTP call is neither.

use super::ErrorKind;

impl ErrorKind {
    pub fn sqlstate(self) -> &'static str {
        match self {
            Self::Unreachable => "NA001",
            Self::Disconnected => "NA002",
            Self::OutcomeUnknown => "NA003",
            Self::BadResponse => "NA004",
            Self::ServerFault => "NA005",
            Self::RateLimited => "NA006",
            Self::Busy | Self::Locked => "NA007",
            Self::NotSupported => "NA008",
            Self::NotConfigured => "NA009",
            Self::WaitingForItself => "NA010",
            Self::ChangedTwice => "21000",
            Self::CrashedDelivery => "NA011",
            Self::NullArgument => "22004",
            Self::InvalidValue => "22023",
            Self::AlreadyExists => "23505",
            Self::FixedSnapshot | Self::InTransaction => "25001",
            Self::Unauthenticated => "28000",
            Self::UndefinedTable => "42P01",
            Self::Forbidden => "42501",
            Self::ForeignTable => "42809",
            Self::OutOfMemory => "53200",
            Self::InUse => "55006",
            Self::Interrupted => "57014",
            Self::InvalidOptionName => "HV00D",
            Self::NotFound => "P0002",
            Self::TooManyRows => "P0003",
        }
    }
}
