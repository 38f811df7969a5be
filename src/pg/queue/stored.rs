//! Owns what is stored of the queue's settings for a role: its worker will have them, whoever queues its calls.

use super::table::{self, Value};
use crate::error::Error;
use crate::pg::role::Role;

/// Whether a worker of the role would leave at once. What stands in the server's configuration it finds itself.
pub fn is_stopped(role: Role) -> Result<bool, Error> {
    table::change(
        c"SELECT FROM (
            SELECT DISTINCT ON (name) name, value
            FROM pg_db_role_setting, unnest(setconfig) AS setting,
                LATERAL (SELECT split_part(setting, '=', 1) AS name, split_part(setting, '=', 2) AS value) AS parts
            WHERE setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
                AND setrole IN (0, $1)
            ORDER BY name, setrole = 0, setdatabase = 0) AS settings
          WHERE (name, value) IN (('neon_auth_admin.queue_connections', '0'), ('neon_auth_admin.queue_linger', '-1'))",
        &[Value::Oid(role.0)],
    )
}
