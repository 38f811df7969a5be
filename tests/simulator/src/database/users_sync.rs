//! The layout of Stack Auth: `neon_auth.users_sync`, from which no row is ever deleted. It makes
//! statements and runs none.

use serde_json::{Value, json};
use time::OffsetDateTime;

use super::Change;

/// Everything but three columns is generated from `raw_json`.
pub const TABLE: &str = "
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

pub fn created(id: &str, email: &str, name: Option<&str>) -> Change {
    Change::Row {
        table: TABLE,
        statement: UPSERT,
        values: vec![raw_json(id, email, name).to_string()],
    }
}

pub fn deleted(id: String) -> Change {
    Change::Row {
        table: TABLE,
        statement: SOFT_DELETE,
        values: vec![id],
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
