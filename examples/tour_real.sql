-- What the real API answers. The server "neon" and the key are set up, and the session only reads.
-- An error does not end the tour: a project without Neon Auth has nothing to show.
\set ON_ERROR_STOP off

-- Where the calls go.
SELECT srvname, srvoptions FROM pg_foreign_server;

-- The integration: which branch and database, and who owns the auth project.
SELECT auth_provider, branch_id, db_name, created_at, owned_by
    FROM neon_auth_admin.list_integrations();

-- OAuth providers; client secrets are masked.
SELECT * FROM neon_auth_admin.list_oauth_providers() ORDER BY id;

-- Redirect domains.
SELECT * FROM neon_auth_admin.list_domains() ORDER BY domain;

-- The email server; the password is masked.
SELECT type, host, port, username, password FROM neon_auth_admin.get_email_server();

-- Neon's configuration against what is expected of it.
SELECT expected.id, actual.type AS actual
    FROM unnest('{github,google,microsoft,vercel}'::text[]) AS expected (id)
    LEFT JOIN neon_auth_admin.list_oauth_providers() AS actual USING (id);

-- A write is refused before anything is sent, because this session is read-only.
SELECT neon_auth_admin.add_domain('https://app.example.com');
\set ON_ERROR_STOP on
