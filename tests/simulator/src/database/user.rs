//! The layout of Better Auth: `neon_auth."user"`, from which deleted users vanish. It makes
//! statements and runs none.

use super::Change;

pub const TABLE: &str = r#"
    CREATE TABLE IF NOT EXISTS neon_auth."user" (
        id uuid DEFAULT gen_random_uuid() NOT NULL PRIMARY KEY,
        name text NOT NULL,
        email text NOT NULL UNIQUE,
        "emailVerified" boolean NOT NULL,
        image text,
        "createdAt" timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
        "updatedAt" timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
        role text,
        banned boolean,
        "banReason" text,
        "banExpires" timestamp with time zone
    );
"#;
/// The address can be there already only from another branch, or from an earlier simulator.
const INSERT: &str = r#"
    INSERT INTO neon_auth."user" (id, email, name, "emailVerified")
    VALUES ($1::text::uuid, $2, $3, false)
    ON CONFLICT (email) DO UPDATE
    SET id = excluded.id, name = excluded.name, "emailVerified" = false,
        "createdAt" = now(), "updatedAt" = now(), role = NULL"#;
const DELETE: &str = r#"DELETE FROM neon_auth."user" WHERE id = $1::text::uuid"#;
const SET_ROLE: &str = r#"
    UPDATE neon_auth."user" SET role = $2, "updatedAt" = now() WHERE id = $1::text::uuid"#;

/// Addresses are kept in lower case. Without a name, the part of the address before the `@` is the name:
/// the column takes no null.
pub fn created(id: &str, email: &str, name: Option<&str>) -> Change {
    let email = &email.to_lowercase();
    let local_part = email.rsplit_once('@').map_or("", |(local, _)| local);
    row(INSERT, [id, email, name.unwrap_or(local_part)])
}

pub fn deleted(id: &str) -> Change {
    row(DELETE, [id])
}

/// Better Auth keeps several roles in one text.
pub fn with_roles(id: &str, roles: &[String]) -> Change {
    row(SET_ROLE, [id, &roles.join(",")])
}

fn row<const N: usize>(statement: &'static str, values: [&str; N]) -> Change {
    Change::Row {
        table: TABLE,
        statement,
        values: values.map(str::to_owned).into(),
    }
}
