-- What the other files build on: helpers and roles, made by a superuser; and then the extension, a
-- server and a key, made by the owner of the database, who is no superuser.

-- Helpers.

CREATE SCHEMA test;
GRANT USAGE ON SCHEMA test TO PUBLIC;
GRANT CREATE ON SCHEMA test TO app_owner;

-- Runs a statement that fails and returns its error, without what differs from run to run.
CREATE FUNCTION test.failure(
    statement text,
    OUT code text, OUT message text, OUT detail text, OUT hint text
)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    EXECUTE statement;
    message := 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS
        code = RETURNED_SQLSTATE,
        message = MESSAGE_TEXT,
        detail = PG_EXCEPTION_DETAIL,
        hint = PG_EXCEPTION_HINT;
    message := test.masked(message);
    detail := test.masked(detail);
    hint := test.masked(hint);
END
$$;

CREATE FUNCTION test.masked(text) RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT regexp_replace(regexp_replace($1,
        '[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}', '<uuid>', 'g'),
        '(127\.0\.0\.1|localhost):\d+', '\1:<port>', 'g')
$$;

CREATE FUNCTION test.is_uuid(text) RETURNS boolean
LANGUAGE sql IMMUTABLE
AS $$ SELECT $1 ~ '^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$' $$;

-- Waits until a query returns true, for 5 s at most. The simulator makes neon_auth.users_sync when
-- it first has something to write.
CREATE FUNCTION test.wait_for(query text) RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    is_true boolean;
BEGIN
    FOR attempt IN 1 .. 250 LOOP
        BEGIN
            EXECUTE query INTO is_true;
        EXCEPTION WHEN undefined_table OR invalid_schema_name THEN
            is_true := false;
        END;
        IF is_true THEN
            RETURN true;
        END IF;
        PERFORM pg_sleep(0.02);
    END LOOP;
    RETURN false;
END
$$;

-- Roles: app is given what it needs, stranger only what a test says.

CREATE ROLE app LOGIN;
CREATE ROLE stranger LOGIN;

-- The owner of the database installs the extension.

\c - app_owner
SELECT current_user, rolsuper FROM pg_roles WHERE rolname = current_user;

-- Nothing is adopted that was there before: the schema is the extension's own, whoever made another.

CREATE SCHEMA neon_auth_admin;
\set VERBOSITY terse
CREATE EXTENSION neon_auth_admin;
\set VERBOSITY default
DROP SCHEMA neon_auth_admin;

CREATE EXTENSION neon_auth_admin;
SELECT extname, extversion, extowner::regrole, extnamespace::regnamespace, extrelocatable
FROM pg_extension WHERE extname = 'neon_auth_admin';

-- A server, and a key that no log sees.

\getenv url NEON_SIMULATOR_URL
CREATE SERVER neon FOREIGN DATA WRAPPER neon_auth_admin
    OPTIONS (project_id 'quiet-bar-123456', api_url :'url');
SELECT neon_auth_admin.set_api_key(current_setting('test.api_key'));

SELECT srvname, usename, umoptions[1] ~ '^api_key=sealed:.' AS has_key FROM pg_user_mappings ORDER BY srvname;
SELECT owned_by FROM neon_auth_admin.get_integration();
