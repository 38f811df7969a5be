//! The users writer: what becomes of users reaches the tables in `neon_auth` after a delay, as Neon
//! does it. It knows nothing of projects and requests.
//!
//! One database stands for that of every branch.

pub mod user;
pub mod users_sync;

use std::error::Error;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, NoTls};

const ATTEMPTS: u32 = 5;
/// A server that is started again may be away for so long: what is not written then never is.
const ATTEMPTS_WHILE_AWAY: u32 = 100;
const PAUSE: Duration = Duration::from_millis(300);

const SCHEMA: &str = "
    SET client_min_messages = warning;
    CREATE SCHEMA IF NOT EXISTS neon_auth;
";
const DROP_SCHEMA: &str = "DROP SCHEMA IF EXISTS neon_auth CASCADE";

pub struct Event {
    at: Instant,
    change: Change,
}

/// What is to be done in the database.
pub enum Change {
    /// `table` makes the table if it is not there; the values are bound.
    Row {
        table: &'static str,
        statement: &'static str,
        values: Vec<String>,
    },
    /// The integration was enabled.
    MakeTable(&'static str),
    /// The integration was disabled, and its data with it.
    DropSchema,
    /// Nothing: somebody waits for what comes before.
    Tell(oneshot::Sender<()>),
}

impl From<Change> for Event {
    fn from(change: Change) -> Self {
        Self {
            at: Instant::now(),
            change,
        }
    }
}

pub struct Writer {
    config: Config,
    delay: Duration,
    /// A connection that found or made the schema.
    client: Option<Client>,
}

impl Writer {
    pub fn new(database_url: &str, delay: Duration) -> Result<Self, String> {
        // The parser's own error could quote a piece of the password.
        let config = database_url
            .parse()
            .map_err(|_| "the database URL cannot be read".to_owned())?;
        Ok(Self {
            config,
            delay,
            client: None,
        })
    }

    /// Connects, and makes the schema with the table of the project level, if it is not there. The one
    /// of Better Auth comes with its first user: a database has both only if both levels are used.
    pub async fn prepare(&mut self) -> Result<(), String> {
        let mut failure = String::new();
        for attempt in 1..=ATTEMPTS {
            match self.connected().await {
                Ok(_) => return Ok(()),
                Err(error) => {
                    failure = self.failed("prepare schema neon_auth", attempt, ATTEMPTS, error)
                }
            }
            sleep(PAUSE).await;
        }
        Err(failure)
    }

    /// Writes what comes, in order, each change when its delay is over.
    pub async fn run(mut self, mut events: UnboundedReceiver<Event>) {
        while let Some(event) = events.recv().await {
            sleep_until(event.at + self.delay).await;
            if let Change::Tell(done) = event.change {
                // Whoever waited may be gone.
                let _ = done.send(());
                continue;
            }
            let mut attempt = 1;
            while let Err(error) = self.write(&event.change).await {
                let most = attempts(&error);
                self.failed("write to schema neon_auth", attempt, most, error);
                if attempt >= most {
                    break;
                }
                attempt += 1;
                sleep(PAUSE).await;
            }
        }
    }

    async fn write(&mut self, change: &Change) -> Result<(), tokio_postgres::Error> {
        let client = self.connected().await?;
        match change {
            Change::Row {
                table,
                statement,
                values,
            } => {
                client.batch_execute(table).await?;
                let values: Vec<&(dyn ToSql + Sync)> =
                    values.iter().map(|value| value as _).collect();
                client.execute(*statement, &values).await?;
            }
            Change::MakeTable(table) => client.batch_execute(table).await?,
            Change::DropSchema => {
                client.batch_execute(DROP_SCHEMA).await?;
                // The next write makes it again, as each new connection does.
                self.client = None;
            }
            Change::Tell(_) => {}
        }
        Ok(())
    }

    async fn connected(&mut self) -> Result<&Client, tokio_postgres::Error> {
        if self.client.as_ref().is_none_or(Client::is_closed) {
            let (client, connection) = self.config.connect(NoTls).await?;
            tokio::spawn(connection);
            for part in [SCHEMA, users_sync::TABLE] {
                client.batch_execute(part).await?;
            }
            self.client = Some(client);
        }
        Ok(self
            .client
            .as_ref()
            .expect("it was connected just now or before"))
    }

    /// Says what failed, without DETAIL, where data could be, and asks for a fresh connection.
    fn failed(
        &mut self,
        what: &str,
        attempt: u32,
        most: u32,
        error: tokio_postgres::Error,
    ) -> String {
        self.client = None;
        let reason = match error.as_db_error() {
            Some(error) => format!("{} ({})", error.message(), error.code().code()),
            None => match error.source() {
                Some(source) => format!("{error}: {source}"),
                None => error.to_string(),
            },
        };
        let failure = format!("could not {what}: {reason}");
        eprintln!("neon_simulator: {failure} (attempt {attempt} of {most})");
        failure
    }
}

/// Of a write that ended so: many where there is no server, or it starts or ends.
fn attempts(error: &tokio_postgres::Error) -> u32 {
    match error.code() {
        Some(code) if !code.code().starts_with("57P") => ATTEMPTS,
        _ => ATTEMPTS_WHILE_AWAY,
    }
}
