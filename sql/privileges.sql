-- Nobody may call anything until somebody grants it; the role that installs the extension may, and
-- may grant it on. (The objects belong to the bootstrap superuser when the extension is installed by
-- a role that is none.)

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA neon_auth_admin FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA neon_auth_admin TO @extowner@ WITH GRANT OPTION;
GRANT USAGE ON FOREIGN DATA WRAPPER neon_auth_admin TO @extowner@ WITH GRANT OPTION;

-- A schema that stood here before belongs to whoever made it, who could put functions beside these:
-- only the installing role, or the owner of these objects, may own it. (Read from the grant above,
-- because a role's name may hold what a string literal cannot.)
DO $$
BEGIN
    IF NOT EXISTS (
        SELECT
        FROM pg_catalog.pg_namespace AS schema,
            pg_catalog.pg_foreign_data_wrapper AS wrapper,
            pg_catalog.aclexplode(wrapper.fdwacl) AS privilege
        WHERE schema.nspname OPERATOR(pg_catalog.=) 'neon_auth_admin'
            AND wrapper.fdwname OPERATOR(pg_catalog.=) 'neon_auth_admin'
            AND schema.nspowner OPERATOR(pg_catalog.=) privilege.grantee
    ) THEN
        RAISE EXCEPTION 'schema "neon_auth_admin" belongs to another role'
            USING ERRCODE = 'duplicate_schema',
                HINT = 'Drop or rename that schema; CREATE EXTENSION makes its own.';
    END IF;
END $$;
