-- How an update script is written; this one is for the version that tests/upgrade/next.sh makes up.

-- Tables and views that have the type go on as they are.
ALTER TYPE neon_auth_admin.redirect_domain ADD ATTRIBUTE note text;

-- At the end, so that it is no other view: triggers, privileges and views over it stay.
CREATE OR REPLACE VIEW neon_auth_admin.domains AS
    SELECT domain, auth_provider, note
    FROM neon_auth_admin.list_domains();
COMMENT ON COLUMN neon_auth_admin.domains.note IS 'A note';

CREATE FUNCTION neon_auth_admin.made_up() RETURNS text
VOLATILE PARALLEL UNSAFE COST 1000 LANGUAGE c AS 'MODULE_PATHNAME', 'made_up_wrapper';
COMMENT ON FUNCTION neon_auth_admin.made_up IS 'Made up';

-- Another argument is another function, with a C function of its own: the old one is what a database calls that
-- has not been updated. Who could call the old one can call this.
CREATE FUNCTION neon_auth_admin.add_domain(domain text, server text DEFAULT NULL, note text DEFAULT NULL) RETURNS text
VOLATILE PARALLEL UNSAFE COST 1000 LANGUAGE c AS 'MODULE_PATHNAME', 'add_domain_1_1_wrapper';

REVOKE EXECUTE ON FUNCTION neon_auth_admin.made_up(), neon_auth_admin.add_domain(text, text, text) FROM PUBLIC;
DO $$
DECLARE
    holder record;
BEGIN
    -- Not to @extowner@: whoever updates is often another than who installed. What is new is for whoever has the
    -- grant option on an old function of its kind.
    FOR holder IN
        SELECT grantee, is_grantable, grantee::pg_catalog.regrole AS name
        FROM pg_catalog.pg_proc, pg_catalog.aclexplode(proacl)
        WHERE oid = 'neon_auth_admin.add_domain(text, text)'::pg_catalog.regprocedure AND grantee <> proowner AND grantee <> 0
    LOOP
        IF holder.is_grantable THEN
            EXECUTE pg_catalog.format('GRANT EXECUTE ON FUNCTION neon_auth_admin.made_up(),
                neon_auth_admin.add_domain(text, text, text) TO %s WITH GRANT OPTION', holder.name);
        ELSE
            EXECUTE pg_catalog.format('GRANT EXECUTE ON FUNCTION
                neon_auth_admin.add_domain(text, text, text) TO %s', holder.name);
        END IF;
    END LOOP;
    IF EXISTS (SELECT FROM pg_catalog.pg_proc, pg_catalog.aclexplode(proacl)
        WHERE oid = 'neon_auth_admin.add_domain(text, text)'::pg_catalog.regprocedure AND grantee = 0)
    THEN
        GRANT EXECUTE ON FUNCTION neon_auth_admin.add_domain(text, text, text) TO PUBLIC;
    END IF;
END $$;

COMMENT ON FUNCTION neon_auth_admin.add_domain(text, text, text) IS
    'Adds a redirect domain. Sign-ins may return to it, a URI such as https://app.example.com; returns it. Not undone by ROLLBACK';
DROP FUNCTION neon_auth_admin.add_domain(text, text);
