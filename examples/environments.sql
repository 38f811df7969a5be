-- Two environments, production and staging: how they differ, and making staging like production.
--
-- It needs two servers of these names, each with a stored key, and only writes to staging. There is
-- nothing here that only psql understands.
--
-- Left out on purpose, with jsonb's operators:
--   integration      the database is a different one
--   webhooks         staging's codes and events would be sent to production
--   domains          sign-ins of staging could return to production's pages
--   oauth_providers  each environment has its own credentials, whose secrets no export has
--   email_server     staging's e-mails come from Neon's server, whatever production has
--   oauth_clients    each branch has clients of its own
--   oauth_server     only the root branch of a project can enable it
-- Documents contain neither users nor keys.

-- How do they differ? Nothing is written.
SELECT action, object, field, current AS staging, wanted AS production
    FROM neon_auth_admin.plan(
        neon_auth_admin.export_configuration('production')
            - '{integration,webhooks,domains,oauth_providers,email_server,oauth_server,oauth_clients}'::text[],
        server => 'staging');
SELECT id, production.type AS production, staging.type AS staging
    FROM neon_auth_admin.list_oauth_providers(server => 'production') AS production
    FULL JOIN neon_auth_admin.list_oauth_providers(server => 'staging') AS staging USING (id)
    WHERE production.type IS DISTINCT FROM staging.type;

-- Make staging like production.
SELECT action, object, field, wanted
    FROM neon_auth_admin.apply(
        neon_auth_admin.export_configuration('production')
            - '{integration,webhooks,domains,oauth_providers,oauth_server,oauth_clients}'::text[]
            || '{"email_server": {"type": "shared"}}',
        server => 'staging');

-- A copy to go back to: an export can be applied again where it came from.
CREATE TABLE IF NOT EXISTS auth_configurations (
    taken_at timestamptz NOT NULL DEFAULT now(), server text NOT NULL, configuration jsonb NOT NULL);
INSERT INTO auth_configurations (server, configuration)
    SELECT 'staging', neon_auth_admin.export_configuration('staging');
SELECT count(*) AS differences
    FROM neon_auth_admin.plan(
        (SELECT configuration FROM auth_configurations ORDER BY taken_at DESC LIMIT 1), server => 'staging');
