-- Nobody may call anything until somebody grants it; the role that installs the extension may, and
-- may grant it on. (The objects belong to the bootstrap superuser when the extension is installed by
-- a role that is none.)

REVOKE EXECUTE ON FUNCTION pg_catalog.neon_auth_admin_validator FROM PUBLIC;
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA neon_auth_admin FROM PUBLIC;
GRANT USAGE ON SCHEMA neon_auth_admin TO @extowner@ WITH GRANT OPTION;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA neon_auth_admin TO @extowner@ WITH GRANT OPTION;
GRANT USAGE ON FOREIGN DATA WRAPPER neon_auth_admin TO @extowner@ WITH GRANT OPTION;
