//! Owns the agent of this backend, which keeps connections from one call to the next, and those of its threads. It
//! knows nothing of calls.

use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use crate::error::Error;
use crate::neon::http::proxy::ProxySettings;
use crate::neon::http::{Http, MAX_IDLE, Settings};
use crate::pg::guc;
use crate::pg::wait::{LatchConnector, LatchResolver, blocking};

thread_local! {
    /// With the settings it was built from.
    static HTTP: RefCell<Option<(guc::Network, Rc<Http>)>> = const { RefCell::new(None) };
}

pub fn http() -> Result<Rc<Http>, Error> {
    HTTP.with_borrow_mut(|kept| match kept {
        Some((built_from, http)) if built_from.is_current() => Ok(http.clone()),
        _ => {
            let network = guc::network();
            let settings = settings(&network);
            let http = Rc::new(Http::new(&settings, LatchConnector, LatchResolver)?);
            *kept = Some((network, http.clone()));
            Ok(http)
        }
    })
}

/// For one thread at a time that is not the backend's own, as long as the settings are the same.
pub struct ThreadsHttp {
    built_from: guc::Network,
    http: Arc<Http>,
}

impl ThreadsHttp {
    pub fn new() -> Result<Self, Error> {
        let built_from = guc::network();
        let (connector, resolver) = blocking();
        let http = Http::new(&settings(&built_from), connector, resolver)?;
        let http = Arc::new(http);
        Ok(Self { built_from, http })
    }

    pub fn is_current(&self) -> bool {
        self.built_from.is_current()
    }

    pub fn http(&self) -> Arc<Http> {
        self.http.clone()
    }
}

fn settings(network: &guc::Network) -> Settings {
    Settings {
        user_agent: user_agent(),
        ca_file: guc::text(&network.ca_file).map(PathBuf::from),
        proxy: guc::text(&network.proxy).map(|url| ProxySettings {
            url,
            user: guc::text(&network.proxy_user),
            password_file: guc::text(&network.proxy_password_file).map(PathBuf::from),
        }),
        max_idle: MAX_IDLE,
    }
}

fn user_agent() -> String {
    let postgres = pgrx::pg_sys::PG_VERSION.to_string_lossy();
    format!(
        "neon_auth_admin/{} (PostgreSQL {postgres})",
        env!("CARGO_PKG_VERSION")
    )
}
