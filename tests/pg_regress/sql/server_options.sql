-- The options of servers and user mappings, where a call finds them, and what it says when they do
-- not fit. Nothing is sent before everything is there that a call needs.

\c - app_owner
\getenv url NEON_SIMULATOR_URL
SET client_min_messages = warning; -- no notices of DROP ... CASCADE

-- The validator: which option belongs where.

CREATE SERVER options FOREIGN DATA WRAPPER neon_auth_admin OPTIONS (projectid 'test-options');
CREATE SERVER options FOREIGN DATA WRAPPER neon_auth_admin OPTIONS (api_key 'napi_misplaced');
CREATE SERVER options FOREIGN DATA WRAPPER neon_auth_admin;
CREATE USER MAPPING FOR CURRENT_USER SERVER options OPTIONS (project_id 'test-options');
CREATE USER MAPPING FOR CURRENT_USER SERVER options OPTIONS (password 'napi_misplaced');
ALTER SERVER options OPTIONS (ADD project_id 'test-options', "a b" 'c');
\c - postgres
ALTER FOREIGN DATA WRAPPER neon_auth_admin OPTIONS (ADD project_id 'test-options');
ALTER FOREIGN DATA WRAPPER neon_auth_admin OPTIONS (ADD api_key 'napi_misplaced');
ALTER FOREIGN DATA WRAPPER neon_auth_admin OPTIONS (ADD password 'napi_misplaced');
\c - app_owner
SET client_min_messages = warning;

-- A server has no tables, so none can be made that could never be read.

CREATE FOREIGN TABLE test.domains (domain text) SERVER options;
CREATE FOREIGN TABLE test.domains (domain text OPTIONS (api_key 'napi_misplaced')) SERVER options OPTIONS (project_id 'x');
CREATE TABLE test.domains (domain text) PARTITION BY LIST (domain);
CREATE FOREIGN TABLE test.domains_here PARTITION OF test.domains DEFAULT SERVER options;
DROP TABLE test.domains;
IMPORT FOREIGN SCHEMA neon_auth FROM SERVER options INTO test;

-- Its values. No message repeats one: it could be a key in the wrong place.

CREATE FUNCTION test.refusal(option text, value text) RETURNS text
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT concat_ws(' ', code || ':', message || '.', detail, hint)
        || CASE WHEN position(value IN concat(message, detail, hint)) > 0 THEN ' SHOWS THE VALUE' ELSE '' END
    FROM test.failure(format('ALTER SERVER options OPTIONS (ADD %I %L)', option, value))
$$;
CREATE FUNCTION test.is_accepted(option text, literal text) RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    EXECUTE format('ALTER SERVER options OPTIONS (ADD %I %s)', option, literal);
    EXECUTE format('ALTER SERVER options OPTIONS (DROP %I)', option);
    RETURN true;
EXCEPTION WHEN invalid_parameter_value THEN
    RETURN false;
END
$$;

-- One refusal of each option, in full.
SELECT option, test.refusal(option, 'No Such Value')
FROM unnest(ARRAY['project_id', 'auth_provider', 'api_url', 'timeout', 'max_attempts']) AS option;

SELECT value, test.is_accepted('timeout', value)
FROM unnest(ARRAY[
    $$'1'$$, $$'250ms'$$, $$'10s'$$, $$'10 s'$$, $$'1min'$$, $$'10min'$$, $$'600000'$$,
    $$'0'$$, $$'-1'$$, $$'11min'$$, $$'600001'$$, $$'soon'$$, $$''$$, $$'10 parsecs'$$, $$'1e9h'$$, $$'99999999999999999999'$$
]) AS value;

SELECT value, test.is_accepted('max_attempts', value)
FROM unnest(ARRAY[$$'1'$$, $$'3'$$, $$'10'$$, $$'0'$$, $$'-1'$$, $$'11'$$, $$'2.5'$$, $$'three'$$, $$''$$, $$'1 '$$]) AS value;

SELECT value, test.is_accepted('project_id', value)
FROM unnest(ARRAY[$$'quiet-bar-123456'$$, $$'x'$$, $$'0'$$, $$''$$, $$'Quiet-Bar'$$, $$'quiet_bar'$$, $$'..'$$, $$'é'$$]) AS value;
SELECT length, test.is_accepted('project_id', quote_literal(repeat('a', length))) FROM unnest(ARRAY[60, 61]) AS length;

SELECT value, test.is_accepted('auth_provider', value)
FROM unnest(ARRAY[$$'stack'$$, $$'better_auth'$$, $$'stack_v3'$$, $$''$$, $$'Stack'$$, $$'better-auth'$$]) AS value;

-- (tests/it/fuzz/api_url.rs has more of them, tests/sessions/input.rs where they may lead.)
SELECT value, test.is_accepted('api_url', value)
FROM unnest(ARRAY[
    $$'https://console.neon.tech/api/v2/'$$, $$'http://127.0.0.1:8080/api/v2'$$, $$'https://[::1]:8443/api/v2'$$,
    $$''$$, $$'console.neon.tech'$$, $$'ftp://console.neon.tech'$$, $$'https://'$$, $$'https://console.neon.tech:0'$$,
    $$'https://user:password@console.neon.tech/api/v2'$$, $$'https://console.neon.tech/api?x=y'$$
]) AS value;

-- Keys: what could not stand in a header is refused, and shown nowhere.

SELECT what, failure.*, position('napi' IN failure::text) > 0 AS shows_the_key
FROM (VALUES
    ('null', NULL), ('empty', ''), ('line break', E'napi_1\r\nX-Evil: 1'), ('space', 'napi 1'),
    ('not ASCII', 'napi_é'), ('5 KB', rpad('napi_', 5000, 'x')), ('10 MB', rpad('napi_', 10000000, 'x'))
) AS keys(what, key),
    test.failure(format('SELECT neon_auth_admin.set_api_key(%L, server => ''options'')', key)) AS failure;
SELECT failure.*, position('napi' IN failure::text) > 0 AS shows_the_key
FROM test.failure(E'CREATE USER MAPPING FOR CURRENT_USER SERVER options OPTIONS (api_key E''napi_1\\r\\nX-Evil: 1'')') AS failure;
-- Sealed once, and then cut off or changed.
CREATE USER MAPPING FOR CURRENT_USER SERVER options OPTIONS (api_key 'sealed:v1:?');
SELECT count(*) FROM pg_user_mappings WHERE srvname = 'options';

-- What a call needs, in the order in which it is missed.

SELECT * FROM neon_auth_admin.list_domains(server => 'nowhere');
SELECT * FROM neon_auth_admin.list_domains(server => '');
SELECT * FROM neon_auth_admin.list_domains(server => 'My "Server"');
SELECT neon_auth_admin.set_api_key('napi_1', server => 'nowhere');
SELECT neon_auth_admin.set_api_key('napi_1', server => 'options', role => 'nobody');
SELECT neon_auth_admin.set_api_key('napi_1', server => 'options', role => '');
SELECT * FROM neon_auth_admin.list_domains(server => 'options');
ALTER SERVER options OPTIONS (ADD project_id 'test-options');
SELECT * FROM neon_auth_admin.list_domains(server => 'options');
CREATE USER MAPPING FOR CURRENT_USER SERVER options;
SELECT * FROM neon_auth_admin.list_domains(server => 'options');
SELECT neon_auth_admin.set_api_key('napi_1', server => 'options');

-- A server of another wrapper is none of ours, whatever it is called.
\c - postgres
CREATE FOREIGN DATA WRAPPER other;
CREATE SERVER other FOREIGN DATA WRAPPER other OPTIONS (project_id 'test-options');
SELECT * FROM neon_auth_admin.list_domains(server => 'other');
SELECT neon_auth_admin.set_api_key('napi_1', server => 'other');
SELECT count(*) FROM pg_user_mappings WHERE srvname = 'other';
DROP FOREIGN DATA WRAPPER other CASCADE;
\c - app_owner
SET client_min_messages = warning;

-- Hosts: the key goes only where the configuration file says.

ALTER SERVER options OPTIONS (ADD api_url 'https://console.neon.tech.evil.example/api/v2');
SELECT * FROM neon_auth_admin.list_domains(server => 'options');

-- The right place: over HTTP and over HTTPS. A key is for the place that it was stored for.

ALTER SERVER options OPTIONS (SET api_url :'url');
\set VERBOSITY terse
SELECT * FROM neon_auth_admin.list_oauth_providers(server => 'options');
\set VERBOSITY default
SELECT neon_auth_admin.set_api_key(current_setting('test.api_key'), server => 'options');
SELECT * FROM neon_auth_admin.list_oauth_providers(server => 'options');
\getenv https_url NEON_SIMULATOR_HTTPS_URL
ALTER SERVER options OPTIONS (SET api_url :'https_url', ADD timeout '5s', ADD max_attempts '1', ADD auth_provider 'stack');
\set VERBOSITY terse
SELECT * FROM neon_auth_admin.list_oauth_providers(server => 'options');
\set VERBOSITY default
SELECT neon_auth_admin.set_api_key(current_setting('test.api_key'), 'options') \g /dev/null
SELECT * FROM neon_auth_admin.list_oauth_providers(server => 'options');
ALTER SERVER options OPTIONS (SET api_url :'url');
SELECT neon_auth_admin.set_api_key(current_setting('test.api_key'), 'options') \g /dev/null

-- Which server: the argument, or the setting, or neon. No statement sets the setting; it is fixed when
-- the session starts.

SET neon_auth_admin.server = 'options';
BEGIN;
SET LOCAL neon_auth_admin.server = 'options';
ROLLBACK;
SELECT set_config('neon_auth_admin.server', 'options', false);
CREATE FUNCTION test.at_options() RETURNS bigint LANGUAGE sql SET neon_auth_admin.server = 'options'
AS 'SELECT count(*) FROM neon_auth_admin.list_domains()';
SELECT * FROM neon_auth_admin.list_domains();
ALTER ROLE app_owner SET neon_auth_admin.server = 'nowhere';
\c - app_owner
SELECT * FROM neon_auth_admin.get_email_server();
SELECT type FROM neon_auth_admin.get_email_server(server => 'options');
ALTER ROLE app_owner SET neon_auth_admin.server = 'options';
\c - app_owner
SELECT neon_auth_admin.add_domain('https://options.example.com');
SELECT * FROM neon_auth_admin.list_domains(NULL);
RESET neon_auth_admin.server;
SELECT * FROM neon_auth_admin.list_domains() WHERE domain = 'https://options.example.com';
SELECT neon_auth_admin.delete_domain('https://options.example.com', server => 'options');
ALTER ROLE app_owner SET neon_auth_admin.server = '';
\c - app_owner
SELECT * FROM neon_auth_admin.list_domains();
ALTER ROLE app_owner RESET neon_auth_admin.server;
\c - app_owner
SET client_min_messages = warning;

-- Which mapping: the role's own, or PUBLIC's. It is looked up for each call.

DROP USER MAPPING FOR CURRENT_USER SERVER options;
SELECT neon_auth_admin.set_api_key(current_setting('test.api_key'), server => 'options', role => 'public');
SELECT usename FROM pg_user_mappings WHERE srvname = 'options';
SELECT type FROM neon_auth_admin.get_email_server(server => 'options');
SELECT neon_auth_admin.set_api_key('napi_wrong', 'options');
SELECT usename FROM pg_user_mappings WHERE srvname = 'options' ORDER BY usename COLLATE "C";
\x on
SELECT * FROM test.failure('SELECT neon_auth_admin.get_email_server(server => ''options'')');
\x off
-- An own mapping without a key does not fall back to PUBLIC's.
ALTER USER MAPPING FOR CURRENT_USER SERVER options OPTIONS (DROP api_key);
SELECT type FROM neon_auth_admin.get_email_server(server => 'options');
-- set_api_key adds the option to a mapping that is there, and is undone by ROLLBACK.
BEGIN;
SELECT neon_auth_admin.set_api_key(current_setting('test.api_key'), 'options');
SELECT type FROM neon_auth_admin.get_email_server(server => 'options');
ROLLBACK;
SELECT type FROM neon_auth_admin.get_email_server(server => 'options');
DROP USER MAPPING FOR CURRENT_USER SERVER options;
SELECT type FROM neon_auth_admin.get_email_server(server => 'options');

-- What got into the catalogs past the validator is refused by the call.

\c - postgres
SET client_min_messages = warning;
UPDATE pg_foreign_server SET srvoptions = ARRAY['project_id=../../users', srvoptions[2]] WHERE srvname = 'options';
SELECT neon_auth_admin.list_domains('options');

DROP SERVER options CASCADE;
DROP FUNCTION test.refusal, test.is_accepted;
