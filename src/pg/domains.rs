//! Owns the SQL functions on redirect domains.

use pgrx::prelude::*;

use crate::error::Error;
use crate::neon::domains::{self, RedirectDomain};
use crate::pg::call::{elements, read, required, write};
use crate::pg::report::Raise;
use crate::pg::row::Row;
use crate::pg::rows::{Rows, SetOf};
use crate::pg::text::Text;

/// Lists the domains; see [`domains::list`].
#[pg_extern(volatile, parallel_unsafe, cost = 10000)]
fn list_domains(server: default!(Option<Text>, "NULL")) -> Result<Rows<RedirectDomain>, Raise> {
    let row = new_row()?;
    let list = read(server.as_deref(), |scope| Ok(domains::list(scope)))?;
    Ok(Rows::new(row, &list.domains, fill)?)
}

/// Adds a domain and returns it; see [`domains::add`].
#[pg_extern(volatile, parallel_unsafe, cost = 10000)]
fn add_domain(domain: Option<Text>, server: default!(Option<Text>, "NULL")) -> Result<Text, Raise> {
    let domain = required("domain", domain)?;
    write(c"add_domain()", server.as_deref(), |scope| {
        domains::add(scope, &domain)
    })?;
    Ok(domain)
}

/// Deletes a domain and returns it; see [`domains::delete`].
#[pg_extern(volatile, parallel_unsafe, cost = 10000)]
fn delete_domain(
    domain: Option<Text>,
    server: default!(Option<Text>, "NULL"),
) -> Result<Text, Raise> {
    let domain = required("domain", domain)?;
    write(c"delete_domain()", server.as_deref(), |scope| {
        domains::delete(scope, &domain)
    })?;
    Ok(domain)
}

/// Deletes several domains in one request and returns them; see [`domains::delete_all`].
#[pg_extern(volatile, parallel_unsafe, cost = 10000)]
fn delete_domains(
    domains: Option<Array<Text>>,
    server: default!(Option<Text>, "NULL"),
) -> Result<Vec<Option<Text>>, Raise> {
    let domains = required("domains", domains.as_ref())?;
    let domains: Vec<_> = elements("domains", domains)?.collect();
    write(c"delete_domains()", server.as_deref(), |scope| {
        let domains: Vec<_> = domains.iter().map(Option::as_deref).collect();
        domains::delete_all(scope, &domains)
    })?;
    Ok(domains)
}

impl SetOf for RedirectDomain {
    const SQL: &str = "SETOF neon_auth_admin.redirect_domain";
}

fn new_row() -> Result<Row, Error> {
    Row::new(c"redirect_domain", &["domain", "auth_provider"])
}

fn fill(row: Row, domain: &RedirectDomain) -> Result<Row, Error> {
    row.text("domain", domain.domain.as_str())?
        .text("auth_provider", domain.auth_provider.as_deref())
}
