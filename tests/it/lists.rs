//! Lists that come in pages, in either shape, as the client fetches them; and what Neon says of a key.

use std::time::{Duration, Instant};

use neon_auth_admin::error::{Advice, Error, ErrorKind};
use neon_auth_admin::neon::client::new_request_id;
use neon_auth_admin::neon::diagnosis::diagnose;
use neon_auth_admin::neon::pages::{Page, pages};
use neon_auth_admin::neon::request::Request;
use neon_auth_admin::neon::target::Target;
use neon_auth_admin::neon::{account, branches, integration, projects};
use neon_auth_admin::secret::Secret;

use crate::support::{KEY, World, timed};

/// All pages under one deadline.
fn fetch<P: Page>(world: &World, request: Request<P>) -> Result<Vec<P::Item>, Error> {
    let client = world.client();
    let all = pages(request, |page| {
        client.send(page, &new_request_id()).map(Some)
    });
    all.map(Option::unwrap_or_default)
}

fn projects(world: &World, org_id: &str) -> Result<Vec<String>, Error> {
    let request = projects::list(&Target::account(), Some(org_id), None);
    let listed = fetch(world, request.expect("a valid request"))?;
    Ok(listed.into_iter().map(|it| it.id).collect())
}

fn branches(world: &World, project_id: &str) -> Result<Vec<String>, Error> {
    let target = Target::new(project_id, None, None).expect("a valid id");
    let listed = fetch(world, branches::list(&target, None).expect("a request"))?;
    Ok(listed.into_iter().map(|it| it.id).collect())
}

type List = fn(&World, &str) -> Result<Vec<String>, Error>;

/// The lists, and the ids that say how many there are in them.
const LISTS: [(List, &str); 2] = [(projects, "projects"), (branches, "branches")];

fn queries(world: &World, id: &str) -> Vec<String> {
    let arrived = world.simulator.requests_of(id).into_iter();
    arrived
        .map(|it| it.path.split_once('?').expect("a query").1.to_owned())
        .collect()
}

#[test]
fn all_pages_are_fetched() {
    let world = World::new();
    for (list, of_what) in LISTS {
        for (all, requests) in [(0, [1, 1]), (50, [2, 1]), (51, [3, 2]), (120, [4, 3])] {
            let id = format!("test-{of_what}-{all}");
            let listed = list(&world, &id).expect("a list");
            let expected = (1..=all).map(|n| format!("{}-many-{n:04}", first(of_what)));
            assert!(listed.iter().eq(&Vec::from_iter(expected)), "{listed:?}");
            let requests = requests[usize::from(of_what == "branches")];
            let queries = queries(&world, &id);
            assert_eq!(queries.len(), requests, "{queries:?}");
            assert!(queries.iter().all(|query| query.starts_with("limit=50")));
            let last = queries.last().expect("one");
            assert_eq!(requests > 1, last.contains("&cursor=after%2F"), "{last}");
        }
    }
    assert_eq!(world.simulator.connections(), 1, "one connection for all");
}

fn first(of_what: &str) -> &str {
    match of_what {
        "projects" => "test",
        _ => "br",
    }
}

#[test]
fn a_page_that_names_itself_is_an_error_and_an_empty_one_the_end() {
    let world = World::new();
    for (list, of_what) in LISTS {
        let id = format!("fault-pages-same--{of_what}-120");
        let error = list(&world, &id).expect_err("an error");
        assert_eq!(error.kind, ErrorKind::BadResponse);
        let message = format!("could not list {of_what}: the answer is malformed");
        assert_eq!(error.message, message);
        let detail = error.detail.unwrap_or_default();
        assert!(detail.contains(": page 2 names itself"), "{detail}");
        assert_eq!(queries(&world, &id).len(), 2);

        let id = format!("fault-pages-empty--{of_what}-120");
        assert_eq!(list(&world, &id).expect("a list").len(), 50);
        assert_eq!(queries(&world, &id).len(), 2);
    }
}

/// Nothing of the pages that were there is returned, and the error says so.
#[test]
fn one_deadline_is_for_all_pages() {
    let mut world = World::new();
    world.timeout = Duration::from_secs(2);
    for (list, of_what) in LISTS {
        let id = format!("fault-pages-silent--{of_what}-120");
        let (listed, time) = timed(|| list(&world, &id));
        let error = listed.expect_err("an error");
        assert_eq!(error.kind, ErrorKind::Disconnected, "{error:?}");
        let detail = error.detail.unwrap_or_default();
        assert!(detail.contains(": the time was up"), "{detail}");
        let said =
            "1 page had arrived, of which nothing is returned: a part would pass for the whole.";
        assert!(detail.ends_with(said), "{detail}");
        assert!(!detail.contains("cursor"), "no query is shown: {detail}");
        assert!(time < Duration::from_secs(10), "{time:?}");

        // Each page in time, and all of them not.
        let id = format!("fault-slow-500--{of_what}-500");
        let started = Instant::now();
        let error = list(&world, &id).expect_err("an error");
        assert!(started.elapsed() >= world.timeout);
        let detail = error.detail.unwrap_or_default();
        assert!(detail.contains("of which nothing is returned"), "{detail}");
    }
}

#[test]
fn a_page_is_asked_for_again_where_that_helps() {
    let world = World::new();
    for (list, of_what) in LISTS {
        let id = format!("fault-503-x1--{of_what}-60");
        assert_eq!(list(&world, &id).expect("a list").len(), 60);
        let id = format!("fault-400--{of_what}-60");
        let error = list(&world, &id).expect_err("an error");
        assert_eq!(error.kind, ErrorKind::InvalidValue);
    }
}

#[test]
fn a_personal_key_names_an_organization_and_that_of_a_project_lists_none() {
    let mut world = World::new();
    let list = |world: &World| {
        let request = projects::list(&Target::account(), None, None);
        fetch(world, request.expect("a request"))
    };
    let error = list(&world).expect_err("no organization");
    assert_eq!(error.advice, Some(Advice::NameOrganization));
    let with = |ending: &str| Secret::new(format!("{KEY}{ending}"));
    world.connection.api_key = with("_org");
    assert_eq!(list(&world).expect("a list").len(), 2);
    world.connection.api_key = with("_project");
    assert_eq!(list(&world).expect_err("none").kind, ErrorKind::NotFound);
    assert_eq!(branches(&world, "test-a").expect("a list").len(), 2);
}

#[test]
fn a_key_is_of_some_kind() {
    let mut world = World::new();
    for (ending, said) in [
        ("", "Neon knows the key, a personal one (api_key_user)"),
        (
            "_org",
            "Neon knows the key, that of an organization (api_key_org)",
        ),
        (
            "_project",
            "Neon knows the key, but it may not ask of what kind it is (404): a key of one project may not",
        ),
    ] {
        world.connection.api_key = Secret::new(format!("{KEY}{ending}"));
        let list = integration::list(&world.connection.target).expect("a request");
        let details = account::auth_details().expect("a request");
        let found = diagnose(&world.client(), &list, &details);
        assert_eq!((found[1].ok, found[1].detail.as_str()), (Some(true), said));
        assert!(found.iter().all(|it| it.ok == Some(true)), "{found:?}");
    }
}

#[test]
fn lists_are_of_what_the_target_names() {
    for error in [
        branches::list(&Target::account(), None).expect_err("no project"),
        integration::list(&Target::account()).expect_err("no project"),
    ] {
        assert_eq!(error.kind, ErrorKind::NotConfigured);
        assert!(
            error
                .message
                .ends_with("() needs a server with a project_id")
        );
    }
    let branch = Target::new("p", Some("br-1"), None).expect("valid ids");
    let request = branches::list(&branch, Some("ä/b")).expect("a request");
    let sent = "/projects/p/branches?limit=50&search=%C3%A4%2Fb&sort_by=created_at&sort_order=asc";
    assert_eq!(request.path_and_query(), sent);
    assert_eq!(format!("{request:?}"), "GET /projects/p/branches");
    for (org_id, search) in [(Some("org/1"), None), (None, Some("")), (None, Some("a\n"))] {
        let error = projects::list(&Target::account(), org_id, search).expect_err("refused");
        assert_eq!(error.kind, ErrorKind::InvalidValue);
    }
}
