-- The integration itself: create, list, get, keys, transfer, delete.

\c - app_owner
\getenv url NEON_SIMULATOR_URL
CREATE SERVER integration FOREIGN DATA WRAPPER neon_auth_admin
    OPTIONS (project_id 'test-empty-integration', api_url :'url');
SELECT neon_auth_admin.set_api_key(current_setting('test.api_key'), 'integration');
ALTER ROLE app_owner SET neon_auth_admin.server = 'integration';
\c - app_owner
\x on

-- A project without Neon Auth.

SELECT * FROM test.failure('SELECT * FROM neon_auth_admin.list_integrations()');
SELECT * FROM test.failure('SELECT * FROM neon_auth_admin.get_integration()');
SELECT * FROM test.failure('SELECT * FROM neon_auth_admin.create_sdk_keys()');
SELECT * FROM test.failure('SELECT * FROM neon_auth_admin.transfer_ownership()');
SELECT * FROM test.failure('SELECT * FROM neon_auth_admin.delete_integration()');
SELECT * FROM test.failure('SELECT * FROM neon_auth_admin.create_user(''ada@example.com'')');

-- Enabled: the keys are there, unmasked, because handing them over is what the function is for.

CREATE TEMPORARY TABLE keys AS
    SELECT * FROM neon_auth_admin.create_integration('br-main-000001', 'neondb', role_name => 'neondb_owner', server => 'integration');
SELECT auth_provider, test.is_uuid(auth_provider_project_id) AS is_uuid,
    pub_client_key ~ '^pck_[0-9a-f]{32}$' AS has_client_key, secret_server_key ~ '^ssk_[0-9a-f]{32}$' AS has_server_key,
    replace(jwks_url, auth_provider_project_id, '<id>') AS jwks_url, schema_name, table_name, base_url
FROM keys;
SELECT auth_provider, auth_provider_project_id = (SELECT auth_provider_project_id FROM keys) AS same_project,
    branch_id, db_name, created_at BETWEEN now() - interval '1 hour' AND now() + interval '1 hour' AS is_new,
    owned_by, transfer_status, replace(jwks_url, auth_provider_project_id, '<id>') AS jwks_url, base_url, name
FROM neon_auth_admin.list_integrations();
SELECT branch_id, db_name FROM neon_auth_admin.get_integration(server => 'integration');
SELECT * FROM test.failure('SELECT * FROM neon_auth_admin.create_integration(''br-main-000001'')');

-- New keys, and the URL that completes a transfer.

SELECT new.auth_provider_project_id = old.auth_provider_project_id AS same_project,
    new.secret_server_key ~ '^ssk_[0-9a-f]{32}$' AND new.secret_server_key <> old.secret_server_key AS has_new_key
FROM keys AS old, neon_auth_admin.create_sdk_keys() AS new;
SELECT regexp_replace(transfer_ownership, '[0-9a-f]{32}', '<code>') AS transfer_ownership
FROM neon_auth_admin.transfer_ownership(server => 'integration');

-- Disabled and enabled again, elsewhere.

\x off
SELECT neon_auth_admin.delete_integration();
SELECT branch_id, db_name FROM neon_auth_admin.create_integration('br-other-2') AS keys, neon_auth_admin.get_integration();
SELECT neon_auth_admin.delete_integration(delete_data => true, server => 'integration');
\set VERBOSITY terse
SELECT * FROM neon_auth_admin.get_integration();

-- Another auth provider is the server's option.

\set VERBOSITY default
ALTER SERVER integration OPTIONS (ADD auth_provider 'better_auth');
SELECT auth_provider, base_url FROM neon_auth_admin.create_integration('br-main-000001');
SELECT auth_provider FROM neon_auth_admin.list_integrations();
SELECT neon_auth_admin.delete_integration();
ALTER SERVER integration OPTIONS (SET auth_provider 'authentic');
SELECT code, message FROM test.failure('SELECT * FROM neon_auth_admin.create_integration(''br-main-000001'')');
ALTER SERVER integration OPTIONS (DROP auth_provider);

-- Neon decides what a branch is.
\set VERBOSITY terse
SELECT * FROM neon_auth_admin.create_integration('main');
\set VERBOSITY default

-- Wrong input. Every request on this server would be answered 500: none is sent. (tests/sessions/input.rs
-- tries each argument.)

ALTER SERVER integration OPTIONS (SET project_id 'fault-500--integration');

SELECT neon_auth_admin.create_integration();
SELECT neon_auth_admin.create_integration(NULL, 'neondb');
SELECT neon_auth_admin.delete_integration(NULL);
SELECT neon_auth_admin.create_integration('Br-Main');
SELECT neon_auth_admin.create_integration('br-main-000001', E'neon\ndb');

ALTER ROLE app_owner RESET neon_auth_admin.server;
SET client_min_messages = warning;
DROP SERVER integration CASCADE;
