//! Owns the operations on redirect domains: the URIs that a sign-in may return to.

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::neon::check;
use crate::neon::request::{Look, Method, Request, Segment, Texts};
use crate::neon::scope::Scope;

#[derive(Debug, Deserialize)]
pub struct RedirectDomain {
    pub domain: String,
    #[serde(default)]
    pub auth_provider: Option<String>,
}

#[derive(Debug, Deserialize)]
pub struct RedirectDomains {
    pub domains: Vec<RedirectDomain>,
}

#[derive(Serialize)]
struct NewDomain<'a> {
    domain: &'a str,
    auth_provider: &'a str,
}

#[derive(Serialize)]
struct OldDomains<'a> {
    auth_provider: &'a str,
    domains: Vec<OldDomain<'a>>,
}

#[derive(Serialize)]
struct OldDomain<'a> {
    domain: &'a str,
}

/// `GET .../auth/domains`.
pub fn list(scope: &Scope) -> Request<RedirectDomains> {
    Request::json(Method::Get, path(scope), texts("list redirect domains"))
}

/// `POST .../auth/domains`.
pub fn add(scope: &Scope, domain: &str) -> Result<Request<()>, Error> {
    let body = NewDomain {
        domain: check::domain("domain", domain)?,
        auth_provider: scope.auth_provider(),
    };
    let texts = texts("add redirect domain");
    Ok(Request::empty(Method::Post, path(scope), texts).with_body(&body))
}

/// `DELETE .../auth/domains` with one domain.
pub fn delete(scope: &Scope, domain: &str) -> Result<Request<()>, Error> {
    let domain = check::domain("domain", domain)?;
    let texts = texts("delete redirect domain");
    Ok(delete_checked(scope, vec![OldDomain { domain }], texts))
}

/// `DELETE .../auth/domains` with one or more domains, none of them `None`.
pub fn delete_all(scope: &Scope, domains: &[Option<&str>]) -> Result<Request<()>, Error> {
    if domains.is_empty() {
        let expected = "an array of at least one domain";
        return Err(Error::invalid_argument("domains", expected));
    }
    let domains = check::each("domains", domains, |name, domain| {
        let domain = check::domain(name, domain)?;
        Ok(OldDomain { domain })
    })?;
    let texts = texts("delete redirect domains");
    Ok(delete_checked(scope, domains, texts))
}

fn delete_checked(scope: &Scope, domains: Vec<OldDomain>, texts: Texts) -> Request<()> {
    let body = OldDomains {
        auth_provider: scope.auth_provider(),
        domains,
    };
    Request::empty(Method::Delete, path(scope), texts).with_body(&body)
}

fn path(scope: &Scope) -> Vec<Segment> {
    scope.path([Segment::fixed("domains")])
}

fn texts(purpose: &'static str) -> Texts {
    Texts {
        purpose,
        noun: "redirect domain",
        look: Look::Function("list_domains"),
    }
}
