-- OAuth providers and redirect domains of a branch.

\c - app_owner
\getenv url NEON_SIMULATOR_URL
CREATE SERVER branch_oauth FOREIGN DATA WRAPPER neon_auth_admin
    OPTIONS (project_id 'test-branch-oauth', branch_id 'br-main-000001', api_url :'url');
SELECT neon_auth_admin.set_api_key(current_setting('test.api_key'), 'branch_oauth');
ALTER ROLE app_owner SET neon_auth_admin.server = 'branch_oauth';
\c - app_owner

SELECT * FROM neon_auth_admin.list_oauth_providers();

-- Own credentials. The secret is shown only to who asks for it, and by a writer never.

SELECT * FROM neon_auth_admin.add_oauth_provider('vercel', 'vercel-id', 'vercel-secret');
SELECT * FROM neon_auth_admin.add_oauth_provider(
    'microsoft', client_id => 'ms-id', client_secret => 'ms-secret', microsoft_tenant_id => 'common', server => 'branch_oauth');
SELECT * FROM neon_auth_admin.list_oauth_providers();
SELECT jsonb_path_query(oauth_providers, '$[*] ? (@.type == "standard")') AS standard FROM neon_auth_admin.get_plugins();
SELECT * FROM neon_auth_admin.list_oauth_providers(show_secrets => true) WHERE type = 'standard';
SELECT jsonb_path_query(oauth_providers, '$[*] ? (@.type == "standard")') AS standard
FROM neon_auth_admin.get_plugins(show_secrets => true);

-- NULL leaves a field as it is.

SELECT * FROM neon_auth_admin.update_oauth_provider('vercel', client_secret => 'new-secret');
SELECT * FROM neon_auth_admin.update_oauth_provider('vercel', client_id => 'new-id');
SELECT client_id, client_secret FROM neon_auth_admin.list_oauth_providers(show_secrets => true) WHERE id = 'vercel';
SELECT * FROM neon_auth_admin.update_oauth_provider('vercel', client_id => 'newer-id');
SELECT neon_auth_admin.delete_oauth_provider('vercel');
SELECT * FROM neon_auth_admin.list_oauth_providers();

-- What Neon refuses, and what is not sent.

\x on
SELECT * FROM test.failure('SELECT neon_auth_admin.add_oauth_provider(''microsoft'', ''other-id'', ''other-secret'')');
SELECT * FROM test.failure('SELECT neon_auth_admin.update_oauth_provider(''vercel'', client_id => ''vercel-id'')');
SELECT * FROM test.failure('SELECT neon_auth_admin.delete_oauth_provider(''vercel'')');
SELECT * FROM test.failure('SELECT neon_auth_admin.update_oauth_provider(''microsoft'')');
ALTER SERVER branch_oauth OPTIONS (SET project_id 'fault-echo--branch-oauth');
SELECT * FROM test.failure('SELECT neon_auth_admin.add_oauth_provider(''vercel'', ''vercel-id'', ''s3"cr\et'')');
ALTER SERVER branch_oauth OPTIONS (SET project_id 'test-branch-oauth', SET branch_id 'br-missing-1');
SELECT * FROM test.failure('SELECT neon_auth_admin.list_oauth_providers()');
ALTER SERVER branch_oauth OPTIONS (SET branch_id 'br-main-000001');
\x off

-- Redirect domains.

SELECT * FROM neon_auth_admin.list_domains();
SELECT neon_auth_admin.add_domain(domain)
FROM (VALUES ('https://app.example.com'), ('http://localhost:3000'), ('myapp://callback')) AS new(domain);
SELECT * FROM neon_auth_admin.list_domains();
SELECT neon_auth_admin.delete_domain('http://localhost:3000', server => 'branch_oauth');
SELECT neon_auth_admin.delete_domains(ARRAY['myapp://callback', 'https://never.example.com']);
SELECT * FROM neon_auth_admin.list_domains();
\x on
SELECT * FROM test.failure('SELECT neon_auth_admin.add_domain(''https://app.example.com'')');
ALTER SERVER branch_oauth OPTIONS (SET branch_id 'br-empty-1');
SELECT * FROM test.failure('SELECT neon_auth_admin.list_domains()');
SELECT * FROM test.failure('SELECT neon_auth_admin.delete_domain(''https://app.example.com'')');
\x off

ALTER ROLE app_owner RESET neon_auth_admin.server;
SET client_min_messages = warning;
DROP SERVER branch_oauth CASCADE;
