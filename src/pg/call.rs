//! Owns how a SQL function becomes a call of the API: what is refused before any I/O, the agent that
//! keeps connections, and what happens to an interrupt.

use std::cell::RefCell;
use std::ffi::CStr;
use std::path::PathBuf;
use std::rc::Rc;

use pgrx::prelude::*;

use crate::error::{Error, ErrorKind};
use crate::neon::client::{Client, Connection};
use crate::neon::http::proxy::ProxySettings;
use crate::neon::http::{Http, MAX_IDLE, Settings, TimeKeeper};
use crate::neon::request::Request;
use crate::neon::scope::Scope;
use crate::pg::report::warn;
use crate::pg::reserve::{keep, with_reserve};
use crate::pg::text::Text;
use crate::pg::wait::{
    Backend, LatchConnector, LatchResolver, begin_call, is_interrupted, raise_interrupt,
};
use crate::pg::{guc, server};

thread_local! {
    /// The agent of this backend, with the settings it was built from.
    static HTTP: RefCell<Option<(guc::Network, Rc<Http>)>> = const { RefCell::new(None) };
}

/// An argument that must not be NULL.
pub fn required<T>(name: &str, value: Option<T>) -> Result<T, Error> {
    value.ok_or_else(|| Error::null_argument(name))
}

/// Far more elements than any array of the API has.
const MAX_ELEMENTS: usize = 1000;

/// The elements of an array that is not too long to look at, made as they are asked for: an array of
/// NULLs has a bit for each.
pub fn elements<'a>(
    name: &str,
    array: &'a Array<Text>,
) -> Result<impl Iterator<Item = Option<Text>> + use<'a>, Error> {
    if array.len() > MAX_ELEMENTS {
        let expected = format!("an array of at most {MAX_ELEMENTS} elements");
        return Err(Error::invalid_argument(name, &expected));
    }
    Ok(array.iter())
}

/// Sends a request that changes nothing.
pub fn read<T>(
    server: Option<&str>,
    request: impl FnOnce(&Scope) -> Result<Request<T>, Error>,
) -> Result<T, Error> {
    run(server, |client| client.send(&request(client.scope())?))
}

/// Sends a request that changes something. `function` is its SQL name, for Postgres' own refusals.
pub fn write<T>(
    function: &CStr,
    server: Option<&str>,
    request: impl FnOnce(&Scope) -> Result<Request<T>, Error>,
) -> Result<T, Error> {
    prevent_if_read_only(function);
    run(server, |client| client.send(&request(client.scope())?))
}

/// Raises when the transaction is read-only or on a standby; `function` is the SQL name.
pub fn prevent_if_read_only(function: &CStr) {
    // SAFETY: a NUL-terminated name.
    #[allow(unsafe_code)]
    unsafe {
        pgrx::pg_sys::PreventCommandIfReadOnly(function.as_ptr());
    }
}

/// Runs `work` with a client for `server`.
pub fn run<T>(
    server: Option<&str>,
    work: impl FnOnce(&Client) -> Result<T, Error>,
) -> Result<T, Error> {
    refuse_wrong_place()?;
    keep()?;
    with_reserve(|| run_over(&server::connection(server)?, work))
}

/// Some places are none for a call: a parallel worker (where only a caller's function that is wrongly
/// marked as safe can bring us), a security-restricted operation such as the refresh of a materialized
/// view, and a session whose settings are not the configured ones.
pub fn refuse_wrong_place() -> Result<(), Error> {
    // SAFETY: a NUL-terminated name; raises in a parallel worker. Then reads the backend's security
    // context.
    #[allow(unsafe_code)]
    let restricted = unsafe {
        pgrx::pg_sys::PreventCommandIfParallelMode(c"a call of the Neon API".as_ptr());
        pgrx::pg_sys::InSecurityRestrictedOperation()
    };
    if restricted {
        return Err(Error::security_restricted());
    }
    match guc::overridden() {
        Some(setting) => Err(Error::overridden_setting(&setting)),
        None => Ok(()),
    }
}

/// Runs `work` with a client over this connection, and raises what interrupts it.
pub fn run_over<T>(
    connection: &Connection,
    work: impl FnOnce(&Client) -> Result<T, Error>,
) -> Result<T, Error> {
    let http = http()?;
    begin_call(connection.timeout);
    let result = work(&Client::new(connection, &http, &Backend));
    if is_interrupted() {
        if let Err(error) = &result {
            warn_of_lost_write(error);
        }
        raise_interrupt();
    }
    result
}

/// An interrupted call ends with Postgres' own error, which knows nothing of the request: whoever
/// looks after it needs the request's id.
fn warn_of_lost_write(error: &Error) {
    use ErrorKind::{Interrupted, OutcomeUnknown};
    // Where to look is said of a write alone.
    if [Interrupted, OutcomeUnknown].contains(&error.kind) && error.hint.is_some() {
        warn(Error {
            kind: OutcomeUnknown,
            ..error.clone()
        });
    }
}

fn http() -> Result<Rc<Http>, Error> {
    let network = guc::network();
    HTTP.with_borrow_mut(|kept| match kept {
        Some((built_from, http)) if *built_from == network => Ok(http.clone()),
        _ => {
            let settings = Settings {
                user_agent: user_agent(),
                ca_file: guc::text(&network.ca_file).map(PathBuf::from),
                proxy: guc::text(&network.proxy).map(|url| ProxySettings {
                    url,
                    user: guc::text(&network.proxy_user),
                    password_file: guc::text(&network.proxy_password_file).map(PathBuf::from),
                }),
                max_idle: MAX_IDLE,
            };
            let http = Rc::new(Http::new(
                &settings,
                LatchConnector,
                LatchResolver,
                TimeKeeper::Transport,
            )?);
            *kept = Some((network, http.clone()));
            Ok(http)
        }
    })
}

fn user_agent() -> String {
    let postgres = pgrx::pg_sys::PG_VERSION.to_string_lossy();
    format!(
        "neon_auth_admin/{} (PostgreSQL {postgres})",
        env!("CARGO_PKG_VERSION")
    )
}
