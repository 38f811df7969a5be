-- The OAuth server of a branch, and its clients. (OAuth providers, with which users sign in, are another
-- matter: branch_oauth_providers.)

\c - app_owner
\getenv url NEON_SIMULATOR_URL
CREATE SERVER oauth_server FOREIGN DATA WRAPPER neon_auth_admin
    OPTIONS (project_id 'test-oauth-server', branch_id 'br-main-000001', api_url :'url');
SELECT neon_auth_admin.set_api_key(current_setting('test.api_key'), 'oauth_server');
ALTER ROLE app_owner SET neon_auth_admin.server = 'oauth_server';
\c - app_owner

-- Settings: NULL leaves a field as it is; mcp and resources are replaced as a whole.

\x on
SELECT * FROM neon_auth_admin.get_oauth_server();
SELECT * FROM neon_auth_admin.update_oauth_server(
    enabled => true, login_page => 'https://app.example.com/sign-in', consent_page => 'https://app.example.com/consent',
    mcp => '{"resource": "https://mcp.example.com", "dynamic_registration": false, "of_later": [1.50, "Ω"]}',
    resources => '["https://api.example.com", {"identifier": "https://files.example.com", "access_token": "hidden"}]',
    server => 'oauth_server');
SELECT * FROM neon_auth_admin.update_oauth_server(mcp => '{"resource": "https://mcp.example.com"}');
SELECT * FROM neon_auth_admin.get_oauth_server(show_secrets => true, server => 'oauth_server');
\x off

-- Creating a client shows its secret, and nothing shows it again. A client whose name is an https URL has
-- that as its id here.

SELECT client_id ~ '^[0-9a-f]{32}$' AS has_id, client_secret ~ '^oacs_[0-9a-f]{32}$' AS has_secret, name, type,
    redirect_uris, resources, skip_consent, disabled, created_at > now() - interval '1 hour' AS is_new, other
FROM neon_auth_admin.create_oauth_client(
    'App "Ω"', '{https://app.example.com/callback,http://127.0.0.1:8080/callback}', 'confidential',
    '{https://api.example.com,https://files.example.com}', skip_consent => true, server => 'oauth_server');
SELECT client_id, client_secret AS first_secret FROM neon_auth_admin.create_oauth_client(
    'https://client.example.com/a?b=c&d', ARRAY['https://client.example.com'], 'confidential', '{}') \gset
SELECT client_secret IS NULL AS has_none, type FROM neon_auth_admin.create_oauth_client(
    'Public', '{https://public.example.com}', 'public', ARRAY['https://mcp.example.com']);
SELECT name, type, redirect_uris, resources, skip_consent, disabled, other FROM neon_auth_admin.list_oauth_clients();
SELECT count(*) AS with_a_secret FROM neon_auth_admin.list_oauth_clients(show_secrets => true) AS client
WHERE client::text LIKE '%oacs%';

-- An id that is a URL is one part of the path.

SELECT client_id, client_secret <> :'first_secret' AS is_new, other
FROM neon_auth_admin.rotate_oauth_client_secret(:'client_id');
SELECT name, redirect_uris, resources, skip_consent, disabled FROM neon_auth_admin.update_oauth_client(
    :'client_id', name => 'Client', redirect_uris => '{https://client.example.com/new}', skip_consent => true,
    disabled => true, resources => '{https://api.example.com}', server => 'oauth_server');
SELECT name, redirect_uris, resources, skip_consent, disabled FROM neon_auth_admin.update_oauth_client(
    :'client_id', resources => '{}', disabled => false);
SELECT neon_auth_admin.delete_oauth_client(:'client_id');
SELECT name FROM neon_auth_admin.list_oauth_clients(server => 'oauth_server');

-- What Neon refuses.

\x on
SELECT failure.* FROM unnest(ARRAY[
    $$delete_oauth_client('https://client.example.com/a?b=c&d')$$,
    $$create_oauth_client('App', '{https://app.example.com}', 'confidential', '{https://other.example.com}')$$,
    $$create_oauth_client('App', '{http://app.example.com}', 'confidential', '{}')$$,
    $$create_oauth_client('App', '{https://app.example.com}', 'secret', '{}')$$,
    $$update_oauth_server(mcp => '{}')$$
]) AS call, test.failure(format('SELECT neon_auth_admin.%s', call)) AS failure;
SELECT neon_auth_admin.update_allow_localhost(false);
SELECT (test.failure($$SELECT neon_auth_admin.create_oauth_client('App', '{http://localhost:3000}', 'public', '{}')$$)).*;
ALTER SERVER oauth_server OPTIONS (SET branch_id 'br-preview-1');
SELECT (test.failure('SELECT neon_auth_admin.update_oauth_server(enabled => true)')).*;
\x off
SELECT enabled FROM neon_auth_admin.update_oauth_server(login_page => 'https://app.example.com/sign-in');

-- What Neon has and this version has not is in other, with secrets masked by readers, and by those who
-- change; whoever creates or rotates sees all, once.

ALTER SERVER oauth_server OPTIONS (SET project_id 'fault-extra--oauth-server', SET branch_id 'br-main-000001');
SELECT other FROM neon_auth_admin.get_oauth_server();
SELECT other FROM neon_auth_admin.get_oauth_server(show_secrets => true);
SELECT other FROM neon_auth_admin.update_oauth_server(enabled => true);
SELECT other FROM neon_auth_admin.create_oauth_client('https://c.example.com', '{https://c.example.com}', 'public', '{}');
SELECT type, other FROM neon_auth_admin.list_oauth_clients();
SELECT other FROM neon_auth_admin.list_oauth_clients(show_secrets => true);
SELECT other FROM neon_auth_admin.update_oauth_client('https://c.example.com', name => 'C');
SELECT other FROM neon_auth_admin.get_plugins();
SELECT other FROM neon_auth_admin.get_plugins(show_secrets => true);

-- An answer without a body, where none was seen, is success.

ALTER SERVER oauth_server OPTIONS (SET project_id 'fault-204--oauth-server');
SELECT * FROM neon_auth_admin.update_oauth_server(enabled => true);
SELECT neon_auth_admin.delete_oauth_client('c');

-- An answer that got lost, and one that cannot be read.

\x on
ALTER SERVER oauth_server OPTIONS (SET project_id 'fault-reset--oauth-server');
SELECT failure.code, failure.message, failure.hint FROM unnest(ARRAY[
    $$create_oauth_client('App', '{https://app.example.com}', 'confidential', '{}')$$,
    $$rotate_oauth_client_secret('c')$$, $$delete_oauth_client('c')$$
]) AS call, test.failure(format('SELECT neon_auth_admin.%s', call)) AS failure;
ALTER SERVER oauth_server OPTIONS (SET project_id 'fault-html--oauth-server');
SELECT failure.code, failure.message, failure.hint FROM unnest(ARRAY[
    $$create_oauth_client('App', '{https://app.example.com}', 'confidential', '{}')$$,
    $$rotate_oauth_client_secret('c')$$
]) AS call, test.failure(format('SELECT neon_auth_admin.%s', call)) AS failure;
\x off

-- Wrong input. Every request on this server would be answered 500: none is sent. (tests/sessions/input.rs
-- tries each argument.)

ALTER SERVER oauth_server OPTIONS (SET project_id 'fault-500--oauth-server');
SELECT call, failure.code, failure.message, failure.detail
FROM unnest(ARRAY[
    $$update_oauth_server()$$, $$update_oauth_server(login_page => '/sign-in')$$, $$update_oauth_server(mcp => '[]')$$,
    $$update_oauth_server(resources => '{}')$$, $$update_oauth_server(resources => '[{"key": "********"}]')$$,
    $$create_oauth_client(NULL, '{}', 'public', '{}')$$, $$create_oauth_client('App', NULL, 'public', '{}')$$,
    $$create_oauth_client('App', '{}', NULL, '{}')$$, $$create_oauth_client('App', '{}', 'public', NULL)$$,
    $$create_oauth_client('App', '{/callback}', 'public', '{}')$$,
    $$create_oauth_client('App', ARRAY['https://a', NULL], 'public', '{}')$$,
    $$update_oauth_client('c')$$, $$update_oauth_client('c', resources => '{""}')$$,
    $$delete_oauth_client('..')$$, $$rotate_oauth_client_secret('https://a/../b')$$, $$rotate_oauth_client_secret(NULL)$$
]) AS call,
    test.failure(format('SELECT neon_auth_admin.%s', call)) AS failure;

ALTER ROLE app_owner RESET neon_auth_admin.server;
SET client_min_messages = warning;
DROP SERVER oauth_server CASCADE;
