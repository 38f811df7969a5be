//! Owns what is said of lists that come in pages.

use super::{Error, ErrorKind};
use crate::neon::request::Request;

impl Error {
    /// More of them than are taken, or larger ones.
    pub fn list_too_long<T>(request: &Request<T>, max: usize) -> Self {
        Self::new(
            ErrorKind::BadResponse,
            format!(
                "could not {}: the answer is too large",
                request.endpoint().purpose
            ),
        )
        .with_detail(format!(
            "Neon API: {request:?} lists more than {max} of them, or they take more than 16 MB."
        ))
        .with_hint("Name a part of a name or an id in the argument \"search\".")
    }

    /// `named` is what that page names as the next one.
    pub fn bad_page<T>(request: &Request<T>, page: usize, named: &str) -> Self {
        Self::new(
            ErrorKind::BadResponse,
            format!(
                "could not {}: the answer is malformed",
                request.endpoint().purpose
            ),
        )
        .with_detail(format!(
            "Neon API: {request:?}: page {page} names {named} as the next. Nothing is returned: a part would \
             pass for the whole."
        ))
    }

    /// The same, where so many pages were there already.
    pub fn after_pages(self, pages: usize) -> Self {
        let had = match pages {
            0 => return self,
            1 => "1 page".to_owned(),
            pages => format!("{pages} pages"),
        };
        self.and_detail(&format!(
            "{had} had arrived, of which nothing is returned: a part would pass for the whole."
        ))
    }
}
