-- check_connection: what each step says, healthy and broken. It raises nothing.

\c - app_owner
\getenv url NEON_SIMULATOR_URL
\getenv https_url NEON_SIMULATOR_HTTPS_URL
CREATE VIEW test.steps AS
    SELECT step, ok, regexp_replace(regexp_replace(detail, '[0-9]+ users.*', '<n> users'), '[0-9]+ of [0-9]+ w', '<n> of <n> w') AS detail
    FROM neon_auth_admin.check_connection('checked');

-- Nothing is set up yet.

SELECT * FROM test.steps;
CREATE SERVER checked FOREIGN DATA WRAPPER neon_auth_admin OPTIONS (api_url :'https_url');
SELECT * FROM test.steps;
ALTER SERVER checked OPTIONS (ADD project_id 'test-checked', ADD branch_id 'br-main-000001');
SELECT * FROM test.steps;

-- Healthy, on either level.

SELECT neon_auth_admin.set_api_key(current_setting('test.api_key'), 'checked');
SELECT step, ok, regexp_replace(detail, '^(::1|127.0.0.1)(, (::1|127.0.0.1))*$', '<loopback>') AS detail FROM test.steps;
ALTER SERVER checked OPTIONS (SET api_url :'url');
SELECT regexp_replace(detail, ':[0-9]+"', ':<port>"', 'g') AS detail FROM test.steps WHERE step = 'key present';
SELECT neon_auth_admin.set_api_key(current_setting('test.api_key'), 'checked') \g /dev/null
SELECT * FROM test.steps;
ALTER SERVER checked OPTIONS (DROP branch_id);
SELECT * FROM test.steps;

-- Of another kind: the key of an organization, and that of a project, which may not ask what it is. The branch
-- of this compute.

SELECT neon_auth_admin.set_api_key(current_setting('test.api_key') || '_org', 'checked') \g /dev/null
SELECT * FROM test.steps WHERE step = 'key accepted';
SELECT neon_auth_admin.set_api_key(current_setting('test.api_key') || '_project', 'checked') \g /dev/null
SELECT * FROM test.steps;
ALTER SERVER checked OPTIONS (ADD branch_id 'br-current-1');
SELECT * FROM test.steps WHERE step = 'server found';
ALTER SERVER checked OPTIONS (DROP branch_id);
SELECT neon_auth_admin.set_api_key(current_setting('test.api_key'), 'checked') \g /dev/null

-- Broken: another provider, a key that Neon does not know, a project that the key may not see, no such
-- branch, no integration, an answer that is no help, nobody there, and a host that no key may go to.

ALTER SERVER checked OPTIONS (ADD auth_provider 'better_auth');
SELECT * FROM test.steps WHERE ok IS NOT TRUE;
ALTER SERVER checked OPTIONS (DROP auth_provider);
SELECT neon_auth_admin.set_api_key('napi_unknown', 'checked');
SELECT * FROM test.steps WHERE ok IS NOT TRUE;
SELECT neon_auth_admin.set_api_key(current_setting('test.api_key'), 'checked');
ALTER SERVER checked OPTIONS (SET project_id 'of-somebody-else');
SELECT * FROM test.steps WHERE ok IS NOT TRUE;
ALTER SERVER checked OPTIONS (SET project_id 'test-checked', ADD branch_id 'br-missing-1');
SELECT * FROM test.steps WHERE ok IS NOT TRUE;
ALTER SERVER checked OPTIONS (SET branch_id 'br-empty-1');
SELECT * FROM test.steps WHERE ok IS NOT TRUE;
ALTER SERVER checked OPTIONS (SET project_id 'fault-500--checked');
SELECT * FROM test.steps WHERE ok IS NOT TRUE;
ALTER SERVER checked OPTIONS (SET project_id 'fault-reset--checked');
SELECT * FROM test.steps WHERE ok IS NOT TRUE;
ALTER SERVER checked OPTIONS (SET api_url 'http://127.0.0.1:1');
SELECT neon_auth_admin.set_api_key(current_setting('test.api_key'), 'checked') \g /dev/null
SELECT * FROM test.steps WHERE ok IS NOT TRUE;
ALTER SERVER checked OPTIONS (SET api_url 'https://neon.example');
SELECT * FROM test.steps WHERE ok IS NOT TRUE;

-- A key that CREATE USER MAPPING stored as it is, one for another project, and one of another database.

ALTER SERVER checked OPTIONS (SET api_url :'url', SET project_id 'test-checked', SET branch_id 'br-main-000001');
DROP USER MAPPING FOR app_owner SERVER checked;
CREATE USER MAPPING FOR app_owner SERVER checked OPTIONS (api_key 'napi_unknown');
SELECT * FROM test.steps WHERE step = 'key present';
SELECT neon_auth_admin.set_api_key('napi_unknown', 'checked', project_id => 'test-other') \g /dev/null
SELECT * FROM test.steps WHERE step = 'key present';
SELECT neon_auth_admin.set_api_key('napi_unknown', 'checked', project_id => 'test-checked') \g /dev/null
SELECT * FROM test.steps WHERE step = 'key present';
ALTER USER MAPPING FOR app_owner SERVER checked OPTIONS (SET api_key 'sealed:v1:AAAA');
SELECT * FROM test.steps WHERE step = 'key present';

-- The table of users, out of reach and not there. A caught error changes nothing for the transaction.

ALTER SERVER checked OPTIONS (SET api_url :'url', SET project_id 'test-checked');
SELECT neon_auth_admin.set_api_key(current_setting('test.api_key'), 'checked') \g /dev/null
BEGIN;
CREATE TABLE kept (n integer);
ALTER SCHEMA neon_auth RENAME TO elsewhere;
SELECT * FROM test.steps WHERE step = 'users table';
CREATE SCHEMA neon_auth;
CREATE TABLE neon_auth.users_sync (id text);
SELECT * FROM test.steps WHERE step = 'users table';
ALTER SERVER checked OPTIONS (DROP branch_id);
SELECT * FROM test.steps WHERE step = 'users table';
SELECT count(*) FROM kept;
ROLLBACK;
DROP VIEW test.steps;
SET client_min_messages = warning;
DROP SERVER checked CASCADE;
