-- The integration of a branch: list, get, create, delete. Its data goes only when told to, and stays
-- in the way of a new one until then. (Projects bench-*: what happens to them stays out of this database.)

\c - app_owner
\getenv url NEON_SIMULATOR_URL
CREATE SERVER branch FOREIGN DATA WRAPPER neon_auth_admin
    OPTIONS (project_id 'bench-branch', branch_id 'br-empty-1', api_url :'url');
SELECT neon_auth_admin.set_api_key(current_setting('test.api_key'), 'branch');
ALTER ROLE app_owner SET neon_auth_admin.server = 'branch';
\c - app_owner

-- None yet.

SELECT * FROM neon_auth_admin.list_integrations();
\x on
SELECT * FROM test.failure('SELECT * FROM neon_auth_admin.get_integration()');
SELECT * FROM test.failure('SELECT neon_auth_admin.delete_integration()');

-- Enabled: Better Auth has no keys.

CREATE TEMPORARY TABLE keys AS
    SELECT * FROM neon_auth_admin.create_integration(database_name => 'appdb', server => 'branch');
SELECT auth_provider, test.is_uuid(auth_provider_project_id) AS is_uuid, pub_client_key, secret_server_key,
    jwks_url, schema_name, table_name, base_url
FROM keys;
SELECT auth_provider, auth_provider_project_id = (SELECT auth_provider_project_id FROM keys) AS same_project,
    branch_id, db_name, created_at BETWEEN now() - interval '1 hour' AND now() + interval '1 hour' AS is_new,
    owned_by, transfer_status, jwks_url, base_url, name
FROM neon_auth_admin.list_integrations();
SELECT auth_provider, branch_id, db_name, owned_by, base_url FROM neon_auth_admin.get_integration(server => 'branch');

-- A second one is refused.

SELECT * FROM test.failure('SELECT neon_auth_admin.create_integration()');

-- Deleted without its data, it cannot be made again: the branch may be named, and changes nothing.

SELECT neon_auth_admin.delete_integration();
SELECT count(*) FROM neon_auth_admin.list_integrations();
SELECT * FROM test.failure('SELECT neon_auth_admin.create_integration(''br-empty-1'')');

-- With its data, it can.

ALTER SERVER branch OPTIONS (SET branch_id 'br-main-000001');
SELECT auth_provider, branch_id, db_name FROM neon_auth_admin.list_integrations();
SELECT neon_auth_admin.delete_integration(delete_data => true, server => 'branch');
SELECT auth_provider, base_url FROM neon_auth_admin.create_integration('br-main-000001');
SELECT branch_id, db_name FROM neon_auth_admin.get_integration();

-- Another auth provider is the server's option.

SELECT neon_auth_admin.delete_integration(true);
ALTER SERVER branch OPTIONS (ADD auth_provider 'stack');
SELECT auth_provider, base_url FROM neon_auth_admin.create_integration();
ALTER SERVER branch OPTIONS (DROP auth_provider);

-- A branch that does not exist is an error, and no empty list.

ALTER SERVER branch OPTIONS (SET branch_id 'br-missing-1');
SELECT * FROM test.failure('SELECT * FROM neon_auth_admin.list_integrations()');
SELECT * FROM test.failure('SELECT * FROM neon_auth_admin.get_integration()');
SELECT * FROM test.failure('SELECT * FROM neon_auth_admin.create_integration()');

-- Wrong input. Every request on this server would be answered 500: none is sent.

ALTER SERVER branch OPTIONS (SET project_id 'fault-500--branch', SET branch_id 'br-main-000001');
SELECT * FROM test.failure('SELECT neon_auth_admin.create_integration(''br-other-2'')');
SELECT * FROM test.failure('SELECT neon_auth_admin.create_integration(role_name => ''neondb_owner'')');
SELECT * FROM test.failure('SELECT neon_auth_admin.create_integration(database_name => E''\t'')');
SELECT * FROM test.failure('SELECT neon_auth_admin.delete_integration(NULL)');

ALTER ROLE app_owner RESET neon_auth_admin.server;
SET client_min_messages = warning;
DROP SERVER branch CASCADE;
