//! Owns the connection's configuration in the catalogs: finds server and user mapping for the role in
//! effect, and makes a [`Connection`] of their options.

// Calls Postgres' own catalog functions.
#![allow(unsafe_code)]

mod key;
pub mod options;

use std::cell::RefCell;
use std::ffi::CStr;
use std::time::Duration;

use pgrx::{PgList, pg_sys};

use self::options::{parse_max_attempts, parse_timeout};
use crate::error::Error;
use crate::neon::api_url::{self, ApiUrl};
use crate::neon::check;
use crate::neon::client::Connection;
use crate::neon::scope::{self, Scope};
use crate::pg::guc;
use crate::pg::text::{from_server, to_server};
use crate::secret::Secret;

const WRAPPER: &CStr = c"neon_auth_admin";
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
const DEFAULT_MAX_ATTEMPTS: u32 = 3;

/// A foreign server as the catalogs have it.
struct ForeignServer {
    oid: pg_sys::Oid,
    name: String,
    options: Vec<(String, String)>,
}

impl ForeignServer {
    /// The server of that name, or of the setting `neon_auth_admin.server`.
    fn find(name: Option<&str>) -> Result<Self, Error> {
        let name = name.map_or_else(guc::server, str::to_owned);
        Self::look_up(&name)?.ok_or_else(|| Error::no_such_server(&name))
    }

    /// The server of that name; `None` when there is none.
    fn look_up(name: &str) -> Result<Option<Self>, Error> {
        if name.is_empty() {
            return Err(Error::no_server_named());
        }
        if name.len() >= pg_sys::NAMEDATALEN as usize {
            return Err(Error::impossible_server_name());
        }
        let text = to_server(name);
        // SAFETY: a NUL-terminated name; the results live in the current memory context.
        unsafe {
            let server = pg_sys::GetForeignServerByName(text.as_ptr(), true);
            if server.is_null() {
                return Ok(None);
            }
            let wrapper = pg_sys::GetForeignDataWrapper((*server).fdwid);
            if CStr::from_ptr((*wrapper).fdwname) != WRAPPER {
                return Err(Error::wrong_wrapper(name));
            }
            Ok(Some(Self {
                oid: (*server).serverid,
                name: name.to_owned(),
                options: read_options((*server).options),
            }))
        }
    }

    fn option(&self, name: &str) -> Option<&str> {
        find_option(&self.options, name)
    }
}

/// Everything a call needs, looked up anew each time for the role in effect: nothing about a key is
/// kept from one call to the next.
pub fn connection(server: Option<&str>) -> Result<Connection, Error> {
    let server = ForeignServer::find(server)?;
    // SAFETY: reads the backend's effective role.
    let user = unsafe { pg_sys::GetUserId() };
    let role = role_name(user);
    if !may_use(server.oid, user) {
        return Err(Error::server_usage(&server.name, &role));
    }
    let project_id = server
        .option("project_id")
        .ok_or_else(|| Error::missing_option("project_id", &server.name))?;
    let own_mapping = mapping_options(user, server.oid);
    let key_of_public = own_mapping.is_none();
    let mapping = own_mapping
        .or_else(|| mapping_options(pg_sys::InvalidOid, server.oid))
        .unwrap_or_default();
    let api_key = find_option(&mapping, "api_key")
        .map(Secret::new)
        .ok_or_else(|| Error::no_api_key(&server.name, &role))?;
    if !check::is_api_key(&api_key) {
        return Err(Error::invalid_option("api_key", check::API_KEY));
    }
    let auth_provider = server
        .option("auth_provider")
        .unwrap_or(scope::DEFAULT_AUTH_PROVIDER);
    let api_url = server.option("api_url").unwrap_or(api_url::DEFAULT);
    Ok(Connection {
        api_url: parse_api_url(api_url, guc::allowed_hosts())?,
        scope: Scope::new(project_id, auth_provider)?,
        api_key,
        key_of_public,
        timeout: server
            .option("timeout")
            .and_then(parse_timeout)
            .unwrap_or(DEFAULT_TIMEOUT),
        max_attempts: server
            .option("max_attempts")
            .and_then(parse_max_attempts)
            .unwrap_or(DEFAULT_MAX_ATTEMPTS),
        max_response: guc::max_response(),
        server: server.name,
        role,
    })
}

/// [`ApiUrl::parse`], which is remembered for the last pair of texts: a session rarely has another.
fn parse_api_url(text: &str, allowed: String) -> Result<ApiUrl, Error> {
    thread_local! {
        static LAST: RefCell<Option<(String, String, ApiUrl)>> = const { RefCell::new(None) };
    }
    LAST.with_borrow_mut(|last| match last {
        Some((last_text, last_allowed, url)) if last_text == text && *last_allowed == allowed => {
            Ok(url.clone())
        }
        _ => {
            let url = ApiUrl::parse(text, &allowed)?;
            *last = Some((text.to_owned(), allowed, url.clone()));
            Ok(url)
        }
    })
}

fn find_option<'a>(options: &'a [(String, String)], name: &str) -> Option<&'a str> {
    options
        .iter()
        .find(|(found, _)| found == name)
        .map(|(_, value)| value.as_str())
}

/// The options in a list of `DefElem` that Postgres made.
unsafe fn read_options(list: *mut pg_sys::List) -> Vec<(String, String)> {
    // SAFETY: the caller's promise; names and values are NUL-terminated strings.
    unsafe {
        PgList::<pg_sys::DefElem>::from_pg(list)
            .iter_ptr()
            .map(|option| {
                let name = CStr::from_ptr((*option).defname);
                let value = CStr::from_ptr(pg_sys::defGetString(option));
                (from_server(name), from_server(value))
            })
            .collect()
    }
}

/// The options of exactly this role's mapping (`InvalidOid`: PUBLIC's), `None` when it has none.
/// `GetUserMapping` would raise, and fall back to PUBLIC.
fn mapping_options(user: pg_sys::Oid, server: pg_sys::Oid) -> Option<Vec<(String, String)>> {
    let cache = pg_sys::SysCacheIdentifier::USERMAPPINGUSERSERVER as i32;
    // SAFETY: the tuple is released after its last use; the options are copied out of it.
    unsafe {
        let tuple = pg_sys::SearchSysCache2(cache, user.into(), server.into());
        if tuple.is_null() {
            return None;
        }
        let mut is_null = false;
        let attribute = pg_sys::Anum_pg_user_mapping_umoptions as pg_sys::AttrNumber;
        let datum = pg_sys::SysCacheGetAttr(cache, tuple, attribute, &mut is_null);
        let options = if is_null {
            Vec::new()
        } else {
            read_options(pg_sys::untransformRelOptions(datum))
        };
        pg_sys::ReleaseSysCache(tuple);
        Some(options)
    }
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

fn role_name(role: pg_sys::Oid) -> String {
    // SAFETY: a NUL-terminated copy in the current memory context; the role in effect exists.
    from_server(unsafe { CStr::from_ptr(pg_sys::GetUserNameFromId(role, false)) })
}
