-- Nobody may call anything until somebody grants it. The role that installs the extension may, and may
-- grant it on. (The objects belong to the bootstrap superuser when the extension is installed by a role
-- that is none.)
--
-- So may the owner of the database, whoever that is: grants of an extension's script are in no dump, and
-- who restores one, updates the extension or upgrades the server is often another than the installer. A
-- later script that adds a function or a view repeats these statements, and grants it to whoever has the
-- grant option on an old one.
--
-- Of a view nobody gets more than this: who had TRIGGER could add one that sees what others write, with
-- their rights. So nobody may use the trigger function either.

REVOKE EXECUTE ON FUNCTION pg_catalog.neon_auth_admin_validator, pg_catalog.neon_auth_admin_write FROM PUBLIC;
REVOKE EXECUTE ON ALL ROUTINES IN SCHEMA neon_auth_admin FROM PUBLIC;
GRANT USAGE ON SCHEMA neon_auth_admin TO @extowner@, pg_database_owner WITH GRANT OPTION;
GRANT EXECUTE ON ALL ROUTINES IN SCHEMA neon_auth_admin TO @extowner@, pg_database_owner WITH GRANT OPTION;
GRANT SELECT ON neon_auth_admin.users, neon_auth_admin.oauth_providers, neon_auth_admin.domains,
    neon_auth_admin.integrations, neon_auth_admin.oauth_clients TO @extowner@, pg_database_owner WITH GRANT OPTION;
GRANT INSERT, UPDATE, DELETE ON neon_auth_admin.users, neon_auth_admin.oauth_providers, neon_auth_admin.domains
    TO @extowner@, pg_database_owner WITH GRANT OPTION;
GRANT USAGE ON FOREIGN DATA WRAPPER neon_auth_admin TO @extowner@, pg_database_owner WITH GRANT OPTION;

-- The manual is for whoever can name it. It sends nothing, and a view does not lend its functions.
GRANT EXECUTE ON FUNCTION neon_auth_admin.list_operations TO PUBLIC;
GRANT SELECT ON neon_auth_admin.functions TO PUBLIC;
