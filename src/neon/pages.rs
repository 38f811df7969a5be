//! Owns the way through a list that comes in pages, whichever field names the next one. It knows nothing
//! of what is listed, nor of how a page is fetched.

use std::collections::HashSet;
use std::io;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::neon::endpoint::Endpoint;
use crate::neon::request::Request;
use crate::neon::target::Target;

/// Items a page. Of Neon's projects, whose JSON takes 2 to 3 kB each, so many fit into the default of the
/// longest answer that is read.
const LIMIT: usize = 50;
/// Ten columns of each are as many values as a single answer may have.
const MAX_ITEMS: usize = 10_000;
/// As much as a single answer may have at most, in bytes.
const MAX_SIZE: usize = 16 << 20;
/// What names a page is part of a URL.
const MAX_CURSOR: usize = 4096;

/// An answer that is a part of a list.
pub trait Page: DeserializeOwned {
    type Item: Serialize;

    fn into_parts(self) -> (Vec<Self::Item>, Pagination);
}

/// What an answer says of the pages after it: projects have a `cursor`, branches a `next`.
#[derive(Debug, Default, Deserialize)]
pub struct Pagination {
    #[serde(default)]
    cursor: Option<String>,
    #[serde(default)]
    next: Option<String>,
}

impl Pagination {
    fn next(self) -> Option<String> {
        let mut named = [self.next, self.cursor].into_iter().flatten();
        named.find(|cursor| !cursor.is_empty())
    }
}

impl Endpoint {
    /// The request for the first page of a list.
    pub(super) fn first_page<P: Page>(&'static self, target: &Target) -> Result<Request<P>, Error> {
        let request = self.json(target, [])?;
        Ok(request.with_query("limit", Some(LIMIT.to_string())))
    }
}

/// All items, page after page as `send` fetches them; `None` where it sends nothing. There is all of a
/// list or an error.
///
/// The last page is one that names no next one, or one without items: of projects, the last page with items
/// names another. That a page has fewer than were asked for says nothing: Neon may have a limit of its own.
pub fn pages<P: Page>(
    mut request: Request<P>,
    mut send: impl FnMut(&Request<P>) -> Result<Option<P>, Error>,
) -> Result<Option<Vec<P::Item>>, Error> {
    let (mut items, mut size) = (Vec::new(), Size(0));
    let mut named = HashSet::new();
    loop {
        let page = send(&request).map_err(|error| error.after_pages(named.len()))?;
        let Some((more, pagination)) = page.map(Page::into_parts) else {
            return Ok(None);
        };
        let is_empty = more.is_empty();
        for item in more {
            size.add(&item);
            items.push(item);
        }
        if items.len() > MAX_ITEMS || size.0 > MAX_SIZE {
            return Err(Error::list_too_long(&request, MAX_ITEMS));
        }
        let Some(next) = pagination.next().filter(|_| !is_empty) else {
            return Ok(Some(items));
        };
        let page = named.len() + 1;
        if next.len() > MAX_CURSOR {
            return Err(Error::bad_page(&request, page, "more than 4096 bytes"));
        }
        if !named.insert(next.clone()) {
            let earlier = "itself or an earlier one";
            return Err(Error::bad_page(&request, page, earlier));
        }
        request = request.with_query("cursor", Some(next));
    }
}

/// Of items as JSON, in bytes.
struct Size(usize);

impl Size {
    fn add(&mut self, item: &impl Serialize) {
        // Counting does not fail, and what was read as JSON can be written.
        let _ = serde_json::to_writer(self, item);
    }
}

impl io::Write for Size {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::neon::branches::{self, Branches};
    use crate::neon::projects::{self, Projects};

    /// What is made of these answers, and the queries that were sent.
    fn list<P: Page>(
        request: Request<P>,
        answers: impl IntoIterator<Item = String>,
    ) -> (Result<Vec<P::Item>, Error>, Vec<String>) {
        let mut answers = answers.into_iter();
        let mut queries = vec![];
        let list = pages(request, |request| {
            let (_, query) = (request.path_and_query().split_once('?'))
                .map(|(path, query)| (path.to_owned(), query.to_owned()))
                .unwrap_or_default();
            queries.push(query);
            let answer = answers.next().expect("no more than these are asked for");
            Ok(Some(
                request.decode(200, answer.as_bytes()).expect("a page"),
            ))
        });
        (list.map(Option::unwrap_or_default), queries)
    }

    fn projects() -> Request<Projects> {
        projects::list(&Target::account(), None, Some("a b&c=é")).expect("a request")
    }

    fn branches() -> Request<Branches> {
        let target = Target::new("p", None, None).expect("a target");
        branches::list(&target, None).expect("a request")
    }

    fn page_of_projects(ids: &[&str], pagination: &str) -> String {
        let ids: Vec<_> = ids.iter().map(|id| format!(r#"{{"id":"{id}"}}"#)).collect();
        format!(
            r#"{{"projects":[{}],"pagination":{pagination}}}"#,
            ids.join(",")
        )
    }

    fn page_of_branches(id: &str, pagination: &str) -> String {
        format!(r#"{{"branches":[{{"id":"{id}"}}]{pagination}}}"#)
    }

    #[test]
    fn projects_end_with_an_empty_page() {
        let answers = [
            page_of_projects(&["a", "b"], r#"{"cursor":"b"}"#),
            page_of_projects(&["c"], r#"{"cursor":"c/?&"}"#),
            page_of_projects(&[], r#"{"cursor":"c/?&"}"#),
        ];
        let (listed, queries) = list(projects(), answers);
        let ids: Vec<_> = listed
            .expect("a list")
            .into_iter()
            .map(|it| it.id)
            .collect();
        assert_eq!(ids, ["a", "b", "c"]);
        let first = "limit=50&search=a%20b%26c%3D%C3%A9";
        let next = |cursor| format!("{first}&cursor={cursor}");
        assert_eq!(queries, [first.to_owned(), next("b"), next("c%2F%3F%26")]);
    }

    #[test]
    fn branches_end_with_a_page_that_names_none() {
        for end in [
            "",
            r#","pagination":{}"#,
            r#","pagination":{"next":""}"#,
            r#","pagination":null"#,
        ] {
            let answers = [
                page_of_branches("a", r#","pagination":{"next":"1","sort_by":"name"}"#),
                page_of_branches("b", r#","pagination":{"next":"2"}"#),
                page_of_branches("c", end),
            ];
            let (listed, queries) = list(branches(), answers);
            let first = "limit=50&sort_by=created_at&sort_order=asc";
            let next = |cursor| format!("{first}&cursor={cursor}");
            let ids: Vec<_> = listed
                .expect("a list")
                .into_iter()
                .map(|it| it.id)
                .collect();
            assert_eq!(ids, ["a", "b", "c"]);
            assert_eq!(queries, [first.to_owned(), next("1"), next("2")]);
        }
    }

    #[test]
    fn a_circle_is_an_error() {
        for (circle, page) in [(vec!["1", "1"], 2), (vec!["1", "2", "3", "1"], 4)] {
            let answers = circle.iter().map(|next| {
                page_of_branches("a", &format!(r#","pagination":{{"next":"{next}"}}"#))
            });
            let (listed, _) = list(branches(), answers);
            let error = listed.expect_err("an error");
            assert_eq!(error.kind, ErrorKind::BadResponse);
            let detail = error.detail.unwrap_or_default();
            assert!(
                detail.contains(&format!(": page {page} names ")),
                "{detail}"
            );
        }
    }

    #[test]
    fn a_list_has_an_end() {
        let ids = vec!["a"; 2500];
        let pages = (0..).map(|n| page_of_projects(&ids, &format!(r#"{{"cursor":"{n}"}}"#)));
        let (listed, queries) = list(projects(), pages);
        assert_eq!(listed.expect_err("an error").kind, ErrorKind::BadResponse);
        assert_eq!(queries.len(), 5);
        let long = "a".repeat(1 << 20);
        let pages = (0..).map(|n| page_of_projects(&[&long], &format!(r#"{{"cursor":"{n}"}}"#)));
        let (listed, queries) = list(projects(), pages);
        assert_eq!(listed.expect_err("an error").kind, ErrorKind::BadResponse);
        assert_eq!(queries.len(), 16);
    }

    #[test]
    fn what_could_not_be_fetched_at_neon_is_listed_by_its_id() {
        let answer = r#"{"projects":[],"unavailable_project_ids":["b"],"pagination":{}}"#;
        let (listed, _) = list(projects(), [answer.to_owned()]);
        let listed = listed.expect("a list");
        assert_eq!(listed.len(), 1);
        assert_eq!((listed[0].id.as_str(), &listed[0].name), ("b", &None));
    }
}
