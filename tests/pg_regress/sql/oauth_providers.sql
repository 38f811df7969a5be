-- OAuth providers: list, add, update, delete.

\c - app_owner
\getenv url NEON_SIMULATOR_URL
CREATE SERVER oauth FOREIGN DATA WRAPPER neon_auth_admin OPTIONS (project_id 'test-oauth', api_url :'url');
SELECT neon_auth_admin.set_api_key(current_setting('test.api_key'), 'oauth');
ALTER ROLE app_owner SET neon_auth_admin.server = 'oauth';
\c - app_owner

-- A new project has Neon's shared ones.
SELECT * FROM neon_auth_admin.list_oauth_providers();

-- Own credentials. The secret is shown only to who asks for it, and by a writer never.

SELECT * FROM neon_auth_admin.add_oauth_provider('google', 'google-id', 'google-secret');
SELECT * FROM neon_auth_admin.add_oauth_provider(
    'microsoft', client_id => 'ms-id', client_secret => 'ms-secret',
    microsoft_tenant_id => '11111111-2222-4333-8444-555555555555', server => 'oauth');
SELECT * FROM neon_auth_admin.list_oauth_providers();
SELECT * FROM neon_auth_admin.list_oauth_providers(show_secrets => true);
SELECT * FROM neon_auth_admin.list_oauth_providers(show_secrets => NULL);

-- NULL leaves a field as it is.

SELECT * FROM neon_auth_admin.update_oauth_provider('google', client_secret => 'new-secret');
SELECT * FROM neon_auth_admin.update_oauth_provider('google', client_id => 'new-id');
SELECT * FROM neon_auth_admin.update_oauth_provider('microsoft', microsoft_tenant_id => 'common');
SELECT * FROM neon_auth_admin.update_oauth_provider('github', 'github-id', 'github-secret', NULL, 'oauth');
SELECT id, client_id, client_secret FROM neon_auth_admin.list_oauth_providers(true) WHERE client_id LIKE '%-id';
SELECT * FROM neon_auth_admin.update_oauth_provider('google');

-- What was shown in place of a secret is not taken for one.

SELECT * FROM neon_auth_admin.update_oauth_provider('google', 'new-id', '********');
SELECT neon_auth_admin.update_oauth_provider(id, client_id, client_secret)
FROM neon_auth_admin.list_oauth_providers() WHERE id = 'google';
SELECT * FROM neon_auth_admin.add_oauth_provider('vercel', 'vercel-id', '********');
SELECT client_id, client_secret FROM neon_auth_admin.list_oauth_providers(show_secrets => true) WHERE id = 'google';

SELECT neon_auth_admin.delete_oauth_provider('google');
SELECT neon_auth_admin.delete_oauth_provider('github', server => 'oauth');

-- Without credentials, Neon's shared ones, where there are some.
SELECT * FROM neon_auth_admin.add_oauth_provider('google');
SELECT id, type FROM neon_auth_admin.list_oauth_providers();

-- What Neon refuses. A secret that its answer repeats is blanked out.

\x on
SELECT * FROM test.failure('SELECT neon_auth_admin.add_oauth_provider(''microsoft'', ''other-id'', ''other-secret'')');
SELECT * FROM test.failure('SELECT neon_auth_admin.add_oauth_provider(''vercel'')');
SELECT code, message FROM test.failure('SELECT neon_auth_admin.add_oauth_provider(''gitlab'', ''gitlab-id'', ''gitlab-secret'')');
SELECT * FROM test.failure('SELECT neon_auth_admin.update_oauth_provider(''vercel'', client_id => ''vercel-id'')');
SELECT * FROM test.failure('SELECT neon_auth_admin.update_oauth_provider(''google'', client_id => ''alone'')');
SELECT * FROM test.failure('SELECT neon_auth_admin.delete_oauth_provider(''github'')');
ALTER SERVER oauth OPTIONS (SET project_id 'fault-echo--oauth');
SELECT * FROM test.failure('SELECT neon_auth_admin.add_oauth_provider(''vercel'', ''vercel-id'', ''s3"cr\et'')');
\x off

-- Wrong input. Every request on this server would be answered 500: none is sent. (tests/sessions/input.rs
-- tries each argument.)

ALTER SERVER oauth OPTIONS (SET project_id 'fault-500--oauth');

SELECT neon_auth_admin.add_oauth_provider(NULL, 'id', 'secret');
SELECT neon_auth_admin.add_oauth_provider('goo gle');
SELECT neon_auth_admin.add_oauth_provider('google', 'id', E'a\r\nb');
SELECT neon_auth_admin.update_oauth_provider('../x');
SELECT neon_auth_admin.delete_oauth_provider('a/b');

ALTER ROLE app_owner RESET neon_auth_admin.server;
SET client_min_messages = warning;
DROP SERVER oauth CASCADE;
