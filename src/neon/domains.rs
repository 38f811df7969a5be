//! Owns the operations on redirect domains: the URIs that a sign-in may return to.

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::neon::check;
use crate::neon::request::{Method, Request, Segment, Texts};
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

/// `GET /projects/{project_id}/auth/domains`.
pub fn list(scope: &Scope) -> Request<RedirectDomains> {
    Request::json(Method::Get, path(scope), texts("list redirect domains"))
}

/// `POST /projects/{project_id}/auth/domains`.
pub fn add(scope: &Scope, domain: &str) -> Result<Request<()>, Error> {
    let body = NewDomain {
        domain: check::domain("domain", domain)?,
        auth_provider: scope.auth_provider(),
    };
    let texts = texts("add redirect domain");
    Ok(Request::empty(Method::Post, path(scope), texts).with_body(&body))
}

/// `DELETE /projects/{project_id}/auth/domains`, one or more at once. `argument` is their name in
/// messages.
pub fn delete(scope: &Scope, argument: &str, domains: &[&str]) -> Result<Request<()>, Error> {
    if domains.is_empty() {
        return Err(Error::invalid_argument(
            argument,
            "an array of at least one domain",
        ));
    }
    let domains: Result<_, Error> = domains
        .iter()
        .map(|domain| {
            let domain = check::domain(argument, domain)?;
            Ok(OldDomain { domain })
        })
        .collect();
    let body = OldDomains {
        auth_provider: scope.auth_provider(),
        domains: domains?,
    };
    let texts = texts("delete redirect domains");
    Ok(Request::empty(Method::Delete, path(scope), texts).with_body(&body))
}

fn path(scope: &Scope) -> Vec<Segment> {
    scope.path([Segment::fixed("domains")])
}

fn texts(purpose: &'static str) -> Texts {
    Texts {
        purpose,
        noun: "redirect domain",
        look: "SELECT * FROM neon_auth_admin.list_domains()",
    }
}
