-- What can be listed, as views: over the server that the session began with, with the rights and the key of
-- who looks. A view names its columns, so that a later version can add some.

CREATE VIEW neon_auth_admin.users AS
    SELECT id, email, name, email_verified, image, role, banned, ban_reason, ban_expires, created_at, updated_at
    FROM neon_auth_admin.list_users();

CREATE VIEW neon_auth_admin.oauth_providers AS
    SELECT id, type, client_id, client_secret, NULL::text AS microsoft_tenant_id
    FROM neon_auth_admin.list_oauth_providers();

CREATE VIEW neon_auth_admin.domains AS
    SELECT domain, auth_provider
    FROM neon_auth_admin.list_domains();

CREATE VIEW neon_auth_admin.integrations AS
    SELECT auth_provider, auth_provider_project_id, branch_id, db_name, created_at, owned_by, transfer_status,
        jwks_url, base_url, name
    FROM neon_auth_admin.list_integrations();

CREATE VIEW neon_auth_admin.oauth_clients AS
    SELECT client_id, name, type, redirect_uris, resources, skip_consent, disabled, created_at, other
    FROM neon_auth_admin.list_oauth_clients();

-- The function of the triggers is no function for people: it is not among those that are granted together,
-- with ON ALL FUNCTIONS IN SCHEMA. Rights are looked at before a statement reads anything.

ALTER FUNCTION neon_auth_admin.neon_auth_admin_write SET SCHEMA pg_catalog;

-- What a statement has queued for many rows is written at its end, also where a session's triggers do not fire.
CREATE TRIGGER write_rest AFTER INSERT ON neon_auth_admin.queued_calls
    FOR EACH STATEMENT EXECUTE FUNCTION pg_catalog.neon_auth_admin_write();
ALTER TABLE neon_auth_admin.queued_calls ENABLE ALWAYS TRIGGER write_rest;

CREATE TRIGGER may_write BEFORE INSERT OR UPDATE OR DELETE ON neon_auth_admin.users
    FOR EACH STATEMENT EXECUTE FUNCTION pg_catalog.neon_auth_admin_write();
CREATE TRIGGER write INSTEAD OF INSERT OR UPDATE OR DELETE ON neon_auth_admin.users
    FOR EACH ROW EXECUTE FUNCTION pg_catalog.neon_auth_admin_write();

CREATE TRIGGER may_write BEFORE INSERT OR UPDATE OR DELETE ON neon_auth_admin.oauth_providers
    FOR EACH STATEMENT EXECUTE FUNCTION pg_catalog.neon_auth_admin_write();
CREATE TRIGGER write INSTEAD OF INSERT OR UPDATE OR DELETE ON neon_auth_admin.oauth_providers
    FOR EACH ROW EXECUTE FUNCTION pg_catalog.neon_auth_admin_write();

CREATE TRIGGER may_write BEFORE INSERT OR UPDATE OR DELETE ON neon_auth_admin.domains
    FOR EACH STATEMENT EXECUTE FUNCTION pg_catalog.neon_auth_admin_write();
CREATE TRIGGER write INSTEAD OF INSERT OR UPDATE OR DELETE ON neon_auth_admin.domains
    FOR EACH ROW EXECUTE FUNCTION pg_catalog.neon_auth_admin_write();
