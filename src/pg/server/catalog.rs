//! Owns the reading of foreign servers and user mappings from Postgres' catalogs.

// Calls Postgres' own catalog functions.
#![allow(unsafe_code)]

use std::cell::RefCell;
use std::ffi::{CStr, c_int};
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use pgrx::pg_sys::SysCacheIdentifier::{
    FOREIGNDATAWRAPPEROID, FOREIGNSERVEROID, USERMAPPINGUSERSERVER,
};
use pgrx::{PgList, pg_sys};

use super::options::{parse_max_attempts, parse_timeout};
use crate::error::Error;
use crate::neon::api_url;
use crate::pg::guc;
use crate::pg::text::{from_server, to_server};
use crate::secret::Secret;

const WRAPPER: &CStr = c"neon_auth_admin";
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
const DEFAULT_MAX_ATTEMPTS: u32 = 3;

/// Names and values.
type Options = Vec<(String, String)>;

/// How often the catalogs of servers and wrappers may have changed.
static CHANGES: AtomicU64 = AtomicU64::new(0);
/// How often that of user mappings may have.
static CHANGES_OF_MAPPINGS: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// What was found last, and at which count of changes: a session rarely has another server.
    static LAST_FOUND: RefCell<Option<(u64, Rc<ForeignServer>)>> = const { RefCell::new(None) };
}

/// Has Postgres tell about changes, as it does for its own caches. To be called once.
pub fn watch() {
    for catalog in [
        FOREIGNSERVEROID,
        FOREIGNDATAWRAPPEROID,
        USERMAPPINGUSERSERVER,
    ] {
        // SAFETY: the function stays loaded as long as the backend lives.
        unsafe {
            pg_sys::CacheRegisterSyscacheCallback(catalog as c_int, Some(count_change), 0.into());
        }
    }
}

unsafe extern "C-unwind" fn count_change(_: pg_sys::Datum, catalog: c_int, _: u32) {
    let changes = if catalog == USERMAPPINGUSERSERVER as c_int {
        &CHANGES_OF_MAPPINGS
    } else {
        &CHANGES
    };
    changes.fetch_add(1, Ordering::Relaxed);
}

/// Takes in what others have committed. Postgres does so when a statement begins and when it locks
/// something, which a call need not do: without this, an open transaction went on with a key that was
/// dropped, a server that was changed or a right that was revoked.
pub fn look_at_what_is_committed() {
    // SAFETY: in a transaction, as all SQL functions are.
    unsafe { pg_sys::AcceptInvalidationMessages() };
}

/// How often servers and wrappers, and user mappings, may have changed.
pub type Changes = [u64; 2];

pub fn changes() -> Changes {
    [&CHANGES, &CHANGES_OF_MAPPINGS].map(|changes| changes.load(Ordering::Relaxed))
}

/// A foreign server as the catalogs have it. It holds nothing that depends on a role.
pub struct ForeignServer {
    pub oid: pg_sys::Oid,
    pub name: String,
    options: Options,
    pub timeout: Duration,
    pub max_attempts: u32,
}

impl ForeignServer {
    /// The server of that name, or of the setting `neon_auth_admin.server`.
    pub fn find(name: Option<&str>) -> Result<Rc<Self>, Error> {
        match name {
            Some(name) => Self::find_named(name),
            None => Self::find_named(&guc::server()),
        }
    }

    fn find_named(name: &str) -> Result<Rc<Self>, Error> {
        look_at_what_is_committed();
        // Before looking: a change that is heard of meanwhile counts.
        let changes = CHANGES.load(Ordering::Relaxed);
        let last = LAST_FOUND.with_borrow(|last| match last {
            Some((then, last)) if *then == changes && last.name == name => Some(last.clone()),
            _ => None,
        });
        if let Some(last) = last {
            return Ok(last);
        }
        let found = Rc::new(Self::look_up(name)?.ok_or_else(|| Error::no_such_server(name))?);
        LAST_FOUND.set(Some((changes, found.clone())));
        Ok(found)
    }

    /// The server of that name; `None` when there is none.
    pub fn look_up(name: &str) -> Result<Option<Self>, Error> {
        if name.is_empty() {
            return Err(Error::no_server_named());
        }
        if name.len() >= pg_sys::NAMEDATALEN as usize {
            return Err(Error::impossible_server_name());
        }
        let text = to_server(name);
        // SAFETY: a NUL-terminated name; the results live in the current memory context.
        let (oid, options) = unsafe {
            let server = pg_sys::GetForeignServerByName(text.as_ptr(), true);
            if server.is_null() {
                return Ok(None);
            }
            let wrapper = pg_sys::GetForeignDataWrapper((*server).fdwid);
            if CStr::from_ptr((*wrapper).fdwname) != WRAPPER {
                return Err(Error::wrong_wrapper(name));
            }
            let mut options = Options::new();
            look_at_options((*server).options, |name, value| {
                options.push((from_server(name), from_server(value)));
            });
            ((*server).serverid, options)
        };
        let timeout = find_option(&options, "timeout").and_then(parse_timeout);
        let max_attempts = find_option(&options, "max_attempts").and_then(parse_max_attempts);
        Ok(Some(Self {
            oid,
            name: name.to_owned(),
            timeout: timeout.unwrap_or(DEFAULT_TIMEOUT),
            max_attempts: max_attempts.unwrap_or(DEFAULT_MAX_ATTEMPTS),
            options,
        }))
    }

    pub fn option(&self, name: &str) -> Option<&str> {
        find_option(&self.options, name)
    }

    /// Whether or not a key may go there.
    pub fn api_url(&self) -> &str {
        self.option("api_url").unwrap_or(api_url::DEFAULT)
    }
}

fn find_option<'a>(options: &'a [(String, String)], name: &str) -> Option<&'a str> {
    options
        .iter()
        .find(|(found, _)| found == name)
        .map(|(_, value)| value.as_str())
}

/// Shows `look` name and value of each option in a list of `DefElem` that Postgres made.
unsafe fn look_at_options(list: *mut pg_sys::List, mut look: impl FnMut(&CStr, &CStr)) {
    // SAFETY: the caller's promise; names and values are NUL-terminated strings.
    unsafe {
        for option in PgList::<pg_sys::DefElem>::from_pg(list).iter_ptr() {
            let name = CStr::from_ptr((*option).defname);
            look(name, CStr::from_ptr(pg_sys::defGetString(option)));
        }
    }
}

/// An option in exactly this role's mapping (`InvalidOid`: PUBLIC's), if it has that; `None` when there
/// is no mapping. It is read anew for each call: nothing about a key is kept. (`GetUserMapping` would
/// raise, and fall back to PUBLIC.)
pub fn mapped(user: pg_sys::Oid, server: pg_sys::Oid, option: &CStr) -> Option<Option<Secret>> {
    let cache = USERMAPPINGUSERSERVER as c_int;
    // SAFETY: the tuple is released after its last use; the value is copied out of it.
    unsafe {
        let tuple = pg_sys::SearchSysCache2(cache, user.into(), server.into());
        if tuple.is_null() {
            return None;
        }
        let mut is_null = false;
        let attribute = pg_sys::Anum_pg_user_mapping_umoptions as pg_sys::AttrNumber;
        let datum = pg_sys::SysCacheGetAttr(cache, tuple, attribute, &mut is_null);
        let mut found = None;
        if !is_null {
            look_at_options(pg_sys::untransformRelOptions(datum), |name, value| {
                if name == option {
                    found = Some(Secret::new(from_server(value)));
                }
            });
        }
        pg_sys::ReleaseSysCache(tuple);
        Some(found)
    }
}
