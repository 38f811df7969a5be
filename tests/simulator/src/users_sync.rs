//! The users writer: created and deleted users reach `neon_auth.users_sync` after a delay, as Neon
//! does it. It knows nothing of projects and requests.

use std::error::Error;
use std::time::Duration;

use serde_json::{Value, json};
use time::OffsetDateTime;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_postgres::{Client, Config, NoTls};

const ATTEMPTS: u32 = 5;
const PAUSE: Duration = Duration::from_millis(300);

/// The legacy layout: everything but three columns is generated from `raw_json`.
const LAYOUT: &str = "
    SET client_min_messages = warning;
    CREATE SCHEMA IF NOT EXISTS neon_auth;
    CREATE TABLE IF NOT EXISTS neon_auth.users_sync (
        raw_json jsonb NOT NULL,
        id text GENERATED ALWAYS AS (raw_json ->> 'id') STORED PRIMARY KEY,
        name text GENERATED ALWAYS AS (raw_json ->> 'display_name') STORED,
        email text GENERATED ALWAYS AS (raw_json ->> 'primary_email') STORED,
        created_at timestamp with time zone GENERATED ALWAYS AS (to_timestamp(
            trunc((raw_json ->> 'signed_up_at_millis')::bigint::double precision)
            / 1000::double precision)) STORED,
        updated_at timestamp with time zone,
        deleted_at timestamp with time zone
    );
    CREATE INDEX IF NOT EXISTS users_sync_deleted_at_idx
        ON neon_auth.users_sync USING btree (deleted_at);
";
const UPSERT: &str = "
    INSERT INTO neon_auth.users_sync (raw_json, updated_at, deleted_at)
    VALUES ($1::text::jsonb, now(), NULL)
    ON CONFLICT (id) DO UPDATE
    SET raw_json = excluded.raw_json, updated_at = now(), deleted_at = NULL";
const SOFT_DELETE: &str = "
    UPDATE neon_auth.users_sync SET updated_at = now(), deleted_at = now() WHERE id = $1";

pub struct Event {
    at: Instant,
    change: Change,
}

enum Change {
    Created(Value),
    Deleted(String),
}

impl Event {
    pub fn created(id: &str, email: &str, name: Option<&str>) -> Self {
        Self::new(Change::Created(raw_json(id, email, name)))
    }

    pub fn deleted(id: String) -> Self {
        Self::new(Change::Deleted(id))
    }

    fn new(change: Change) -> Self {
        Self {
            at: Instant::now(),
            change,
        }
    }
}

pub struct Writer {
    config: Config,
    delay: Duration,
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

    /// Connects, and makes the schema and the table if they are not there.
    pub async fn prepare(&mut self) -> Result<(), String> {
        let mut failure = String::new();
        for attempt in 1..=ATTEMPTS {
            match self.connected().await {
                Ok(_) => return Ok(()),
                Err(error) => failure = self.failed("prepare neon_auth.users_sync", attempt, error),
            }
            sleep(PAUSE).await;
        }
        Err(failure)
    }

    /// Writes what comes, in order, each change when its delay is over.
    pub async fn run(mut self, mut events: UnboundedReceiver<Event>) {
        while let Some(event) = events.recv().await {
            sleep_until(event.at + self.delay).await;
            for attempt in 1..=ATTEMPTS {
                match self.write(&event.change).await {
                    Ok(()) => break,
                    Err(error) => {
                        self.failed("write to neon_auth.users_sync", attempt, error);
                    }
                }
                sleep(PAUSE).await;
            }
        }
    }

    async fn write(&mut self, change: &Change) -> Result<(), tokio_postgres::Error> {
        let client = self.connected().await?;
        match change {
            Change::Created(raw_json) => client.execute(UPSERT, &[&raw_json.to_string()]).await?,
            Change::Deleted(id) => client.execute(SOFT_DELETE, &[id]).await?,
        };
        Ok(())
    }

    async fn connected(&mut self) -> Result<&Client, tokio_postgres::Error> {
        if self.client.as_ref().is_none_or(Client::is_closed) {
            let (client, connection) = self.config.connect(NoTls).await?;
            tokio::spawn(connection);
            client.batch_execute(LAYOUT).await?;
            self.client = Some(client);
        }
        Ok(self
            .client
            .as_ref()
            .expect("it was connected just now or before"))
    }

    /// Says what failed, without DETAIL, where data could be, and asks for a fresh connection.
    fn failed(&mut self, what: &str, attempt: u32, error: tokio_postgres::Error) -> String {
        self.client = None;
        let reason = match error.as_db_error() {
            Some(error) => format!("{} ({})", error.message(), error.code().code()),
            None => match error.source() {
                Some(source) => format!("{error}: {source}"),
                None => error.to_string(),
            },
        };
        let failure = format!("could not {what}: {reason}");
        eprintln!("neon_simulator: {failure} (attempt {attempt} of {ATTEMPTS})");
        failure
    }
}

/// A user as Stack Auth describes it.
fn raw_json(id: &str, email: &str, name: Option<&str>) -> Value {
    let now = (OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000) as i64;
    json!({
        "id": id,
        "display_name": name,
        "primary_email": email,
        "primary_email_verified": false,
        "primary_email_auth_enabled": true,
        "signed_up_at_millis": now,
        "last_active_at_millis": now,
        "profile_image_url": null,
        "has_password": false,
        "is_anonymous": false,
        "otp_auth_enabled": false,
        "passkey_auth_enabled": false,
        "requires_totp_mfa": false,
        "oauth_providers": [],
        "selected_team": null,
        "selected_team_id": null,
        "client_metadata": null,
        "client_read_only_metadata": null,
        "server_metadata": null,
    })
}
