//! Owns what is said of a path that a caller gives.

use super::{Error, ErrorKind};

impl Error {
    /// `why` is a sentence, and shows nothing of the value.
    pub fn invalid_path(name: &str, why: &str) -> Self {
        Self::new(
            ErrorKind::InvalidValue,
            format!("invalid value for argument \"{name}\""),
        )
        .with_detail(why)
        .with_hint(
            "Give what follows \".../auth/\": segments with a slash between them, of letters, digits, \
             \"-\", \".\", \"_\" and \"~\", and perhaps a query. Anything else in them has to be \
             percent-encoded, such as a slash as %2F.",
        )
    }
}
