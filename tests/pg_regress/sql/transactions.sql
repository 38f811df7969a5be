-- Calls and transactions: what ROLLBACK leaves, where a call is refused, when it is made.

\c - app_owner
\getenv url NEON_SIMULATOR_URL
CREATE SERVER transactions FOREIGN DATA WRAPPER neon_auth_admin OPTIONS (project_id 'test-transactions', api_url :'url');
SELECT neon_auth_admin.set_api_key(current_setting('test.api_key'), 'transactions');
ALTER ROLE app_owner SET neon_auth_admin.server = 'transactions';
\c - app_owner

-- Readers work in a read-only transaction, writers are refused before anything is sent. (All of them are
-- tried on a standby.)

BEGIN READ ONLY;
SELECT count(*) FROM neon_auth_admin.list_oauth_providers();
SELECT type FROM neon_auth_admin.get_email_server();
SELECT db_name FROM neon_auth_admin.get_integration();
SELECT call, failure.code, failure.message
FROM unnest(ARRAY[
    $$create_user('ada@example.com')$$, $$update_oauth_provider('google')$$, $$delete_domain('https://app.example.com')$$,
    $$set_api_key('napi_1')$$
]) AS call,
    test.failure('SELECT neon_auth_admin.' || call) AS failure;
COMMIT;

-- ROLLBACK does not undo what was done at Neon.

BEGIN;
SELECT email FROM neon_auth_admin.create_user('ada@example.com');
ROLLBACK;
\set VERBOSITY terse
SELECT email FROM neon_auth_admin.create_user('ada@example.com');
\set VERBOSITY default

-- EXPLAIN sends nothing, unless it is told to run the statement.

EXPLAIN (COSTS off) SELECT * FROM neon_auth_admin.create_user('grace@example.com');
EXPLAIN (COSTS off) SELECT neon_auth_admin.create_user('grace@example.com');
SELECT email FROM neon_auth_admin.create_user('grace@example.com');
PREPARE creation(text) AS SELECT email FROM neon_auth_admin.create_user($1);
EXPLAIN (COSTS off) EXECUTE creation('alan@example.com');
EXECUTE creation('alan@example.com');
DEALLOCATE creation;

-- One call for each row that the query has, and none for rows that it does not have.

CREATE TEMPORARY TABLE new_users (email text PRIMARY KEY, auth_id text);
INSERT INTO new_users VALUES ('a@example.com'), ('b@example.com'), ('c@example.com');
WITH created AS MATERIALIZED (
    SELECT neon_auth_admin.create_user(email) AS u FROM new_users WHERE email <> 'b@example.com'
)
SELECT (u).email, test.is_uuid((u).id) AS is_uuid FROM created ORDER BY 1;
SELECT email FROM neon_auth_admin.create_user('b@example.com');
SELECT count(*) FROM (SELECT neon_auth_admin.create_user('d@example.com') FROM new_users WHERE false) AS none;
SELECT email FROM neon_auth_admin.create_user('d@example.com');
SELECT * FROM neon_auth_admin.list_oauth_providers() LIMIT 1;

-- In WITH, INSERT and UPDATE.

WITH created AS (SELECT * FROM neon_auth_admin.create_user('with@example.com', 'With'))
INSERT INTO new_users SELECT email, id FROM created RETURNING email, test.is_uuid(auth_id) AS is_uuid;
UPDATE new_users SET auth_id = (neon_auth_admin.create_user('new-' || email)).id WHERE auth_id IS NULL;
SELECT email, test.is_uuid(auth_id) AS is_uuid FROM new_users ORDER BY email;

-- In a trigger.

CREATE FUNCTION test.sign_up() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    SELECT id INTO NEW.auth_id FROM neon_auth_admin.create_user(NEW.email);
    RETURN NEW;
END
$$;
CREATE TRIGGER sign_up BEFORE INSERT ON new_users FOR EACH ROW EXECUTE FUNCTION test.sign_up();
INSERT INTO new_users VALUES ('trigger@example.com') RETURNING email, test.is_uuid(auth_id) AS is_uuid;
\set VERBOSITY terse
-- A row that cannot be there is not inserted; neither is one whose user is there already.
INSERT INTO new_users VALUES ('ada@example.com');
INSERT INTO new_users VALUES ('nobody');
SELECT count(*) FROM new_users WHERE email IN ('ada@example.com', 'nobody');

-- In a cursor that is closed early, and in a procedure that commits in between.

BEGIN;
DECLARE providers CURSOR FOR SELECT id FROM neon_auth_admin.list_oauth_providers();
FETCH providers;
CLOSE providers;
COMMIT;
DO $$
BEGIN
    PERFORM neon_auth_admin.add_domain('https://one.example.com');
    COMMIT;
    PERFORM neon_auth_admin.add_domain('https://two.example.com');
    ROLLBACK;
END
$$;
SELECT domain FROM neon_auth_admin.list_domains();

-- Where Postgres runs code of one role for another nothing is called, nor where a result is kept as
-- if it never changed.

CREATE MATERIALIZED VIEW test.providers AS SELECT * FROM neon_auth_admin.list_oauth_providers() WITH NO DATA;
\set VERBOSITY default
REFRESH MATERIALIZED VIEW test.providers;
DROP MATERIALIZED VIEW test.providers;
\set VERBOSITY terse
CREATE INDEX ON new_users ((neon_auth_admin.add_domain(email)::text));
CREATE TEMPORARY TABLE generated (
    email text, auth_id text GENERATED ALWAYS AS ((neon_auth_admin.create_user(email)).id) STORED
);

-- A default is called when a row needs it, and not for EXPLAIN.
CREATE TEMPORARY TABLE signed_up (
    email text DEFAULT 'default@example.com',
    auth_id text DEFAULT (neon_auth_admin.create_user('default@example.com')).id
);
EXPLAIN (COSTS off) INSERT INTO signed_up DEFAULT VALUES;
INSERT INTO signed_up DEFAULT VALUES RETURNING email, test.is_uuid(auth_id) AS is_uuid;

ALTER ROLE app_owner RESET neon_auth_admin.server;
SET client_min_messages = warning;
DROP FUNCTION test.sign_up CASCADE;
DROP SERVER transactions CASCADE;
