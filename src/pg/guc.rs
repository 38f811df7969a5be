//! Owns the settings. None of them is a secret; those that decide where a key may go are out of
//! reach of every session.

use std::ffi::CString;

use pgrx::guc::{GucContext, GucFlags, GucRegistry, GucSetting};

use crate::pg::text::from_server;

static SERVER: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(Some(c"neon"));
static SHOW_SECRETS: GucSetting<bool> = GucSetting::<bool>::new(false);
static MAX_RESPONSE_SIZE: GucSetting<i32> = GucSetting::<i32>::new(256);
static ALLOWED_HOSTS: GucSetting<Option<CString>> =
    GucSetting::<Option<CString>>::new(Some(c"console.neon.tech"));
static CA_FILE: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);
static PROXY: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);

pub fn define() {
    GucRegistry::define_string_guc(
        c"neon_auth_admin.server",
        c"Foreign server that is used when a function names none.",
        c"",
        &SERVER,
        GucContext::Userset,
        GucFlags::default(),
    );
    GucRegistry::define_bool_guc(
        c"neon_auth_admin.show_secrets",
        c"Show client secrets and passwords in results.",
        c"When off they appear as ********.",
        &SHOW_SECRETS,
        GucContext::Userset,
        GucFlags::default(),
    );
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
        GucFlags::SUPERUSER_ONLY,
    );
    reserve_prefix(c"neon_auth_admin");
}

/// A misspelt setting is an error from here on.
fn reserve_prefix(prefix: &std::ffi::CStr) {
    // SAFETY: the string outlives the call, which copies it.
    #[allow(unsafe_code)]
    unsafe {
        #[cfg(feature = "pg14")]
        pgrx::pg_sys::EmitWarningsOnPlaceholders(prefix.as_ptr());
        #[cfg(not(feature = "pg14"))]
        pgrx::pg_sys::MarkGUCPrefixReserved(prefix.as_ptr());
    }
}

/// A setting as Postgres has it: enough to see whether it has changed.
pub type Raw = Option<CString>;

pub fn server() -> String {
    text(&SERVER.get()).unwrap_or_default()
}

pub fn show_secrets() -> bool {
    SHOW_SECRETS.get()
}

/// In bytes.
pub fn max_response() -> u64 {
    u64::from(MAX_RESPONSE_SIZE.get().unsigned_abs()) * 1024
}

pub fn allowed_hosts() -> Raw {
    ALLOWED_HOSTS.get()
}

pub fn ca_file() -> Raw {
    CA_FILE.get()
}

pub fn proxy() -> Raw {
    PROXY.get()
}

/// `None` when unset or empty.
pub fn text(setting: &Raw) -> Option<String> {
    let value = setting.as_deref()?;
    (!value.is_empty()).then(|| from_server(value))
}
