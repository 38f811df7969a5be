-- What the API and the network can answer, and what a caller sees of it. The simulator answers
-- according to the project's id: fault-503-x1 is one 503, and success from then on.

\c - app_owner
\getenv url NEON_SIMULATOR_URL
CREATE SERVER errors FOREIGN DATA WRAPPER neon_auth_admin OPTIONS (project_id 'test-errors', api_url :'url');
SELECT neon_auth_admin.set_api_key(current_setting('test.api_key'), 'errors');
ALTER ROLE app_owner SET neon_auth_admin.server = 'errors';
\c - app_owner

CREATE FUNCTION test.fault(fault text, statement text, OUT code text, OUT message text, OUT detail text, OUT hint text)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    EXECUTE format('ALTER SERVER errors OPTIONS (SET project_id %L)', 'fault-' || fault || '--errors');
    SELECT * INTO code, message, detail, hint FROM test.failure(statement);
END
$$;

-- Each status: of a reader and of a writer. What may help is tried again, with a back-off of less
-- than a second in all; a lock (423) is waited for until the time is nearly up.

ALTER SERVER errors OPTIONS (ADD timeout '2s');
SELECT status, read.code, read.message, write.code AS write, write.message
FROM unnest(ARRAY[400, 401, 403, 404, 409, 422, 423, 429, 500, 502, 503, 504, 524]) AS status,
    test.fault(status::text, 'SELECT * FROM neon_auth_admin.list_domains()') AS read,
    test.fault(status::text, 'SELECT neon_auth_admin.add_domain(''https://app.example.com'')') AS write;

-- In full.
\x on
SELECT code, message, detail, hint
FROM unnest(ARRAY[401, 403, 404, 409, 422, 429, 500, 502]) AS status,
    test.fault(status::text, 'SELECT neon_auth_admin.create_user(''ada@example.com'')');
SELECT code, message, regexp_replace(detail, '[0-9]+ attempts', '<n> attempts') AS detail, hint
FROM test.fault('423', 'SELECT neon_auth_admin.create_user(''ada@example.com'')');
\x off
ALTER SERVER errors OPTIONS (DROP timeout);

-- What exists already is the same, whatever the status; who gives those words himself is not believed.
SELECT fault, code, message
FROM unnest(ARRAY['exists-400', 'exists-422']) AS fault,
    test.fault(fault, 'SELECT neon_auth_admin.create_user(''ada@example.com'')') AS answer;
SELECT code, message
FROM test.fault('echo', 'SELECT neon_auth_admin.create_user(''ada@example.com'', ''It already exists'')');

-- So it is where things do exist, in both dialects.
ALTER SERVER errors OPTIONS (ADD branch_id 'br-main-000001');
CREATE FUNCTION test.twice(project text, statement text, OUT code text, OUT message text, OUT detail text, OUT hint text)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    EXECUTE format('ALTER SERVER errors OPTIONS (SET project_id %L)', project);
    EXECUTE statement;
    SELECT * INTO code, message, detail, hint FROM test.failure(statement);
END
$$;
SELECT project, code, message, substring(detail FROM 'answered [^,]*') AS answer
FROM unnest(ARRAY['test-conflicts', 'test-better-conflicts']) AS project,
    unnest(ARRAY[
        $$create_user('ada@example.com')$$, $$add_oauth_provider('github', 'id', 'secret')$$,
        $$add_domain('https://app.example.com')$$,
        $$create_oauth_client('https://c.example.com', '{https://c.example.com}', 'public', '{}')$$
    ]) AS call,
    test.twice(project, format('SELECT neon_auth_admin.%s', call));
DROP FUNCTION test.twice;
ALTER SERVER errors OPTIONS (DROP branch_id);

-- Retry-After: what fits into the time is waited for, what does not is told. Nothing here waits for
-- an hour.

\x on
SELECT * FROM test.fault('429-retry-3600', 'SELECT * FROM neon_auth_admin.list_domains()');
\x off
SELECT after, code, message, detail ~ 'after 3 attempts' AS three_attempts, hint
FROM unnest(ARRAY['0', 'garbage', '3600']) AS after,
    test.fault('429-retry-' || after, 'SELECT neon_auth_admin.add_domain(''https://app.example.com'')');

-- Success after a failure: readers and writers.

SELECT fault, reader.message AS reader, writer.message AS writer
FROM unnest(ARRAY['503', '423', '429', '429-retry-0', '502', '504', '500', 'reset', 'close']) AS fault,
    test.fault(fault || '-x1--r', 'SELECT * FROM neon_auth_admin.list_domains()') AS reader,
    test.fault(fault || '-x1--w', 'SELECT neon_auth_admin.add_domain(''https://app.example.com'')') AS writer;
ALTER SERVER errors OPTIONS (SET project_id 'fault-503-x1--tries', ADD max_attempts '1');
SELECT (test.failure('SELECT neon_auth_admin.create_user(''ada@example.com'')')).message;
ALTER SERVER errors OPTIONS (DROP max_attempts);
SELECT email FROM neon_auth_admin.create_user('ada@example.com');
ALTER SERVER errors OPTIONS (SET project_id 'fault-423-x2--tries');
SELECT email FROM neon_auth_admin.create_user('ada@example.com');

-- Answers that are no answers: a reader fails, of a writer it is unknown whether it was done.

SELECT fault, read.code, read.message, write.code AS write, write.message
FROM unnest(ARRAY[
    'html', 'empty', '204', 'badjson', 'deepjson', 'json-utf8', 'json-surrogate', 'json-nul', 'redirect-301', 'redirect-308',
    'huge', 'huge-length', 'headers', 'reset', 'close', 'cut', 'http09', 'status-99', 'status-999', 'chunks'
]) AS fault,
    test.fault(fault, 'SELECT * FROM neon_auth_admin.list_domains()') AS read,
    test.fault(fault, 'SELECT neon_auth_admin.create_user(''ada@example.com'')') AS write;
\x on
SELECT fault, detail, hint
FROM unnest(ARRAY['html', 'redirect-302', 'reset', 'cut', 'huge']) AS fault,
    test.fault(fault, 'SELECT neon_auth_admin.create_user(''ada@example.com'')') AS answer;
SELECT * FROM test.fault('reset', 'SELECT neon_auth_admin.update_oauth_provider(''google'', ''id'', ''secret'')');
SELECT * FROM test.fault('html', 'SELECT neon_auth_admin.update_oauth_provider(''google'', ''id'', ''secret'')');
SELECT * FROM test.fault('reset', 'SELECT neon_auth_admin.list_domains()');
\x off

-- Compressed answers nobody asked for, unknown fields and unknown values.

ALTER SERVER errors OPTIONS (SET project_id 'fault-extra--errors');
SELECT * FROM neon_auth_admin.list_oauth_providers();
SELECT transfer_status FROM neon_auth_admin.get_integration();
SELECT code, message FROM test.fault('gzip', 'SELECT * FROM neon_auth_admin.list_oauth_providers()');

-- How large an answer may be is a setting.

SET neon_auth_admin.max_response_size = '16kB';
\x on
SELECT * FROM test.fault('huge', 'SELECT neon_auth_admin.list_domains()');
\x off
RESET neon_auth_admin.max_response_size;

-- An answer that repeats the request shows no secret.

\x on
SELECT *, position(current_setting('test.api_key') IN detail) > 0 AS shows_the_key
FROM test.fault('echo', 'SELECT * FROM neon_auth_admin.list_domains()');
\x off

-- Nobody there, and nobody who speaks TLS: nothing was sent.

ALTER SERVER errors OPTIONS (SET api_url 'http://127.0.0.1:1/api/v2');
SELECT neon_auth_admin.set_api_key(current_setting('test.api_key'), 'errors') \g /dev/null
\x on
SELECT * FROM test.failure('SELECT * FROM neon_auth_admin.list_domains()');
SELECT code, message, detail FROM test.failure('SELECT neon_auth_admin.create_user(''ada@example.com'')');
SELECT replace(:'url', 'http:', 'https:') AS no_tls \gset
ALTER SERVER errors OPTIONS (SET api_url :'no_tls');
SELECT neon_auth_admin.set_api_key(current_setting('test.api_key'), 'errors') \g /dev/null
SELECT code, message FROM test.failure('SELECT neon_auth_admin.create_user(''ada@example.com'')');
\x off
ALTER SERVER errors OPTIONS (SET api_url :'url');
SELECT neon_auth_admin.set_api_key(current_setting('test.api_key'), 'errors') \g /dev/null

-- The time of a call is the server's option, and statement_timeout ends it too.

ALTER SERVER errors OPTIONS (SET project_id 'fault-silent--errors', ADD timeout '2s');
SELECT code, message FROM test.failure('SELECT * FROM neon_auth_admin.list_domains()');
SELECT code, message FROM test.failure('SELECT neon_auth_admin.create_user(''ada@example.com'')');
ALTER SERVER errors OPTIONS (DROP timeout);
SET statement_timeout = '200ms';
SELECT * FROM neon_auth_admin.list_domains();
-- A WARNING names the request that may have been carried out; here only the error is shown.
SET client_min_messages = error;
SELECT neon_auth_admin.create_user('ada@example.com');
RESET client_min_messages;
RESET statement_timeout;
-- It is not caught as other errors are, and the session goes on.
SET statement_timeout = '2s';
DO $$
BEGIN
    PERFORM neon_auth_admin.list_domains();
EXCEPTION WHEN OTHERS THEN
    RAISE NOTICE 'caught %: %', SQLSTATE, SQLERRM;
END
$$;
RESET statement_timeout;
ALTER SERVER errors OPTIONS (SET project_id 'test-errors');
SELECT count(*) FROM neon_auth_admin.list_oauth_providers();

-- In PL/pgSQL, which knows the class NA by its codes.

ALTER SERVER errors OPTIONS (SET project_id 'fault-reset--caught');
DO $$
BEGIN
    PERFORM neon_auth_admin.create_user('ada@example.com');
EXCEPTION
    WHEN SQLSTATE 'NA001' OR SQLSTATE 'NA002' THEN
        RAISE NOTICE 'never here';
    WHEN SQLSTATE 'NA003' THEN
        RAISE NOTICE 'caught %: %', SQLSTATE, SQLERRM;
END
$$;
-- What was caught has no say in what comes next.
DO $$
BEGIN
    BEGIN
        PERFORM neon_auth_admin.create_user('ada@example.com');
    EXCEPTION WHEN OTHERS THEN
        NULL;
    END;
    PERFORM 1 / 0;
EXCEPTION WHEN OTHERS THEN
    RAISE NOTICE 'caught %: %', SQLSTATE, SQLERRM;
END
$$;
\set VERBOSITY sqlstate
DO $$ BEGIN PERFORM neon_auth_admin.create_user('ada@example.com'); END $$;
SELECT 1 / 0;
\set VERBOSITY default
-- The context is there as well.
DO $$ BEGIN PERFORM neon_auth_admin.create_user(NULL); END $$;
ALTER SERVER errors OPTIONS (SET project_id 'test-errors');

DO $$
BEGIN
    PERFORM neon_auth_admin.create_user('ada@example.com');
    PERFORM neon_auth_admin.create_user('ada@example.com');
EXCEPTION WHEN unique_violation THEN
    RAISE NOTICE 'caught %: %', SQLSTATE, SQLERRM;
END
$$;
DO $$
BEGIN
    PERFORM neon_auth_admin.delete_user('00000000-0000-4000-8000-000000000000');
EXCEPTION WHEN no_data_found THEN
    RAISE NOTICE 'caught %: %', SQLSTATE, SQLERRM;
END
$$;
-- The block's rollback takes back neither of the calls.
DO $$
BEGIN
    PERFORM neon_auth_admin.create_user('ada@example.com');
EXCEPTION WHEN unique_violation THEN
    RAISE NOTICE 'caught %: %', SQLSTATE, SQLERRM;
END
$$;

DROP FUNCTION test.fault;
ALTER ROLE app_owner RESET neon_auth_admin.server;
SET client_min_messages = warning;
DROP SERVER errors CASCADE;
