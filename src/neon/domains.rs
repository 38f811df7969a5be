//! Owns the operations on redirect domains: the URIs that a sign-in may return to.

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::neon::argument;
use crate::neon::endpoint::{Endpoint, Look, Path, Resource};
use crate::neon::request::{Method, Request};
use crate::neon::target::Target;

const DOMAIN: Resource = Resource {
    noun: "redirect domain",
    look: Look::Function("list_domains"),
};

pub const LIST_DOMAINS: Endpoint = Endpoint {
    function: "list_domains",
    method: Method::Get,
    path: Path::Both("domains"),
    purpose: "list redirect domains",
    resource: &DOMAIN,
};

pub const ADD_DOMAIN: Endpoint = Endpoint {
    function: "add_domain",
    method: Method::Post,
    path: Path::Both("domains"),
    purpose: "add redirect domain",
    resource: &DOMAIN,
};

pub const ENSURE_DOMAIN: Endpoint = Endpoint {
    function: "ensure_domain",
    ..ADD_DOMAIN
};

pub const DELETE_DOMAIN: Endpoint = Endpoint {
    function: "delete_domain",
    method: Method::Delete,
    path: Path::Both("domains"),
    purpose: "delete redirect domain",
    resource: &DOMAIN,
};

pub const DELETE_DOMAINS: Endpoint = Endpoint {
    function: "delete_domains",
    method: Method::Delete,
    path: Path::Both("domains"),
    purpose: "delete redirect domains",
    resource: &DOMAIN,
};

#[derive(Debug, Deserialize, Serialize)]
pub struct RedirectDomain {
    pub domain: String,
    #[serde(default)]
    pub auth_provider: Option<String>,
}

/// A domain that was added, or was there.
#[derive(Debug, Deserialize, Serialize)]
pub struct EnsuredDomain {
    pub domain: String,
    pub created: bool,
}

#[derive(Debug, Deserialize)]
pub struct RedirectDomains {
    pub domains: Vec<RedirectDomain>,
}

impl RedirectDomains {
    /// Whether one is spelled like that.
    pub fn has(&self, domain: &str) -> bool {
        self.domains.iter().any(|listed| listed.domain == domain)
    }
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
pub fn list(target: &Target) -> Result<Request<RedirectDomains>, Error> {
    LIST_DOMAINS.json(target, [])
}

/// A password in it would be shown to all who may list domains, or see the queue.
fn without_credentials(domain: &str) -> Result<&str, Error> {
    let authority = domain.split_once("://").map_or("", |(_, rest)| rest);
    let authority = authority.split(['/', '?', '#']).next().unwrap_or_default();
    match authority.contains('@') {
        true => Err(Error::invalid_argument(
            "domain",
            "a URI without a user or a password",
        )),
        false => Ok(domain),
    }
}

/// `POST .../auth/domains`.
pub fn add(target: &Target, domain: &str) -> Result<Request<()>, Error> {
    add_by(&ADD_DOMAIN, target, domain)
}

/// The same, for whoever goes on if there is such a domain.
pub fn ensure(target: &Target, domain: &str) -> Result<Request<()>, Error> {
    add_by(&ENSURE_DOMAIN, target, domain)
}

fn add_by(
    endpoint: &'static Endpoint,
    target: &Target,
    domain: &str,
) -> Result<Request<()>, Error> {
    let body = NewDomain {
        domain: without_credentials(argument::uri("domain", domain)?)?,
        auth_provider: target.auth_provider(),
    };
    Ok(endpoint.empty(target, [])?.with_body(&body))
}

/// `DELETE .../auth/domains` with one domain, which need not be a URI: Neon may list others.
pub fn delete(target: &Target, domain: &str) -> Result<Request<()>, Error> {
    let domain = argument::any_text("domain", domain)?;
    delete_checked(&DELETE_DOMAIN, target, vec![OldDomain { domain }])
}

/// `DELETE .../auth/domains` with one or more domains.
pub fn delete_all(target: &Target, domains: &[&str]) -> Result<Request<()>, Error> {
    if domains.is_empty() {
        let expected = "an array of at least one domain";
        return Err(Error::invalid_argument("domains", expected));
    }
    let domains = argument::each("domains", domains.iter().copied(), |name, domain| {
        let domain = argument::any_text(name, domain)?;
        Ok(OldDomain { domain })
    })?;
    delete_checked(&DELETE_DOMAINS, target, domains)
}

fn delete_checked(
    endpoint: &'static Endpoint,
    target: &Target,
    domains: Vec<OldDomain>,
) -> Result<Request<()>, Error> {
    let body = OldDomains {
        auth_provider: target.auth_provider(),
        domains,
    };
    Ok(endpoint.empty(target, [])?.with_body(&body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_with_credentials() {
        for good in [
            "https://a.example.com",
            "https://a/?to=b@c",
            "myapp://",
            "https://a/@b",
        ] {
            assert_eq!(without_credentials(good).ok(), Some(good));
        }
        for bad in [
            "https://ada:s3cret@a.example.com",
            "https://s3cret@a",
            "https://:s3cret@a/b@c",
        ] {
            let error = without_credentials(bad).expect_err(bad);
            assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
        }
    }
}
