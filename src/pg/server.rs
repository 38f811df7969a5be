//! Owns the configuration of a call: the foreign server, and what its options say.

pub mod catalog;
pub mod current;
pub mod mapping;
pub mod options;
pub mod seal;

use std::cell::RefCell;
use std::rc::Rc;

use self::catalog::ForeignServer;
use crate::error::Error;
use crate::neon::api_url::ApiUrl;
use crate::neon::endpoint::Scope;
use crate::neon::target::Target;
use crate::pg::compat::may_use_server;
use crate::pg::guc;
use crate::pg::role::Role;

/// A server that the role may use. It is looked up anew for each call, and so is the role's key:
/// nothing that depends on a role is kept.
pub fn usable_server(name: Option<&str>, role: Role) -> Result<Rc<ForeignServer>, Error> {
    let server = ForeignServer::find(name)?;
    match may_use_server(server.oid, role.0) {
        true => Ok(server),
        false => Err(Error::server_usage(&server.name, &role.to_string())),
    }
}

/// What its options say that calls act on. Those that such a call needs not are not looked at: it may be
/// there to find them.
pub fn target(server: &ForeignServer, scope: Scope) -> Result<Target, Error> {
    if scope == Scope::Account {
        return Ok(Target::account());
    }
    let project_id = current::resolve(server, "project_id")?
        .ok_or_else(|| Error::missing_project(&server.name))?;
    if scope == Scope::Project {
        return Target::new(&project_id, None, None);
    }
    let branch_id = current::resolve(server, "branch_id")?;
    let auth_provider = server.option("auth_provider");
    Target::new(&project_id, branch_id.as_deref(), auth_provider)
}

/// Where the API is, if a key may go there.
pub fn api_url(server: &ForeignServer) -> Result<ApiUrl, Error> {
    let url = parse_api_url(server.api_url())?;
    match guc::has_proxy() {
        true => url.through_proxy(),
        false => Ok(url),
    }
}

/// [`ApiUrl::parse`], which is remembered for the last pair of texts: a session rarely has another.
fn parse_api_url(text: &str) -> Result<ApiUrl, Error> {
    thread_local! {
        static LAST: RefCell<Option<(String, guc::Raw, ApiUrl)>> = const { RefCell::new(None) };
    }
    LAST.with_borrow_mut(|last| match last {
        Some((last, allowed, url)) if last == text && guc::are_allowed_hosts(allowed) => {
            Ok(url.clone())
        }
        _ => {
            let allowed = guc::allowed_hosts();
            let hosts = guc::text(&allowed).unwrap_or_default();
            let url = ApiUrl::parse(text, &hosts)?;
            *last = Some((text.to_owned(), allowed, url.clone()));
            Ok(url)
        }
    })
}
