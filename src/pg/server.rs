//! Owns the configuration of a call: server and user mapping of the role in effect, of whose options
//! it makes a [`Connection`].

// Calls Postgres' own catalog functions.
#![allow(unsafe_code)]

pub mod catalog;
mod current;
pub mod key;
mod mapping;
pub mod options;
pub mod seal;

use std::cell::RefCell;
use std::ffi::CStr;
use std::rc::Rc;

use pgrx::pg_sys;

use self::catalog::ForeignServer;
use self::key::Key;
use crate::error::Error;
use crate::neon::api_url::ApiUrl;
use crate::neon::client::Connection;
use crate::neon::scope::Scope;
use crate::pg::guc;
use crate::pg::text::from_server;

/// Everything a call needs. What depends on the role in effect is looked up anew each time: nothing
/// about a key is kept from one call to the next.
pub fn connection(server: Option<&str>) -> Result<Connection, Error> {
    let server = usable_server(server)?;
    let scope = scope(&server)?;
    let key = Key::of(&server)?;
    let api_url = api_url(&server)?;
    key.check(&server, &scope, &api_url)?;
    Ok(connection_of(&server, scope, key, api_url))
}

/// A server that the role in effect may use.
pub fn usable_server(name: Option<&str>) -> Result<Rc<ForeignServer>, Error> {
    let server = ForeignServer::find(name)?;
    if may_use(server.oid, user_in_effect()) {
        Ok(server)
    } else {
        Err(Error::server_usage(&server.name, &role_in_effect()))
    }
}

/// What its options say that calls act on.
pub fn scope(server: &ForeignServer) -> Result<Scope, Error> {
    let project_id = current::resolve(server, "project_id")?
        .ok_or_else(|| Error::missing_option("project_id", &server.name))?;
    let branch_id = current::resolve(server, "branch_id")?;
    let auth_provider = server.option("auth_provider");
    Scope::new(&project_id, branch_id.as_deref(), auth_provider)
}

/// Where the API is, if a key may go there.
pub fn api_url(server: &ForeignServer) -> Result<ApiUrl, Error> {
    let url = parse_api_url(server.api_url())?;
    match guc::has_proxy() {
        true => url.through_proxy(),
        false => Ok(url),
    }
}

pub fn connection_of(
    server: &ForeignServer,
    scope: Scope,
    key: Key,
    api_url: ApiUrl,
) -> Connection {
    Connection {
        server: server.name.clone(),
        api_url,
        scope,
        api_key: key.api_key,
        key_of_public: key.is_of_public,
        timeout: server.timeout,
        max_attempts: server.max_attempts,
        max_response: guc::max_response(),
    }
}

/// [`ApiUrl::parse`], which is remembered for the last pair of texts: a session rarely has another.
fn parse_api_url(text: &str) -> Result<ApiUrl, Error> {
    thread_local! {
        static LAST: RefCell<Option<(String, guc::Raw, ApiUrl)>> = const { RefCell::new(None) };
    }
    let allowed = guc::allowed_hosts();
    LAST.with_borrow_mut(|last| match last {
        Some((last_text, last_allowed, url)) if last_text == text && *last_allowed == allowed => {
            Ok(url.clone())
        }
        _ => {
            let hosts = guc::text(&allowed).unwrap_or_default();
            let url = ApiUrl::parse(text, &hosts)?;
            *last = Some((text.to_owned(), allowed, url.clone()));
            Ok(url)
        }
    })
}

fn may_use(server: pg_sys::Oid, user: pg_sys::Oid) -> bool {
    let usage = pg_sys::ACL_USAGE as pg_sys::AclMode;
    // SAFETY: a look-up in the catalogs.
    let result = unsafe {
        #[cfg(any(feature = "pg14", feature = "pg15"))]
        {
            pg_sys::pg_foreign_server_aclcheck(server, user, usage)
        }
        #[cfg(not(any(feature = "pg14", feature = "pg15")))]
        {
            pg_sys::object_aclcheck(pg_sys::ForeignServerRelationId, server, user, usage)
        }
    };
    result == pg_sys::AclResult::ACLCHECK_OK
}

fn user_in_effect() -> pg_sys::Oid {
    // SAFETY: reads a variable of the backend.
    unsafe { pg_sys::GetUserId() }
}

/// The name of the role in effect.
pub fn role_in_effect() -> String {
    // SAFETY: a NUL-terminated copy in the current memory context; the role in effect exists.
    from_server(unsafe { CStr::from_ptr(pg_sys::GetUserNameFromId(user_in_effect(), false)) })
}
