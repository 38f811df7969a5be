//! Owns the SQL functions on redirect domains.

use std::time::Instant;

use pgrx::prelude::*;

use crate::error::Error;
use crate::neon::client::{Attempt, Client};
use crate::neon::domains::{self, EnsuredDomain, RedirectDomain};
use crate::neon::request::Request;
use crate::pg::args::{required, texts};
use crate::pg::report::{Raise, notice};
use crate::pg::reserve::Entry;
use crate::pg::row::{One, Row, Secrets, row_type};
use crate::pg::rows::Rows;
use crate::pg::session::Session;
use crate::pg::text::{Text, Texts};

row_type!(EnsuredDomain, "ensured_domain");
row_type!(RedirectDomain, "redirect_domain");

/// Lists the domains; see [`domains::list`].
#[pg_extern(volatile, parallel_restricted, cost = 1000)]
fn list_domains(
    _entry: Entry,
    server: default!(Option<Text>, "NULL"),
) -> Result<Rows<RedirectDomain>, Raise> {
    let neon = Session::open(&domains::LIST_DOMAINS, server.as_deref())?;
    let request = domains::list(neon.target())?;
    neon.rows(&request, Secrets::Masked, |list| list.domains)
}

/// Adds a domain, and returns it; see [`domains::add`].
#[pg_extern(volatile, parallel_unsafe, cost = 1000)]
fn add_domain(
    _entry: Entry,
    domain: Option<Text>,
    server: default!(Option<Text>, "NULL"),
) -> Result<Text, Raise> {
    let neon = Session::open(&domains::ADD_DOMAIN, server.as_deref())?;
    let domain = required("domain", domain)?;
    neon.send(&domains::add(neon.target(), &domain)?)?;
    Ok(domain)
}

/// Adds a domain, if it is not there; see [`domains::ensure`].
#[pg_extern(volatile, parallel_unsafe, cost = 1000)]
fn ensure_domain(
    _entry: Entry,
    domain: Option<Text>,
    server: default!(Option<Text>, "NULL"),
) -> Result<One<EnsuredDomain>, Raise> {
    let row = Row::new::<EnsuredDomain>()?;
    let neon = Session::open(&domains::ENSURE_DOMAIN, server.as_deref())?;
    let domain = required("domain", domain)?;
    let added = neon.ensure(&domains::ensure(neon.target(), &domain)?)?;
    let ensured = EnsuredDomain {
        domain: domain.to_string(),
        created: added.is_some(),
    };
    Ok(One::new(row.filled(ensured, Secrets::Masked)?))
}

/// Deletes a domain, and returns it; see [`domains::delete`].
#[pg_extern(volatile, parallel_unsafe, cost = 1000)]
fn delete_domain(
    _entry: Entry,
    domain: Option<Text>,
    server: default!(Option<Text>, "NULL"),
) -> Result<Text, Raise> {
    let neon = Session::open(&domains::DELETE_DOMAIN, server.as_deref())?;
    let domain = required("domain", domain)?;
    let request = domains::delete(neon.target(), &domain)?;
    delete(&neon, &request, [("domain".to_owned(), &*domain)])?;
    Ok(domain)
}

/// Deletes several domains in one request, and returns them; see [`domains::delete_all`].
#[pg_extern(volatile, parallel_unsafe, cost = 1000)]
fn delete_domains(
    _entry: Entry,
    domains: Option<Array<Text>>,
    server: default!(Option<Text>, "NULL"),
) -> Result<Texts, Raise> {
    let neon = Session::open(&domains::DELETE_DOMAINS, server.as_deref())?;
    let domains = texts("domains", &required("domains", domains)?)?;
    let given: Vec<_> = domains.iter().map(|domain| &**domain).collect();
    let request = domains::delete_all(neon.target(), &given)?;
    let named = (1..).map(|n| format!("domains[{n}]")).zip(given);
    delete(&neon, &request, named)?;
    Ok(Texts(domains))
}

/// Neon answers a deletion with success whatever was there, and compares letter by letter. So the list is
/// read first, within a part of the time of the same call; where that fails, the deletion says why, or succeeds
/// without a notice.
fn delete<'a>(
    neon: &Session,
    request: &Request<()>,
    domains: impl IntoIterator<Item = (String, &'a str)>,
) -> Result<(), Raise> {
    let list = domains::list(neon.target())?;
    // Once, and with a part of the time: most of it is for the deletion.
    let listed = neon.look(|client| {
        let time = client.deadline.saturating_duration_since(Instant::now()) / 4;
        let client = Client {
            deadline: Instant::now() + time,
            ..*client
        };
        match client.try_once(&list) {
            Attempt::Answered { answer, .. } => answer,
            Attempt::NotSent(_) | Attempt::NoAnswer(_) => None,
        }
    });
    neon.send(request)?;
    if let Some(Some(listed)) = listed {
        let missing = domains
            .into_iter()
            .filter(|(_, domain)| !listed.has(domain));
        let missing: Vec<_> = missing.map(|(name, _)| name).collect();
        if !missing.is_empty() {
            notice(Error::nothing_to_delete(&missing));
        }
    }
    Ok(())
}
