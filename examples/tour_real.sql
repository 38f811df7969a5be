-- What the real API answers. The servers "neon" and "stack" (the same project, without a branch) and
-- the key are set up, and the session only reads. For psql: make demo runs it.
-- An error does not end the tour: a project without Neon Auth has nothing to show.
\set ON_ERROR_STOP off

-- Where the calls go.
SELECT srvname, srvoptions FROM pg_foreign_server ORDER BY srvname;

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

-- What only the branch level has: how people sign in, plugins and webhooks.
SELECT EXISTS (SELECT FROM pg_foreign_server, pg_options_to_table(srvoptions)
               WHERE srvname = 'neon' AND option_name = 'branch_id') AS has_branch \gset
\if :has_branch
SELECT * FROM neon_auth_admin.get_email_and_password() \gx
SELECT organization, magic_link, phone_number, allow_localhost FROM neon_auth_admin.get_plugins() \gx
SELECT * FROM neon_auth_admin.get_webhooks();
\endif

-- A write is refused before anything is sent, because this session is read-only.
SELECT neon_auth_admin.add_domain('https://app.example.com');

-- The project level, where existing projects have Stack Auth.
SELECT auth_provider, branch_id, owned_by FROM neon_auth_admin.list_integrations(server => 'stack');
\set ON_ERROR_STOP on
