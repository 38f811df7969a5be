//! Owns `check_connection`: the way to Neon, looked at step by step.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use pgrx::pg_sys::panic::CaughtError;
use pgrx::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::{Advice, Error};
use crate::neon::account::{self, AuthDetails};
use crate::neon::api_url::ApiUrl;
use crate::neon::client::Client;
use crate::neon::diagnosis::{self, Finding};
use crate::neon::endpoint::Scope;
use crate::neon::http;
use crate::neon::integration::{self, Integrations};
use crate::neon::request::Request;
use crate::neon::target::Target;
use crate::pg::api_key::Key;
use crate::pg::raised::forget;
use crate::pg::report::{Asked, Raise};
use crate::pg::reserve::{Entry, keep};
use crate::pg::role::Role;
use crate::pg::row::{Row, Secrets, row_type};
use crate::pg::rows::Rows;
use crate::pg::server::catalog::{DEFAULT_TIMEOUT, ForeignServer};
use crate::pg::server::current;
use crate::pg::session::{Session, prevent_if_parallel, refuse_wrong_place};
use crate::pg::subtransaction::without_a_trace;
use crate::pg::text::{Text, for_message, from_server, to_server};
use crate::pg::wait::{Failure, look_up};
use crate::pg::{dry_run, guc, local, local_users, queue, server};

/// Looks at each step between this session and Neon; a step that fails is a row and no error. See
/// [`diagnosis::diagnose`] for those that are Neon's.
#[pg_extern(volatile, parallel_unsafe, cost = 1000)]
fn check_connection(
    _entry: Entry,
    server: default!(Option<Text>, "NULL"),
) -> Result<Rows<CheckedStep>, Raise> {
    prevent_if_parallel();
    let place = refuse_wrong_place().and(dry_run::refuse());
    let row = Row::new::<CheckedStep>()?;
    let role = Role::in_effect();
    let mut findings = Findings::default();
    let found = findings.caught(SERVER, |findings| {
        Ok(findings.server(server.as_deref(), role))
    });
    let configured = found.as_ref().and_then(|(server, target)| {
        findings.caught(KEY, |findings| {
            Ok(configured(server, role, target, findings))
        })
    });
    let time = found
        .as_ref()
        .map_or(DEFAULT_TIMEOUT, |(server, _)| server.timeout);
    let target = found.as_ref().map(|(_, target)| target.clone());
    if let Err(error) = &place {
        // Whatever else is wrong here, this comes first.
        findings.failed("TLS", error);
    } else if let (Some((server, target)), Some((key, url))) = (found, configured) {
        let asked = Asked::new(&server, role, &key);
        let looked = integration::list(&target).and_then(|list| {
            let details = account::auth_details()?;
            let neon = Session::with(&server, asked.clone(), target.clone(), key, url)?;
            Ok(neon.look(|client| on_the_way(client, &list, &details)))
        });
        match looked {
            Ok(found) => findings.0.extend(found.into_iter().flatten()),
            // The roots of TLS or what the proxy needs cannot be read.
            Err(error) => findings.failed("TLS", &error),
        }
        for finding in &mut findings.0 {
            match finding.advice.take() {
                None => {}
                Some(Advice::CreateIntegration) => {
                    finding.detail += &format!(": {}", asked.to_integrate(&target));
                }
                Some(advice) => {
                    let hint = asked.hint(&target, advice);
                    finding.detail += &format!(". {}", hint.trim_end_matches('.'));
                }
            }
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
        let state = local_users::check(&row, target.as_ref(), time)?;
        findings.succeeded(USERS, state);
        Ok(Some(()))
    });
    findings.caught(QUEUE, |findings| {
        let (is_made, state) = queue::check(role)?;
        findings.0.push(Finding::new(QUEUE, Some(is_made), state));
        Ok(Some(()))
    });
    let shown = findings.0.into_iter().map(|finding| CheckedStep {
        step: finding.step,
        ok: finding.ok,
        detail: sayable(&finding.detail),
    });
    Ok(Rows::new(row, shown.collect(), Secrets::Masked)?)
}

/// A finding as a row.
#[derive(Deserialize, Serialize)]
struct CheckedStep {
    step: &'static str,
    ok: Option<bool>,
    detail: String,
}

row_type!(CheckedStep, "connection_check");

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
const QUEUE: &str = "queue";

#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn has(&self, step: &str) -> bool {
        self.0.iter().any(|finding| finding.step == step)
    }

    fn succeeded(&mut self, step: &'static str, detail: String) {
        self.0.push(Finding::new(step, Some(true), detail));
    }

    fn failed(&mut self, step: &'static str, error: &Error) {
        let detail = in_one_line(error);
        self.0.push(Finding::new(step, Some(false), detail));
    }

    /// Does `work`; what that raises is a finding at `step`.
    fn caught<T>(
        &mut self,
        step: &'static str,
        work: impl FnOnce(&mut Self) -> Result<Option<T>, local::Failure>,
    ) -> Option<T> {
        caught(|| work(self)).unwrap_or_else(|detail| {
            self.0.push(Finding::new(step, Some(false), detail));
            None
        })
    }

    fn server(&mut self, name: Option<&str>, role: Role) -> Option<(Rc<ForeignServer>, Target)> {
        let found = server::usable_server(name, role)
            .and_then(|server| Ok((server.clone(), server::target(&server, Scope::Level)?)));
        self.keep(SERVER, found, |(server, target)| {
            let named = format!("\"{}\": {target}", server.name);
            match current::own_branch_beside(target) {
                Some(own) => format!("{named}; but this compute runs branch \"{own}\""),
                None => named,
            }
        })
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
    role: Role,
    target: &Target,
    findings: &mut Findings,
) -> Option<(Key, ApiUrl)> {
    // Both are looked at: whoever mends one may mend the other as well.
    let url = server::api_url(server);
    let key = Key::of(server, role).and_then(|key| {
        if let Ok(url) = &url {
            key.check(server, role, target, url)?;
        }
        Ok(key)
    });
    let key = findings.keep(KEY, key, |key| describe(key, role));
    let url = findings.keep(HOST, url, |url| url.host().to_owned());
    key.zip(url)
}

/// Whose it is, and how it is stored.
fn describe(key: &Key, role: Role) -> String {
    let mut described = match key.is_of_public {
        true => "of PUBLIC".to_owned(),
        false => format!("of role \"{role}\""),
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
fn on_the_way(
    client: &Client,
    list: &Request<Integrations>,
    details: &Request<AuthDetails>,
) -> Vec<Finding> {
    let found = |ok, detail| Finding::new(NAME, Some(ok), detail);
    let name = match guc::has_proxy() {
        true => Ok("left to the proxy".to_owned()),
        false => match look_up(client.connection.api_url.host(), Some(client.deadline)) {
            Ok(addresses) => {
                let addresses: Vec<_> = addresses.iter().map(ToString::to_string).collect();
                Ok(addresses.join(", "))
            }
            Err(Failure::Io(error)) => Err(http::in_words(&error)),
            // An interrupt is raised in a moment; this is for the end of the time.
            Err(Failure::Ended(_)) => Err("no answer in time".to_owned()),
        },
    };
    match name {
        Ok(name) => {
            let mut findings = vec![found(true, name)];
            findings.extend(diagnosis::diagnose(client, list, details));
            findings
        }
        Err(why) => vec![found(false, why)],
    }
}

/// Does `work`, and returns what it raises in words. Only what ends the whole call is raised on.
fn caught<T>(work: impl FnOnce() -> Result<T, local::Failure>) -> Result<T, String> {
    // An earlier step may have used it.
    keep().map_err(|error| in_one_line(&error))?;
    // In conflict with what a standby replays, a subtransaction ends the session, and anything else ends
    // in an error. So there is none on a standby, and what Postgres raises is raised on.
    // SAFETY: reads a variable of the backend.
    #[allow(unsafe_code)]
    let on_standby = unsafe { pgrx::pg_sys::RecoveryInProgress() };
    let canceled = PgSqlErrorCode::ERRCODE_QUERY_CANCELED;
    let result = if on_standby {
        work()
    } else {
        PgTryBuilder::new(AssertUnwindSafe(|| Ok(without_a_trace(work))))
            .catch_when(canceled, |error| error.rethrow())
            .catch_others(|error| match error {
                CaughtError::PostgresError(report) | CaughtError::ErrorReport(report) => {
                    forget();
                    Err(sentences(report.message(), report.detail(), report.hint()))
                }
                panic => panic.rethrow(),
            })
            .execute()?
    };
    result.map_err(|failure| match failure.of(USERS) {
        local::Failure::Raised(raised) if on_standby || raised.is(canceled) => raised.resume(),
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
    sentences(&error.message, error.detail.as_deref(), error.hint())
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
