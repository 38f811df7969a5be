//! Owns the connection's configuration in the catalogs: the options of foreign servers and user
//! mappings, their validator, `set_api_key`, and the look-up that makes a [`Connection`] of them.

// Calls Postgres' own catalog functions.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString};
use std::time::Duration;

use pgrx::pg_sys::errcodes::PgSqlErrorCode;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::{PgList, pg_sys};

use crate::error::Error;
use crate::neon::api_url::{self, ApiUrl};
use crate::neon::check;
use crate::neon::client::Connection;
use crate::neon::scope::{self, Scope};
use crate::pg::call::required;
use crate::pg::guc;
use crate::secret::Secret;

const WRAPPER: &CStr = c"neon_auth_admin";

/// The catalogs that may hold options.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Catalog {
    Server,
    UserMapping,
}

/// An option: where it belongs, and whether a value is one.
struct OptionRule {
    name: &'static str,
    catalog: Catalog,
    /// Completes "It must be ...".
    expected: &'static str,
    is_valid: fn(&str) -> bool,
}

/// The one table of options: it feeds the validator and its hints. A row is a security decision:
/// what is not here cannot be set by anybody.
const OPTIONS: [OptionRule; 6] = [
    OptionRule {
        name: "project_id",
        catalog: Catalog::Server,
        expected: "1 to 60 lower-case letters, digits and hyphens",
        is_valid: check::is_neon_id,
    },
    OptionRule {
        name: "auth_provider",
        catalog: Catalog::Server,
        expected: "the name of a provider, such as stack",
        is_valid: scope::is_auth_provider,
    },
    OptionRule {
        name: "api_url",
        catalog: Catalog::Server,
        expected: "a URL such as https://console.neon.tech/api/v2",
        is_valid: api_url::is_well_formed,
    },
    OptionRule {
        name: "timeout",
        catalog: Catalog::Server,
        expected: "a time from 1ms to 10min",
        is_valid: |value| parse_timeout(value).is_some(),
    },
    OptionRule {
        name: "max_attempts",
        catalog: Catalog::Server,
        expected: "a number from 1 to 10",
        is_valid: |value| parse_max_attempts(value).is_some(),
    },
    OptionRule {
        name: "api_key",
        catalog: Catalog::UserMapping,
        expected: "1 to 1024 visible ASCII characters",
        is_valid: |value| check::is_api_key(&Secret::new(value)),
    },
];

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
const DEFAULT_MAX_ATTEMPTS: u32 = 3;

/// Validator of the foreign-data wrapper: called with each set of options before it is stored.
/// `options` are `name=value`, `catalog` is the catalog they go into. No value is ever repeated in a
/// message.
#[pg_extern(volatile, parallel_unsafe)]
fn neon_auth_admin_validator(
    options: Vec<Option<String>>,
    catalog: pg_sys::Oid,
) -> Result<(), ErrorReport> {
    let catalog = match catalog {
        pg_sys::ForeignServerRelationId => Some(Catalog::Server),
        pg_sys::UserMappingRelationId => Some(Catalog::UserMapping),
        _ => None,
    };
    for option in options.iter().flatten() {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        let rule = OPTIONS
            .iter()
            .find(|rule| rule.name == name && Some(rule.catalog) == catalog)
            .ok_or_else(|| invalid_option_name(name, catalog))?;
        if !(rule.is_valid)(value) {
            return Err(Error::invalid_option(name, rule.expected).into());
        }
    }
    Ok(())
}

fn invalid_option_name(name: &str, catalog: Option<Catalog>) -> ErrorReport {
    let code = PgSqlErrorCode::ERRCODE_FDW_INVALID_OPTION_NAME;
    let report = ErrorReport::new(
        code,
        format!("invalid option \"{name}\""),
        "neon_auth_admin",
    );
    if let Some(rule) = OPTIONS.iter().find(|rule| rule.name == name) {
        return report.set_hint(match rule.catalog {
            Catalog::Server => "This option belongs to the server: CREATE SERVER.",
            Catalog::UserMapping => {
                "A key belongs to a user mapping: neon_auth_admin.set_api_key(), or CREATE USER MAPPING."
            }
        });
    }
    let valid: Vec<_> = OPTIONS
        .iter()
        .filter(|rule| Some(rule.catalog) == catalog)
        .map(|rule| rule.name)
        .collect();
    report.set_hint(match valid.as_slice() {
        [] => "There are no valid options here.".to_owned(),
        valid => format!("Valid options here are: {}.", valid.join(", ")),
    })
}

/// What `statement_timeout` takes: a number of milliseconds, or one with a unit.
fn parse_timeout(value: &str) -> Option<Duration> {
    let value = CString::new(value).ok()?;
    let mut milliseconds = 0;
    // SAFETY: a NUL-terminated string, and a place for the result; no hint is asked for.
    let parsed = unsafe {
        pg_sys::parse_int(
            value.as_ptr(),
            &mut milliseconds,
            pg_sys::GUC_UNIT_MS as i32,
            std::ptr::null_mut(),
        )
    };
    let milliseconds = u64::try_from(milliseconds).ok()?;
    (parsed && (1..=600_000).contains(&milliseconds)).then(|| Duration::from_millis(milliseconds))
}

fn parse_max_attempts(value: &str) -> Option<u32> {
    value.parse().ok().filter(|n| (1..=10).contains(n))
}

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
        let text = CString::new(name.as_str()).map_err(|_| Error::no_such_server(&name))?;
        // SAFETY: a NUL-terminated name; the results live in the current memory context.
        unsafe {
            let server = pg_sys::GetForeignServerByName(text.as_ptr(), true);
            if server.is_null() {
                return Err(Error::no_such_server(&name));
            }
            let wrapper = pg_sys::GetForeignDataWrapper((*server).fdwid);
            if CStr::from_ptr((*wrapper).fdwname) != WRAPPER {
                return Err(Error::wrong_wrapper(&name));
            }
            Ok(Self {
                oid: (*server).serverid,
                name,
                options: read_options((*server).options),
            })
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
    let mapping = mapping_options(user, server.oid)
        .or_else(|| mapping_options(pg_sys::InvalidOid, server.oid))
        .unwrap_or_default();
    let api_key = find_option(&mapping, "api_key")
        .map(Secret::new)
        .ok_or_else(|| Error::no_api_key(&server.name, &role))?;
    if !check::is_api_key(&api_key) {
        return Err(Error::invalid_option(
            "api_key",
            "1 to 1024 visible ASCII characters",
        ));
    }
    let project_id = server
        .option("project_id")
        .ok_or_else(|| Error::missing_option("project_id", &server.name))?;
    let auth_provider = server
        .option("auth_provider")
        .unwrap_or(scope::DEFAULT_AUTH_PROVIDER);
    let api_url = server.option("api_url").unwrap_or(api_url::DEFAULT);
    Ok(Connection {
        api_url: ApiUrl::parse(api_url, &guc::allowed_hosts())?,
        scope: Scope::new(project_id, auth_provider)?,
        api_key,
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

/// Stores the API key of a role in its user mapping, through the same functions as CREATE and ALTER
/// USER MAPPING and with their permission checks, but without a statement that could be logged.
///
/// `role` NULL is the current role, `'public'` everyone without a mapping of their own.
#[pg_extern(volatile, parallel_unsafe, cost = 1000)]
fn set_api_key(
    api_key: Option<&str>,
    server: default!(Option<&str>, "NULL"),
    role: default!(Option<&str>, "NULL"),
) -> Result<(), ErrorReport> {
    // SAFETY: raises when the transaction is read-only.
    unsafe { pg_sys::PreventCommandIfReadOnly(c"set_api_key()".as_ptr()) };
    let api_key = Secret::new(required("api_key", api_key)?);
    if !check::is_api_key(&api_key) {
        let expected = "1 to 1024 visible ASCII characters";
        return Err(Error::invalid_argument("api_key", expected).into());
    }
    let server = ForeignServer::find(server)?;
    let no_nul = "arguments of type text have no NUL";
    let key = CString::new(api_key.expose()).expect(no_nul);
    let server_name = CString::new(server.name.as_str()).expect(no_nul);
    let role_name = role.map(|role| CString::new(role).expect(no_nul));
    // SAFETY: the nodes are allocated by Postgres and zeroed where not set; the strings they point
    // to outlive the calls, which copy what they store.
    unsafe {
        let user = PgBox::<pg_sys::RoleSpec>::alloc_node(pg_sys::NodeTag::T_RoleSpec).into_pg();
        (*user).location = -1;
        (*user).roletype = match (role, &role_name) {
            (Some("public"), _) => pg_sys::RoleSpecType::ROLESPEC_PUBLIC,
            (_, Some(name)) => {
                (*user).rolename = name.as_ptr().cast_mut();
                pg_sys::RoleSpecType::ROLESPEC_CSTRING
            }
            (_, None) => pg_sys::RoleSpecType::ROLESPEC_CURRENT_USER,
        };
        let owner = match (*user).roletype {
            pg_sys::RoleSpecType::ROLESPEC_PUBLIC => pg_sys::InvalidOid,
            _ => pg_sys::get_rolespec_oid(user, false),
        };
        let option = pg_sys::makeDefElem(
            c"api_key".as_ptr().cast_mut(),
            pg_sys::makeString(key.as_ptr().cast_mut()).cast(),
            -1,
        );
        let mut options = PgList::<pg_sys::DefElem>::new();
        options.push(option);
        match mapping_options(owner, server.oid) {
            None => {
                let tag = pg_sys::NodeTag::T_CreateUserMappingStmt;
                let statement = PgBox::<pg_sys::CreateUserMappingStmt>::alloc_node(tag).into_pg();
                (*statement).user = user;
                (*statement).servername = server_name.as_ptr().cast_mut();
                (*statement).options = options.into_pg();
                pg_sys::CreateUserMapping(statement);
            }
            Some(stored) => {
                (*option).defaction = match find_option(&stored, "api_key") {
                    Some(_) => pg_sys::DefElemAction::DEFELEM_SET,
                    None => pg_sys::DefElemAction::DEFELEM_ADD,
                };
                let tag = pg_sys::NodeTag::T_AlterUserMappingStmt;
                let statement = PgBox::<pg_sys::AlterUserMappingStmt>::alloc_node(tag).into_pg();
                (*statement).user = user;
                (*statement).servername = server_name.as_ptr().cast_mut();
                (*statement).options = options.into_pg();
                pg_sys::AlterUserMapping(statement);
            }
        }
        // A call later in the same statement finds the key.
        pg_sys::CommandCounterIncrement();
    }
    Ok(())
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
                (
                    name.to_string_lossy().into_owned(),
                    value.to_string_lossy().into_owned(),
                )
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
    unsafe { CStr::from_ptr(pg_sys::GetUserNameFromId(role, false)) }
        .to_string_lossy()
        .into_owned()
}
