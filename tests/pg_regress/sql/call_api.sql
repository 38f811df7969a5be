-- Operations that the extension does not know, at either level; the simulator has one, .../auth/future.

\c - app_owner
\getenv url NEON_SIMULATOR_URL
CREATE SERVER call_stack FOREIGN DATA WRAPPER neon_auth_admin OPTIONS (project_id 'test-call-api', api_url :'url');
CREATE SERVER call_branch FOREIGN DATA WRAPPER neon_auth_admin
    OPTIONS (project_id 'test-call-api', branch_id 'br-main-000001', api_url :'url');
CREATE SERVER call_lost FOREIGN DATA WRAPPER neon_auth_admin
    OPTIONS (project_id 'fault-reset--call-api', branch_id 'br-main-000001', api_url :'url', max_attempts '1');
CREATE SERVER call_echo FOREIGN DATA WRAPPER neon_auth_admin
    OPTIONS (project_id 'fault-echo--call-api', branch_id 'br-main-000001', api_url :'url');
SELECT count(neon_auth_admin.set_api_key(current_setting('test.api_key'), server)) AS keys
FROM unnest(ARRAY['call_stack', 'call_branch', 'call_lost', 'call_echo']) AS server;

-- What a write answers is shown as it is, and masked in what a read answers.

SELECT * FROM neon_auth_admin.call_api('POST', 'future', '{"purpose": "unknown"}', 'call_stack');
SELECT * FROM neon_auth_admin.call_api('POST', 'future', '{"purpose": "unknown"}', 'call_branch');
SELECT * FROM neon_auth_admin.call_api('GET', 'future/https%3A%2F%2Fapp.example.com%2Fx?page=2', server => 'call_stack');
SELECT * FROM neon_auth_admin.call_api('GET', 'future/https%3A%2F%2Fapp.example.com%2Fx?page=2', server => 'call_branch');
SELECT * FROM neon_auth_admin.call_api('put', 'future/a-1', '{"n": 12345678901234567890}', 'call_branch');
SELECT * FROM neon_auth_admin.call_api('Patch', 'future/a-1', '{"list": [1, {"a": null}]}', 'call_branch');
SELECT status, body IS NULL AS no_body FROM neon_auth_admin.call_api('DELETE', 'future/a-1', server => 'call_branch');

-- A read in a transaction that is read-only, and a write.

BEGIN READ ONLY;
SELECT status FROM neon_auth_admin.call_api('GET', 'future/a-1', server => 'call_stack');
SELECT status FROM neon_auth_admin.call_api('DELETE', 'future/a-1', server => 'call_stack');
ROLLBACK;

-- Refused before anything is sent: see tests/sessions/ways_out.rs for all the ways out.

SELECT neon_auth_admin.call_api('GET', '../../branches', server => 'call_branch');
SELECT neon_auth_admin.call_api('GET', 'users/' || 'ada@example.com', server => 'call_branch');
SELECT neon_auth_admin.call_api('DELETE', '', server => 'call_branch');
SELECT neon_auth_admin.call_api('HEAD', 'future', server => 'call_branch');
SELECT neon_auth_admin.call_api('GET', 'future/a-1', '{}', 'call_branch');
SELECT neon_auth_admin.call_api('PATCH', 'future/a-1', '{"client_secret": "********"}', 'call_branch');
SELECT neon_auth_admin.call_api(NULL, 'future');
SELECT neon_auth_admin.call_api('GET', NULL, server => 'call_branch');

-- What fails: neither the query nor a text of the body is shown.

SELECT test.failure($$SELECT neon_auth_admin.call_api('GET', 'past?search=ada', server => 'call_stack')$$);
\x on
SELECT * FROM test.failure($$SELECT neon_auth_admin.call_api('POST', 'future', '{"pin": ["canary-1"]}', 'call_lost')$$);
SELECT * FROM test.failure($$SELECT neon_auth_admin.call_api('POST', 'future?x=canary-2', '{"pin": ["canary-1"]}', 'call_echo')$$);
\x off
