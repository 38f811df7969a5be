//! Owns the way of a call from a SQL function to Neon and back: server and key, the agent that keeps
//! connections, the clock, and what happens to an interrupt.

mod places;
mod queued;

use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::error::{Error, ErrorKind};
use crate::neon::api_url::ApiUrl;
use crate::neon::client::{Client, Connection, new_request_id};
use crate::neon::endpoint::Endpoint;
use crate::neon::http::Http;
use crate::neon::pages::{Page, pages};
use crate::neon::request::Request;
use crate::neon::target::Target;
use crate::pg::api_key::Key;
use crate::pg::call_log::CallLog;
use crate::pg::local_users::own_locks::{self, Need};
use crate::pg::report::{Asked, Raise, warn};
use crate::pg::role::Role;
use crate::pg::row::{One, Row, RowType, Secrets};
use crate::pg::rows::Rows;
use crate::pg::server::catalog::{DEFAULT_TIMEOUT, ForeignServer};
use crate::pg::turn::Turn;
use crate::pg::wait::{Backend, begin, is_interrupted, raise_interrupt};
use crate::pg::{agent, dry_run, guc, queue, server};

pub use self::places::{prevent_if_parallel, prevent_if_read_only, refuse_wrong_place};

/// All that a call needs. Its clock runs: whatever it sends shares the time that the server gives a call.
pub struct Session(Way);

enum Way {
    ToNeon(Box<Line>),
    /// Nothing may be sent: see [`dry_run`].
    Nowhere(Target),
}

struct Line {
    connection: Connection,
    http: Rc<Http>,
    deadline: Instant,
    log: CallLog,
    asked: Asked,
}

impl Session {
    /// For a call of `endpoint` through that server, or the configured one, as the role in effect.
    pub fn open(endpoint: &Endpoint, server: Option<&str>) -> Result<Self, Raise> {
        Ok(Self::try_open(endpoint, server)?)
    }

    /// The same, for whoever has something to add to an error.
    pub fn try_open(endpoint: &Endpoint, server: Option<&str>) -> Result<Self, Error> {
        if endpoint.is_write() {
            prevent_if_read_only(endpoint.function);
            prevent_if_parallel();
        }
        refuse_wrong_place()?;
        queue::after_start();
        if guc::is_dry_run() {
            let target = dry_run::target(endpoint, server)?;
            endpoint.path_at(&target)?;
            return Ok(Self(Way::Nowhere(target)));
        }
        Self::to_neon(endpoint, server)
    }

    /// The same, where a call may be made.
    pub fn to_neon(endpoint: &Endpoint, server: Option<&str>) -> Result<Self, Error> {
        let role = Role::in_effect();
        let server = server::usable_server(server, role)?;
        let target = server::target(&server, endpoint.scope())?;
        let key = Key::of(&server, role)?;
        let api_url = server::api_url(&server)?;
        key.check(&server, role, &target, &api_url)?;
        let asked = Asked::new(&server, role, &key);
        let session = Self::with(&server, asked, target, key, api_url)?;
        let path = endpoint.path_at(session.target());
        path.map_err(|error| session.complete(error))?;
        if endpoint.changes_users() {
            session.refuse_to_wait_for_us(endpoint, Need::Write)?;
        }
        Ok(session)
    }

    /// Before a request for which Neon needs the table of users, if that is in this branch.
    pub fn refuse_to_wait_for_us(&self, endpoint: &Endpoint, need: Need) -> Result<(), Error> {
        match &self.0 {
            Way::ToNeon(_) => {
                own_locks::refuse_to_wait_for_us(self.target(), endpoint.purpose, need)
            }
            Way::Nowhere(_) => Ok(()),
        }
    }

    /// The same, of what was found step by step.
    pub fn with(
        server: &ForeignServer,
        asked: Asked,
        target: Target,
        key: Key,
        api_url: ApiUrl,
    ) -> Result<Self, Error> {
        Ok(Self(Way::ToNeon(Box::new(Line {
            connection: Connection {
                api_url,
                target,
                api_key: key.api_key,
                max_attempts: server.max_attempts,
                max_response: guc::max_response(),
            },
            http: agent::http()?,
            deadline: Instant::now() + server.timeout,
            log: CallLog::new(&server.name),
            asked,
        }))))
    }

    pub fn target(&self) -> &Target {
        match &self.0 {
            Way::ToNeon(line) => &line.connection.target,
            Way::Nowhere(target) => target,
        }
    }

    /// Of a call that reads what `endpoint` writes before it does: no other session of this database has
    /// its turn meanwhile, as long as it is for the same target. `None` where nothing is sent.
    pub fn take_turn(&self, endpoint: &Endpoint) -> Result<Option<Turn>, Error> {
        let Way::ToNeon(line) = &self.0 else {
            return Ok(None);
        };
        let of = (self.target(), endpoint.resource.noun);
        match Turn::take(&of, line.deadline) {
            None => Err(Error::no_turn(endpoint.purpose)),
            turn => Ok(turn),
        }
    }

    /// The time that is left of the call.
    pub fn time_left(&self) -> Duration {
        match &self.0 {
            Way::ToNeon(line) => line.deadline.saturating_duration_since(Instant::now()),
            Way::Nowhere(_) => DEFAULT_TIMEOUT,
        }
    }

    /// The answer, when Neon has it; of a read `None` where nothing is sent.
    pub fn try_send<T>(&self, request: &Request<T>) -> Result<Option<T>, Error> {
        match &self.0 {
            Way::ToNeon(line) => line.send(request).map(Some),
            Way::Nowhere(target) => Ok(dry_run::answer(target, request)),
        }
        .map_err(|error| self.complete(error))
    }

    /// The answer to a write that makes something, or `None` if that is there already.
    pub fn ensure<T>(&self, request: &Request<T>) -> Result<Option<T>, Raise> {
        match self.try_send(request) {
            Err(error) if error.kind == ErrorKind::AlreadyExists => Ok(None),
            answer => Ok(answer?),
        }
    }

    /// The answer to a write.
    pub fn send<T>(&self, request: &Request<T>) -> Result<T, Raise> {
        Ok(self.try_write(request)?)
    }

    /// The same, for whoever has something to add to an error.
    pub fn try_write<T>(&self, request: &Request<T>) -> Result<T, Error> {
        let answer = self.try_send(request)?;
        answer.ok_or_else(|| Error::nothing_made_up(request.endpoint().function))
    }

    /// The answer to a read, `None` where nothing is sent.
    pub fn read<T>(&self, request: &Request<T>) -> Result<Option<T>, Raise> {
        Ok(self.try_send(request)?)
    }

    /// What `work` makes of a client, when nothing interrupts it; `None` where nothing is sent.
    pub fn look<T>(&self, work: impl FnOnce(&Client) -> T) -> Option<T> {
        let Way::ToNeon(line) = &self.0 else {
            return None;
        };
        let result = line.work(work);
        if is_interrupted() {
            raise_interrupt();
        }
        Some(result)
    }

    /// The answer as a row, without secrets. A type that does not fit this library shows before anything
    /// is sent.
    pub fn row<T: RowType>(self, request: &Request<T>) -> Result<One<T>, Raise> {
        self.row_showing(request, Secrets::Masked)
    }

    /// The same, with secrets perhaps.
    pub fn row_showing<T: RowType>(
        self,
        request: &Request<T>,
        secrets: Secrets,
    ) -> Result<One<T>, Raise> {
        let row = Row::new::<T>()?;
        match self.try_send(request)? {
            Some(answer) => Ok(One::new(row.filled(answer, secrets)?)),
            None => Ok(One::null()),
        }
    }

    /// What `shown` makes of the answer, as a row without secrets.
    pub fn row_with<A, T: RowType>(
        self,
        request: &Request<A>,
        shown: impl FnOnce(A) -> Result<T, Error>,
    ) -> Result<One<T>, Raise> {
        let row = Row::new::<T>()?;
        let Some(answer) = self.try_send(request)? else {
            return Ok(One::null());
        };
        let shown = shown(answer).map_err(|error| self.complete(error))?;
        Ok(One::new(row.filled(shown, Secrets::Masked)?))
    }

    /// The items of the answer as rows.
    pub fn rows<A, T: RowType>(
        self,
        request: &Request<A>,
        secrets: Secrets,
        items: impl FnOnce(A) -> Vec<T>,
    ) -> Result<Rows<T>, Raise> {
        let row = Row::new::<T>()?;
        let items = self.try_send(request)?.map(items);
        Ok(Rows::new(row, items.unwrap_or_default(), secrets)?)
    }

    /// The items of a list as rows: all of its pages, within the time of the call.
    pub fn rows_of_pages<P>(self, request: Request<P>) -> Result<Rows<P::Item>, Raise>
    where
        P: Page<Item: RowType>,
    {
        let row = Row::new::<P::Item>()?;
        let items = pages(request, |request| self.try_send(request))?;
        Ok(Rows::new(row, items.unwrap_or_default(), Secrets::Masked)?)
    }

    /// Sends a write that is one of several: to whoever interrupts it, `progress` says which.
    pub fn send_one_of_several(&self, request: &Request<()>, progress: &str) -> Result<(), Error> {
        match &self.0 {
            Way::ToNeon(line) => line.send_among(request, Some(progress)),
            Way::Nowhere(target) => {
                dry_run::answer(target, request);
                Ok(())
            }
        }
        .map_err(|error| self.complete(error))
    }

    /// Whether anything is sent.
    pub fn sends(&self) -> bool {
        matches!(self.0, Way::ToNeon(_))
    }

    /// The error with its advice as a sentence.
    pub fn complete(&self, error: Error) -> Error {
        match &self.0 {
            Way::ToNeon(line) => line.complete(error),
            Way::Nowhere(_) => error,
        }
    }
}

impl Line {
    fn send<T>(&self, request: &Request<T>) -> Result<T, Error> {
        self.send_among(request, None)
    }

    fn send_among<T>(&self, request: &Request<T>, progress: Option<&str>) -> Result<T, Error> {
        let request_id = new_request_id();
        let result = self.work(|client| client.send(request, &request_id));
        if is_interrupted() {
            // It ends with Postgres' own error, which knows nothing of the request: whoever looks after
            // that needs its id.
            let lost = match &result {
                Ok(_) if request.endpoint().is_write() => {
                    Some(Error::done_before_interrupt(request, &request_id))
                }
                Ok(_) => None,
                Err(error) => error.clone().if_it_may_be_done(),
            };
            let lost = match (lost, progress) {
                (Some(lost), Some(progress)) => Some(lost.and_detail(progress)),
                (None, Some(progress)) => Some(Error::apply_interrupted(progress)),
                (lost, None) => lost,
            };
            if let Some(lost) = lost {
                warn(self.complete(lost));
            }
            raise_interrupt();
        }
        result
    }

    fn work<T>(&self, work: impl FnOnce(&Client) -> T) -> T {
        begin();
        work(&Client {
            connection: &self.connection,
            http: &self.http,
            place: &Backend,
            listener: &self.log,
            deadline: self.deadline,
        })
    }

    fn complete(&self, error: Error) -> Error {
        self.asked.complete(&self.connection.target, error)
    }
}
