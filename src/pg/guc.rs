//! Owns the settings. None of them is a secret: Postgres shows everybody what it does not know yet.
//! Those that decide where a key may go are out of reach of every session.

mod fixed;
mod queue;

use std::cell::{Cell, RefCell};
use std::ffi::{CStr, CString};

use pgrx::guc::{GucContext, GucFlags, GucRegistry, GucSetting, PostgresGucEnum};
use pgrx::pg_sys::GucSource;

use self::fixed::Fixed;
pub use self::queue::{queue_connections, queue_give_up, queue_keep, queue_linger, queue_pace};
use crate::error::Error;
use crate::pg::compat;
use crate::pg::text::from_server;

static SERVER: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(Some(c"neon"));
static DRY_RUN: GucSetting<bool> = GucSetting::<bool>::new(false);
static MAX_RESPONSE_SIZE: GucSetting<i32> = GucSetting::<i32>::new(256);
static MAX_ROWS: GucSetting<i32> = GucSetting::<i32>::new(1000);
static ALLOWED_HOSTS: GucSetting<Option<CString>> =
    GucSetting::<Option<CString>>::new(Some(c"console.neon.tech"));
static CA_FILE: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);
static PROXY: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);
static PROXY_USER: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);
static PROXY_PASSWORD_FILE: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);

static USERS_OWNERS: GucSetting<Option<CString>> =
    GucSetting::<Option<CString>>::new(Some(c"neon_auth"));
static LOG_CALLS: GucSetting<LogCalls> = GucSetting::<LogCalls>::new(LogCalls::Writes);

/// Which requests are written into the server's log.
#[derive(Clone, Copy, PostgresGucEnum)]
pub enum LogCalls {
    #[name = c"none"]
    None,
    #[name = c"writes"]
    Writes,
    #[name = c"all"]
    All,
}

impl LogCalls {
    /// Whether a request is among them.
    pub fn has(self, is_write: bool) -> bool {
        match self {
            Self::None => false,
            Self::Writes => is_write,
            Self::All => true,
        }
    }
}

/// Those that decide where a key goes, and whose code runs.
const CONFIGURED: [&CStr; 6] = [
    c"neon_auth_admin.allowed_hosts",
    c"neon_auth_admin.ca_file",
    c"neon_auth_admin.proxy",
    c"neon_auth_admin.proxy_user",
    c"neon_auth_admin.proxy_password_file",
    USERS_OWNERS_NAME,
];
const USERS_OWNERS_NAME: &CStr = c"neon_auth_admin.users_owners";
const LOG_CALLS_NAME: &CStr = c"neon_auth_admin.log_calls";

struct Server;

impl Fixed for Server {
    const NAME: &CStr = c"neon_auth_admin.server";
    const DESCRIPTION: &CStr = c"Foreign server that is used when a function names none.";
    const REFUSAL: &CStr =
        c"parameter \"neon_auth_admin.server\" cannot be set after connection start";
    const HINT: &CStr = c"Name the server in the call: its argument \"server\" decides.";
}

struct DryRun;

impl Fixed for DryRun {
    const NAME: &CStr = c"neon_auth_admin.dry_run";
    const DESCRIPTION: &CStr = c"Makes calls check their arguments and send nothing.";
    const REFUSAL: &CStr =
        c"parameter \"neon_auth_admin.dry_run\" cannot be set after connection start";
    const HINT: &CStr = c"Connect again, with it in the connection's options.";
}

thread_local! {
    static DRY_RUN_CAME_TOO_LATE: Cell<bool> = const { Cell::new(false) };
    static OVERRIDDEN: RefCell<Vec<&'static CStr>> = const { RefCell::new(Vec::new()) };
}

pub fn define() {
    // Anybody may set what Postgres does not know yet. When it is defined, such a value is dropped,
    // but if it came with the connection, its role or its database, then the configured value was
    // forgotten for it, and what is left is the built-in default. No call is made then.
    let overridden = CONFIGURED
        .into_iter()
        .filter(|name| reset_source(name).is_some_and(|source| source > GucSource::PGC_S_ARGV));
    let mut overridden: Vec<_> = overridden.collect();
    let is_log_chosen =
        reset_source(LOG_CALLS_NAME).is_some_and(|source| source > GucSource::PGC_S_ARGV);
    // Whoever wanted nothing to be sent must not have it sent because he said so too early.
    DRY_RUN_CAME_TOO_LATE.set(is_set_by_statement(DryRun::NAME));
    fixed::define_string::<Server>(&SERVER);
    fixed::define_bool::<DryRun>(&DRY_RUN);
    GucRegistry::define_int_guc(
        c"neon_auth_admin.max_response_size",
        c"Longest answer that is read from the Neon API.",
        c"",
        &MAX_RESPONSE_SIZE,
        16,
        16 * 1024,
        GucContext::Userset,
        GucFlags::UNIT_KB,
    );
    GucRegistry::define_int_guc(
        c"neon_auth_admin.max_rows",
        c"Most rows that a statement writes through a view.",
        c"Each of them is a call, and none is undone when one is refused.",
        &MAX_ROWS,
        0,
        1_000_000,
        GucContext::Userset,
        GucFlags::default(),
    );
    queue::define();
    GucRegistry::define_string_guc(
        c"neon_auth_admin.allowed_hosts",
        c"Hosts to which an API key may be sent.",
        c"A comma-separated list of host, host:port and host:* (any port).",
        &ALLOWED_HOSTS,
        GucContext::Sighup,
        GucFlags::default(),
    );
    GucRegistry::define_string_guc(
        c"neon_auth_admin.ca_file",
        c"PEM file with the certificates to trust in place of the system's.",
        c"",
        &CA_FILE,
        GucContext::Sighup,
        GucFlags::default(),
    );
    GucRegistry::define_string_guc(
        c"neon_auth_admin.proxy",
        c"HTTP proxy (http://host:port) for calls of the Neon API.",
        c"The environment's proxy variables are ignored.",
        &PROXY,
        GucContext::Sighup,
        GucFlags::default(),
    );
    GucRegistry::define_string_guc(
        c"neon_auth_admin.proxy_user",
        c"User name for the proxy.",
        c"",
        &PROXY_USER,
        GucContext::Sighup,
        GucFlags::default(),
    );
    GucRegistry::define_string_guc(
        c"neon_auth_admin.proxy_password_file",
        c"File whose first line is the password for the proxy.",
        c"",
        &PROXY_PASSWORD_FILE,
        GucContext::Sighup,
        GucFlags::default(),
    );
    GucRegistry::define_string_guc(
        USERS_OWNERS_NAME,
        c"Roles whose tables of Neon Auth's users are read.",
        c"A comma-separated list; superusers, the owner of the database and the caller need no entry.",
        &USERS_OWNERS,
        GucContext::Sighup,
        GucFlags::default(),
    );
    GucRegistry::define_enum_guc(
        LOG_CALLS_NAME,
        c"Requests that are written into the server's log.",
        c"",
        &LOG_CALLS,
        GucContext::Suset,
        GucFlags::default(),
    );
    // Who may set it for a role, a database or his own connection is heard. What others gave is dropped, and
    // the configured value was forgotten for it.
    if is_log_chosen && reset_source(LOG_CALLS_NAME) == Some(GucSource::PGC_S_DEFAULT) {
        overridden.push(LOG_CALLS_NAME);
    }
    OVERRIDDEN.set(overridden);
    compat::reserve_prefix(c"neon_auth_admin");
}

/// Where the value comes from that a session of this connection starts with and goes back to.
fn reset_source(name: &CStr) -> Option<GucSource::Type> {
    compat::find_setting(name).map(|setting| setting.reset_source)
}

/// A setting as Postgres has it: enough to see whether it has changed.
pub type Raw = Option<CString>;

/// The setting, if any, whose configured value this session has lost.
pub fn overridden() -> Option<String> {
    OVERRIDDEN.with_borrow(|names| names.first().map(|name| name.to_string_lossy().into()))
}

pub fn server() -> String {
    text(&SERVER.get()).unwrap_or_default()
}

/// Whether nothing may be sent.
pub fn is_dry_run() -> bool {
    DRY_RUN.get()
}

/// Whether whoever connected has said so, for this session alone.
pub fn is_dry_run_by_client() -> bool {
    let setting = compat::find_setting(DryRun::NAME);
    is_dry_run() && setting.is_some_and(|setting| setting.source == GucSource::PGC_S_CLIENT)
}

/// Whether a statement has tried to say so before this library was there to refuse it.
pub fn came_dry_run_too_late() -> bool {
    DRY_RUN_CAME_TOO_LATE.get()
}

/// Of a setting that Postgres does not know yet.
fn is_set_by_statement(name: &CStr) -> bool {
    compat::find_setting(name).is_some_and(|setting| setting.source >= GucSource::PGC_S_INTERACTIVE)
}

pub fn log_calls() -> LogCalls {
    LOG_CALLS.get()
}

/// In bytes.
pub fn max_response() -> u64 {
    u64::from(MAX_RESPONSE_SIZE.get().unsigned_abs()) * 1024
}

pub fn max_rows() -> usize {
    usize::try_from(MAX_ROWS.get()).unwrap_or_default()
}

pub fn allowed_hosts() -> Raw {
    ALLOWED_HOSTS.get()
}

pub fn are_allowed_hosts(hosts: &Raw) -> bool {
    is_set_to(&ALLOWED_HOSTS, hosts)
}

pub fn has_proxy() -> bool {
    !is_set_to(&PROXY, &None) && !is_set_to(&PROXY, &Some(c"".to_owned()))
}

/// What connections are made with.
pub struct Network {
    pub ca_file: Raw,
    pub proxy: Raw,
    pub proxy_user: Raw,
    pub proxy_password_file: Raw,
}

pub fn network() -> Network {
    Network {
        ca_file: CA_FILE.get(),
        proxy: PROXY.get(),
        proxy_user: PROXY_USER.get(),
        proxy_password_file: PROXY_PASSWORD_FILE.get(),
    }
}

impl Network {
    /// Whether the settings are still these.
    pub fn is_current(&self) -> bool {
        is_set_to(&CA_FILE, &self.ca_file)
            && is_set_to(&PROXY, &self.proxy)
            && is_set_to(&PROXY_USER, &self.proxy_user)
            && is_set_to(&PROXY_PASSWORD_FILE, &self.proxy_password_file)
    }
}

/// Without a copy, as each call looks at several.
fn is_set_to(setting: &GucSetting<Option<CString>>, value: &Raw) -> bool {
    // SAFETY: Postgres' own variable on the backend's own thread, and its NUL-terminated text, if any.
    #[allow(unsafe_code)]
    let now = unsafe {
        let text = *setting.as_ptr();
        (!text.is_null()).then(|| CStr::from_ptr(text))
    };
    now == value.as_deref()
}

/// A list of roles.
pub fn users_owners() -> Result<Raw, Error> {
    if OVERRIDDEN.with_borrow(|names| names.contains(&USERS_OWNERS_NAME)) {
        let name = USERS_OWNERS_NAME.to_string_lossy();
        return Err(Error::overridden_setting(&name));
    }
    Ok(USERS_OWNERS.get())
}

/// `None` when unset or empty.
pub fn text(setting: &Raw) -> Option<String> {
    let value = setting.as_deref()?;
    (!value.is_empty()).then(|| from_server(value))
}
