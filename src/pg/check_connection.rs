//! Owns `check_connection`: the way to Neon, looked at step by step.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use pgrx::pg_sys::panic::CaughtError;
use pgrx::prelude::*;

use crate::error::Error;
use crate::neon::client::{Client, Connection};
use crate::neon::diagnosis::{self, Finding};
use crate::neon::http;
use crate::neon::scope::Scope;
use crate::pg::call::{refuse_wrong_place, run_over};
use crate::pg::query::without_a_trace;
use crate::pg::raised::forget;
use crate::pg::report::Raise;
use crate::pg::row::Row;
use crate::pg::rows::{Rows, SetOf};
use crate::pg::server::catalog::{DEFAULT_TIMEOUT, ForeignServer};
use crate::pg::server::key::Key;
use crate::pg::text::{Text, for_message, from_server, to_server};
use crate::pg::wait::{Failure, look_up};
use crate::pg::{guc, local, server, synced_users};

/// Looks at each step between this session and Neon; a step that fails is a row and no error. See
/// [`diagnosis::diagnose`] for those that are Neon's.
#[pg_extern(volatile, parallel_unsafe, cost = 10000)]
fn check_connection(server: default!(Option<Text>, "NULL")) -> Result<Rows<Finding>, Raise> {
    let place = refuse_wrong_place();
    let row = Row::new(c"connection_check", &["step", "ok", "detail"])?;
    let mut findings = Findings::default();
    let found = findings.caught(SERVER, |findings| findings.server(server.as_deref()));
    let (scope, time) = match &found {
        Some((server, scope)) => (Some(scope.clone()), server.timeout),
        None => (None, DEFAULT_TIMEOUT),
    };
    let connection = found.and_then(|(server, scope)| {
        findings.caught(KEY, |findings| configured(&server, scope, findings))
    });
    if let Some(connection) = connection {
        let found = place.and_then(|()| run_over(&connection, |client| Ok(on_the_way(client))));
        match found {
            Ok(found) => findings.0.extend(found),
            // This is no place for a call, or the roots of TLS or what the proxy needs cannot be read.
            Err(error) => findings.failed("TLS", &error),
        }
    }
    for step in ORDER {
        if !findings.has(step) {
            findings.0.push(Finding::not_checked(step));
        }
    }
    findings
        .0
        .sort_by_key(|finding| ORDER.iter().position(|step| *step == finding.step));
    findings.caught(USERS, |findings| {
        let state = synced_users::check(&row, scope.as_ref(), time)?;
        findings.succeeded(USERS, state);
        Ok(Some(()))
    });
    for finding in &mut findings.0 {
        finding.detail = sayable(&finding.detail);
    }
    let rows = Rows::new(row, &findings.0, |row, finding| {
        row.text("step", finding.step)?
            .set("ok", finding.ok)?
            .text("detail", finding.detail.as_str())
    });
    Ok(rows?)
}

/// As a person would look.
const ORDER: [&str; 8] = [
    SERVER,
    KEY,
    HOST,
    NAME,
    diagnosis::STEPS[0],
    diagnosis::STEPS[1],
    diagnosis::STEPS[2],
    diagnosis::STEPS[3],
];
const SERVER: &str = "server found";
const KEY: &str = "key present";
const HOST: &str = "host allowed";
const NAME: &str = "name resolves";
const USERS: &str = "users table";

#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn has(&self, step: &str) -> bool {
        self.0.iter().any(|finding| finding.step == step)
    }

    fn succeeded(&mut self, step: &'static str, detail: String) {
        self.0.push(Finding {
            step,
            ok: Some(true),
            detail,
        });
    }

    fn failed(&mut self, step: &'static str, error: &Error) {
        self.0.push(Finding {
            step,
            ok: Some(false),
            detail: in_one_line(error),
        });
    }

    /// Does `work`; what that raises is a finding at `step`.
    fn caught<T>(
        &mut self,
        step: &'static str,
        work: impl FnOnce(&mut Self) -> Result<Option<T>, local::Failure>,
    ) -> Option<T> {
        caught(|| work(self)).unwrap_or_else(|detail| {
            self.0.push(Finding {
                step,
                ok: Some(false),
                detail,
            });
            None
        })
    }

    fn server(
        &mut self,
        name: Option<&str>,
    ) -> Result<Option<(Rc<ForeignServer>, Scope)>, local::Failure> {
        let found = server::usable_server(name)
            .and_then(|server| server::scope(&server).map(|scope| (server, scope)));
        Ok(self.keep(SERVER, found, |(server, scope)| {
            format!("\"{}\": {scope}", server.name)
        }))
    }

    /// Keeps what came of a step, and says what it gave if it went well.
    fn keep<T>(
        &mut self,
        step: &'static str,
        result: Result<T, Error>,
        detail: impl FnOnce(&T) -> String,
    ) -> Option<T> {
        match result {
            Ok(value) => {
                self.succeeded(step, detail(&value));
                Some(value)
            }
            Err(error) => {
                self.failed(step, &error);
                None
            }
        }
    }
}

/// What the catalogs and the settings have to say of a call through this server.
fn configured(
    server: &ForeignServer,
    scope: Scope,
    findings: &mut Findings,
) -> Result<Option<Connection>, local::Failure> {
    // Both are looked at: whoever mends one may mend the other as well.
    let url = server::api_url(server);
    let key = Key::of(server).and_then(|key| {
        if let Ok(url) = &url {
            key.check(server, &scope, url)?;
        }
        Ok(key)
    });
    let key = findings.keep(KEY, key, describe);
    let url = findings.keep(HOST, url, |url| url.host().to_owned());
    let both = key.zip(url);
    Ok(both.map(|(key, url)| server::connection_of(server, scope, key, url)))
}

/// Whose it is, and how it is stored.
fn describe(key: &Key) -> String {
    let mut described = match key.is_of_public {
        true => "of PUBLIC".to_owned(),
        false => format!("of role \"{}\"", server::role_in_effect()),
    };
    match &key.purpose {
        None => described += ", not sealed: set_api_key() would seal it",
        Some(purpose) => {
            described += ", sealed";
            if let Some(project) = &purpose.project_id {
                described += &format!(" for project \"{project}\"");
            }
        }
    }
    described
}

/// The name, and what Neon has to say.
fn on_the_way(client: &Client) -> Vec<Finding> {
    let name = |ok, detail| Finding {
        step: NAME,
        ok: Some(ok),
        detail,
    };
    if guc::has_proxy() {
        let mut findings = vec![name(true, "left to the proxy".to_owned())];
        findings.extend(diagnosis::diagnose(client));
        return findings;
    }
    let host = client.connection().api_url.host();
    match look_up(host, None) {
        Ok(addresses) => {
            let addresses: Vec<_> = addresses.iter().map(ToString::to_string).collect();
            let mut findings = vec![name(true, addresses.join(", "))];
            findings.extend(diagnosis::diagnose(client));
            findings
        }
        Err(Failure::Io(error)) => vec![name(false, http::in_words(&error))],
        // An interrupt is raised in a moment; this is for the end of the time.
        Err(Failure::Ended(_)) => {
            let time = client.connection().timeout.as_millis();
            vec![name(false, format!("no answer in {time} ms"))]
        }
    }
}

/// Does `work`, and returns what it raises in words. Only what ends the whole call is raised on.
fn caught<T>(work: impl FnOnce() -> Result<T, local::Failure>) -> Result<T, String> {
    let canceled = PgSqlErrorCode::ERRCODE_QUERY_CANCELED;
    let result = PgTryBuilder::new(AssertUnwindSafe(|| Ok(without_a_trace(work))))
        .catch_when(canceled, |error| error.rethrow())
        .catch_others(|error| match error {
            CaughtError::PostgresError(report) | CaughtError::ErrorReport(report) => {
                forget();
                Err(sentences(report.message(), report.detail(), report.hint()))
            }
            panic => panic.rethrow(),
        })
        .execute()?;
    result.map_err(|failure| match failure.of(USERS) {
        local::Failure::Raised(raised) if raised.is(canceled) => raised.resume(),
        local::Failure::Raised(raised) => {
            let words = || from_server(raised.message());
            let lossy = || raised.message().to_string_lossy().into_owned();
            catch_unwind(AssertUnwindSafe(words)).unwrap_or_else(|_| lossy())
        }
        local::Failure::Refused(error) => in_one_line(&error),
        local::Failure::Locked | local::Failure::Moved => unreachable!("they have a name"),
    })
}

/// With escapes, where the encoding of the database has no other way to say it.
fn sayable(text: &str) -> String {
    let is_sayable = text.is_ascii() || caught(|| Ok(to_server(text))).is_ok();
    if is_sayable {
        text.to_owned()
    } else {
        for_message(text.to_owned())
    }
}

fn in_one_line(error: &Error) -> String {
    sentences(
        &error.message,
        error.detail.as_deref(),
        error.hint.as_deref(),
    )
}

fn sentences(message: &str, detail: Option<&str>, hint: Option<&str>) -> String {
    let parts = [Some(message), detail, hint];
    let parts: Vec<_> = parts
        .into_iter()
        .flatten()
        .map(|part| part.trim_end_matches('.'))
        .collect();
    parts.join(". ")
}

impl SetOf for Finding {
    const SQL: &str = "SETOF neon_auth_admin.connection_check";
}
