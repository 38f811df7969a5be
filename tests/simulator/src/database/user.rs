//! The layout of Better Auth: `neon_auth."user"`, from which deleted users vanish, and the tables around it
//! that people look into, which nothing here fills. It makes statements and runs none.

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
    CREATE TABLE IF NOT EXISTS neon_auth.session (
        id uuid DEFAULT gen_random_uuid() NOT NULL PRIMARY KEY,
        "expiresAt" timestamp with time zone NOT NULL,
        token text NOT NULL UNIQUE,
        "createdAt" timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
        "updatedAt" timestamp with time zone NOT NULL,
        "ipAddress" text,
        "userAgent" text,
        "userId" uuid NOT NULL REFERENCES neon_auth."user" ON DELETE CASCADE,
        "impersonatedBy" text,
        "activeOrganizationId" text
    );
    CREATE TABLE IF NOT EXISTS neon_auth.account (
        id uuid DEFAULT gen_random_uuid() NOT NULL PRIMARY KEY,
        "accountId" text NOT NULL,
        "providerId" text NOT NULL,
        "userId" uuid NOT NULL REFERENCES neon_auth."user" ON DELETE CASCADE,
        "accessToken" text,
        "refreshToken" text,
        "idToken" text,
        "accessTokenExpiresAt" timestamp with time zone,
        "refreshTokenExpiresAt" timestamp with time zone,
        scope text,
        password text,
        "createdAt" timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
        "updatedAt" timestamp with time zone NOT NULL
    );
    CREATE TABLE IF NOT EXISTS neon_auth.organization (
        id uuid DEFAULT gen_random_uuid() NOT NULL PRIMARY KEY,
        name text NOT NULL,
        slug text NOT NULL UNIQUE,
        logo text,
        "createdAt" timestamp with time zone NOT NULL,
        metadata text
    );
    CREATE TABLE IF NOT EXISTS neon_auth.member (
        id uuid DEFAULT gen_random_uuid() NOT NULL PRIMARY KEY,
        "organizationId" uuid NOT NULL REFERENCES neon_auth.organization ON DELETE CASCADE,
        "userId" uuid NOT NULL REFERENCES neon_auth."user" ON DELETE CASCADE,
        role text NOT NULL,
        "createdAt" timestamp with time zone NOT NULL
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
